"""Builds the Collector of builder.yaml, or Jaeger, from Go modules: `python examples/collector/build.py [jaeger]`.

Prints where the program is. It needs Go and some minutes the first time, and nothing after that: programs are kept in
~/.cache/langwatch-otel (XDG_CACHE_HOME), one for each builder.yaml.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "langwatch-otel"

BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.161.0"
JAEGER = "github.com/jaegertracing/jaeger/cmd/jaeger"
JAEGER_VERSION = "v1.76.0"

# Without a table of symbols, and without cgo: half of the size, and runs on any Linux.
SMALL = "-s -w"


def collector() -> Path:
    """Where the Collector of builder.yaml is, or will be."""
    known = hashlib.sha256((HERE / "builder.yaml").read_bytes()).hexdigest()[:16]
    return CACHE / f"otelcol-{known}" / "otelcol-langwatch"


def jaeger() -> Path:
    """Where Jaeger is, or will be."""
    return CACHE / f"jaeger-{JAEGER_VERSION}" / "jaeger"


def built(program: Path) -> Path:
    """Return `program`, built if it is not there yet."""
    if not program.exists():
        if shutil.which("go") is None:
            sys.exit("Go is not here: https://go.dev/doc/install")
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            made = (_build_jaeger if program.name == "jaeger" else _build_collector)(Path(folder))
            made.replace(program)  # At once: another build may be under way.
    return program


def _build_collector(folder: Path) -> Path:
    shutil.copy(HERE / "builder.yaml", folder)
    _go(folder, "go", "install", BUILDER)
    _go(folder, str(folder / "bin" / "builder"), "--config", "builder.yaml", f"--ldflags={SMALL}")
    return _one(folder, "otelcol-langwatch")


def _build_jaeger(folder: Path) -> Path:
    _go(folder, "go", "mod", "init", "jaeger")
    _go(folder, "go", "get", "-tool", f"{JAEGER}@{JAEGER_VERSION}")
    _go(folder, "go", "build", "-trimpath", f"-ldflags={SMALL}", "-o", "jaeger", JAEGER)
    return folder / "jaeger"


def _go(folder: Path, *command: str) -> None:
    """Run with what is on the way kept out of the checkout; what it says is for stderr, the path for stdout."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(folder / "bin"), "GOFLAGS": "-buildvcs=false"}
    environment["GOTMPDIR"] = str(folder)  # What Go itself leaves behind when it is ended.
    subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=True)


def _one(folder: Path, name: str) -> Path:
    [found] = [path for path in folder.rglob(name) if path.is_file() and os.access(path, os.X_OK)]
    return found


if __name__ == "__main__":
    os.nice(5)
    # Ended, it leaves no half of a build; what Go has compiled so far is in Go's own cache, for the next time.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))
    print(built(jaeger() if sys.argv[1:] == ["jaeger"] else collector()))
