"""Header lines, kept as they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]


class Headers(Mapping[str, str]):
    """
    Header lines in the order and case in which they came.

    As a mapping: names ignore case, a repeated name gives its first value;
    `all` gives every line's value. Those of a recorded request lie as one blob
    (name, NUL, value, NUL, …) until somebody looks: most are never looked at.
    """

    __slots__ = ("_blob", "_lines", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs: Pairs | None = tuple(pairs)
        self._blob: bytes | None = None
        self._lines: dict[str, list[str]] | None = None

    @classmethod
    def of_blob(cls, blob: bytes) -> Headers:
        """Header lines as bytes, names and values in turn, NUL between them; none for an empty blob."""
        self = cls.__new__(cls)
        self._pairs = None
        self._blob = blob
        self._lines = None
        return self

    @property
    def pairs(self) -> Pairs:
        pairs = self._pairs
        if pairs is None:
            pairs = self._pairs = _split(self._blob or b"")
        return pairs

    @property
    def size_bytes(self) -> int:
        """About how much memory they take when nobody looks."""
        if self._blob is not None:
            return len(self._blob)
        return sum(len(name) + len(value) + _PAIR_BYTES for name, value in self._pairs or ())

    def forget(self) -> None:
        """What was made from the blob is made anew when asked."""
        if self._blob is not None:
            self._pairs = None
        self._lines = None

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

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, default: str | T, /) -> str | T: ...

    def get(self, name: str, default: Any = None, /) -> Any:
        """As every mapping's, without an exception on the way: most headers that are asked for are not there."""
        values = self._by_name().get(name.lower())
        return values[0] if values else default

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


_PAIR_BYTES = 120
"""About what two texts and their pair cost beside their characters."""


def _split(blob: bytes) -> Pairs:
    if not blob:
        return ()
    try:
        parts = blob.decode().split("\0")
    except UnicodeDecodeError:
        parts = [_text(part) for part in blob.split(b"\0")]
    return tuple(zip(parts[::2], parts[1::2], strict=True))


def _text(data: bytes) -> str:
    """A header's name or value: UTF-8, else what HTTP once had, ISO-8859-1 (RFC 9110 5.5)."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
