"""
What is wrong with a text that is no YAML or JSON, said so that its author can mend it.

PyYAML speaks of tokens and contexts, libyaml in other words than the Python
parser. Here both become one sentence and a remedy; the two mistakes that
templates and paths invite are known by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from mockserver.errors import Flaw, InvalidInput


@dataclass(frozen=True, slots=True)
class PlacedFlaw(Flaw):
    """A flaw of the text itself. Line and column count from 1; where nothing could be read it has no path."""

    line: int = 1
    column: int = 1


def line_column(text: str, index: int) -> tuple[int, int]:
    """Where an index into `text` is, as editors count: from 1, in characters."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def placed(text: str, index: int, message: str, hint: str = "") -> PlacedFlaw:
    line, column = line_column(text, index)
    return PlacedFlaw((), message, hint, line=line, column=column)


def quoted(text: str) -> str:
    """`text` in the quotes that need least escaping."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def decode(raw: bytes) -> str:
    """UTF-8, with or without a byte order mark. Raises InvalidInput that names the byte."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        at = why.start
        before = raw[:at].decode("utf-8-sig", "replace")
        line, column = line_column(before, len(before))
        message = f"byte {at} (0x{raw[at]:02x}) is no UTF-8"
        utf16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = "The file is UTF-16: save it as UTF-8" if utf16 else "Save the file as UTF-8"
        raise InvalidInput(PlacedFlaw((), message, hint, line=line, column=column)) from why


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def refuse_unprintable(text: str) -> None:
    """Raises InvalidInput for what YAML allows in escapes only."""
    if found := _UNPRINTABLE.search(text):
        code = ord(found[0])
        message = f"the character U+{code:04X} can't stand in YAML as it is"
        hint = f'Write it as "\\u{code:04x}" in double quotes' if code < 0xD800 else "Take it out"
        raise InvalidInput(placed(text, found.start(), message, hint))


def refuse_surrogates(text: str) -> None:
    """Raises InvalidInput for halves of a character, which no bytes can carry."""
    if found := _SURROGATE.search(text):
        message = f"U+{ord(found[0]):04X} is half a character"
        raise InvalidInput(placed(text, found.start(), message, "Write the whole character"))


def json_error(text: str, why: json.JSONDecodeError) -> PlacedFlaw:
    """Python's message, with the remedy for what people who write YAML do in JSON."""
    rest = text[why.pos :].lstrip()
    hint = ""
    if rest.startswith(("#", "//")):
        hint = "JSON has no comments: name the file .yaml to have them"
    elif rest.startswith(("}", "]")):
        hint = "Take the comma before it away"
    elif rest.startswith("'") or "property name" in why.msg:
        hint = "JSON puts every key and text in double quotes; a .yaml file doesn't need them"
    message = why.msg[0].lower() + why.msg[1:]
    return placed(text, why.pos, f"no JSON: {message}", hint)


def yaml_error(text: str, why: yaml.YAMLError) -> PlacedFlaw:
    """A sentence and a remedy for what the composer says."""
    if not isinstance(why, yaml.MarkedYAMLError) or why.problem_mark is None:
        return placed(text, 0, f"no YAML: {why}")
    problem, at = why.problem or "", why.problem_mark.index
    opened = why.context_mark.index if why.context_mark else at
    for recognise in _CLASSICS:
        if found := recognise(text, problem, at, opened):
            return found
    return placed(text, at, *_in_plain_words(text, problem, at))


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


_TEMPLATE_VALUE = re.compile(r"(?:^[ ]*|:[ ]+|-[ ]+|[,\[{][ ]*)(\{[{%#])")
_BRACED_END = re.compile(r"\$?\{[^{}\s]*\}[^\s,\[\]{}]*")
_FLOW_VALUE = re.compile(r"(?:^|[,\[{]|:[ ])[ ]*([^,\[\]{}\"'\s:][^,\[\]{}]*)$")
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


def _template(text: str, problem: str, at: int, opened: int) -> PlacedFlaw | None:
    """`id: {{ x }}/y`, `id: {{ a["b"] }}` and `{% if x %}`: a value that begins with a template's brace."""
    if (
        "did not find expected" not in problem
        and "expected" not in problem
        and "start any token" not in problem
    ):
        return None
    for index in (at, opened):
        begin, end = _line_start(text, index), _line_end(text, index)
        found = _TEMPLATE_VALUE.search(text[begin:end])
        if found and begin + found.start(1) <= max(at, opened):
            start = begin + found.start(1)
            value = text[start:end].rstrip()
            if re.search(r"[\[{]", text[begin:start]):
                value = _first_template(value, found[1])
            return placed(
                text,
                start,
                f"{_short(value)} is a template without quotes",
                f"Put quotes round it: {quoted(value)}",
            )
    return None


