"""`${NAME}` and `${NAME:-default}`, replaced when a file is loaded, in some places of a scenario only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.errors import Flaw, KeyPath, shown


def _replies() -> Iterator[KeyPath]:
    """Yield the places of replies: alone, in a sequence, and in `choose` and `cases`, two deep."""
    level: list[KeyPath] = [("routes", "#", "reply"), ("routes", "#", "reply", "#")]
    for _ in range(3):
        yield from level
        level = [(*path, kind, "#") for path in level for kind in ("choose", "cases")]


def _webhook_urls() -> Iterator[KeyPath]:
    for holder in (("routes", "#"), *_replies(), ("resources", "#", "on", "*")):
        yield (*holder, "webhook", "url")
        yield (*holder, "webhook", "#", "url")


FILLED: tuple[KeyPath, ...] = (("vars",), ("host",), ("routes", "#", "proxy"), *_webhook_urls())
"""Key paths below which every text is filled. `*` is any key or index, `#` an index of a list."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_OPENING = re.compile(r"\$\{")


def filled(data: object, env: Mapping[str, str]) -> tuple[Any, list[Flaw]]:
    """
    Return `data` with its references replaced, and the flaws of those that can't be.

    `data` itself is not changed.
    """
    flaws: list[Flaw] = []
    for target in FILLED:
        data = _at(data, target, (), env, flaws)
    return data, flaws


def _at(data: object, target: KeyPath, path: KeyPath, env: Mapping[str, str], flaws: list[Flaw]) -> object:
    if not target:
        return _fill(data, path, env, flaws)
    wanted, rest = target[0], target[1:]
    if isinstance(data, dict):
        keys = [key for key in data if wanted in (key, "*")]
        return (
            {**data, **{key: _at(data[key], rest, (*path, key), env, flaws) for key in keys}}
            if keys
            else data
        )
    if isinstance(data, list) and wanted in ("*", "#"):
        return [_at(item, rest, (*path, index), env, flaws) for index, item in enumerate(data)]
    return data


def _fill(data: object, path: KeyPath, env: Mapping[str, str], flaws: list[Flaw]) -> object:
    match data:
        case str() if "${" in data:
            return _text(data, path, env, flaws)
        case dict():
            return {key: _fill(item, (*path, key), env, flaws) for key, item in data.items()}
        case list():
            return [_fill(item, (*path, index), env, flaws) for index, item in enumerate(data)]
    return data


def _text(text: str, path: KeyPath, env: Mapping[str, str], flaws: list[Flaw]) -> str:
    """Replace the references of a text. `:-` is the default for an unset or empty variable, as in a shell."""

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in env and default is None:
            flaws.append(
                Flaw(
                    path,
                    f"the environment variable {name} is not set",
                    f"Set it, or write ${{{name}:-default}}",
                )
            )
            return ""
        return env.get(name, "") if default is None else env.get(name) or default

    if len(_OPENING.findall(text)) > len(_REFERENCE.findall(text)):
        flaws.append(
            Flaw(
                path,
                f"{shown(text)} is not a valid reference to an environment variable",
                "Write ${NAME} or ${NAME:-default}",
            )
        )
        return text
    return _REFERENCE.sub(value, text)
