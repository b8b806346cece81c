"""The rooms: imports point one way, and importing costs little."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType

import langwatch_otel

SOURCE = Path(langwatch_otel.__file__).parent

# What only the lower may be imported by: a room imports from its own line or from those above it.
ORDER = (
    {
        "attributes",
        "counts",
        "errors",
        "_fork",
        "_guard",
        "_lock",
        "_setter",
        "_weak",
        "privacy",
        "genai",
        "texts",
        "capture",
        "langwatch_sdk",
        "hosts",
        "slow_patterns",
        "sources",
    },
    {"wire", "exclude_rules"},
    {"config", "environment_variables", "conventions", "identity", "fields", "context_baggage"},
    {"spelling"},
    {
        "rendering",
        "stamping",
        "turn_links",
        "recorded_errors",
        "open_span",
        "loan",
        "scope",
        "scopes_above",
        "inbound",
        "weak_names",
    },
    {"protection"},
    {"finding", "beside", "naming", "instrumented_ids", "tracers", "failures", "recording", "turn_texts"},
    {"functions"},
    {"arguments", "streaming"},
    {
        "span_handle",
        "current",
        "options",
        "running",
        "starting",
        "decorators",
    },  # A handle makes spans, a decorator handles.
    {"span_copy", "exclusion", "metrics"},
    {"span_exporter", "span_processor", "log_processor", "backfill"},
    {"own_provider", "foreign_provider"},
    {"last_resort"},
    {"getters", "outbound", "propagation", "border"},
    {"frameworks"},
    {"clients"},
    {"instrumentor", "auto_instrumentor", "instrumentations", "process_exporter", "destination"},
    {"startup"},
    {"workbench"},
    {"doctor"},
    {"cli"},
)
LINE = {room: line for line, rooms in enumerate(ORDER) for room in rooms}

# The core needs OpenTelemetry's API alone.
CORE = {room for rooms in ORDER[: LINE["decorators"] + 1] for room in rooms}


def rooms():
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).parts
        if parts != ("__init__.py",):
            yield parts[0].removesuffix(".py"), path


def imported(path):
    package = path.parent
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ([f"{node.module}.{alias.name}" for alias in node.names] if node.module else [])
        elif isinstance(node, ast.ImportFrom):
            base = package
            for _ in range(node.level - 1):
                base = base.parent
            name = ".".join(("langwatch_otel", *base.relative_to(SOURCE).parts))
            yield from (f"{name}.{node.module or alias.name}" for alias in node.names)


def test_every_room_has_its_place_in_the_order():
    """A new room is put in the order before anything may import it."""
    assert {room for room, _ in rooms()} == set(LINE)


def test_imports_point_one_way():
    """No room imports one that is built on it."""
    wrong = [
        (str(path.relative_to(SOURCE)), name)
        for room, path in rooms()
        for name in imported(path)
        if name.startswith("langwatch_otel.") and LINE.get(name.split(".")[1], LINE[room]) > LINE[room]
    ]
    assert wrong == []


def test_the_core_names_the_api_only():
    """No core room imports the SDK, an exporter or an instrumentation."""
    api = (
        "opentelemetry.attributes",
        "opentelemetry.context",
        "opentelemetry.trace",
        "opentelemetry.util",
        "opentelemetry.baggage",
    )
    wrong = [
        (room, name)
        for room, path in rooms()
        if room in CORE
        for name in imported(path)
        if name.startswith("opentelemetry.") and not name.startswith(api)
    ]
    assert wrong == []


def test_importing_loads_the_api_only():
    """`import langwatch_otel` brings in neither the SDK nor anything that is slow to load."""
    program = "import sys, langwatch_otel; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    slow = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation", "asyncio", "sqlite3")
    assert [name for name in run.stdout.split() if name.startswith((*slow, "fastapi", "pydantic", "openai"))] == []


def test_every_public_name_is_there_twice_and_after_every_module_was_imported():
    """A public name is the same object before and after the modules load; no module hides a function."""
    before = {name: getattr(langwatch_otel, name) for name in langwatch_otel.__all__}
    for room, path in rooms():
        if path.name != "__main__.py":
            relative = path.relative_to(SOURCE).with_suffix("")
            import_module(".".join(("langwatch_otel", *relative.parts)).removesuffix(".__init__"))
        assert room not in langwatch_otel.__all__
    assert {name: getattr(langwatch_otel, name) for name in langwatch_otel.__all__} == before
    assert isinstance(langwatch_otel.setup, FunctionType)
    assert list(langwatch_otel.__all__) == sorted(langwatch_otel.__all__)
