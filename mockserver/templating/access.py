"""
Access to values: `a.b`, `a['b']`, `a[0]`, `a[1:3]`.

A dot is a key look-up on mappings. Values other than plain JSON have an explicit list of members; Python attributes are
never used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from mockserver.model.http import Pairs, Request, UnreadableBodyError
from mockserver.templating.scope import NOTHING, Closure, RenderError, Scope, Start, Step, UndefinedError
from mockserver.templating.values import kind_of


class Fields(dict[str, str]):
    """Named texts: a repeated name gives its first value, `getlist` all of them."""

    __slots__ = ("pairs",)

    pairs: Pairs

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]


def fields_of(pairs: Pairs) -> Fields:
    fields = Fields(pairs)
    fields.pairs = pairs
    if len(fields) < len(pairs):
        fields.update(reversed(pairs))
    return fields


class Loop:
    """`loop` inside a `for`."""

    __slots__ = ("index0", "length")

    def __init__(self, index0: int, length: int) -> None:
        self.index0 = index0
        self.length = length


PLACES = {
    "query": "query by name",
    "cookies": "cookies by name",
    "form": "form by name",
    "text": "text",
    "json": "json",
}
"""Where a request keeps its parts."""


REQUEST_PARTS: dict[str, Callable[[Request], Any]] = {
    "method": attrgetter("method"),
    "url": attrgetter("url"),
    "base_url": attrgetter("base_url"),
    "path": attrgetter("path"),
    "host": attrgetter("host"),
    "headers": attrgetter("headers"),
    "query": lambda request: request.once(PLACES["query"], lambda: fields_of(request.query_pairs)),
    "cookies": lambda request: request.once(PLACES["cookies"], lambda: fields_of(request.cookie_pairs)),
    "body": attrgetter("body"),
    "text": attrgetter("text"),
    "json": attrgetter("json"),
    "form": lambda request: request.once(PLACES["form"], lambda: fields_of(request.form_pairs)),
    "message": attrgetter("message"),
    "messages": attrgetter("messages"),
    "arguments": attrgetter("arguments"),
}
READABLE_PARTS = ("text", "json", "form", "message", "messages", "arguments")
"""Parts that a body may not have."""
LOOP_PARTS: dict[str, Callable[[Loop], object]] = {
    "index": lambda loop: loop.index0 + 1,
    "index0": lambda loop: loop.index0,
    "first": lambda loop: loop.index0 == 0,
    "last": lambda loop: loop.index0 + 1 == loop.length,
    "length": lambda loop: loop.length,
    "revindex": lambda loop: loop.length - loop.index0,
    "revindex0": lambda loop: loop.length - loop.index0 - 1,
}
WORD_PARTS: dict[str, frozenset[str]] = {
    "request": frozenset(REQUEST_PARTS),
    "call": frozenset({"number", "id"}),
    "reply": frozenset({"status", "headers", "json"}),
    "message": frozenset({"text", "json", "base64"}),
}
"""Members of variables; other variables have the members that the author defined."""


def look(value: object, key: str, said: str) -> object:
    """Return `value.key`; `said` is the whole look-up as written, for errors."""
    if isinstance(value, Mapping):
        try:
            return value[key]
        except KeyError:
            raise UndefinedError(said, value, key) from None
    if isinstance(value, Request) and key in REQUEST_PARTS:
        return part_of(value, key)
    if isinstance(value, Loop) and key in LOOP_PARTS:
        return LOOP_PARTS[key](value)
    raise UndefinedError(said, why=f"{kind_of(value)} has no {key!r}")


def part_of(request: Request, name: str) -> object:
    """Return a part of a request; undefined, with the reason, if the body has no such part."""
    try:
        return REQUEST_PARTS[name](request)
    except UnreadableBodyError as error:
        raise UndefinedError(f"request.{name}", why=str(error)) from None


def subscript(value: object, key: object, said: str) -> object:
    """`value[key]`."""
    if isinstance(key, str) and not isinstance(value, (str, list, tuple)):
        return look(value, key, said)
    if isinstance(value, Mapping):
        return _by_key(value, key, said)
    if not isinstance(value, (list, tuple, str)):
        raise UndefinedError(said, why=f"{kind_of(value)} has no positions")
    if not isinstance(key, int):
        raise UndefinedError(said, why=f"{kind_of(value)} is indexed by position, not by {kind_of(key)}")
    try:
        return value[key]
    except IndexError:
        raise UndefinedError(said, value, key) from None


def _by_key(value: Mapping[Any, Any], key: object, said: str) -> object:
    try:
        return value[key]
    except KeyError:
        raise UndefinedError(said, value, key) from None
    except (TypeError, AttributeError):
        raise RenderError(f"{said}: {kind_of(key)} is not a valid mapping key") from None


def cut(scope: Scope, value: object, bounds: tuple[Any, Any, Any]) -> object:
    """`value[start:stop:step]`."""
    if not isinstance(value, (str, list, tuple)):
        raise UndefinedError("the slice", why=f"{kind_of(value)} has no positions")
    if any(bound is not None and not isinstance(bound, int) for bound in bounds):
        raise RenderError("the bounds of a slice are whole numbers")
    if bounds[2] == 0:
        raise RenderError("the step of a slice can't be 0")
    piece = slice(*bounds)
    length = len(range(*piece.indices(len(value))))
    (scope.take_chars if isinstance(value, str) else scope.take_steps)(length)
    return value[piece]


def subscript_closure(get: Closure, key: Closure, said: str) -> Closure:
    return lambda scope: subscript(get(scope), key(scope), said)


def optional_subscript_closure(get: Closure, key: Closure, said: str) -> Closure:
    """Like `subscript_closure`; NOTHING if a mapping has no such key."""

    def look_up(scope: Scope) -> object:
        value = get(scope)
        if value is NOTHING:
            return value
        name = key(scope)
        if name.__class__ is str and isinstance(value, (dict, Mapping)):
            return value.get(name, NOTHING)
        return subscript(value, name, said)

    return look_up


def path_closure(start: Start, steps: tuple[Step, ...]) -> Closure:
    """Return a closure for a chain of keys."""
    word, get = (start, None) if isinstance(start, str) else ("", start)

    def path(scope: Scope) -> object:
        value = scope.values.get(word, NOTHING) if get is None else get(scope)
        if value is NOTHING:
            raise UndefinedError(word)
        for key, said, find in steps:
            value = value[key] if isinstance(value, dict) and key in value else find(value, key, said)
        return value

    return path


def optional_path_closure(start: Start, steps: tuple[Step, ...]) -> Closure:
    """Like `path_closure`; NOTHING if a dict on the way has no such key."""
    word, get = (start, None) if isinstance(start, str) else ("", start)

    def path(scope: Scope) -> object:
        value = scope.values.get(word, NOTHING) if get is None else get(scope)
        for key, said, find in steps:
            if isinstance(value, dict):
                value = value.get(key, NOTHING)
            elif value is NOTHING:
                break
            else:
                value = find(value, key, said)
        return value

    return path


def part_closure(word: str, name: str) -> Closure:
    """Return a closure for `request.json` and similar parts, read directly from the request."""

    def of_request(scope: Scope) -> object:
        value = scope.values.get(word)
        if isinstance(value, Request):
            return part_of(value, name)
        if value is None:
            raise UndefinedError(word)
        return look(value, name, f"{word}.{name}")

    return of_request


def optional_part_closure(word: str, name: str) -> Closure:
    """Like that; NOTHING if the body can't be decoded."""
    get = part_closure(word, name)
    if name not in READABLE_PARTS:
        return get
    return first_defined((get,), _nothing)


def _nothing(_scope: Scope) -> object:
    return NOTHING


def first_defined(tries: tuple[Closure, ...], otherwise: Closure) -> Closure:
    """Return the first defined value; `otherwise` if there is none."""

    def defined(scope: Scope) -> object:
        for get in tries:
            try:
                result = get(scope)
            except UndefinedError:
                continue
            if result is not NOTHING:
                return result
        return otherwise(scope)

    return defined


def slice_closure(get: Closure, bounds: list[Closure | None]) -> Closure:
    def sliced(scope: Scope) -> object:
        start, stop, step = (bound(scope) if bound else None for bound in bounds)
        return cut(scope, get(scope), (start, stop, step))

    return sliced