def _first_template(value: str, opener: str) -> str:
    """Inside brackets the value ends behind its braces; what follows is the next one's."""
    close = value.find(_CLOSERS[opener])
    found = re.match(r"[^,\]}]*", value[close + 2 :]) if close >= 0 else None
    return value[: close + 2 + found.end()].rstrip() if found else value


def _braces(text: str, problem: str, at: int, _opened: int) -> PlacedFlaw | None:
    """`{request: GET /u/{id}}`: inside braces, an unquoted text ends where a brace or bracket begins."""
    if not re.search(r"expected ',' or '[}\]]'", problem) or text[at : at + 1] not in ("{", "["):
        return None
    begin = _line_start(text, at)
    head = _FLOW_VALUE.search(text[begin:at])
    if not head:
        return None
    start = begin + head.start(1)
    if colon := re.match(r"[^:]*:[ ]+", text[start:at]):
        start += colon.end()
    end = _BRACED_END.match(text, at - 1 if text[at - 1] == "$" else at)
    value = text[start : end.end() if end else _line_end(text, at)]
    return placed(
        text,
        start,
        f"{_short(value)} holds a brace, without quotes, inside braces",
        f"Put quotes round it: {quoted(value)}",
    )


def _surrogate_escape(text: str, problem: str, at: int, _opened: int) -> PlacedFlaw | None:
    """JSON writes characters beyond U+FFFF as two escapes; YAML has one for them."""
    if "invalid Unicode character escape" not in problem:
        return None
    start = text.rfind("\\u", 0, at + 2)
    pair = re.match(r"\\u(d[89ab]..)\\u(d[c-f]..)", text[max(start, 0) :], re.IGNORECASE)
    if not pair:
        return None
    whole = bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be")
    return placed(
        text,
        start,
        f"{pair[0]} is how JSON writes {whole}",
        f"Write the character itself, or \\U{ord(whole):08X}",
    )


_CLASSICS: list[Callable[[str, str, int, int], PlacedFlaw | None]] = [_template, _braces, _surrogate_escape]


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:59] + "…"


_QUOTES = "Put quotes round it"
_PLAIN_WORDS = [
    ("mapping values are not allowed", "': ' stands where no key can be", "Put quotes round a text that holds ': ', or mend the indentation"),
    ("tab character", "a tab can't indent YAML", "Use spaces"),
    ("another document", "a second document begins here", "A scenario file holds one: split it, or take the '---' out"),
    ("undefined alias", "an alias, and nothing above has that anchor", "Write &NAME at the value it stands for, or put quotes round a text that begins with *"),
    ("second occurrence", "this anchor stands twice", "Give each anchor a name of its own"),
    ("alphabetic or numeric character", "* and & begin an alias or an anchor", "Put quotes round a text that begins with them"),
    ("unknown escape character", "an escape that YAML doesn't know", "Double the backslash, or use single quotes, where backslashes mean nothing"),
    ("invalid Unicode character escape", "an escape that is no character", "Write the character itself"),
    ("unexpected end of stream", "a quote that was opened is never closed", "Close it"),
    ("expected ',' or '}'", "a comma or a closing brace is missing before this", ""),
    ("expected ',' or ']'", "a comma or a closing bracket is missing before this", ""),
    ("expected '-' indicator", "a list ends here, and this is none of its items", "Mend the indentation"),
    ("could not find expected ':'", "a key without its colon", "Write 'key: value'"),
    ("comment or line break", "text behind | or >", "Begin the text on the next line, indented"),
    ("expected comment or line break", "text behind | or >", "Begin the text on the next line, indented"),
    ("tag", "a tag that can't be read", "Tags have no meaning here: take it out, or put quotes round a text that begins with !"),
]  # fmt: skip


def _in_plain_words(text: str, problem: str, at: int) -> tuple[str, str]:
    char = text[at : at + 1]
    if "cannot start any token" in problem:
        if char == "\t":
            return "a tab can't indent YAML", "Use spaces"
        return f"a value can't begin with {char!r} unquoted", _QUOTES
    for said, message, hint in _PLAIN_WORDS:
        if said in problem:
            return message, hint
    if "expected key" in problem or "expected <block end>" in problem:
        return _misplaced(char)
    if "node content" in problem:
        what = "the file ends" if not char else f"{char!r} stands"
        return f"{what} where a value is expected", "Write the value, or close what was opened"
    return f"no YAML: {problem}", ""


def _misplaced(char: str) -> tuple[str, str]:
    if char in ("]", "}"):
        return f"{char!r} closes what was never opened", "Take it away, or open it"
    return (
        "this fits neither the line above nor its indentation",
        "Mend the indentation, or put quotes round the whole value",
    )
