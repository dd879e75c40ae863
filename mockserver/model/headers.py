"""Header lines, kept as they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]


class Headers(Mapping[str, str]):
    """
    Header lines in the order and case in which they came.

    As a mapping: names ignore case, a repeated name gives its first value;
    `all` gives every line's value. Those of a request that came over a connection stay the
    bytes that they are until somebody asks for all of them; a single one is looked up in the
    bytes. `is_read` says that something was made from the bytes, `size_bytes` about how much
    memory they take without that.
    """

    __slots__ = ("_lines", "_lower", "_pairs", "_raw", "_text", "is_read", "size_bytes")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs: Pairs | None = tuple(pairs)
        self._raw: bytes | None = None
        self._lines: dict[str, list[str]] | None = None
        self._lower: str | None = None
        self._text: str | None = None
        self.is_read = True
        self.size_bytes = sum(len(name) + len(value) + _PAIR_BYTES for name, value in self._pairs)

    @classmethod
    def of_head(cls, raw: bytes) -> Headers:
        """Those of a valid head: the line feed that ends the request line, and each line with its end."""
        self = cls.__new__(cls)
        self._pairs = None
        self._raw = raw
        self._lines = None
        self._lower = None
        self._text = None
        self.size_bytes = len(raw)
        self.is_read = False
        return self

    @property
    def pairs(self) -> Pairs:
        pairs = self._pairs
        if pairs is None:
            self.is_read = True
            pairs = self._pairs = _split(self._raw or b"")
        return pairs

    @property
    def raw(self) -> bytes:
        """The header lines as bytes, as `of_head` takes them."""
        if self._raw is not None:
            return self._raw
        return b"\n" + "".join(f"{name}: {value}\r\n" for name, value in self.pairs).encode()

    def forget(self) -> None:
        """What was made from the bytes is made anew when asked."""
        if self._raw is not None:
            self._pairs = self._lower = self._text = None
            self.is_read = False
        self._lines = None

    def _searchable(self) -> str | None:
        """All of them in lower case as one text, beside which `_text` is as it came; None where a line is no ASCII."""
        raw = self._raw
        if raw is None or self._lines is not None or not raw.isascii():
            return None
        self.is_read = True
        text = self._text = raw.decode("ascii")
        lower = self._lower = text.lower()
        return lower

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
        lower = self._lower or self._searchable()
        if lower is not None and f"\n{name.lower()}:" not in lower:
            return []
        return self._by_name().get(name.lower(), [])

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, default: str | T, /) -> str | T: ...

    def get(self, name: str, default: object = None, /) -> object:
        """As every mapping's, without an exception on the way: most headers that are asked for are not there."""
        lower = self._lower or self._searchable()
        if lower is None:
            values = self._by_name().get(name.lower())
            return values[0] if values else default
        found = lower.find(f"\n{name.lower()}:")
        if found < 0 or ":" in name or self._text is None:
            return default
        start = found + len(name) + 2
        return self._text[start : lower.index("\r", start)].strip(" \t")

    def __getitem__(self, name: str) -> str:
        return self._by_name()[name.lower()][0]

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        lower = self._lower or self._searchable()
        if lower is None:
            return name.lower() in self._by_name()
        return f"\n{name.lower()}:" in lower and ":" not in name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


_PAIR_BYTES = 120
"""About what two texts and their pair cost beside their characters."""


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
    """A header line: UTF-8, else what HTTP once had, ISO-8859-1 (RFC 9110 5.5)."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
