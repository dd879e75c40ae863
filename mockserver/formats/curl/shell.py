"""
The commands of a POSIX shell script as words: quotes, escapes, comments, line continuations and redirections (POSIX.1, 2.2,
2.3 and 2.7), and the quotes `$'…'` that browsers write. Nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mockserver.errors import MockServerError

OPEN, CLOSE = "\ue000", "\ue001"
"""In a word, these characters enclose the name of a variable that a shell would replace by its value."""
_ESCAPES = dict(zip("ntrabfveE", "\n\t\r\a\b\f\v\x1b\x1b", strict=True))
_CODE = re.compile(r"x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}")
_EXPANSION = re.compile(
    r"\$\{(?P<braced>\w+)[^}]*\}|\$\((?:[^()]|\([^()]*\))*\)|\$(?P<plain>\w+)|`[^`]*`", re.ASCII
)
_ENDS = frozenset("\n;&|")
_BLANK = frozenset(" \t")
_HERE = re.compile(r"[0-9]*<<-?[ \t]*(['\"]?)(\w+)\1")
_REDIRECTION = re.compile(r"[0-9]*(?:>>?|<)&?[ \t]*")


class UnclosedQuoteError(MockServerError):
    """A quote is not closed. `line` is where it begins."""

    def __init__(self, line: int, quote: str) -> None:
        super().__init__(f"the quote {quote} is not closed")
        self.line = line


@dataclass(slots=True)
class ShellCommand:
    """A simple command without redirections: its words after quote removal. `line` is where it begins, from 1."""

    line: int
    words: list[str] = field(default_factory=list)


def commands(text: str) -> Iterator[ShellCommand]:
    """Yield the simple commands of a script. Raises UnclosedQuoteError."""
    plain = text.replace("\r\n", "\n").replace(OPEN, "").replace(CLOSE, "")
    return _ShellReader(plain).commands()


class _ShellReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._here: list[str] = []
        """Delimiters of here-documents that begin at the next line."""

    def commands(self) -> Iterator[ShellCommand]:
        command = ShellCommand(1)
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in _ENDS:
                yield command
                self._at += 1
                if char == "\n":
                    self._skip_here()
                command = ShellCommand(0)
            elif char in _BLANK or self._text.startswith("\\\n", self._at):
                self._at += 1 if char in _BLANK else 2
            elif char == "#":
                self._at = self._found("\n")
            elif found := _HERE.match(self._text, self._at):
                self._here.append(found[2])
                self._at = found.end()
            elif found := _REDIRECTION.match(self._text, self._at):
                self._at = found.end()
                self._word()
            else:
                command.line = command.line if command.words else self._line
                command.words.append(self._word())
        yield command

    @property
    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _found(self, text: str) -> int:
        end = self._text.find(text, self._at)
        return len(self._text) if end < 0 else end

    def _skip_here(self) -> None:
        for delimiter in self._here:
            found = re.compile(rf"^\t*{delimiter}$\n?", re.MULTILINE).search(self._text, self._at)
            self._at = len(self._text) if found is None else found.end()
        self._here.clear()

    def _word(self) -> str:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in " \t\n;&|<>":
            parts.append(self._part())
        return "".join(parts)

    def _part(self) -> str:
        char = self._text[self._at]
        if char == "\\":
            return self._escape(self._text[self._at + 1 : self._at + 2])
        if char == "'":
            return self._single()
        if char == '"':
            return self._double()
        if self._text.startswith("$'", self._at):
            return self._ansi()
        return self._expansion_or_char()

    def _escape(self, char: str) -> str:
        self._at += 2
        return "" if char == "\n" else char

    def _expansion_or_char(self) -> str:
        found = _EXPANSION.match(self._text, self._at)
        if found is None:
            self._at += 1
            return self._text[self._at - 1]
        self._at = found.end()
        return f"{OPEN}{found['braced'] or found['plain'] or 'value'}{CLOSE}"

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise UnclosedQuoteError(self._line, "'")
        start, self._at = self._at + 1, end + 1
        return self._text[start:end]

    def _double(self) -> str:
        """Inside of double quotes, a backslash only escapes some characters."""
        start, parts = self._at, list[str]()
        self._at += 1
        while self._at < len(self._text):
            char, following = self._text[self._at], self._text[self._at + 1 : self._at + 2]
            if char == '"':
                self._at += 1
                return "".join(parts)
            if char == "\\" and following and following in '$`"\\\n':
                parts.append(self._escape(following))
            else:
                parts.append(self._expansion_or_char())
        self._at = start
        raise UnclosedQuoteError(self._line, '"')

    def _ansi(self) -> str:
        """`$'…'`, with the escapes of C."""
        start, parts = self._at, list[str]()
        self._at += 2
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char == "'":
                return "".join(parts)
            parts.append(self._escaped() if char == "\\" else char)
        self._at = start
        raise UnclosedQuoteError(self._line, "$'")

    def _escaped(self) -> str:
        if found := _CODE.match(self._text, self._at):
            self._at = found.end()
            written = found[0]
            code = int(written, 8) if written[0] in "01234567" else int(written[1:], 16)
            return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
        char = self._text[self._at : self._at + 1]
        self._at += 1
        return _ESCAPES.get(char, char)
