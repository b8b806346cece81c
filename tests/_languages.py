"""OpenTelemetry's packages for Node and Go, installed outside of the checkout, and programs that use them."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from _servers import clean_environment

HERE = Path(__file__).parent / "languages"
CACHE = Path(os.environ.get("LANGUAGES_CACHE") or Path(tempfile.gettempdir()) / "langwatch-otel-languages")

# How each is installed, in a copy of its folder, and how its program is run there.
INSTALLS = {
    "node": [["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]],
    "go": [["go", "build", "-o", "bin/", "./..."]],
}
RUNS = {"node": lambda program: ["node", f"{program}.cjs"], "go": lambda program: [f"bin/{program}"]}
NEEDS = {"node": ("node", "npm"), "go": ("go",)}


def missing(language):
    """What is not on this machine of what `language` needs."""
    return [name for name in NEEDS[language] if shutil.which(name) is None]


def installed(language):
    """The folder where the packages and programs of `language` are, made at the first call."""
    source = HERE / language
    files = sorted(path for path in source.rglob("*") if path.is_file())
    known = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = CACHE / f"{language}-{known}"
    if not (folder / "done").exists():
        shutil.copytree(source, folder, dirs_exist_ok=True)
        for command in INSTALLS[language]:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
        (folder / "done").touch()
    return folder


def asked(language, program, question):
    """What `program` of `language` answers to `question`."""
    run = subprocess.run(
        RUNS[language](program),
        cwd=installed(language),
        env=clean_environment(),
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(run.stdout)
