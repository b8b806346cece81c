"""Set-ups for the doctor: what is installed, as real metadata on PYTHONPATH, variables, a command; and its answer."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from _servers import ROOT, clean_environment, post

INSTRUMENT = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
AUTOMATIC = (sys.executable, "-c", INSTRUMENT)

OTHERS = "aiohttp-client,fastapi,httpx,httpx2,openai,requests,threading,urllib,urllib3"

DISTRO = """
import os
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

class Distro(BaseDistro):
    def _configure(self, **kwargs):
        os.environ.setdefault("OTEL_TRACES_EXPORTER", "otlp")
        os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")

class SilentDistro(BaseDistro):
    def _configure(self, **kwargs): ...

class Broken(BaseInstrumentor):
    def instrumentation_dependencies(self): return ()
    def _uninstrument(self, **kwargs): ...
    def _instrument(self, **kwargs): raise KeyError("hunter2")
"""

OURS = {
    group: dict(re.findall(r'^(\w+) = "(.*)"$', lines, re.MULTILINE))
    for group, lines in re.findall(
        r"^\[project\.entry-points\.(\w+)\]\n((?:.+\n)+)", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
}
A_DISTRO = {
    "opentelemetry_distro": {"first": "some_packages:Distro"},
    "opentelemetry_configurator": {"first": "opentelemetry.sdk._configuration:_OTelSDKConfigurator"},
}
BASE = {"langwatch-otel": ("0.1.0", OURS), "a-distro": ("1.0", A_DISTRO)}


@dataclass(frozen=True)
class SetUp:
    """What the doctor finds when it comes."""

    packages: dict = field(default_factory=lambda: BASE)
    variables: dict = field(default_factory=dict)
    command: tuple = ()
    options: tuple = ()
    files: dict = field(default_factory=dict)
    do: object = None
    """Called with the process, and what reads its standard error, while the doctor waits."""


@dataclass(frozen=True)
class Answer:
    """What the doctor said."""

    code: int
    findings: list
    stdout: str
    stderr: str

    def lines(self, level):
        """The findings of a level as (check, what, so what, what to do), ports and versions left out."""
        keys = ("check", "what", "so_what", "what_to_do")
        return [tuple(plain(each[key]) for key in keys) for each in self.findings if each["level"] == level]

    @property
    def wrong(self):
        """(check, what, what to do) of what is wrong."""
        return [(check, what, to_do) for check, what, _, to_do in self.lines("wrong")]


def plain(text):
    """Return `text` without what differs from machine to machine."""
    return re.sub(r"(?<!\d\.)\b\d+\.\d+(\.\d+)?(b\d+)?(?![.\d])", "N", re.sub(r"(127\.0\.0\.1):\d+", r"\1:PORT", text))


def install(folder, packages):
    """Put the metadata of `packages`, {name: (version, entry points)}, and their one module below `folder`."""
    (folder / "some_packages.py").write_text(DISTRO)
    for name, (version, groups) in packages.items():
        info = folder / name / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
            for group, points in groups.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))


def ask(folder, set_up, json_output=True, python=sys.executable, source=str(ROOT / "src")):
    """Run the doctor as a user would, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    install(folder, set_up.packages)
    for name, text in set_up.files.items():
        (folder / name).write_text(text)
    paths = os.pathsep.join([str(folder), *(str(folder / name) for name in set_up.packages), *filter(None, [source])])
    # Slow to load; and the answer must not depend on what else is installed.
    others = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": OTHERS}
    variables = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **others}
    command = [str(python), "-m", "langwatch_otel.cli", "doctor", *set_up.options]
    command += ["--json"] * json_output + (["--", *set_up.command] if set_up.command else [])
    with (folder / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(PYTHONPATH=paths, **{**variables, **set_up.variables}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    if set_up.do is not None:
        set_up.do(process, Path(folder, "stderr").read_text)
    stdout, _ = process.communicate(timeout=60)
    findings = json.loads(stdout)["findings"] if json_output and stdout else []
    return Answer(process.returncode, findings, stdout, Path(folder, "stderr").read_text())


def listens(port):
    """Say whether something listens on `port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition):
    """Return when `condition` holds."""
    latest = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.05)


def requests_to(port, *requests):
    """What a `SetUp` does that sends `requests`, (path, headers), to its application once that listens."""

    def do(*_):
        wait_until(lambda: listens(port))
        for path, headers in requests:
            assert post(port, path, {}, headers)[0] == 200

    return do


def press_enter(process, stderr):
    """What a `SetUp` does that says to look, once its command has said that it is there."""
    wait_until(lambda: "here I am" in stderr())
    process.stdin.write("\n")
    process.stdin.flush()
