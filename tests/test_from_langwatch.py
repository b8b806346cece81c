"""A program written for the LangWatch SDK 1.4: every public name of it works, is inert, or names an alternative."""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import langwatch_otel as langwatch
from _langwatch_arguments import ARGUMENTS, give
from _langwatch_processes import PROCESSES, ran
from _langwatch_programs import PROGRAMS
from _recorder import recording
from _servers import clean_environment
from langwatch_otel import langwatch_sdk

TESTS = Path(__file__).parent
KNOWN = json.loads((TESTS / "langwatch_names.json").read_text(encoding="utf-8"))
PAGE = TESTS.parent / "docs" / "from-langwatch.md"

NEEDS_ITS_SERVER = ("disable_sending", "evaluations", "expected_output", "span_id", "trace_id")
TRACE_ONLY = ("api_key", "max_string_length", "skip_root_span")
INERT = {
    "Trace": ("disable_sending", "set_current_span"),
    "setup()": ("prompts_path", "skip_open_telemetry_setup"),
    "trace()": (*NEEDS_ITS_SERVER, *TRACE_ONLY),
    "span()": ("evaluations", "span_id"),
    "get_current_trace()": ("start_if_none",),
    "Trace.update()": ("disable_sending", "expected_output", "trace_id"),
    "Span.update()": ("span_id",),
    "Span.end()": ("span_id",),
}
INSTEAD = {
    "langwatch": langwatch_sdk.NAMES,
    "Trace": langwatch_sdk.TRACE,
    "Span": langwatch_sdk.SPAN,
}


# Modules of the SDK that it does not name itself; asked for here, they have an alternative all the same.
MODULES = {
    *("api_errors", "batch_evaluation", "client", "domain", "exporters", "generated", "guardrails", "http_client"),
    *("litellm", "openai", "state", "telemetry", "tracer", "types", "utils", "webhook_signature"),
}


def class_of(where, name):
    if name in INERT.get(where, ()):
        return "inert"
    return "alternative" if name in INSTEAD.get(where, ()) else "works"


def names(of_class):
    return [
        pytest.param(where, name, id=f"{where}-{name}")
        for where, all_ in KNOWN["names"].items()
        for name in all_
        if class_of(where, name) == of_class
    ]


def but_setup(of_class):
    return [each for each in names(of_class) if each.values[0] != "setup()"]


@pytest.fixture
def recorder():
    with recording(settings={"capture_content": True}) as found:
        yield found


@pytest.mark.parametrize(("where", "name"), names("works"))
def test_a_name_that_works(recorder, where, name):
    """What the table says works does, in a program that uses it as one for the LangWatch SDK would."""
    if (where, name) in PROCESSES:
        call, show, printed, heard = PROCESSES[where, name]
        assert ran(call, show) == (printed, heard)
    elif name in ARGUMENTS.get(where, ()):
        value, is_so = ARGUMENTS[where][name]
        give(where, name, value)
        assert is_so(recorder.spans[-1])
    else:
        assert PROGRAMS[where][name](recorder)


def use(where, name):
    turn = langwatch.get_current_trace()
    if where == "Trace" and name == "set_current_span":
        turn.set_current_span(langwatch.get_current_span())
    elif where == "Trace":
        setattr(turn, name, True)
        assert getattr(turn, name) is False
    elif where == "get_current_trace()":
        assert langwatch.get_current_trace(**{name: True}).trace_id is not None
    else:
        give(where, name, "one")


@pytest.mark.parametrize(("where", "name"), but_setup("inert"))
def test_an_inert_name_is_accepted_and_logged_once(recorder, said, where, name):
    """A name that does nothing here raises nothing, and is logged the first time that it is used."""
    with recorder.tracer.start_as_current_span("request"):
        use(where, name)
        use(where, name)
    logged = said()
    assert len(logged) == 1
    assert name in logged[0]
    assert "does nothing here" in logged[0]


