"""Positions in texts, flaws with positions, and decoding of bytes."""

from __future__ import annotations

import re
from bisect import bisect_right
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass

from mockserver.errors import Flaw, InvalidInputError


@dataclass(frozen=True, slots=True)
class PlacedFlaw(Flaw):
    """A flaw with a position. Line and column count from 1; the path is empty if nothing could be read."""

    line: int = 1
    column: int = 1


class Lines:
    """The beginnings of the lines of a text, computed once for any number of positions."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def at(self, index: int) -> tuple[int, int]:
        """Return line and column of an index, from 1, in characters."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1


def placed(text: str, index: int, message: str, hint: str = "") -> PlacedFlaw:
    line, column = Lines(text).at(index)
    return PlacedFlaw((), message, hint, line=line, column=column)


def quoted(text: str) -> str:
    """Return `text` in the quotes that need less escaping."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def decode(raw: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark. Raises InvalidInputError, with the position of the byte."""
    body = raw.removeprefix(BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        line, column = Lines(before).at(len(before))
        message = f"byte {error.start + len(raw) - len(body)} (0x{body[error.start]:02x}) is not valid UTF-8"
        utf16 = raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        hint = "The file is UTF-16: save it as UTF-8" if utf16 else "Save the file as UTF-8"
        raise InvalidInputError(PlacedFlaw((), message, hint, line=line, column=column)) from error


_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""A list of the excluded characters: a list of the allowed ones would take milliseconds to compile."""
SURROGATE = re.compile("[\ud800-\udfff]")


def refuse_unprintable(text: str) -> None:
    """Raise InvalidInputError for characters that YAML allows only in escapes."""
    if match := _UNPRINTABLE.search(text):
        code = ord(match[0])
        message = f"the character U+{code:04X} is not allowed in YAML without an escape"
        hint = f'Write it as "\\u{code:04x}" in double quotes' if code < 0xD800 else "Remove it"
        raise InvalidInputError(placed(text, match.start(), message, hint))


def refuse_surrogates(text: str) -> None:
    """Raise InvalidInputError for lone surrogates, which can't be encoded."""
    if match := SURROGATE.search(text):
        message = f"U+{ord(match[0]):04X} is half a character"
        raise InvalidInputError(placed(text, match.start(), message, "Write the whole character"))
