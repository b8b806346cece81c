"""The parts of collector-config.yaml that follow from the catalogue of conventions, as OTTL statements in YAML."""

import re
import textwrap

from langwatch_otel import attributes, conventions
from langwatch_otel.conventions._convention import EVERY_SPAN, GENAI_SPANS, LOCAL_ROOT, TRUE
from langwatch_otel.conventions._reading.keys import COMMON, INPUTS, OURS, OUTPUTS, SCALARS, TRANSCRIPTS, Meanings
from langwatch_otel.conventions._reading.values import SCRUBBED
from langwatch_otel.genai import OWN_SCOPE
from langwatch_otel.identity import METADATA_FIELDS

MEANINGS = Meanings(conventions.CONVENTIONS)
CANONICAL = {"thread_id": attributes.SESSION_ID, "user_id": attributes.USER_ID}

# Where a convention writes, as a condition; the Collector sees a span when it has ended, with all its attributes.
CONDITIONS = {
    EVERY_SPAN: "",
    GENAI_SPANS: (
        f' and (scope.name == "{OWN_SCOPE}" or IsMatch(Concat(Keys(span.attributes), " "), "(^| )gen_ai\\\\."))'
    ),
    LOCAL_ROOT: " and (IsRootSpan() or span.kind == SPAN_KIND_SERVER or span.kind == SPAN_KIND_CONSUMER)",
}


def keys_of(field):
    """The keys of `field` in the order in which `canonical()` looks at them; those under a prefix of metadata apart."""
    named = sorted((found for found in MEANINGS.values() if found and found.field == field), key=lambda one: one.rank)
    inside = sorted(
        (rank, prefix + name)
        for prefix, kind, rank, _ in MEANINGS._prefixes
        for name in names_of(field)
        if kind == "metadata" and prefix + name not in MEANINGS._known
    )
    return [one.key for one in named], [key for _, key in inside]


def names_of(field):
    """The names of `field` inside of metadata."""
    return [name for name, inner in METADATA_FIELDS.items() if inner == field]


def path(key, of="span.attributes"):
    """The attribute as OTTL names it; a single `$` would be an environment variable's."""
    return f'{of}["{key.replace("$", "$$")}"]'


def in_objects(*fields):
    """The pattern of a JSON object that names one of `fields`."""
    return '"\\"(' + "|".join(name for field in fields for name in names_of(field)) + ')\\" *:"'


def ids():
    """From every spelling to the canonical one."""
    for field, key in CANONICAL.items():
        to, (named, _) = path(key), keys_of(field)
        place = named.index(key)
        # What goes before: whoever wrote it meant exactly this.
        for other in map(path, named[:place]):
            yield f"set({to}, {other}) where {is_id(other)}"
        scrubbed = SCRUBBED.replace("[", "\\\\[")
        yield f'delete_key(span.attributes, "{key}") where IsMatch({to}, "^(\\\\s*$$|{scrubbed})")'
        for other in map(path, named[place + 1 :]):
            yield _taken(to, other)
    missing = " or ".join(f"{path(key)} == nil" for key in CANONICAL.values())
    for other in map(path, keys_of("metadata")[0]):
        found = f"({missing}) and IsMatch({other}, {in_objects(*CANONICAL)})"
        yield f'merge_maps(span.cache, ParseJSON({other}), "insert") where {found}'
    for field, key in CANONICAL.items():
        to = path(key)
        for found in (path(name, "span.cache") for name in names_of(field)):
            # In JSON every number is a float.
            whole = f"IsDouble({found}) and Double(Int({found})) == {found}"
            yield f"set({to}, String(Int({found}))) where {to} == nil and {whole}"
            yield f"{_taken(to, found)} and IsString({found})"
        for other in map(path, keys_of(field)[1]):
            yield _taken(to, other)
        yield _taken(to, path(key, "resource.attributes"))
        yield f"set({to}, String({to})) where IsInt({to})"
        yield f'delete_key(span.attributes, "{key}") where not IsString({to})'


def _taken(to, value):
    return f"set({to}, {value}) where {to} == nil and {is_id(value)}"


