"""
Conditions on the files of a multipart body.

In a form, a part is named by its field; in other multipart bodies by its Content-ID, else by its number: "0" is the
first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from mockserver.errors import WrongValueError, near
from mockserver.matching.checks import MatchCheck, value_check
from mockserver.matching.conditions import Condition
from mockserver.matching.mismatch import differences as differing
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.mismatch.hints import MOST_GUESSES
from mockserver.matching.reading import Reader, ReadingDialect, read_parts
from mockserver.model.http import ABSENT, Part, Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

Read = Callable[[Part], Any]
ASKED: dict[str, tuple[ReadingDialect, Read]] = {
    "filename": (ReadingDialect.TEXT, lambda part: [] if part.filename is None else [part.filename]),
    "content_type": (ReadingDialect.TEXT, lambda part: [part.content_type]),
    "text": (ReadingDialect.TEXT, lambda part: [part.text]),
    "length": (ReadingDialect.BARE, lambda part: len(part.body)),
    "sha256": (ReadingDialect.TEXT, lambda part: [hashlib.sha256(part.body).hexdigest()]),
}
"""What can be matched in a file. `length` is the number of bytes."""


def files_of(request: Request) -> dict[str, list[Part]]:
    """Return the files by name. Raises UnreadableBodyError."""
    return request.once("files", lambda: _read(request))


def _read(request: Request) -> dict[str, list[Part]]:
    form = request.media_type == "multipart/form-data"
    files: dict[str, list[Part]] = {}
    for i, part in enumerate(request.parts):
        if form:
            name = part.name if part.filename is not None else None
        else:
            name = part.headers.get("content-id", "").strip("<> ") or str(i)
        if name is not None:
            files.setdefault(name, []).append(part)
    return files


def upload(name: str, written: object, reader: Reader) -> MatchCheck:
    """
    Check the files with that name.

    A mapping of ASKED must be true for one of them; other conditions apply to the file name.
    """
    if isinstance(written, dict) and (
        written.keys() & ASKED.keys() or written.keys() - reader.operators.keys()
    ):
        dialects = {key: dialect for key, (dialect, _) in ASKED.items()}
        return _asked(name, read_parts(written, reader, dialects, _unknown))
    return _named(name, reader.read(written))


def _unknown(key: object) -> WrongValueError:
    known = ", ".join(ASKED)
    if str(key) in ("contains", "starts_with", "ends_with", "matches", "equals"):
        return WrongValueError(
            f"unknown key {key!r} beside the conditions on the file", f"Move it below one of {known}"
        )
    return WrongValueError(f"unknown key {key!r}", near(str(key), ASKED))


def _named(name: str, condition: Condition) -> MatchCheck:
    return value_check(
        6,
        condition,
        lambda request: [part.filename or "" for part in files_of(request).get(name, [])],
        DifferencePlace(f"files.{name}", flat=True),
        refine=lambda request, differences: _missing(name, differences, request),
    )


def _asked(name: str, conditions: dict[str, Condition]) -> MatchCheck:
    tests = [(ASKED[key][1], condition.holds) for key, condition in conditions.items()]

    def holds(request: Request) -> bool:
        try:
            parts = files_of(request).get(name, [])
        except UnreadableBodyError:
            return False
        return any(all(test(read(part)) for read, test in tests) for part in parts)

    def explain(request: Request) -> list[Difference]:
        try:
            parts = files_of(request).get(name, [])
        except UnreadableBodyError:
            return []  # said once for the whole body
        if not parts:
            written = {key: condition.written for key, condition in conditions.items()}
            return _missing(
                name, [DifferencePlace(f"files.{name}").differs(ABSENT, "present", written)], request
            )
        return min(
            (_reasons(name, part, conditions) for part in parts[:MOST_GUESSES]), key=differing.distance
        )

    return MatchCheck(6, holds, explain, count=sum(condition.count for condition in conditions.values()))


def _reasons(name: str, part: Part, conditions: dict[str, Condition]) -> list[Difference]:
    differences: list[Difference] = []
    for key, condition in conditions.items():
        dialect, read = ASKED[key]
        differences += condition.explain(
            read(part), DifferencePlace(f"files.{name}.{key}", flat=dialect is ReadingDialect.TEXT)
        )
    return differences


def _missing(name: str, reasons: list[Difference], request: Request) -> list[Difference]:
    """Return the differences, with what was sent in place of the file."""
    files = files_of(request)
    if not reasons or name in files:
        return reasons
    if any(part.name == name for part in request.parts):
        note = "it came as a field, without a file name"
        return [differing.noting(difference, note, 0.6) for difference in reasons]
    return differing.with_near_name(reasons, name, list(files))
