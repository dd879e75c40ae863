"""
Namespaces as JSON, encoded in small pieces, so that the server can answer in between.

Python's encoder blocks other threads, so it gets a few hundred rows at once, and rows that can't have changed are
reused.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.model.written import as_text, json_text
from mockserver.persistence.parts import StatePart
from mockserver.persistence.saving import NamespaceCopy

CHUNK = 250
"""Number of rows that are encoded at once: well below a millisecond for small ones."""
_SMALL_BYTES = 64 * 1024
_JSON = json.JSONEncoder(separators=(",", ":"), default=as_text)


class _Chunk(NamedTuple):
    things: list[Any]
    text: bytes


@dataclass(slots=True)
class Encoded:
    """The document of a namespace, in pieces. `chunks` are those of stable parts, by part and number."""

    pieces: list[bytes] = field(default_factory=list)
    chunks: dict[tuple[str, int], _Chunk] = field(default_factory=dict)


def json_bytes(value: object) -> bytes:
    return json_text(value, _JSON).encode()


def plain_json_bytes(value: object) -> bytes:
    """Like `json_bytes`, in half the time, for a value without numbers as written."""
    return _JSON.encode(value).encode()


def encoded(copy: NamespaceCopy, before: Encoded | None, yield_to_loop: Callable[[], None]) -> Encoded:
    """Encode a namespace. `before` is its previous result; `yield_to_loop` is called after each piece."""
    made = Encoded()
    known = before.chunks if before is not None else {}
    made.pieces.append(b'{"about":' + json_bytes(copy.about) + b',"parts":{')
    for i, part in enumerate(copy.parts):
        made.pieces.append((b",\n" if i else b"\n") + json_bytes(part.name) + b":[")
        for j, text in enumerate(_texts(part, known, made)):
            made.pieces.append(b",\n" + text if j else text)
            yield_to_loop()
        made.pieces.append(b"]")
    made.pieces.append(b"}}")
    if sum(map(len, made.pieces)) < _SMALL_BYTES:
        made.pieces = [b"".join(made.pieces)]
    return made


def _texts(part: StatePart, known: dict[tuple[str, int], _Chunk], made: Encoded) -> Iterator[bytes]:
    """
    Yield the rows without their brackets, in chunks.

    Chunks begin at fixed numbers, even if the oldest things are removed.
    """
    start, end = part.first, part.first + len(part.things)
    for number in range(start // CHUNK, -(-end // CHUNK)):
        low, high = max(number * CHUNK, start) - start, min((number + 1) * CHUNK, end) - start
        things = list(part.things[low:high])
        if not part.stable:
            yield _rows(part, things)
            continue
        chunk = known.get((part.name, number))
        if chunk is None or not _same(chunk.things, things):
            chunk = _Chunk(things, _rows(part, things))
        made.chunks[part.name, number] = chunk
        yield chunk.text


def _rows(part: StatePart, things: list[Any]) -> bytes:
    return json_bytes([part.row(thing) for thing in things])[1:-1]


def _same(old: list[Any], new: list[Any]) -> bool:
    return len(old) == len(new) and all(map(operator.is_, old, new))
