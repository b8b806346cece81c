"""Log records in a conversation carry its ids, whoever made the logger provider, and when."""

import json
import re
import subprocess
import sys

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter

import langwatch_otel as langwatch
from _recorder import NEVER
from _servers import ROOT, clean_environment
from langwatch_otel import LangWatchInstrumentor, log_processor
from langwatch_otel.privacy import cut

IDS = {"session.id": "t", "user.id": "u"}


def make_logs(*processors):
    """A logger provider with a batch processor, and with `processors` after it."""
    provider, exporter = LoggerProvider(shutdown_on_exit=False), InMemoryLogRecordExporter()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=NEVER))
    for each in processors:
        provider.add_log_record_processor(each)
    return provider, exporter


def emitted(provider, exporter, **given):
    """The attributes of a record that is emitted in a conversation now."""
    with langwatch.conversation(thread_id="t", user_id="u"):
        provider.get_logger("application").emit(body="hello", **given)
    provider.force_flush()
    [found] = exporter.get_finished_logs()
    exporter.clear()
    return dict(found.log_record.attributes or {})


@pytest.fixture
def instrument():
    """`instrument()`, undone after the test."""
    yield LangWatchInstrumentor().instrument
    LangWatchInstrumentor().uninstrument()


def test_ids_stand_on_what_a_batch_processor_copies(instrument):
    """A provider that exports already gets ours before its batch processor, once; off it does nothing."""
    provider, exporter = make_logs()
    before = provider._multi_log_record_processor._log_record_processors
    for _ in range(2):
        instrument(logger_provider=provider)
        assert emitted(provider, exporter) == IDS
        first, *others = provider._multi_log_record_processor._log_record_processors
        assert isinstance(first, langwatch.ConversationLogProcessor)
        assert others == list(before)
        LangWatchInstrumentor().uninstrument()
        assert emitted(provider, exporter) == {}
    provider.shutdown()


def test_what_a_record_has_stays(instrument):
    """An id that the application put on a record stays; a GenAI event has `gen_ai.conversation.id` too."""
    provider, exporter = make_logs()
    instrument(logger_provider=provider)
    assert emitted(provider, exporter, attributes={"session.id": "own", "k": 1}) == {
        **IDS, "session.id": "own", "k": 1,
    }  # fmt: skip
    assert emitted(provider, exporter, event_name="gen_ai.choice") == {
        **IDS, "gen_ai.conversation.id": "t", "langwatch.thread.id": "t",
    }  # fmt: skip
    provider.shutdown()


@pytest.mark.parametrize(("own", "ids"), [(2, ["session.id", "user.id"]), (3, ["session.id"]), (4, [])])
def test_a_record_loses_nothing_for_the_ids(instrument, monkeypatch, said, own, ids):
    """Where a record has as many attributes as it may have, these stay: the ids take what room there is."""
    monkeypatch.setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "4")
    provider, exporter = make_logs()
    instrument(logger_provider=provider)
    attributes = {f"k{number}": number for number in range(own)}
    assert emitted(provider, exporter, attributes=attributes) == {**attributes, **{key: IDS[key] for key in ids}}
    line = "a log record has no room for all ids of its conversation: what it has stays"
    assert said() == ([] if own == 2 else [line])
    provider.shutdown()


def test_long_ids_stay_apart_under_a_length_limit(instrument, monkeypatch):
    """Ids that begin alike are cut to a hash of the whole, as they are on spans."""
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20")
    provider, exporter = make_logs()
    instrument(logger_provider=provider)
    for number in range(2):
        with langwatch.conversation(thread_id=(thread := f"shared prefix of twenty and more {number}")):
            provider.get_logger("application").emit(body="hello")
        provider.force_flush()
        assert exporter.get_finished_logs()[-1].log_record.attributes["session.id"] == cut(thread, 20)
    provider.shutdown()


class Unwanted(LogRecordProcessor):
    """Wants no record."""

    def on_emit(self, log_record): ...

    def shutdown(self): ...

    def force_flush(self, timeout_millis=30000):
        return True

    def enabled(self, **_):
        return False


def test_ours_wants_no_record_of_its_own(instrument):
    """Where no other processor wants a record, a logger says that none is wanted, as without us."""
    provider = LoggerProvider(shutdown_on_exit=False)
    if not hasattr(provider._multi_log_record_processor, "enabled"):
        pytest.skip("not run: this OpenTelemetry asks no processor")
    provider.add_log_record_processor(Unwanted())
    instrument(logger_provider=provider)
    assert provider._multi_log_record_processor.enabled() is False
    provider.shutdown()


def test_the_snippet_of_the_page_runs_as_it_stands():
    """The Python block of docs/logs.md runs in a fresh process, and says nothing."""
    [snippet] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "logs.md").read_text(encoding="utf-8"), re.DOTALL)
    program = f"import atexit\natexit.register = lambda *_: None\n{snippet}"  # Nobody listens at its end.
    environment = clean_environment(PYTHONPATH="src")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stderr) == (0, "")


def test_an_sdk_that_hides_its_processors_is_told_of(said):
    """Where ours cannot go first it goes last, and the log says what that means."""

    class Hiding:
        def __init__(self):
            self.added = []
            self.add_log_record_processor = self.added.append

    provider, processor = Hiding(), langwatch.ConversationLogProcessor()
    log_processor.place(processor, provider)
    assert provider.added == [processor]
    assert said() == [
        "this SDK does not show its log processors: records that those from before have copied lack the ids"
    ]


PROGRAM = """
import json, sys
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk.trace import TracerProvider
import langwatch_otel as langwatch
from test_logs import emitted, make_logs

provider, exporter = make_logs()
turn_on = {
    "setup": lambda: langwatch.setup(tracer_provider=TracerProvider(), instrumentors=[]),
    "instrument": langwatch.LangWatchInstrumentor().instrument,
}[sys.argv[1]]
steps = [turn_on, lambda: set_logger_provider(provider)]
for step in steps if sys.argv[2] == "later" else reversed(steps):
    step()
found = [emitted(provider, exporter)]
langwatch.LangWatchInstrumentor().uninstrument()
print(json.dumps([*found, emitted(provider, exporter)]))
"""


@pytest.mark.parametrize("when", ["before", "later"])
@pytest.mark.parametrize("call", ["setup", "instrument"])
def test_the_global_logger_provider(call, when):
    """`setup()` and `instrument()` follow the global logger provider, whether it is there or set later."""
    environment = clean_environment(PYTHONPATH="tests:src", OTEL_TRACES_EXPORTER="none")
    run = [sys.executable, "-c", PROGRAM, call, when]
    ran = subprocess.run(run, env=environment, capture_output=True, text=True)
    assert json.loads(ran.stdout or "null") == [IDS, {}], ran.stderr
