"""
The index from method and path to candidate routes, in order, without a scan.

Literal paths are in a dictionary, paths with parameters in a tree of segments. The result for a literal path is cached
at its first request. The cost of adding and removing a route does not depend on the number of routes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from mockserver.matching.mismatch.likeness import Likeness
from mockserver.matching.paths import PathPattern, Segment, canonical, take

T = TypeVar("T")
OrderKey = tuple[int, ...]
Found = tuple["Entry[T]", dict[str, str]]

_KEPT_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_ANY = ""
"""The key of the cached result for a path with any method."""


class Entry(Generic[T]):
    """A target with its order (lower is matched earlier), its methods (None: any) and its path."""

    __slots__ = ("key", "methods", "pattern", "target")

    def __init__(
        self, key: OrderKey, methods: frozenset[str] | None, pattern: PathPattern, target: T
    ) -> None:
        self.key = key
        self.methods = methods
        self.pattern = pattern
        self.target = target


class _Node(Generic[T]):
    """A node of the tree of segments. `plain` is below `{x}`, `patterns` below `{x:regex}` or `v{x}`."""

    __slots__ = ("entries", "literals", "patterns", "plain", "tails")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.plain: _Node[T] | None = None
        self.patterns: dict[str, tuple[Segment, _Node[T]]] = {}
        self.tails: list[tuple[Segment, Entry[T]]] = []
        self.entries: list[Entry[T]] = []

    def child(self, segment: Segment) -> _Node[T]:
        if segment.text is not None:
            return self.literals.setdefault(segment.text, _Node())
        if segment.pattern is None:
            self.plain = self.plain or _Node()
            return self.plain
        return self.patterns.setdefault(segment.source, (segment, _Node()))[1]

    def collect(self, parts: list[str], at: int, values: list[str], matches: list[Found[T]]) -> None:
        """Add every entry below this node that matches `parts[at:]`, with its parameters, without order."""
        if at == len(parts):
            matches += [(entry, entry.pattern.named(values)) for entry in self.entries]
            return
        part = parts[at]
        node = self.literals.get(part)
        if node is not None:
            node.collect(parts, at + 1, values, matches)
        if self.plain is not None and part:
            self.plain.collect(parts, at + 1, [*values, part], matches)
        for segment, below in self.patterns.values():
            more = list(values)
            if take(segment, part, more):
                below.collect(parts, at + 1, more, matches)
        for segment, entry in self.tails:
            match = segment.pattern.fullmatch("/".join(parts[at:])) if segment.pattern else None
            if match:
                matches.append((entry, entry.pattern.named([*values, *match.groups()])))


class Index(Generic[T]):
    """Entries by method and path."""

    def __init__(self) -> None:
        self._literals: dict[str, list[Entry[T]]] = {}
        self._root: _Node[T] = _Node()
        self._patterns = 0
        self._depth = 0
        self._likeness: Likeness[T] = Likeness()
        self._ready: dict[str, dict[str, tuple[Found[T], ...]]] = {}

    def add(self, entry: Entry[T]) -> None:
        self._likeness.add(entry.pattern.text, entry.methods, entry.target)
        literal = entry.pattern.literal
        if literal is not None:
            self._literals.setdefault(literal, []).append(entry)
            self._ready.pop(literal, None)
            return
        self._patterns += 1
        self._depth = max(self._depth, len(entry.pattern.segments))
        self._ready.clear()
        node, tail = self._node_of(entry)
        if tail is None:
            node.entries.append(entry)
        else:
            node.tails.append((tail, entry))

    def remove(self, entry: Entry[T]) -> None:
        """Remove an entry that was added."""
        self._likeness.remove(entry.pattern.text, entry.methods, entry.target)
        literal = entry.pattern.literal
        if literal is not None:
            self._literals[literal].remove(entry)
            if not self._literals[literal]:
                del self._literals[literal]
            self._ready.pop(literal, None)
            return
        self._patterns -= 1
        self._ready.clear()
        node, tail = self._node_of(entry)
        if tail is None:
            node.entries.remove(entry)
        else:
            node.tails = [pair for pair in node.tails if pair[1] is not entry]

    def _node_of(self, entry: Entry[T]) -> tuple[_Node[T], Segment | None]:
        """Return the node of an entry, and its tail, if it has one."""
        node = self._root
        for segment in entry.pattern.segments:
            if segment.tail:
                return node, segment
            node = node.child(segment)
        return node, None

    def at(self, raw_path: str) -> Sequence[Found[T]]:
        """Return everything on that path, regardless of the method, in order."""
        ready = self._ready.get(raw_path)
        if ready is not None and _ANY in ready:
            return ready[_ANY]
        matches = tuple(self._at(raw_path))
        if raw_path in self._literals:
            self._ready.setdefault(raw_path, {})[_ANY] = matches
        return matches

    def _at(self, raw_path: str) -> list[Found[T]]:
        path = canonical(raw_path)
        matches: list[Found[T]] = [(entry, {}) for entry in self._literals.get(path, ())]
        if self._patterns:
            # What lies below the deepest pattern is one part: only a tail takes it.
            self._root.collect(path.split("/", self._depth + 1)[1:], 0, [], matches)
        if len(matches) > 1:
            matches.sort(key=lambda match: match[0].key)
        return matches

    def candidates(self, method: str, raw_path: str) -> tuple[Found[T], ...]:
        """Return the candidates, in order. `HEAD` has those of `GET`, unless a route on the path has `HEAD` itself."""
        ready = self._ready.get(raw_path)
        if ready is not None:
            matches = ready.get(method)
            if matches is not None:
                return matches
        if raw_path not in self._literals:
            return _for_method(method, self._at(raw_path))
        matches = _for_method(method, self.at(raw_path))
        if method in _KEPT_METHODS:
            self._ready.setdefault(raw_path, {})[method] = matches
        return matches

    def likely(self, method: str, raw_path: str, is_active: Callable[[T], bool] | None = None) -> list[T]:
        """
        Return a few active targets (None: all are) with similar paths, at a cost that does not depend on the number of
        routes.
        """
        return self._likeness.search(method, raw_path, is_active)

    def is_literal(self, raw_path: str) -> bool:
        """Whether a route has exactly this path."""
        return raw_path in self._literals

    def crowded(self, least: int) -> list[str]:
        """Return the paths without parameters that have at least that many entries."""
        return [path for path, entries in self._literals.items() if len(entries) >= least]

    def keeps(self, method: str, raw_path: str, matches: tuple[Found[T], ...]) -> bool:
        """Whether this result of `candidates` is cached, so that data derived from it can be cached too."""
        return self._ready.get(raw_path, {}).get(method) is matches

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._literals.values()) + self._patterns


def _for_method(method: str, matches: Sequence[Found[T]]) -> tuple[Found[T], ...]:
    if method == "HEAD" and not any(entry.methods and "HEAD" in entry.methods for entry, _ in matches):
        return tuple(match for match in matches if match[0].methods is None or "GET" in match[0].methods)
    return tuple([match for match in matches if match[0].methods is None or method in match[0].methods])