@pytest.mark.parametrize("name", INERT["setup()"])
def test_an_inert_argument_of_setup_is_accepted_and_logged_once(name):
    """setup() takes what only the LangWatch SDK's client needs, and says so once."""
    call = "logging.basicConfig(format='%(message)s', stream=__import__('sys').stdout)\n"
    printed, heard = ran(call + f"langwatch.setup({name}=True); langwatch.setup({name}=True)", "")
    assert printed == f"setup({name}=) does nothing here: it needs LangWatch's own client"
    assert heard == [("/v1/traces", None)]


@pytest.mark.parametrize(("where", "name"), but_setup("alternative"))
def test_a_name_that_is_not_here_says_what_to_use(said, where, name):
    """A name with an alternative is no attribute, and its AttributeError says what to use instead."""
    owner = {
        "langwatch": langwatch,
        "Trace": langwatch.get_current_trace(),
        "Span": langwatch.get_current_span(),
    }[where]
    assert not hasattr(owner, name)
    with pytest.raises(AttributeError, match=re.escape(INSTEAD[where][name])):
        getattr(owner, name)
    assert said() == []


def test_any_other_name_is_an_ordinary_mistake():
    """A name that neither package has gets Python's own message, with no advice."""
    for owner in (langwatch, langwatch.get_current_trace(), langwatch.get_current_span()):
        with pytest.raises(AttributeError, match=r"has no attribute 'thread'$"):
            _ = owner.thread


def test_what_is_not_here_is_known_to_the_sdk():
    """Every alternative is for a name that the LangWatch SDK has: a public one, or a module of it."""
    for where, instead in INSTEAD.items():
        assert {name for name in instead if name not in KNOWN["names"][where]} <= MODULES
    assert all(set(names) <= set(KNOWN["names"][where]) for where, names in INERT.items())


def test_importing_does_not_load_the_table_of_names():
    """A program that asks for no such name never loads the module that knows them."""
    program = "import sys, langwatch_otel; print('langwatch_otel.langwatch_sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def rows():
    """{(where, name): class} of the tables of the page; each stands below a heading that says where."""
    found = {}
    where = None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"#+ `(.+)`$", line):
            where = heading[1]
        elif row := re.match(r"\| (.+?) \| (works|inert|alternative) \| .", line):
            for name in re.findall(r"`([^`]+)`", row[1]):
                assert (where, name) not in found
                found[where, name] = row[2]
    return found


def test_the_page_has_a_row_for_every_name():
    """docs/from-langwatch.md says of every public name of the SDK which class it is of, and of no other."""
    assert rows() == {(where, name): class_of(where, name) for where, all_ in KNOWN["names"].items() for name in all_}


def sdk():
    try:
        installed = version("langwatch")
    except PackageNotFoundError:
        pytest.skip("not run: the LangWatch SDK is not installed; `nox -s langwatch` installs it")
    if not installed.startswith("1.4."):
        pytest.skip(f"not run: the names are those of 1.4, and {installed} is installed")


def run(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments], env=clean_environment(), capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.matrix
def test_the_names_are_those_of_the_sdk():
    """The list of names is what the installed LangWatch SDK has."""
    sdk()
    assert json.loads(run(TESTS / "langwatch_names.py"))["names"] == KNOWN["names"]


SIDE_BY_SIDE = """
import warnings; warnings.simplefilter("ignore")
import langwatch as client
import langwatch_otel as langwatch
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
langwatch.setup(instrumentors=[])
client.setup(api_key="key", skip_open_telemetry_setup=True)
with langwatch.trace(name="turn", thread_id="t1"):
    client.get_current_span().add_evaluation(name="polite", passed=True)
    client.prompts.get
provider.force_flush()
print([(span.name, span.attributes["session.id"], len(span.events)) for span in exporter.get_finished_spans()])
"""


@pytest.mark.matrix
def test_the_two_packages_run_side_by_side():
    """LangWatch's own client records an evaluation on our span, in our conversation, and keeps its facades."""
    sdk()
    assert run("-c", SIDE_BY_SIDE) == "[('polite', 't1', 0), ('turn', 't1', 1)]\n"
