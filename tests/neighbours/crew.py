"""CrewAI as it comes, after `setup()`: whether the application's spans are made by what tells CrewAI of its use."""

import os

from opentelemetry import trace

import langwatch_otel

provider = langwatch_otel.setup(endpoint_url=os.environ["OURS"], api_key="none", instrumentors=[])

from crewai.telemetry import Telemetry  # noqa: E402

telemetry = Telemetry()
telemetry.set_tracer()
with langwatch_otel.trace(name="turn", thread_id="t-1"):
    pass
provider.force_flush()
print(trace.get_tracer_provider() is provider, telemetry.ready, telemetry.trace_set, flush=True)
os._exit(0)
