"""Records the SDKs again: `python -m corpus.record [name ...]` in the folder `tests`.

Each program runs in an environment of its own, kept for the next time in the folder that
`CORPUS_ENVIRONMENTS` names, against a stand-in for OpenAI and an endpoint that keeps what it receives.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from langwatch_otel.cli.model_server import ModelServer

from .environments import ENVIRONMENTS, PROGRAMS, RECORDINGS, Environment
from .normal import Normal
from .readme import write_readme
from .receiver import Sink
from .shared import script

HOME = Path(os.environ.get("CORPUS_ENVIRONMENTS") or Path(tempfile.gettempdir(), "langwatch-otel-corpus"))
SECONDS = 180
MAX_BYTES = 150 * 1024

# Of the environment that the recorder itself runs in, programs get only what starting one takes.
KEPT = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def made(name: str, environment: Environment) -> Path:
    """Return the folder with the packages of `environment`, installing them where it is not there yet."""
    folder = HOME / name
    done = folder / "installed.json"
    wanted = json.dumps(environment.packages)
    if done.exists() and done.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if program_of(name, environment).suffix == ".mjs":
        subprocess.run(["npm", "install", "--silent", "--prefix", folder, *environment.packages], check=True)
    else:
        python = folder / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        # uv, where there is one, finds in seconds the versions that pip seeks for minutes.
        pip = ["uv", "pip", "install", "--python", python] if shutil.which("uv") else [python, "-m", "pip", "install"]
        subprocess.run([*pip, "--quiet", *environment.packages], check=True)
    done.write_text(wanted)
    return folder


def program_of(name: str, environment: Environment) -> Path:
    """Return the program of a recording."""
    return PROGRAMS / (environment.program or f"{name}.py")


def run(name: str, environment: Environment, endpoint: str, model: str) -> None:
    """Run the program until it ends."""
    folder = made(name, environment)
    program = program_of(name, environment)
    settings = {key: value.format(endpoint=endpoint, model=model) for key, value in environment.settings.items()}
    variables = {
        **{key: os.environ[key] for key in KEPT if key in os.environ},
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(PROGRAMS / "shared"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": model,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "corpus",
        "CORPUS_SCRIPT": json.dumps({key: value for key, value in vars(script).items() if key.isupper()}),
        **settings,
    }
    with tempfile.TemporaryDirectory() as work:
        if program.suffix == ".mjs":
            # Modules are looked for beside the program.
            command = ["node", str(shutil.copy(program, folder))]
        else:
            # Without -P, a program called as its SDK is would be imported in its place.
            command = [str(folder / "bin" / "python"), "-P", str(program)]
        subprocess.run(command, cwd=work, env=variables, check=True, timeout=SECONDS)


def places(name: str, endpoint: str, model: str) -> dict[str, str]:
    """Return {what is of this machine or this run: its placeholder}."""
    model_host, endpoint_host = (url.partition("://")[2].partition("/")[0] for url in (model, endpoint))
    return {
        model_host: "model.test",
        endpoint_host: "endpoint.test",
        "127.0.0.1": "model.test",
        str(HOME / name): "<environment>",
        str(PROGRAMS): "<programs>",
        str(Path.home()): "<home>",
        socket.gethostname(): "<host>",
        sys.base_prefix: "<python>",
        model_host.partition(":")[2]: "80",
    }


def record(name: str, environment: Environment) -> None:
    """Write one recording."""
    with Sink() as sink, ModelServer() as model:
        endpoint, base_url = sink.url, model.base_url
        run(name, environment, endpoint, base_url)
    received = sink.received
    found = Normal(places(name, endpoint, base_url)).recording(received.spans, received.logs)
    if not found["spans"]:
        raise SystemExit(f"{name}: no span arrived; other requests: {received.elsewhere}")
    about = {"package": environment.package, "version": environment.version, "recorded": date.today().isoformat()}
    text = json.dumps({**about, **found}, indent=1, ensure_ascii=False) + "\n"
    if len(text.encode()) > MAX_BYTES:
        raise SystemExit(f"{name}: {len(text.encode())} bytes are too many")
    (RECORDINGS / f"{name}.json").write_text(text)
    counts = f"{len(found['spans'])} spans, {len(found.get('logs', []))} log records"
    print(f"{name}: {counts}; also asked {received.elsewhere}")


def main(names: list[str]) -> None:
    """Record `names`, or everything."""
    if unknown := set(names) - ENVIRONMENTS.keys():
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(ENVIRONMENTS)}")
    for name in names or ENVIRONMENTS:
        record(name, ENVIRONMENTS[name])
    write_readme()


if __name__ == "__main__":
    main(sys.argv[1:])
