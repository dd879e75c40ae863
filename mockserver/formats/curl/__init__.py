"""
Commands of curl, as API documentation has them and browsers copy them: each request becomes a route.

A file is read as a shell script, so commands can have quotes, comments and line continuations. It has no answers, so
every route answers 200.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, invalid
from mockserver.formats.curl.arguments import requests_of
from mockserver.formats.curl.shell import CLOSE, OPEN, UnclosedQuoteError, commands
from mockserver.formats.exchanges_to_routes import fold, route_path
from mockserver.formats.reading import file_bytes, free_name, name_of
from mockserver.recording.conversion import Document, Imported, Losses
from mockserver.recording.exchanges import RecordedExchange

_WHAT = "a file with commands of curl"
_HOST = re.compile(f"^(?:[a-z]+://)?[^/?]*{OPEN}[^/?]*")
"""An address with a variable: `$BASE_URL`, `https://$HOST:8443`."""
_PARAMETER = re.compile(
    rf"{route_path(OPEN)}(?P<variable>\w+){route_path(CLOSE)}|%7B(?P<braced>[A-Za-z_]\w*)%7D", re.ASCII
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
_BEFORE = frozenset(["$", "%", "command", "sudo", "time"])


def read(source: Path) -> Imported:
    """Read a script. Raises InvalidInputError if it has no command of curl."""
    raw = file_bytes(source, _WHAT)
    lost = Losses()
    try:
        found = list(_exchanges(raw.decode("utf-8-sig"), lost))
    except UnicodeDecodeError as error:
        flaw = Flaw((), f"{source} is not UTF-8: byte {error.start}", f"Name {_WHAT}")
        raise InvalidInputError(flaw) from error
    except UnclosedQuoteError as error:
        raise invalid((), f"{source}:{error.line}: {error}", "Close it") from error
    if not found and not lost:
        raise invalid((), f"{source} has no command of curl", f"Name {_WHAT}")
    imported = fold(found, name_of(source))
    imported.lost[:0] = lost
    for name, document in imported.scenarios.items():
        for route in document["routes"]:
            _set_parameters(route)
        imported.remarks.setdefault(name, []).append(
            "Commands of curl have no answers: every route answers 200."
        )
    return imported


def _exchanges(text: str, lost: Losses) -> Iterator[RecordedExchange]:
    for command in commands(text):
        words = _arguments(command.words)
        if words is not None:
            for exchange in requests_of(words, f"line {command.line}", lost):
                exchange.url = _HOST.sub("", exchange.url) or "/"
                yield exchange


def _arguments(words: list[str]) -> list[str] | None:
    """Return the words after `curl`, None for another command. Assignments and prompts may precede it."""
    start = next(
        (at for at, word in enumerate(words) if word not in _BEFORE and not _ASSIGNMENT.match(word)),
        len(words),
    )
    if PurePosixPath("".join(words[start : start + 1])).name not in ("curl", "curl.exe"):
        return None
    return words[start + 1 :]


def _set_parameters(route: Document) -> None:
    """Make variables and placeholders in the path parameters: `/orders/$ID`, `/orders/{id}`. In a query, any value matches."""
    taken: set[str] = set()

    def parameter(found: re.Match[str]) -> str:
        name = free_name((found["variable"] or found["braced"]).lower(), taken, "_")
        taken.add(name)
        return f"{{{name}}}"

    route["request"] = _PARAMETER.sub(parameter, route["request"])
    query = route.get("match", {}).get("query", {})
    for name, condition in query.items():
        query[name] = _any_value(condition)


def _any_value(condition: Any) -> Any:
    if isinstance(condition, list):
        return [_any_value(item) for item in condition]
    return "present" if isinstance(condition, str) and OPEN in condition else condition