def is_id(value):
    """The condition under which something is an id: it is not blank, and neither a list nor what scrubbing left."""
    return f'IsMatch({value}, "^\\\\s*[^\\\\s\\\\[{{]")'


def users():
    """Every attribute that names the user goes, but the one that is hashed."""
    named, inside = keys_of("user_id")
    for key in (*named, *inside):
        if key != attributes.USER_ID:
            yield f'delete_key(span.attributes, "{key}")'
    for key in keys_of("metadata")[0]:
        yield f'delete_key(span.attributes, "{key}") where IsMatch({path(key)}, {in_objects("user_id")})'
    yield 'delete_matching_keys(resource.attributes, "^(end)?user\\\\.")'


def content():
    """Every attribute that holds what was said goes."""
    keys = {key for one in conventions.CONVENTIONS for key in (*one.reads.input, *one.reads.output)}
    keys |= {*INPUTS, *OUTPUTS, *TRANSCRIPTS}
    for key in sorted(keys):
        if key.endswith("."):
            pattern = re.escape(key).replace("\\", "\\\\")
            yield f'delete_matching_keys(span.attributes, "^{pattern}")'
        else:
            yield f'delete_key(span.attributes, "{key}")'


# What OpenTelemetry's own conventions say of a request, a call and a query, without what users wrote into them.
OF_OPENTELEMETRY = (
    "http.method http.request.method http.response.status_code http.route http.status_code error.type server.address"
    " server.port network.protocol.name network.protocol.version url.scheme rpc.system rpc.service rpc.method db.system"
    " db.system.name db.operation.name db.namespace db.collection.name messaging.system messaging.operation.name"
    " messaging.destination.name gen_ai.request.model gen_ai.request.stream gen_ai.response.finish_reasons"
    " gen_ai.response.id gen_ai.response.time_to_first_chunk gen_ai.agent.name gen_ai.tool.call.id gen_ai.tool.type"
    " gen_ai.usage.cache_creation.input_tokens gen_ai.usage.cache_read.input_tokens"
)


def known():
    """Every attribute goes but those of which it is known that no text of users is in them."""
    keys = {*" ".join(SCALARS.values()).split(), *OF_OPENTELEMETRY.split(), *CANONICAL.values()}
    keys |= {attributes.GEN_AI_CONVERSATION_ID, *(key for key, field in OURS.items() if field != "user_id")}
    beginnings = {}
    for key in sorted(keys - COMMON):
        beginnings.setdefault(key.partition(".")[0], []).append(f'"{key}"')
    wrapped = [textwrap.fill(", ".join(of), 104) for of in beginnings.values()]
    yield "keep_keys(span.attributes, [\n" + textwrap.indent(",\n".join(wrapped), " " * 14) + "])"


def backends():
    """{statements: conventions}, of those that read neither `session.id` nor `user.id`, or not both."""
    found = {}
    for one in conventions.CONVENTIONS:
        lacking = [
            _written(write)
            for write in one.writes
            if write.field in CANONICAL
            and (write.shape == TRUE or CANONICAL[write.field] not in getattr(one.reads, write.field))
        ]
        if lacking:
            found.setdefault(tuple(lacking), []).append(one)
    return found


def _written(write):
    to, value = path(write.key), path(CANONICAL[write.field])
    said = "true" if write.shape == TRUE else value
    return f"set({to}, {said}) where {value} != nil and {to} == nil{CONDITIONS[write.on]}"


def listed(statements, indent=6):
    """The statements as a list in YAML."""
    return "".join(f"{' ' * indent}- {one}\n" for one in statements)


def processors():
    """A processor for each kind of backend that wants ids under other names."""
    made = ""
    for statements, of in backends().items():
        made += f"  # {'; '.join(one.title for one in of)}\n  transform/for_{of[0].name}:\n"
        made += f"    trace_statements:\n{listed(statements)}"
    return made


BLOCKS = {
    "ids": lambda: listed(ids()),
    "users": lambda: listed(users()),
    "known": lambda: listed(known(), 10),
    "content": lambda: listed(content(), 10),
    "backends": processors,
}
