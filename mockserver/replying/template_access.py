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

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self._first: dict[str, str] = {}
        for name, value in pairs:
            self._first.setdefault(name, value)

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


class Loop:
    """`loop` inside a `for`."""

    __slots__ = ("index0", "length")

    def __init__(self, index0: int, length: int) -> None:
        self.index0 = index0
        self.length = length


Part = Callable[[Frame, Any], Any]


def _readable(name: str, read: Callable[[Request], Any]) -> Part:
    """A part of a request that its body may not have: undefined then, with the reason."""

    def part(_frame: Frame, request: Request) -> Any:
        try:
            return read(request)
        except UnreadableBody as why:
            raise Missing(f"request.{name}", why=str(why)) from None

    return part


def _fields(name: str, read: Callable[[Request], Pairs]) -> Part:
    """Named texts of a request, sorted by name once a render: a loop may ask for them at each turn."""
    pairs_of = _readable(name, read)

    def part(frame: Frame, request: Request) -> Fields:
        pairs = pairs_of(frame, request)
        known = frame.fields.get(name)
        if known is None or known.pairs is not pairs:
            known = Fields(pairs)
            frame.fields = {**frame.fields, name: known}
        return known

    return part


REQUEST_PARTS: dict[str, Part] = {
    "method": lambda _frame, request: request.method,
    "url": lambda _frame, request: request.url,
    "base_url": lambda _frame, request: request.base_url,
    "path": lambda _frame, request: request.path,
    "host": lambda _frame, request: request.host,
    "headers": lambda _frame, request: request.headers,
    "query": _fields("query", lambda request: request.query_pairs),
    "cookies": _fields("cookies", lambda request: request.cookie_pairs),
    "body": lambda _frame, request: request.body,
    "text": _readable("text", lambda request: request.text),
    "json": _readable("json", lambda request: request.json),
    "form": _fields("form", lambda request: request.form_pairs),
}
LOOP_PARTS: dict[str, Part] = {
    "index": lambda _frame, loop: loop.index0 + 1,
    "index0": lambda _frame, loop: loop.index0,
    "first": lambda _frame, loop: loop.index0 == 0,
    "last": lambda _frame, loop: loop.index0 + 1 == loop.length,
    "length": lambda _frame, loop: loop.length,
    "revindex": lambda _frame, loop: loop.length - loop.index0,
    "revindex0": lambda _frame, loop: loop.length - loop.index0 - 1,
}
PARTS: dict[type, dict[str, Part]] = {Request: REQUEST_PARTS, Loop: LOOP_PARTS}
WORD_PARTS: dict[str, frozenset[str]] = {
    "request": frozenset(REQUEST_PARTS),
    "call": frozenset({"number", "id"}),
    "reply": frozenset({"status", "headers", "json"}),
}
"""What may follow a word and its dot; other words hold what the author put there."""


def look(frame: Frame, value: Any, key: str, said: str) -> Any:
    """`value.key`; `said` is the whole look-up as written, for the error."""
    if isinstance(value, Mapping):
        try:
            return value[key]
        except KeyError:
            raise Missing(said, value, key) from None
    parts = PARTS.get(type(value))
    if parts is not None and key in parts:
        return parts[key](frame, value)
    raise Missing(said, why=f"{kind_of(value)} has no {key!r}")


def subscript(frame: Frame, value: Any, key: Any, said: str) -> Any:
    """`value[key]`."""
    if isinstance(key, str) and not isinstance(value, (str, list, tuple)):
        return look(frame, value, key, said)
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
        return look(frame, value, key, said)

    return attribute


def part_closure(word: str, part: Part) -> Closure:
    """`request.json` and its like, straight from the request."""
    name = next(name for name, known in REQUEST_PARTS.items() if known is part)

    def of_request(frame: Frame) -> Any:
        value = frame.values.get(word)
        if type(value) is Request:
            return part(frame, value)
        if value is None:
            raise Missing(word)
        return look(frame, value, name, f"{word}.{name}")

    return of_request


def subscript_closure(get: Closure, key: Closure, said: str) -> Closure:
    return lambda frame: subscript(frame, get(frame), key(frame), said)


def slice_closure(get: Closure, bounds: list[Closure | None]) -> Closure:
    def sliced(frame: Frame) -> Any:
        start, stop, step = (bound(frame) if bound else None for bound in bounds)
        return cut(frame, get(frame), (start, stop, step))

    return sliced
