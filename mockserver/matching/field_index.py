"""
Many routes on one path, told apart by a field: one look-up in place of a scan.

Of routes that ask a plain equality of one part of the request (a body field, a
header), only those with the value that came can match, and those that don't
ask for that part. Order stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from mockserver.errors import KeyPath
from mockserver.matching.checks import Equalities
from mockserver.matching.mismatch.hints import MOST_GUESSES
from mockserver.matching.values import scalar_key
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.written import as_text

T = TypeVar("T")
Part = tuple[str, KeyPath]

WORTH = 8
"""From so many routes on."""
_COMPARED_CHARS = 40


class Narrowing(Generic[T]):
    """Candidates by the value of the part that most of them ask for. `of` says what a candidate asks."""

    __slots__ = ("_by_value", "_others", "_part", "source")

    def __init__(self, source: tuple[T, ...], of: Callable[[T], Equalities]) -> None:
        self.source = source
        asked = [of(one) for one in source]
        counts = Counter(part for equalities in asked for part in equalities if part[0] in _READERS)
        self._part: Part | None = counts.most_common(1)[0][0] if counts else None
        self._by_value: dict[Hashable, tuple[T, ...]] = {}
        self._others = source
        if self._part is not None:
            self._fill(self._part, asked)

    def _fill(self, part: Part, asked: Sequence[Equalities]) -> None:
        pairs = list(zip(self.source, asked, strict=True))
        self._others = tuple(one for one, equalities in pairs if part not in equalities)
        values = {scalar_key(equalities[part]) for _, equalities in pairs if part in equalities}
        free = bool(self._others)
        buckets: dict[Hashable, list[T]] = {value: [] for value in values}
        for one, equalities in pairs:
            if part in equalities:
                buckets[scalar_key(equalities[part])].append(one)
            elif free:
                for bucket in buckets.values():
                    bucket.append(one)
        self._by_value = {value: tuple(bucket) for value, bucket in buckets.items()}

    def candidates(self, request: Request) -> tuple[T, ...]:
        """Those that may match, in order; all of them where the part came several times."""
        if self._part is None:
            return self.source
        values = _READERS[self._part[0]](request, self._part[1])
        if len(values) != 1:
            return self._others if not values else self.source
        try:
            return self._by_value.get(scalar_key(values[0]), self._others)
        except TypeError:  # a list or a mapping, which equals no scalar
            return self._others


def apart(request: Request, part: Part, literal: object) -> float:
    """How far that part of the request is from a value: 0 where it is the same, 1 where it is absent or quite another."""
    reader = _READERS.get(part[0])
    values = reader(request, part[1]) if reader is not None else []
    if len(values) == 1:
        return 1.0 - _likeness(literal, values[0])
    return 1.0 - max((_likeness(literal, value) for value in values[:MOST_GUESSES]), default=0.0)


def _likeness(expected: object, actual: object) -> float:
    if isinstance(actual, (dict, list)):
        return 0.0
    if type(expected) is type(actual) and expected == actual:
        return 1.0
    left, right = _shortened(expected), _shortened(actual)
    if left == right:
        return 0.7
    ours, theirs = _pairs_of(left), _pairs_of(right)
    return 0.6 * len(ours & theirs) / (len(ours | theirs) or 1)


def _shortened(value: object) -> str:
    """Its text as it is compared."""
    text = value if value.__class__ is str else as_text(value)
    return text[:_COMPARED_CHARS].casefold()


@lru_cache(maxsize=1024)
def _pairs_of(text: str) -> frozenset[str]:
    """The pairs of letters in it."""
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))


def _json(request: Request, path: KeyPath) -> list[Any]:
    try:
        value = request.json
    except UnreadableBodyError:
        return []
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return []
    return [value]


def _headers(request: Request, path: KeyPath) -> list[Any]:
    return request.headers.all(str(path[0]))


def _pairs(read: Callable[[Request], Any]) -> Callable[[Request, KeyPath], list[Any]]:
    def values(request: Request, path: KeyPath) -> list[Any]:
        try:
            return [value for name, value in read(request) if name == path[0]]
        except UnreadableBodyError:
            return []

    return values


_READERS: dict[str, Callable[[Request, KeyPath], list[Any]]] = {
    "json": _json,
    "headers": _headers,
    "query": _pairs(lambda request: request.query_pairs),
    "cookies": _pairs(lambda request: request.cookie_pairs),
    "form": _pairs(lambda request: request.form_pairs),
}
