"""The tables of docs/backends.md and docs/peers.md, from what was measured: `python -m live.page` writes them."""

import ast
import re
from pathlib import Path

from langwatch_otel import conventions

from . import peers, pipelines, vendors
from .backends import BACKENDS
from .measuring import BELOW, CONVENTION, ROOT
from .results import load

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs"

# Conventions whose backend is run.
RUN = {"otel": "", "openinference": "phoenix", "mlflow": "mlflow"}

_TITLES = {
    "attribute": "two attributes on the current span",
    "baggage": "baggage, and contrib's span processor",
    "braintrust": "Braintrust",
    "clickhouse": "ClickHouse's engine, behind the Collector's exporter",
    "collector": "OpenTelemetry Collector",
    "laminar": "Laminar",
    "langfuse": "Langfuse",
    "langwatch": "LangWatch's SDK",
    "logfire": "Logfire",
    "openinference": "OpenInference",
    "ours": "langwatch-otel",
    "posthog": "PostHog",
    "rotel": "rotel",
    "traceloop": "Traceloop",
}


def table(head, rows):
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return (
        "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
        .replace("| --- ", "|---")
        .replace("|--- |", "|---|")
    )


def of(pair):
    """How many, of how many."""
    return f"{pair[0]} of {pair[1]}"


def code(names):
    """Names, by commas."""
    return ", ".join(f"`{name}`" for name in names)


def rows_of(name_of_table, names, cells, width):
    """The rows of a table, in the order of `names`; one that was not run says so, and nothing else."""
    results, rows = load().get(name_of_table, {}), []
    for name in names:
        row = results.get(name, {"not run": "nobody has yet", "date": ""})
        if "not run" in row:
            title = BACKENDS[name].title if name in BACKENDS else _TITLES[name]
            rows.append([title, f"not run: {row['not run']}", *[""] * (width - 3), row["date"]])
        else:
            rows += [[*each, row["date"]] for each in cells(name, row)]
    return rows


def backends():
    """The first table."""
    head = ["backend", "version", "over", "spans there", "threads grouped", "threads with their user"]
    head += [
        f"turns with text: {BELOW}",
        f"turns with text: {CONVENTION}",
        f"turns with text: {ROOT}",
        "ids, uncut",
        "asked",
        "date",
    ]

    def cells(name, row):
        ids = {}
        for length, fate in sorted(row["ids"].items(), key=lambda item: int(item[0])):
            ids.setdefault(fate, []).append(length)
        told = "; ".join(f"{', '.join(lengths)} characters: {fate}" for fate, lengths in ids.items())
        of_turns = (row["text"][where] for where in (BELOW, CONVENTION, ROOT))
        texts = [of(pair) if pair else "no turns" for pair in of_turns]
        if BACKENDS[name].convention:
            texts[1] += f", by `{BACKENDS[name].convention}`"
        found = [of(row[key]) for key in ("spans", "grouped", "user")]
        yield [BACKENDS[name].title, row["version"], ", ".join(row["over"]), *found, *texts, told, BACKENDS[name].asked]

    return table(head, rows_of("backends", BACKENDS, cells, len(head)))


def engines():
    """The second table."""
    head = ["pipeline", "version", "over", "spans through", "seen", "date"]

    def cells(name, row):
        seen = f"spans with the ids that they had: {of(row['ids'])}" if "ids" in row else None
        seen = seen or f"threads with their user and all their turns, by SQL: {of(row['grouped'])}"
        yield [_TITLES[name], row["version"], ", ".join(row["over"]), of(row["spans"]), seen]

    return table(head, rows_of("pipelines", pipelines.PIPELINES, cells, len(head)))


def query():
    """The SQL of the engine's row."""
    return f"```sql\n{pipelines.QUERY}```\n"


def _places(row, found):
    """Where the thread is, and the user, of what was sent."""
    for field in ("thread", "user"):
        keys = found[f"{field} in"]
        if field == "user" and not conventions.load(row["convention"]).reads.user_id:
            yield "it has no key for one"
        else:
            yield of((found[field], found["sent"])) + (f", in {code(keys)}" if keys else "")


def _lacking(found):
    """Which of what was sent has no thread."""
    if not found["thread"]:
        return "every span"
    # Some SDKs make names of whole sentences.
    return code(name if len(name) < 40 else f"{name[:30]}…" for name in found["no thread"])


def sdks():
    """The third table."""
    head = ["SDK", "version", "", "sends, of the spans made", "thread where its vendor reads it"]
    head += ["user where its vendor reads it", "sent without a thread there", "date"]

    def cells(name, row):
        for how in ("default", "with its convention", "and our decorator"):
            if found := row.get(how):
                what = {"with its convention": f'`conventions="otel,langwatch,{row["convention"]}"`'}.get(how, how)
                sent = of((found["sent"], found["made"]))
                yield [f"`{row['package']}`", row["version"], what, sent, *_places(row, found), _lacking(found)]

    return table(head, rows_of("vendors", vendors.VENDORS, cells, len(head)))


def read():
    """What is read, and was not run."""
    rows = []
    for each in conventions.CONVENTIONS:
        if each.name not in RUN and each.writes:
            sources = ", ".join(f"<{one}>" if one.startswith("https:") else f"`{one}`" for one in each.evidence)
            rows.append([each.title, code(each.reads.thread_id), code(each.reads.user_id), sources])
    return table(["backend", "thread from", "user from", "read in"], rows)


def compared(mode):
    """The table of one way in which FastAPI makes spans."""
    kinds = ("async", "sync", "stream", "background", "socket")
    head = ["named by", "of", *kinds, "spans without the thread", "date"]

    def cells(name, row):
        found = row[mode]
        without = sorted({span for kind in kinds for span in found[kind][2]})
        yield [
            _TITLES[name],
            f"`{row['package']}` {row['version']}",
            *(of(found[kind]) for kind in kinds),
            code(without),
        ]

    return table(head, rows_of("peers", peers.PEERS, cells, len(head)))


def used():
    """How each is used, in the words of its program."""
    lines = []
    for name in peers.PEERS:
        said = ast.get_docstring(ast.parse((HERE / "sdks" / f"{name}.py").read_text("utf-8")))
        lines.append(f"- **{_TITLES[name]}**: {said.partition(chr(10))[0]}\n")
    return "".join(lines)


PARTS = {
    "backends.md": {"backends": backends, "pipelines": engines, "query": query, "sdks": sdks, "read": read},
    "peers.md": {"own": lambda: compared("own"), "contrib": lambda: compared("contrib"), "used": used},
}


def between_markers(part):
    """What stands between the two comments of a part."""
    return re.compile(rf"(?<=<!-- {part} -->\n).*(?=<!-- end of {part} -->)", re.DOTALL)


def write():
    """Write every part into its page."""
    for page, parts in PARTS.items():
        text = (DOCS / page).read_text("utf-8")
        for part, made in parts.items():
            text = between_markers(part).sub(lambda _, made=made: made(), text)
        (DOCS / page).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
