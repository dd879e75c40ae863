"""Header lines, kept as they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Pairs = tuple[tuple[str, str], ...]


class Headers(Mapping[str, str]):
    """
    Header lines in the order and case in which they came.

    As a mapping: names ignore case, a repeated name gives its first value;
    `all` gives every line's value.
    """

    __slots__ = ("_lines", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: Pairs = tuple(pairs)
        self._lines: dict[str, list[str]] | None = None

    def _by_name(self) -> dict[str, list[str]]:
        lines = self._lines
        if lines is None:
            lines = {}
            for name, value in self.pairs:
                lines.setdefault(name.lower(), []).append(value)
            self._lines = lines
        return lines

    def all(self, name: str) -> list[str]:
        """The values of every line of that name, in order; empty where there is none."""
        return self._by_name().get(name.lower(), [])

    def __getitem__(self, name: str) -> str:
        return self._by_name()[name.lower()][0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"
