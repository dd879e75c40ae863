"""Header lines, in their original form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]


class Headers(Mapping[str, str]):
    """
    Header lines in their original order and case.

    As a mapping: names ignore case, a repeated name gives its first value; `all` returns every line's value. Headers
    received over a connection stay bytes until all are requested; a single one is looked up in the bytes. `raw` are
    these bytes, None if there are none. None until they are needed: `lower`, their lower-case text with the same
    offsets; `split`, the pairs; `lines`, the values by name.
    """

    __slots__ = ("lines", "lower", "raw", "split")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.split: Pairs | None = tuple(pairs)
        self.raw: bytes | None = None
        self.lines: dict[str, list[str]] | None = None
        self.lower: str | None = None

    @classmethod
    def of_head(cls, raw: bytes, lower: str | None = None) -> Headers:
        """
        Create from a valid head: the line feed that ends the request line, and each line with its end. `lower` is the
        same in lower case, read as ISO-8859-1.
        """
        self = cls.__new__(cls)
        self.split = None
        self.raw = raw
        self.lines = None
        self.lower = lower
        return self

    @property
    def size_bytes(self) -> int:
        """Approximate memory, without derived values."""
        if self.raw is not None:
            return len(self.raw)
        return sum([len(name) + len(value) + _PAIR_BYTES for name, value in self.split or ()])

    @property
    def pairs(self) -> Pairs:
        pairs = self.split
        if pairs is None:
            pairs = self.split = _split(self.raw or b"")
        return pairs

    def as_bytes(self) -> bytes:
        """Return the lines as `of_head` takes them."""
        if self.raw is not None:
            return self.raw
        return b"\n" + "".join([f"{name}: {value}\r\n" for name, value in self.pairs]).encode()

    def _lowered(self) -> str:
        lower = self.lower = (self.raw or b"").decode("latin-1").lower()
        return lower

    def _by_name(self) -> dict[str, list[str]]:
        lines = self.lines
        if lines is None:
            lines = {}
            for name, value in self.pairs:
                lines.setdefault(name.lower(), []).append(value)
            self.lines = lines
        return lines

    def all(self, name: str) -> list[str]:
        """Return the values of every line with that name, in order; empty if there is none."""
        if self.raw is not None and f"\n{name.lower()}:" not in (self.lower or self._lowered()):
            return []
        return self._by_name().get(name.lower(), [])

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, default: str | T, /) -> str | T: ...

    def get(self, name: str, default: object = None, /) -> object:
        """Like every mapping's, without an exception on the way: most requested headers are missing."""
        raw = self.raw
        if raw is None:
            values = self._by_name().get(name.lower())
            return values[0] if values else default
        result = (self.lower or self._lowered()).find(f"\n{name.lower()}:")
        if result < 0 or ":" in name:
            return default
        start = result + len(name) + 2
        return line_text(raw[start : raw.index(b"\r", start)]).strip(" \t")

    def __getitem__(self, name: str) -> str:
        return self._by_name()[name.lower()][0]

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if self.raw is None:
            return name.lower() in self._by_name()
        return f"\n{name.lower()}:" in (self.lower or self._lowered()) and ":" not in name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


_PAIR_BYTES = 120
"""Approximate overhead of two texts and their pair."""


def _split(raw: bytes) -> Pairs:
    try:
        lines = raw.decode().split("\r\n")
    except UnicodeDecodeError:
        lines = [line_text(line) for line in raw.split(b"\r\n")]
    pairs = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name.lstrip("\n"), value.strip(" \t")))
    return tuple(pairs)


def line_text(data: bytes) -> str:
    """Decode a header line: UTF-8, else ISO-8859-1 (RFC 9110 5.5)."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
