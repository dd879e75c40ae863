"""
Looking into values: `a.b`, `a['b']`, `a[0]`, `a[1:3]`.

A dot is a key look-up on mappings. Values that are no plain JSON have an
explicit list of what may be named; Python's own attributes are never asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockserver.model.http import Pairs, Request, UnreadableBody
from mockserver.replying.template_frame import Closure, Failed, Frame, Missing
from mockserver.replying.template_values import kind_of


class Fields(Mapping[str, str]):
    """Named texts as they came: a repeated name gives its first value, `getlist` all of them."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def __getitem__(self, name: str) -> str:
        for key, value in self.pairs:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


class Loop:
    """`loop` inside a `for`."""

    __slots__ = ("index0", "length")

    def __init__(self, index0: int, length: int) -> None:
        self.index0 = index0
        self.length = length


Part = Callable[[Any], Any]


def _readable(name: str, read: Part) -> Part:
    """A part of a request that its body may not have: undefined then, with the reason."""

    def part(request: Request) -> Any:
        try:
            return read(request)
        except UnreadableBody as why:
            raise Missing(f"request.{name}", why=str(why)) from None

    return part


REQUEST_PARTS: dict[str, Part] = {
    "method": lambda request: request.method,
    "url": lambda request: request.url,
    "base_url": lambda request: request.base_url,
    "path": lambda request: request.path,
    "host": lambda request: request.host,
    "headers": lambda request: request.headers,
    "query": lambda request: Fields(request.query_pairs),
    "cookies": lambda request: Fields(request.cookie_pairs),
    "body": lambda request: request.body,
    "text": _readable("text", lambda request: request.text),
    "json": _readable("json", lambda request: request.json),
    "form": _readable("form", lambda request: Fields(request.form_pairs)),
}
LOOP_PARTS: dict[str, Part] = {
    "index": lambda loop: loop.index0 + 1,
    "index0": lambda loop: loop.index0,
    "first": lambda loop: loop.index0 == 0,
    "last": lambda loop: loop.index0 + 1 == loop.length,
    "length": lambda loop: loop.length,
    "revindex": lambda loop: loop.length - loop.index0,
    "revindex0": lambda loop: loop.length - loop.index0 - 1,
}
PARTS: dict[type, dict[str, Part]] = {Request: REQUEST_PARTS, Loop: LOOP_PARTS}
WORD_PARTS: dict[str, frozenset[str]] = {
    "request": frozenset(REQUEST_PARTS),
    "call": frozenset({"number", "id"}),
    "reply": frozenset({"status", "headers", "json"}),
}
"""What may follow a word and its dot; other words hold what the author put there."""


def look(value: Any, key: str, said: str) -> Any:
    """`value.key`; `said` is the whole look-up as written, for the error."""
    if isinstance(value, Mapping):
        try:
            return value[key]
        except KeyError:
            raise Missing(said, value, key) from None
    parts = PARTS.get(type(value))
    if parts is not None and key in parts:
        return parts[key](value)
    raise Missing(said, why=f"{kind_of(value)} has no {key!r}")


def subscript(value: Any, key: Any, said: str) -> Any:
    """`value[key]`."""
    if isinstance(key, str) and not isinstance(value, (str, list, tuple)):
        return look(value, key, said)
    if isinstance(value, Mapping):
        return _by_key(value, key, said)
    if not isinstance(value, (list, tuple, str)):
        raise Missing(said, why=f"{kind_of(value)} has no positions")
    if not isinstance(key, int):
        raise Missing(said, why=f"{kind_of(value)} is asked by position, not by {kind_of(key)}")
    try:
        return value[key]
    except IndexError:
        raise Missing(said, value, key) from None


def _by_key(value: Mapping[Any, Any], key: Any, said: str) -> Any:
    try:
        return value[key]
    except KeyError:
        raise Missing(said, value, key) from None
    except (TypeError, AttributeError):
        raise Failed(f"{said}: {kind_of(key)} is no key of a mapping") from None


def cut(frame: Frame, value: Any, bounds: tuple[Any, Any, Any]) -> Any:
    """`value[start:stop:step]`."""
    if not isinstance(value, (str, list, tuple)):
        raise Missing("the slice", why=f"{kind_of(value)} has no positions")
    if any(bound is not None and not isinstance(bound, int) for bound in bounds):
        raise Failed("the bounds of a slice are whole numbers")
    if bounds[2] == 0:
        raise Failed("the step of a slice can't be 0")
    piece = slice(*bounds)
    length = len(range(*piece.indices(len(value))))
    (frame.take_chars if isinstance(value, str) else frame.take_steps)(length)
    return value[piece]


def attribute_closure(get: Closure, key: str, said: str) -> Closure:
    def attribute(frame: Frame) -> Any:
        value = get(frame)
        if type(value) is dict and key in value:
            return value[key]
        return look(value, key, said)

    return attribute


def part_closure(word: str, part: Part) -> Closure:
    """`request.json` and its like, straight from the request."""
    name = next(name for name, known in REQUEST_PARTS.items() if known is part)

    def of_request(frame: Frame) -> Any:
        value = frame.values.get(word)
        if type(value) is Request:
            return part(value)
        if value is None:
            raise Missing(word)
        return look(value, name, f"{word}.{name}")

    return of_request


def subscript_closure(get: Closure, key: Closure, said: str) -> Closure:
    return lambda frame: subscript(get(frame), key(frame), said)


def slice_closure(get: Closure, bounds: list[Closure | None]) -> Closure:
    def sliced(frame: Frame) -> Any:
        start, stop, step = (bound(frame) if bound else None for bound in bounds)
        return cut(frame, get(frame), (start, stop, step))

    return sliced
