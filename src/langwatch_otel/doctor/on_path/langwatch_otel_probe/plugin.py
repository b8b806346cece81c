"""Whether the plugin is here and on, and with which settings."""

from __future__ import annotations

import os
from typing import Any

from . import config_file
from .requests import is_on

# A secret, and code of the user's.
_HIDDEN = ("user_id_hash_key", "redact")


def find() -> dict[str, Any]:
    """Return whether it is installed and on, each setting as [value, where from], and each refusal with what holds."""
    try:
        from langwatch_otel import config
    except ImportError:
        return {"installed": False, "on": False, "settings": {}, "refused": [], "limits": []}
    settings, refused = _settings(config)
    active = config.active()
    return {
        "installed": True,
        "on": is_on(),
        "settings": settings,
        "refused": refused,
        "max_id_length": active.max_id_length,
        "baggage": active.inbound != "ignore" or tuple(active.outbound_hosts) != ("none",),
        "sources": _sources(active),
        "limits": _limits(active.conventions),
    }


def _settings(config: Any) -> tuple[dict[str, list[str]], list[list[str]]]:
    active, default = config.active(), config.Config()
    in_file = config_file.settings()
    in_environment = _environment(config)
    refused: list[list[str]] = []
    given = [("environment", _parsed(config, in_environment, refused)), ("file", _parsed(config, in_file, refused))]
    found = {}
    for setting in config.SETTINGS:
        value = getattr(active, setting)
        came_from = "default" if value == getattr(default, setting) else "code"
        for place, parsed in given:
            if setting in parsed and parsed[setting] == value:
                came_from = place
        found[setting] = [_shown(setting, value), came_from]
    return found, refused


def _environment(config: Any) -> dict[str, object]:
    named = {config.ENV_PREFIX + setting.upper(): setting for setting in config.SETTINGS}
    return {
        named.get(name, name): text
        for name, text in os.environ.items()
        if name.upper().startswith(config.ENV_PREFIX) and text.strip()
    }


def _parsed(config: Any, given: dict[str, Any], refused: list[list[str]]) -> dict[str, Any]:
    found = {}
    for setting, value in given.items():
        try:
            found[setting] = getattr(config.read({setting: value}, base=config.Config()), setting)
        except ValueError as error:  # It shows no secret.
            refused.append([_refusal(config, setting, error), config.instead_of(setting)])
    return found


def _refusal(config: Any, setting: str, error: ValueError) -> str:
    if setting in config.SETTINGS:
        return str(error)
    _, found, name = str(getattr(error, "takes", "")).partition(" (perhaps ")
    return f"{setting} is no setting{found}{name}"


def _shown(setting: str, value: object) -> str:
    if value is None:
        return "not set"
    if setting in _HIDDEN:
        return "set"
    if isinstance(value, tuple):
        return ",".join(map(_text, value)) or "none"
    return _text(value)


def _text(value: Any) -> str:
    if hasattr(value, "kind"):  # A source.
        return f"{value.kind}:{value.name}"
    if hasattr(value, "op"):  # A rule, whose value may be content.
        return f"{value.field} {value.op} ..."
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sources(active: Any) -> dict[str, list[str]]:
    fields = ("thread_id", "user_id", "customer_id")
    return {field: [_text(each) for each in found] for field in fields if (found := getattr(active, f"{field}_from"))}


def _limits(conventions: Any) -> list[dict[str, Any]]:
    from langwatch_otel.conventions import load

    return [
        {"backend": load(name).title, "key": key, "length": limit.length, "beyond": limit.beyond}
        for name in conventions
        for key, limit in load(name).shared_limits.items()
    ]
