"""docs/collector.md and the README: what an operator copies works."""

import os
import re
import subprocess
import sys

import pytest

from _collector import BASE, PROGRAM, VARIANTS, Collector, needs_collector, span, wait_until
from _servers import ROOT, clean_environment

PAGE = (ROOT / "docs" / "collector.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.collector
@needs_collector[1]
def test_one_block_goes_into_a_configuration_of_ones_own(tmp_path):
    """The block that the page's command prints, where the page says, makes the operator's Collector read other SDKs."""
    block = subprocess.run(["bash", "-c", COMMANDS[0]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [own] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    own = own.replace("  # transform/canonical_ids: goes here\n", block)
    overlay = "receivers: {otlp: {protocols: {http: {endpoint: '${env:COLLECTOR_HTTP_ENDPOINT}'}}}}\n"
    verbose = "exporters: {debug: {verbosity: detailed}}\nservice: {telemetry: {metrics: {level: none}}}\n"
    with Collector(tmp_path, own, overlay + verbose) as collector:
        collector.send(span("other", {"traceloop.association.properties.session_id": "t-1"}))
        wait_until(lambda: "-> session.id: Str(t-1)" in collector.log)


@pytest.mark.collector
@needs_collector[1]
@pytest.mark.parametrize("command", [command for command in COMMANDS if "otelcol-contrib" in command])
def test_a_command_of_the_page_is_one_that_the_collector_takes(command, tmp_path):
    """Validated instead of run, with the variables that the page sets."""
    checked = command.replace("otelcol-contrib --config", f"{PROGRAM} validate --config")
    run = subprocess.run(
        ["bash", "-euc", checked], cwd=ROOT, env=clean_environment(TMPDIR=str(tmp_path)), capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_page_names_what_there_is():
    """Every block and variable that the page tells of exists, and every variant is told of."""
    config = BASE.read_text(encoding="utf-8")
    blocks = set(re.findall(r"`((?:transform|filter)/\w+)`", PAGE))
    assert [block for block in blocks if f"  {block}:" not in config] == []
    assert {path.name for path in VARIANTS.glob("*.yaml")} - {"builder.yaml", "jaeger.yaml"} == set(
        re.findall(r"^\| \[`([\w-]+\.yaml)`\]", PAGE, re.MULTILINE)
    )
    variables = set(re.findall(r"\b((?:FULL|PROTECTED|SAMPLED|COLLECTOR|USER)_[A-Z_]+)=", PAGE))
    assert [name for name in variables if f"${{env:{name}" not in config] == []


def test_the_table_of_variables_is_whole():
    """Every variable that collector-config.yaml reads stands in the table at its head, and no other."""
    head, _, rest = BASE.read_text(encoding="utf-8").partition("\nreceivers:")
    rows = [line for line in head.splitlines() if line.startswith("# |")]
    told = {name for row in rows for name in re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)\b", row.split("|")[1])}
    assert told == set(re.findall(r"\$\{env:(\w+)", rest))


def test_a_build_that_is_ended_leaves_nothing_behind(tmp_path):
    """Neither half of a program, nor its folder, nor what it had started; the next build begins anew."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho begun\nexec sleep 60\n")
    go.chmod(0o755)
    environment = clean_environment(PATH=f"{go.parent}:{os.environ['PATH']}", XDG_CACHE_HOME=str(tmp_path / "cache"))
    command = [sys.executable, VARIANTS / "build.py"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as build:
        assert build.stderr.readline() == "begun\n"
        assert len(list((tmp_path / "cache").rglob("builder.yaml"))) == 1
        build.terminate()
        assert (build.wait(10), build.stdout.read(), build.stderr.read()) == (1, "", "ended before it was done\n")
    [folder] = (tmp_path / "cache" / "langwatch-otel").iterdir()
    assert list(folder.iterdir()) == []
