"""
Index of many routes on one path by the value of a field: a lookup instead of a scan.

Routes that require a value of that field (a body field, a header) can only match a request with it; routes without
that condition are always candidates. The order is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from mockserver.errors import KeyPath
from mockserver.matching.checks import MOST_READ_BYTES, Equalities
from mockserver.matching.mismatch.hints import MOST_GUESSES
from mockserver.matching.selectors import value_at
from mockserver.matching.values import scalar_key
from mockserver.model.http import ABSENT, Request, UnreadableBodyError
from mockserver.model.written import as_text

T = TypeVar("T")
Part = tuple[str, KeyPath]

WORTH = 8
"""Minimum number of routes for an index."""
_COMPARED_CHARS = 40


class Narrowing(Generic[T]):
    """Candidates by the value of the part that most of them match. `of` returns the equalities of a candidate."""

    __slots__ = ("_by_value", "_others", "_part", "source")

    def __init__(self, source: tuple[T, ...], of: Callable[[T], Equalities]) -> None:
        self.source = source
        equalities_of = [of(target) for target in source]
        counts = Counter(part for equalities in equalities_of for part in equalities if part[0] in _READERS)
        self._part: Part | None = counts.most_common(1)[0][0] if counts else None
        self._by_value: dict[Hashable, tuple[T, ...]] = {}
        self._others = source
        if self._part is not None:
            self._fill(self._part, equalities_of)

    def _fill(self, part: Part, equalities_of: Sequence[Equalities]) -> None:
        pairs = list(zip(self.source, equalities_of, strict=True))
        self._others = tuple(target for target, equalities in pairs if part not in equalities)
        values = {scalar_key(equalities[part]) for _, equalities in pairs if part in equalities}
        free = bool(self._others)
        buckets: dict[Hashable, list[T]] = {value: [] for value in values}
        for target, equalities in pairs:
            if part in equalities:
                buckets[scalar_key(equalities[part])].append(target)
            elif free:
                for bucket in buckets.values():
                    bucket.append(target)
        self._by_value = {value: tuple(bucket) for value, bucket in buckets.items()}

    def candidates(self, request: Request) -> tuple[T, ...]:
        """Return the possible matches, in order; all candidates if the request has several values."""
        if self._part is None:
            return self.source
        values = _READERS[self._part[0]](request, self._part[1])
        if len(values) != 1:
            return self._others if not values else self.source
        try:
            return self._by_value.get(scalar_key(values[0]), self._others)
        except TypeError:  # a list or a mapping, which equals no scalar
            return self._others


class ComparedValue:
    """A scalar, its text as it is compared, and the pairs of letters in the text, or the text itself if it has no pair."""

    __slots__ = ("pairs", "text", "value")

    def __init__(self, value: object) -> None:
        text = (value if isinstance(value, str) else as_text(value))[:_COMPARED_CHARS].casefold()
        self.value = value
        self.text = text
        self.pairs = frozenset([text[i : i + 2] for i in range(len(text) - 1)] or [text])

    def apart(self, other: ComparedValue) -> float:
        """Return the distance of a value that was sent: 0 if equal, 1 if they have no pair in common."""
        if self.text == other.text:
            return 0.0 if type(self.value) is type(other.value) and self.value == other.value else 1.0 - 0.7
        common = len(self.pairs & other.pairs)
        return 1.0 - 0.6 * common / (len(self.pairs) + len(other.pairs) - common)


class SentValues(dict[Part, tuple[frozenset[str], list[ComparedValue]]]):
    """The scalars of a request by their part, and all of their pairs. Each part is read once, when it is first looked up."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
        self.is_long = len(request.body) > MOST_READ_BYTES

    def __missing__(self, part: Part) -> tuple[frozenset[str], list[ComparedValue]]:
        reader = _READERS.get(part[0])
        values = reader(self.request, part[1]) if reader is not None else []
        sent = [
            ComparedValue(value) for value in values[:MOST_GUESSES] if not isinstance(value, (dict, list))
        ]
        self[part] = frozenset().union(*[value.pairs for value in sent]), sent
        return self[part]


def _tree(read: Callable[[Request], Any]) -> Callable[[Request, KeyPath], list[Any]]:
    def values(request: Request, path: KeyPath) -> list[Any]:
        try:
            value = value_at(read(request), path)
        except UnreadableBodyError:
            return []
        return [] if value is ABSENT else [value]

    return values


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
    "json": _tree(attrgetter("json")),
    "message": _tree(attrgetter("message")),
    "headers": _headers,
    "query": _pairs(attrgetter("query_pairs")),
    "cookies": _pairs(attrgetter("cookie_pairs")),
    "form": _pairs(attrgetter("form_pairs")),
}
