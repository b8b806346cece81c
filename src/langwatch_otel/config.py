"""Settings: an argument, else the environment, else the default; validated in one place."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ._guard import say_once
from .conventions import NAMES, load, meant
from .errors import ConfigurationError, closest, perhaps
from .texts import Redact, load_redact, withhold

if TYPE_CHECKING:
    from .exclude_rules import SpanExcludeRule
    from .sources import Source

ENV_PREFIX = "OTEL_LANGWATCH_"

MIN_SECRET = 16

NO_KEY = b""
"""The key where the one that was given cannot be used: no user id is written."""


def _flag(setting: str, value: object) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off"):
        return False
    raise ConfigurationError(setting, value, "true or false")


def _one_of(*names: str) -> Callable[[str, object], str]:
    def parse(setting: str, value: object) -> str:
        text = str(value).strip().lower()
        if text not in names:
            raise ConfigurationError(setting, value, "one of " + ", ".join(names) + perhaps(closest(text, names)))
        return text

    return parse


def _between(low: int, high: int) -> Callable[[str, object], int]:
    def parse(setting: str, value: object) -> int:
        takes = f"a whole number from {low} to {high}"
        try:
            number = int(str(value).strip())
        except ValueError:
            raise ConfigurationError(setting, value, takes) from None
        if not low <= number <= high:
            raise ConfigurationError(setting, value, takes)
        return number

    return parse


class _NotShown:
    def __repr__(self) -> str:
        return "a value that is not shown"


def _secret(setting: str, value: object) -> bytes:
    # An environment variable that is no UTF-8 comes with surrogates: so it is the bytes that were set.
    try:
        key = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    except UnicodeError:
        key = None
    if not isinstance(key, (bytes, bytearray)) or len(key) < MIN_SECRET:
        raise ConfigurationError(setting, _NotShown(), f"a secret of {MIN_SECRET} bytes or more")
    return bytes(key)


def _conventions(setting: str, value: object) -> tuple[str, ...]:
    """Return the names in the order of the catalogue; it is here that their modules load, and not while tracing."""
    given = value.split(",") if isinstance(value, str) else value
    names = [str(name).strip().lower() for name in given] if isinstance(given, (list, tuple)) else []
    names = [name for name in names if name]
    takes = f"names among {', '.join(NAMES)}, or all"
    if not names:
        raise ConfigurationError(setting, value, takes)
    for name in names:
        if name != "all" and name not in NAMES:
            raise ConfigurationError(setting, name, takes + perhaps(meant(name)))
        if name != "all" and not load(name).writes:
            raise ConfigurationError(setting, name, f"{takes}; {name} is read and never written")
    chosen = NAMES if "all" in names else tuple(name for name in NAMES if name in names)
    return tuple(name for name in chosen if load(name).writes)


def _hosts(setting: str, value: object) -> tuple[str, ...]:
    from .hosts import TAKES, Destinations  # Rarely set, and the standard library's addresses are slow to import.

    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(setting, value, TAKES)
    patterns = tuple(each.strip() for each in value if each.strip())
    for each in patterns:
        try:
            Destinations((each,))
        except ValueError:
            raise ConfigurationError(setting, each, TAKES) from None
    if "none" in patterns and len(patterns) > 1:
        raise ConfigurationError(setting, value, "none, or hosts, but not both")
    return patterns


def _sources(setting: str, value: object) -> "tuple[Source, ...]":
    from .sources import parse  # Here and below: most set none, and importing the package is to stay cheap.

    return parse(setting, value)


def _rules(setting: str, value: object) -> "tuple[SpanExcludeRule, ...]":
    from .exclude_rules import parse_rules

    return parse_rules(setting, value)


_PARSERS: Mapping[str, Callable[[str, object], Any]] = {
    "backfill": _flag,
    "baggage_in_context": _flag,
    "capture_content": _flag,
    "conventions": _conventions,
    "conversation_id_on": _one_of("genai", "all", "none"),
    "customer_id_from": _sources,
    "flush_on_shutdown": _flag,
    "inbound": _one_of("accept", "ignore"),
    "max_id_length": _between(16, 1024),
    "outbound_hosts": _hosts,
    "redact": load_redact,
    "span_exclude_rules": _rules,
    "thread_id_from": _sources,
    "turn_links": _flag,
    "user_id_from": _sources,
    "user_id_hash_key": _secret,
}

# What a wrong value becomes where it must not stop the application: the default would let out what was to be kept in.
_CLOSED: Mapping[str, tuple[Any, str]] = {
    "redact": (withhold, "no text is recorded"),
    "user_id_hash_key": (NO_KEY, "no user id is recorded"),
}


class Config(NamedTuple):
    """What is set, checked; `None`: nobody said, so the place that asks decides."""

    backfill: bool | None = None
    baggage_in_context: bool = True
    capture_content: bool | None = None
    conventions: tuple[str, ...] = ("otel", "langwatch")
    conversation_id_on: str = "genai"
    customer_id_from: "tuple[Source, ...]" = ()
    flush_on_shutdown: bool = True
    inbound: str = "accept"
    max_id_length: int = 200
    outbound_hosts: tuple[str, ...] = ()
    redact: Redact | None = None
    span_exclude_rules: "tuple[SpanExcludeRule, ...]" = ()
    thread_id_from: "tuple[Source, ...]" = ()
    turn_links: bool = True
    user_id_from: "tuple[Source, ...]" = ()
    user_id_hash_key: bytes | None = None

    def __repr__(self) -> str:
        shown = self._asdict()
        del shown["redact"], shown["user_id_hash_key"]  # A secret is shown nowhere.
        return f"Config({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def read(settings: Mapping[str, object], *, lenient: bool = False, base: Config | None = None) -> Config:
    """Return the configuration that `settings` and the environment give; over `base`, where there is one already.

    Raises ConfigurationError for an unknown setting or a value that one does not take;
    `lenient` logs it instead and keeps the default, or what lets out less.
    """
    found: dict[str, object] = {**_from_environment()} if base is None else {}
    found.update({setting: value for setting, value in settings.items() if value is not None})
    parsed: dict[str, Any] = {}
    for setting, value in found.items():
        try:
            parsed[setting] = _parse(setting, value)
        except ConfigurationError as error:
            if not lenient:
                raise
            if setting in _CLOSED:
                parsed[setting] = _CLOSED[setting][0]
            say_once(f"{error}; {instead_of(setting)}")
    return (base or Config())._replace(**parsed)


def instead_of(setting: str) -> str:
    """Return what holds where the value of `setting` is wrong, and that must not stop the application."""
    return _CLOSED[setting][1] if setting in _CLOSED else "the default holds"


def _from_environment() -> dict[str, str]:
    """Return what is set: each variable by its setting's name, else by its own."""
    named = {ENV_PREFIX + setting.upper(): setting for setting in _PARSERS}
    return {
        named.get(name, name): text
        for name, text in os.environ.items()
        if name.upper().startswith(ENV_PREFIX) and text.strip()
    }


