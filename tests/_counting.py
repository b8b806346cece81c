"""A meter provider of the SDK, and what the plugin counted since the last look."""

from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

PREFIX = "langwatch_otel."


class Counted:
    """Gives, at each call, what rose since the one before: {"span.stamped": 2, "id.refused thread_id": 1}."""

    def __init__(self):
        self.reader = InMemoryMetricReader({ObservableCounter: AggregationTemporality.DELTA})
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def __call__(self):
        return {name: value for name, value in self.points().items() if value}

    def points(self):
        """What every counter says, zeros too."""
        found = {}
        for resource in getattr(self.reader.get_metrics_data(), "resource_metrics", ()):
            for scope in resource.scope_metrics:
                if scope.scope.name != "langwatch_otel":
                    continue  # The SDK counts its own spans.
                assert scope.scope.version
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        assert metric.data.is_monotonic
                        words = (metric.name.removeprefix(PREFIX), *map(str, point.attributes.values()))
                        assert " ".join(words) not in found
                        found[" ".join(words)] = point.value
        return found
