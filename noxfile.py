"""The matrices, each by its name: `nox -s tests`, `nox -s fastapi`, `nox -s openai`, `nox -s stress` and more."""

import os
from pathlib import Path

import nox

# pyenv's own commands for its Pythons work only for the version that is chosen: look where they are installed.
_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
_FOUND = [str(path) for path in sorted(_PYENV.glob("versions/3.*/bin"))]
os.environ["PATH"] = os.pathsep.join([*_FOUND, os.environ.get("PATH", "")])

nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]

# One of two years ago, the last without spans of its own, the first with them, and the newest.
FASTAPIS = ["0.115.5", "0.141.0", "0.142.4", ""]

# urllib3 1.26 goes with requests below 2.33; OpenAI's client below 3 is what an old httpx goes with.
CLIENTS = [
    nox.param("aiohttp==3.9.5 httpx==0.27.2 httpcore==1.0.5 requests==2.31.0 urllib3==1.26.20 openai<3", id="old"),
    nox.param("", id="new"),
]

# The last that sends its requests with httpx, and the newest, with httpx2.
OPENAIS = [nox.param("<3", id="httpx"), nox.param(">=3", id="httpx2")]
OPENAI_INSTRUMENTATIONS = ["opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-genai-openai"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The default tests on every Python that is on this machine."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.12")
@nox.parametrize("fastapi", FASTAPIS)
def fastapi(session: nox.Session, fastapi: str) -> None:
    """What touches FastAPI, with its own spans and with contrib's."""
    # The versions of OpenTelemetry's packages are given: beside an old FastAPI an old pip finds none that agree.
    session.install("-c", "constraints.txt", "-e", ".[dev]", f"fastapi=={fastapi}" if fastapi else "fastapi")
    session.run(
        "pytest",
        "-m",
        "matrix or not (stress or zerocode)",
        "tests",
        "-k",
        "fastapi or lifespan or chatbot or unsampled or broken_off",
        *session.posargs,
    )


@nox.session(python="3.12")
@nox.parametrize("instrumentation", OPENAI_INSTRUMENTATIONS, ids=["traceloop", "genai"])
@nox.parametrize("openai", OPENAIS)
def openai(session: nox.Session, openai: str, instrumentation: str) -> None:
    """OpenAI's client, under each instrumentation of it, with the spans of its HTTP client and without."""
    session.install("-e", ".[dev]", f"openai{openai}")
    remove = ("uv", "pip", "uninstall") if session.virtualenv.venv_backend == "uv" else ("pip", "uninstall", "-y")
    session.run(*remove, *OPENAI_INSTRUMENTATIONS)
    session.install(instrumentation, "opentelemetry-instrumentation-httpx", "--pre")
    tests = ("tests/test_openai.py", "tests/test_openai_streams.py", "tests/test_model_server.py")
    session.run("pytest", "-m", "matrix or not matrix", "-rs", *tests, *session.posargs)


@nox.session(python="3.12")
@nox.parametrize("released", CLIENTS)
def clients(session: nox.Session, released: str) -> None:
    """What each HTTP client and gRPC's send, inside and to strangers: of two years ago, and the newest."""
    session.install("-e", ".[dev]", "opentelemetry-instrumentation-grpc", *released.split())
    session.run(
        "pytest",
        "-m",
        "matrix or not matrix",
        "tests/test_clients_border.py",
        "tests/test_redirects.py",
        "tests/test_ids_put_on.py",
        "tests/test_grpc.py",
        *session.posargs,
    )


@nox.session(python="3.12")
def queues(session: nox.Session) -> None:
    """A Celery worker with Redis, which the machine needs, and Kafka's clients, which bring a broker along."""
    session.install("-e", ".[dev]", "celery", "redis", "opentelemetry-instrumentation-celery>=0.61b0")
    session.install("confluent-kafka", "kafka-python<3", "aiokafka")
    session.install(
        *(f"opentelemetry-instrumentation-{name}" for name in ("confluent-kafka", "kafka-python", "aiokafka"))
    )
    session.run("pytest", "-m", "queues", "-rs", "tests/test_queues.py", "tests/test_kafka.py", *session.posargs)


@nox.session(python="3.12")
def fork(session: nox.Session) -> None:
    """Processes that fork: gunicorn with uvicorn's workers, multiprocessing, os.fork."""
    session.install("-e", ".[dev]", "gunicorn", "uvicorn-worker")
    session.run("pytest", "-m", "fork", "-rs", "tests/test_fork.py", *session.posargs)


@nox.session(python="3.12")
def neighbours(session: nox.Session) -> None:
    """Other vendors' SDKs beside us, each in an environment of its own; fast where the machine has uv."""
    session.install("-e", ".[dev]")
    environments = str(Path(session.create_tmp()).resolve())
    tests = ("tests/test_neighbours.py", "--timeout=1800")
    session.run(
        "pytest", "-m", "neighbours", "-rs", *tests, *session.posargs, env={"NEIGHBOURS_ENVIRONMENTS": environments}
    )


