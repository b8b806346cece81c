"""Real backends: how each is started, and what its own API says of conversations."""

import json
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from _servers import free_port

from .environments import environment, program, version
from .jaeger import VERSION as JAEGER_VERSION
from .jaeger import jaeger
from .processes import answers, ask, fetch, running, scratch

HTTP, GRPC = "HTTP", "gRPC"
SERVICE = "chatbot"


class Backend:
    """One backend; while it is `started()`, `endpoints` has for each protocol where it takes spans."""

    title = name = ""
    headers = ""
    shows_turns = True
    convention = ""
    """Which has the texts of a turn put where the backend shows them."""

    def __init__(self):
        self.port, self.otlp_port, self.grpc_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.endpoints = {HTTP: self.url}

    @property
    def version(self):
        """The version that is run."""
        return version(self.name)


class Phoenix(Backend):
    """Sessions of the project's API; the text of a turn is its root span's."""

    name, title = "phoenix", "Arize Phoenix"
    convention = "openinference"
    asked = "`/v1/projects/default/sessions`, `/v1/projects/default/spans`"

    @contextmanager
    def started(self):
        self.endpoints = {HTTP: self.url, GRPC: f"http://127.0.0.1:{self.grpc_port}"}
        self._keep_to_this_machine()
        settings = {
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(self.port),
            "PHOENIX_GRPC_PORT": str(self.grpc_port),
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        }
        with scratch() as folder:
            command = [program(self.name, "phoenix"), "serve"]
            with running(command, folder, answers(f"{self.url}/healthz"), PHOENIX_WORKING_DIR=str(folder), **settings):
                yield

    def _keep_to_this_machine(self):
        # Its gRPC server listens on every address, and no setting says otherwise.
        [file] = environment(self.name).glob("lib/python3*/site-packages/phoenix/server/grpc_server.py")
        file.write_text(file.read_text().replace('"[::]:', '"127.0.0.1:'))

    def traces_of(self, thread_id):
        session = self._session(thread_id)
        return {trace["trace_id"] for trace in session["traces"]} if session else set()

    def _session(self, thread_id):
        query = urlencode({"filter": f"session_id == {json.dumps(thread_id, ensure_ascii=False)}"})
        found = ask(f"{self.url}/v1/projects/default/sessions?{query}")["data"]
        return found[0] if found else None

    def _spans(self, **query):
        return ask(f"{self.url}/v1/projects/default/spans?{urlencode({**query, 'limit': 1000}, doseq=True)}")["data"]

    def users_of(self, thread_id, users):
        traces = self.traces_of(thread_id)
        of_user = {user: self._spans(attribute=f"user.id:{user}") for user in users}
        return {user for user, spans in of_user.items() if traces <= {span["context"]["trace_id"] for span in spans}}

    def spans_of(self, traces):
        if fetch(f"{self.url}/v1/projects/default")[0] == 404:
            return 0
        return len(self._spans(trace_id=sorted(traces)))

    def text_of(self, thread_id, trace_id):
        [root] = self._spans(trace_id=trace_id, parent_id="null") or [{"attributes": {}}]
        return " ".join(str(root["attributes"].get(key, "")) for key in ("input.value", "output.value"))


class MLflow(Backend):
    """Traces are searched by their metadata, where the session and the user are put."""

    name, title = "mlflow", "MLflow"
    convention = "mlflow"
    headers = "x-mlflow-experiment-id=0"
    asked = "`/api/3.0/mlflow/traces/search` by ``metadata.`mlflow.trace.session` ``"

    @contextmanager
    def started(self):
        with scratch() as folder:
            command = [program(self.name, "mlflow"), "server", "--host", "127.0.0.1", "--port", self.port]
            command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/m.db"]
            command += ["--default-artifact-root", folder / "artifacts"]
            # Without jobs, for which it would start seven more processes.
            settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
            with running(command, folder, answers(f"{self.url}/health"), **settings):
                yield

    def _traces(self, thread_id):
        where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
        body = {"locations": [where], "filter": f"metadata.`mlflow.trace.session` = '{thread_id}'", "max_results": 100}
        return ask(f"{self.url}/api/3.0/mlflow/traces/search", body).get("traces", [])

    def traces_of(self, thread_id):
        return {trace["trace_id"].removeprefix("tr-") for trace in self._traces(thread_id)}

    def users_of(self, thread_id, users):
        return {trace["trace_metadata"].get("mlflow.trace.user") for trace in self._traces(thread_id)}

    def spans_of(self, traces):
        return sum(len(self._spans(trace)) for trace in traces)

    def _spans(self, trace_id):
        status, answer = fetch(f"{self.url}/api/3.0/mlflow/traces/get?trace_id=tr-{trace_id}")
        return json.loads(answer)["trace"].get("spans", []) if status == 200 else []

    def text_of(self, thread_id, trace_id):
        [trace] = [trace for trace in self._traces(thread_id) if trace["trace_id"] == f"tr-{trace_id}"]
        return f"{trace.get('request_preview', '')} {trace.get('response_preview', '')}"


