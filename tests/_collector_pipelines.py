"""One Collector with a backend behind each of its pipelines."""

import pytest

from _collector import BASE, Collector, to, wait_until
from _collector_blocks import backends
from langwatch_otel.workbench.otlp import JSON, decode
from langwatch_otel.workbench.receiver import Receiver

KEY = "a-key-of-16-chars"

# A backend for each of these beside the three of the file, which has them to choose from.
MORE = {
    "no_content": "transform/no_content",
    "cut": "transform/cut_content",
    **{of[0].name: f"transform/for_{of[0].name}" for of in backends().values()},
}


def with_files(folder):
    """The configuration in which each of MORE has a pipeline into a file."""
    exporters = "".join(f"  file/{name}: {{path: {folder}/{name}.jsonl, flush_interval: 100ms}}\n" for name in MORE)
    pipelines = "".join(
        f"    traces/{name}: {{receivers: [forward], processors: [{processor}], exporters: [file/{name}]}}\n"
        for name, processor in MORE.items()
    )
    return f"exporters:\n{exporters}service:\n  pipelines:\n{pipelines}"


class Everything:
    """A Collector with all its pipelines, and what arrives behind each."""

    def __init__(self, folder, collector, **receivers):
        self.collector = collector
        self._backends = receivers | {name: InFile(folder / f"{name}.jsonl") for name in MORE}

    def spans(self, behind, names):
        """The spans of these names, when all have arrived."""
        wanted = set(names)
        backend = self._backends[behind]
        wait_until(lambda: wanted <= {span.name for span in backend.spans})
        return [span for span in backend.spans if span.name in wanted]

    def arrived(self, behind, names):
        """{name: attributes} of the spans of these names."""
        return {span.name: span.attributes for span in self.spans(behind, names)}


class InFile:
    """What the file exporter has written."""

    def __init__(self, path):
        self._path, self._read, self._spans = path, 0, []

    @property
    def spans(self):
        """The spans of all lines that are whole."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        if whole:
            self._read += len(whole) + 1
            self._spans += [span for line in whole.split(b"\n") for span in decode(line, JSON)]
        return self._spans


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A Collector whose three pipelines have a backend each, and the others a file."""
    folder = tmp_path_factory.mktemp("collector")
    with Receiver() as full, Receiver() as protected, Receiver() as sampled:
        environment = {**to(full, "full"), **to(protected, "protected"), **to(sampled, "sampled")}
        with Collector(folder, BASE, with_files(folder), USER_HASH_KEY=KEY, **environment) as collector:
            yield Everything(folder, collector, full=full, protected=protected, sampled=sampled)
