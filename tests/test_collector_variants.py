"""Every configuration of the Collector in this repository: that it is one, and that it does what it says."""

import hashlib
import json
import subprocess
import sys
import urllib.request
from collections import Counter

import pytest

from _collector import (
    BASE,
    ERROR,
    PROGRAM,
    VARIANTS,
    Collector,
    build,
    collectors,
    needs_collector,
    span,
    to,
    wait_until,
)
from _servers import ROOT, clean_environment
from langwatch_otel.workbench.receiver import Receiver

pytestmark = needs_collector

# On its own, where the others come on top of collector-config.yaml.
ALONE = {"agent.yaml", "jaeger.yaml"}
CONFIGS = {"collector-config.yaml": (BASE,)}
for path in sorted(VARIANTS.glob("*.yaml")):
    if path.name not in ("builder.yaml", "jaeger.yaml"):
        CONFIGS[path.name] = (path,) if path.name in ALONE else (BASE, path)

SET = {
    **{f"{name}_EXPORTER": f"otlp_http/{name.lower()}" for name in ("FULL", "PROTECTED", "SAMPLED")},
    **{f"{name}_ENDPOINT": "https://backend.example.com/otlp" for name in ("FULL", "PROTECTED", "SAMPLED", "GATEWAY")},
    **{f"{name}_AUTHORIZATION": "Bearer a-key" for name in ("FULL", "PROTECTED", "SAMPLED")},
    "USER_HASH_KEY": "a-key-of-16-chars",
    "SAMPLED_BELOW": "0ccd",
}


@pytest.mark.parametrize("environment", [{}, SET], ids=["with nothing set", "with everything set"])
@pytest.mark.parametrize("config", CONFIGS)
def test_the_collector_takes_every_configuration(config, environment, tmp_path):
    """`otelcol validate` has nothing to say against any of them."""
    collector = Collector(tmp_path, *CONFIGS[config], **environment)
    program, *named = collector.command
    run = subprocess.run(
        [program, "validate", *named],
        env=clean_environment(**environment, COLLECTOR_QUEUE_DIRECTORY=str(tmp_path)),
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_with_nothing_set_it_runs_and_prints(tmp_path):
    """What comes in is on its console, with canonical ids; its health can be asked."""
    with Collector(tmp_path) as collector:
        collector.send(span("printed", {"langfuse.session.id": "t-1"}))
        wait_until(lambda: "-> session.id: Str(t-1)" in collector.log)
        with urllib.request.urlopen(f"http://127.0.0.1:{collector.health_port}") as answer:
            assert json.load(answer)["status"] == "Server available"


def test_a_conversation_stays_on_one_of_two_collectors(tmp_path):
    """Before two gateways, all spans of a conversation go to one, and each gets some."""
    folders = [tmp_path / name for name in ("first", "second", "front")]
    for folder in folders:
        folder.mkdir()
    with Receiver() as first, Receiver() as second:
        behind = [Collector(folder, **to(each, "full")) for folder, each in zip(folders, (first, second), strict=False)]
        gateways = {f"GATEWAY_{number}": f"127.0.0.1:{each.grpc_port}" for number, each in enumerate(behind, 1)}
        front = Collector(folders[2], BASE, VARIANTS / "load-balancing.yaml", **gateways)
        with collectors(*behind, front):
            for _ in range(5):
                front.send(*(span("turn", {"langfuse.session.id": f"t-{number}"}) for number in range(100)))
            wait_until(lambda: len(first.spans) + len(second.spans) == 500)
    found = [Counter(one.attributes["session.id"] for one in each.spans) for each in (first, second)]
    assert found[0].keys().isdisjoint(found[1])
    assert {*found[0].values(), *found[1].values()} == {5}
    assert min(map(len, found)) > 20


def kept(thread):
    """Say whether a conversation is in the share of 10 %."""
    return hashlib.sha256(thread.encode()).hexdigest()[:4] < "199a"


def test_behind_an_agent_a_gateway_keeps_turns_with_an_error_whole(tmp_path):
    """Of the conversations outside of the share, the turns with an error are kept, with all spans; no other turn is."""
    for name in ("agent", "gateway"):
        (tmp_path / name).mkdir()
    with Receiver() as sampled:
        waiting = "processors: {tail_sampling: {decision_wait: 1s}}"
        configs = (BASE, VARIANTS / "gateway.yaml", waiting)
        gateway = Collector(tmp_path / "gateway", *configs, **to(sampled, "sampled"))
        agent = Collector(tmp_path / "agent", VARIANTS / "agent.yaml", GATEWAY_ENDPOINT=gateway.endpoint)
        threads = [f"t-{number}" for number in range(200)]
        good = {thread: [span("good", {"session.id": thread})] for thread in threads}
        bad = {thread: [span("bad", {"session.id": thread})] for thread in threads}
        for turns in (good, bad):
            for thread, [root] in turns.items():
                status = {"status": ERROR} if turns is bad else {}
                more = span(root["name"], {"session.id": thread}, parent=b"p" * 8, **status)
                turns[thread].append({**more, "trace": root["trace"]})
        with collectors(gateway, agent):
            agent.send(*(one for turns in (good, bad) for turn in turns.values() for one in turn))
            whole = sum(map(kept, threads))
            wait_until(lambda: len(sampled.spans) >= 2 * (len(threads) + whole))
    found = Counter((one.name, one.attributes["session.id"]) for one in sampled.spans)
    assert 10 <= whole <= 30
    assert found == {
        **{("bad", thread): 2 for thread in threads},
        **{("good", thread): 2 for thread in threads if kept(thread)},
    }


@pytest.mark.skipif(not build.jaeger().exists(), reason="not run: no Jaeger; `build.py jaeger` first")
def test_the_whole_picture_is_in_jaeger_and_in_a_file(tmp_path):
    """The demo's conversations are found by thread in Jaeger and in the file; the file without content has no user."""
    command = [sys.executable, str(VARIANTS / "picture.py"), "--json", "--directory", str(tmp_path)]
    run = subprocess.run(command, env=clean_environment(OTELCOL=str(PROGRAM)), capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    shown = json.loads(run.stdout)
    assert {thread: found["traces_in_jaeger"] for thread, found in shown.items()} == {
        "trip-to-lisbon": 3,
        "invoice-1042": 3,
        "kyoto-7": 3,
    }
    for found in shown.values():
        assert found["spans_in_jaeger"] == found["spans_in_file"] == found["spans_without_content"] > 0
    assert "ana" not in (tmp_path / "protected.jsonl").read_text()