class AgentMesh(Backend):
    """Sessions of its own API."""

    name, title = "agentmesh", "AgentMesh"
    convention = "openinference"
    asked = "`/api/sessions/{id}`"

    @contextmanager
    def started(self):
        with scratch() as folder:
            command = [program(self.name, "agentmesh"), "--db", folder / "a.db", "dashboard", "--host", "127.0.0.1"]
            with running([*command, "--port", self.port], folder, answers(f"{self.url}/api/sessions")):
                yield

    def _session(self, thread_id):
        status, answer = fetch(f"{self.url}/api/sessions/{quote(thread_id, safe='')}")
        return json.loads(answer) if status == 200 else {"traces": []}

    def traces_of(self, thread_id):
        return {trace["trace_id"] for trace in self._session(thread_id)["traces"]}

    def users_of(self, thread_id, users):
        return {self._session(thread_id).get("user_id")}

    def spans_of(self, traces):
        listed = [trace for session in ask(f"{self.url}/api/sessions") for trace in self._listed(session)]
        return sum(trace["span_count"] for trace in listed if trace["trace_id"] in traces)

    def _listed(self, session):
        return self._session(session["session_id"])["traces"]

    def text_of(self, thread_id, trace_id):
        [trace] = [trace for trace in self._session(thread_id)["traces"] if trace["trace_id"] == trace_id]
        return json.dumps([trace["input"], trace["output"]], ensure_ascii=False)


class Jaeger(Backend):
    """No sessions: traces are searched by the tag of any of their spans."""

    name, title = "jaeger", "Jaeger"
    shows_turns = False
    version = JAEGER_VERSION.removeprefix("v")
    asked = '`/api/traces?tags={"session.id":"ID"}`'

    @contextmanager
    def started(self):
        self.endpoints = {HTTP: f"http://127.0.0.1:{self.otlp_port}", GRPC: f"http://127.0.0.1:{self.grpc_port}"}
        with scratch() as folder:
            file = folder / "jaeger.json"
            file.write_text(json.dumps(self._configuration()))
            ready = answers(f"{self.url}/api/services")
            with running([jaeger(), "--config", file], folder, ready):
                yield

    def _configuration(self):
        memory, any_port = {"memory": {"max_traces": 10000}}, "127.0.0.1:0"
        pipeline = {"receivers": ["otlp"], "processors": [], "exporters": ["jaeger_storage_exporter"]}
        protocols = {
            "grpc": {"endpoint": f"127.0.0.1:{self.grpc_port}"},
            "http": {"endpoint": f"127.0.0.1:{self.otlp_port}"},
        }
        return {
            "service": {
                "extensions": ["jaeger_storage", "jaeger_query"],
                "pipelines": {"traces": pipeline},
                "telemetry": {"metrics": {"level": "none"}},
            },
            "extensions": {
                "jaeger_storage": {"backends": {"memory": memory}},
                "jaeger_query": {
                    "storage": {"traces": "memory"},
                    "http": {"endpoint": f"127.0.0.1:{self.port}"},
                    "grpc": {"endpoint": any_port},
                },
            },
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
        }

    def _traces(self, **tags):
        query = urlencode({"service": SERVICE, "tags": json.dumps(tags, ensure_ascii=False), "limit": 1000})
        return ask(f"{self.url}/api/traces?{query}")["data"] or []

    def traces_of(self, thread_id):
        return {trace["traceID"] for trace in self._traces(**{"session.id": thread_id})}

    def users_of(self, thread_id, users):
        traces = self.traces_of(thread_id)
        tagged = {user: self._traces(**{"session.id": thread_id, "user.id": user}) for user in users}
        return {user for user, found in tagged.items() if {trace["traceID"] for trace in found} == traces}

    def spans_of(self, traces):
        return sum(len(self._spans(trace)) for trace in traces)

    def _spans(self, trace_id):
        status, answer = fetch(f"{self.url}/api/traces/{trace_id}")
        return json.loads(answer)["data"][0]["spans"] if status == 200 else []


BACKENDS = {each.name: each for each in (Phoenix, MLflow, AgentMesh, Jaeger)}
