"""
An index of paths by their parts, to find the routes that may have been meant by an unmatched path.

Complete segments and pairs of letters lead to similar paths, and the rarest are looked up first, so the cost of a
search is limited, regardless of the number of routes and of the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import chain, filterfalse, groupby, islice, pairwise
from math import inf
from typing import Generic, TypeVar

from mockserver.matching.paths import SLASH, canonical

T = TypeVar("T")

MOST_CHARS = 512
"""Maximum length of the part of a path that is compared."""
MOST_VISITS = 500
"""Maximum number of paths that are compared in a search, counted once for each common segment or pair."""
MOST_PATHS = 5
MOST_TARGETS = 200
"""Maximum number of targets in the result of a search."""
_SEGMENT_WEIGHT = 3
_PARAMETER = "\0"

Methods = frozenset[str] | None


class _Path(Generic[T]):
    """One path as written in routes, and its targets by methods."""

    __slots__ = ("features", "number", "size", "targets")

    def __init__(self, features: dict[str, int], number: int) -> None:
        self.features = features
        self.size = sum(features.values())
        self.number = number
        self.targets: dict[Methods, list[T]] = {}

    def active(self, method: str, is_active: Callable[[T], bool] | None) -> Iterator[T]:
        """Return the active targets, those with the method first."""
        groups = sorted(
            self.targets.items(), key=lambda group: group[0] is not None and method not in group[0]
        )
        targets = chain.from_iterable([targets for _, targets in groups])
        return targets if is_active is None else filter(is_active, targets)


class Likeness(Generic[T]):
    """Targets by the parts of their paths."""

    __slots__ = ("_by_feature", "_least_size", "_number", "_paths")

    def __init__(self) -> None:
        self._paths: dict[str, _Path[T]] = {}
        self._by_feature: dict[str, dict[str, _Path[T]]] = {}
        self._number = 0
        self._least_size = inf

    def add(self, text: str, methods: Methods, target: T) -> None:
        """Add a target with its path as written and its methods (None: any)."""
        path = self._paths.get(text)
        if path is None:
            self._number += 1
            path = self._paths[text] = _Path(_features(text), self._number)
            for feature in path.features or ("",):
                self._by_feature.setdefault(feature, {})[text] = path
            if path.features:
                self._least_size = min(self._least_size, path.size)
        path.targets.setdefault(methods, []).append(target)

    def remove(self, text: str, methods: Methods, target: T) -> None:
        """Remove a target that was added."""
        path = self._paths[text]
        path.targets[methods].remove(target)
        if not path.targets[methods]:
            del path.targets[methods]
        if path.targets:
            return
        del self._paths[text]
        for feature in path.features or ("",):
            del self._by_feature[feature][text]
            if not self._by_feature[feature]:
                del self._by_feature[feature]

    def search(self, method: str, raw_path: str, is_active: Callable[[T], bool] | None = None) -> list[T]:
        """Return the active targets (None: all) on the MOST_PATHS most similar paths, at most MOST_TARGETS."""
        targets: list[T] = []
        paths = 0
        for path in self._ranked(raw_path):
            found = list(islice(path.active(method, is_active), MOST_TARGETS - len(targets)))
            targets += found
            paths += bool(found)
            if paths == MOST_PATHS or len(targets) == MOST_TARGETS:
                break
        return targets

    def _visited(self, features: dict[str, int]) -> Iterator[tuple[dict[str, _Path[T]], int]]:
        """Yield the paths with each feature, and its weight, the rarest first: at most MOST_VISITS paths."""
        known = [
            (self._by_feature[name], weight) for name, weight in features.items() if name in self._by_feature
        ]
        left = MOST_VISITS
        for paths, weight in sorted(known, key=lambda feature: len(feature[0])):
            if len(paths) > left:
                if left == MOST_VISITS:
                    yield dict(islice(paths.items(), left)), weight
                return
            left -= len(paths)
            yield paths, weight

    def _ranked(self, raw_path: str) -> Iterator[_Path[T]]:
        """
        Yield the paths that have something in common with this one, the most similar first; those without any letter
        last.
        """
        features = _features(raw_path)
        visited = list(self._visited(features))
        once: set[str] = set()
        more: set[str] = set()  # with a segment, or with several pairs of letters
        last: Iterable[str] = ()
        for paths, weight in visited:
            once.update(last)
            more.update(paths if weight > 1 else paths.keys() & once)
            last = paths
        weights = dict.fromkeys(more, 0)
        for paths, weight in visited:
            for text in paths.keys() & more:
                weights[text] += weight
        levels = groupby(sorted(more, key=weights.__getitem__, reverse=True), weights.__getitem__)
        total = 1 + sum(features.values())
        ranked: list[tuple[float, int, _Path[T]]] = []
        # Most paths have one pair in common with this one: they are ranked only if one of them could be next.
        others = filterfalse(more.__contains__, chain.from_iterable(paths for paths, _ in visited))
        for weight, group in chain(levels, [(1, others)]):
            bound = weight / (total + self._least_size - weight)
            while ranked and -ranked[0][0] > bound:
                yield heappop(ranked)[2]
            for text in group:
                path = self._paths[text]
                heappush(ranked, (-weight / (total + path.size - weight), path.number, path))
        while ranked:
            yield heappop(ranked)[2]
        yield from islice(self._by_feature.get("", {}).values(), MOST_PATHS)


def _features(path: str) -> dict[str, int]:
    """Return the segments and the pairs of letters of a path, with their weights, without parameters."""
    text = _without_parameters(canonical(path[:MOST_CHARS])).replace(SLASH, "/").lower()
    features = {a + b: 1 for a, b in pairwise(text) if b != "/" and a != _PARAMETER != b}
    for segment in text.split("/"):
        if segment and _PARAMETER not in segment:
            features[f"/{segment}/"] = _SEGMENT_WEIGHT
    return features


def _without_parameters(path: str) -> str:
    if "{" not in path:
        return path
    kept, depth = [], 0
    for char in path:
        depth += char == "{"
        if not depth:
            kept.append(char)
        elif char == "}":
            depth -= 1
            if not depth:
                kept.append(_PARAMETER)
    return "".join(kept)