def _parse(setting: str, value: object) -> object:
    if setting in _PARSERS:
        return _PARSERS[setting](setting, value)
    variable = setting.upper().startswith(ENV_PREFIX)
    known = [ENV_PREFIX + name.upper() if variable else name for name in sorted(_PARSERS)]
    word = setting[len(ENV_PREFIX) :] if variable else setting
    close = [ENV_PREFIX + name.upper() if variable else name for name in closest(word.lower(), _PARSERS)]
    takes = f"no value: the settings are {', '.join(known)}{perhaps(close)}"
    raise ConfigurationError(setting, "one of that name", takes)  # Not its value, perhaps a secret.


def content_is_off() -> bool:
    """Say whether the operator turned the recording of content off for GenAI instrumentations at large.

    `TRACELOOP_TRACE_CONTENT=false`, or `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=NO_CONTENT`.
    """
    traceloop = os.environ.get("TRACELOOP_TRACE_CONTENT", "").strip().lower()
    genai = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().upper()
    return traceloop == "false" or genai == "NO_CONTENT"


in_force: Config | None = None
"""What `active()` returns, once it was asked: where every turn comes by, that is read first, and not asked."""


def active() -> Config:
    """Return the configuration in force: the last one put in force, else what the environment says."""
    global in_force
    if in_force is None:
        in_force = read({}, lenient=True)
        if content_is_off():
            in_force = in_force._replace(capture_content=False)
    return in_force


def activate(config: Config | None) -> None:
    """Put `config` in force for the process; `None` goes back to what the environment says."""
    global in_force
    if config is not None and content_is_off():
        config = config._replace(capture_content=False)
    in_force = config


SETTINGS = Config._fields
