"""`langwatch-otel demo`, run as a user runs it."""

import json
import subprocess
import sys

from _clients import model_calls
from _servers import clean_environment
from langwatch_otel.cli.received import Thread, Turn, group
from langwatch_otel.workbench.receiver import ReceivedSpan, Receiver

# Four of FastAPI's, the decorator's and the model call's, and what its HTTP client adds.
SPANS = 6 + len(model_calls())
TURN = {"spans": SPANS}


def _thread(thread_id, user_id, *said_and_replied):
    return {
        "thread_id": thread_id,
        "user_id": user_id,
        "spans_with_id": SPANS * len(said_and_replied),
        "spans_without_id": 0,
        "turns": [{"user": said, "assistant": replied, **TURN} for said, replied in said_and_replied],
    }


EXPECTED = {
    "spans": 9 * SPANS,
    "spans_with_thread_id": 9 * SPANS,
    "threads": [
        _thread(
            "trip-to-lisbon",
            "ana",
            (
                "I have three days in Lisbon. What should I see?",
                "Alfama and the castle first, then Belém, then Sintra by train.",
            ),
            (
                "Which of these is best in the rain?",
                "Belém: the monastery and the tile museum near it are indoors.",
            ),
            (
                "What did I ask you first?",
                'First you said: "I have three days in Lisbon. What should I see?"',
            ),
        ),
        _thread(
            "invoice-1042",
            "ana",
            (
                "Why is invoice 1042 higher than the last one?",
                "It has 31 days instead of 28, and two seats that were added on the 12th.",
            ),
            ("Please send me a copy.", "I have sent it to the address on your account."),
            ("Thank you!", "You are welcome."),
        ),
        _thread(
            "kyoto-7",
            "yuki",
            (
                "京都で静かなお寺を探しています。",
                "朝の南禅寺はいかがでしょう。八時前ならほとんど人がいません。",
            ),
            ("そこまでどう行けばいいですか。", "地下鉄東西線の蹴上駅から歩いて十分です。"),
            ("ありがとう!", "どういたしまして。よい旅を! 🍵"),
        ),
    ],
}


def _demo(*options, **environment):
    return subprocess.run(
        [sys.executable, "-m", "langwatch_otel.cli", "demo", *options],
        env=clean_environment(PYTHONUTF8="1", **environment),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def test_the_demo_shows_three_conversations_with_every_span_named():
    """`demo --json` groups what arrived by thread, and is fine only if every span has its id."""
    run = _demo("--json")
    found = json.loads(run.stdout)
    durations = [part.pop("duration_ms") for thread in found["threads"] for part in (thread, *thread["turns"])]

    assert (run.returncode, run.stderr, found) == (0, "", EXPECTED)
    assert all(duration > 50 for duration in durations)


def test_the_demo_reads_well_in_a_pipe_whatever_the_user_has_set():
    """Without a terminal there is no colour and no bar, and the user's own endpoint gets nothing."""
    with Receiver() as users_own:
        run = _demo(
            OTEL_EXPORTER_OTLP_ENDPOINT=users_own.endpoint,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{users_own.endpoint}/v1/traces",
            OTEL_TRACES_SAMPLER="always_off",
            OTEL_SDK_DISABLED="true",
            LANGWATCH_ENDPOINT=users_own.endpoint,
            LANGWATCH_API_KEY="secret",
            HTTP_PROXY="http://127.0.0.1:9",
            NO_PROXY="",
            no_proxy="",
        )

    assert users_own.spans == []
    assert (run.returncode, run.stderr) == (0, "")
    assert "\x1b" not in run.stdout
    assert "secret" not in run.stdout
    assert "朝の南禅寺はいかがでしょう。" in run.stdout
    assert run.stdout.splitlines()[-1] == f"spans with thread id: {9 * SPANS} of {9 * SPANS}"
    assert max(map(len, run.stdout.splitlines())) <= 80


def test_spans_without_an_id_are_counted_with_the_turn_they_belong_to():
    """A span without an id is shown with its trace's thread; a trace without any is a thread of its own."""
    spans = [
        _span("a", 1, 5, {"input.value": "hi", "output.value": "hello"}),
        _span("a", 2, 3, {"session.id": "t-1", "user.id": "u-1"}),
        _span("b", 7, 9, {}),
        _span("c", 20, 31, {"session.id": "t-1"}),
    ]

    assert group(spans) == [
        Thread("t-1", "u-1", (Turn("hi", "hello", 2, 1, 5), Turn("", "", 1, 20, 31)), 2, 1),
        Thread(None, None, (Turn("", "", 1, 7, 9),), 0, 1),
    ]


def _span(trace_id, start_ns, end_ns, attributes):
    return ReceivedSpan(
        trace_id=trace_id,
        span_id=str(start_ns),
        parent_span_id="",
        name="span",
        kind="INTERNAL",
        start_ns=start_ns,
        end_ns=end_ns,
        status="UNSET",
        attributes=attributes,
    )


def _main(program):
    return subprocess.run(
        [sys.executable, "-c", program], env=clean_environment(), capture_output=True, text=True, timeout=60
    )


def test_a_missing_extra_is_named_with_the_line_that_installs_it():
    """Without the workbench's packages the command says which is missing and what to type."""
    blocked = "sys.modules['rich'] = None"
    run = _main(f"import sys\n{blocked}\nfrom langwatch_otel.cli import main\nsys.exit(main(['demo']))")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.splitlines() == [
        "langwatch-otel demo needs rich, which is not installed; run: pip install 'langwatch-otel[workbench]'"
    ]


def test_help_needs_none_of_the_extra():
    """What commands there are can be read on the base install."""
    blocked = "for name in ('fastapi', 'openai', 'rich', 'uvicorn'): sys.modules[name] = None"
    run = _main(f"import sys\n{blocked}\nfrom langwatch_otel.cli import main\nsys.exit(main(['demo', '--help']))")
    assert (run.returncode, run.stderr) == (0, "")
    assert "--json" in run.stdout


def test_wrong_usage_is_exit_code_2():
    """A command that does not exist is not mistaken for one that found something wrong."""
    run = subprocess.run([sys.executable, "-m", "langwatch_otel.cli", "demos"], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