@nox.session(python="3.12")
def languages(session: nox.Session) -> None:
    """OpenTelemetry for Node and for Go, beside us; the machine needs node, npm and go."""
    session.install("-e", ".[dev]", "httpx<1", "opentelemetry-instrumentation-httpx>=0.61b0")
    tests = ("tests/test_languages.py", "tests/test_two_services.py", "--timeout=900")
    session.run("pytest", "-m", "languages", "-rs", *tests, *session.posargs)


@nox.session(python="3.12")
def collector(session: nox.Session) -> None:
    """The real Collector under collector-config.yaml and its variants; built first, which needs go and some minutes."""
    session.install("-e", ".[dev]")
    session.run("python", "examples/collector/build.py")
    session.run("python", "examples/collector/build.py", "jaeger", success_codes=[0, 1])
    session.run("pytest", "-m", "collector", "-rs", "-n", "2", "--dist", "loadfile", "tests", *session.posargs)


@nox.session(python="3.12")
def fuzz(session: nox.Session) -> None:
    """A million inbound values against the rule."""
    session.install("-e", ".[dev]")
    tests = ("tests/test_inbound.py", "--timeout=7200", "-k", "no_value or no_header")
    session.run("pytest", *tests, *session.posargs, env={"LANGWATCH_OTEL_FUZZED": "1000000"})


@nox.session(python=["3.10", "3.12"])
def oldest(session: nox.Session) -> None:
    """The oldest OpenTelemetry that we take."""
    session.install("-e", ".[dev]", "opentelemetry-sdk==1.40.0", "opentelemetry-instrumentation==0.61b0")
    session.run("pytest", *session.posargs)


@nox.session(python="3.12")
def langwatch(session: nox.Session) -> None:
    """The names of the LangWatch SDK, taken again from the SDK itself, and the two packages side by side."""
    session.install("-e", ".[dev]", "langwatch==1.4.0")
    session.run("pytest", "-m", "matrix or not matrix", "tests/test_from_langwatch.py", *session.posargs)


@nox.session(python="3.12")
def conventions(session: nox.Session) -> None:
    """What we write, before the "AI spans only" filters that vendors ship."""
    session.install("braintrust", "langfuse", "posthog")  # First: all in one is hours of search for pip.
    session.install("-e", ".[dev]")
    tests = ("tests/test_vendor_filters.py", "tests/test_conventions.py")
    session.run("pytest", "-m", "matrix or not matrix", "-rs", *tests, *session.posargs)


@nox.session(python="3.12")
def corpus(session: nox.Session) -> None:
    """The spans of other SDKs, recorded again: all, or those that are named."""
    session.install("-e", ".")
    environments = str(Path(session.create_tmp()).resolve())
    session.chdir("tests")
    session.run("python", "-m", "corpus.record", *session.posargs, env={"CORPUS_ENVIRONMENTS": environments})


@nox.session(python="3.12")
def live(session: nox.Session) -> None:
    """Real backends, pipelines and other SDKs, for docs/backends.md and docs/peers.md: all, or those that are named."""
    session.install("-c", "constraints.txt", "-e", ".[dev]")
    session.chdir("tests")
    session.run("python", "-m", "live", *session.posargs)


@nox.session(python="3.12")
def zerocode(session: nox.Session) -> None:
    """The wheel, `opentelemetry-instrument`, and variables, flags or a file, in virtual environments of its own."""
    session.install("-e", ".[dev]")
    tests = ("tests/test_zero_code.py", "tests/test_doctor_environments.py")
    session.run("pytest", "-m", "zerocode", "--timeout=600", *tests, *session.posargs)


@nox.session(python="3.12")
def stress(session: nox.Session) -> None:
    """Memory and scale: a million turns, endless chains, deep recursion."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-m", "stress", "--timeout=1800", *session.posargs)


@nox.session(python="3.12")
def examples(session: nox.Session) -> None:
    """The property tests with 10^5 examples."""
    session.install("-e", ".[dev]")
    session.run(
        "pytest",
        "tests/test_schedules.py",
        "tests/test_canonical_bad_input.py",
        "--timeout=7200",
        *session.posargs,
        env={"LANGWATCH_OTEL_EXAMPLES": "100000"},
    )


@nox.session(python="3.12")
def benchmarks(session: nox.Session) -> None:
    """Every benchmark: ratios in one run."""
    session.install("-e", ".[dev]")
    for name in ("stamping", "turns", "generators", "export", "sources", "imports", "canonical", "propagation"):
        session.run("python", f"benchmarks/{name}.py")
