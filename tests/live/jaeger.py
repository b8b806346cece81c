"""Jaeger, built from its Go module."""

import os
import shutil
import subprocess

from .environments import CACHE, CannotRunError

VERSION = "v1.76.0"
MODULE = "github.com/jaegertracing/jaeger/cmd/jaeger"


def jaeger():
    """The program, built at the first call, in some minutes."""
    folder = CACHE / f"jaeger-{VERSION}"
    if (folder / "jaeger").exists():
        return folder / "jaeger"
    if shutil.which("go") is None:
        raise CannotRunError("go, which builds it, is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    # The checksums of some modules that it takes are not served.
    environment = {**os.environ, "GOSUMDB": "off", "CGO_ENABLED": "0"}
    for command in (
        ["go", "mod", "init", "build"],
        ["go", "get", "-tool", f"{MODULE}@{VERSION}"],
        ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "jaeger", MODULE],
    ):
        if command[2] == "init" and (folder / "go.mod").exists():
            continue
        if subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode:
            raise CannotRunError(f"{' '.join(command[:2])} failed")
    return folder / "jaeger"
