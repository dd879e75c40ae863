"""Hints for frequent mistakes with templates and paths: braces have a meaning in YAML."""

from __future__ import annotations

import re

from mockserver.scenarios.places import PlacedFlaw, placed, quoted


def classic(text: str, problem: str, at: int, opened: int) -> PlacedFlaw | None:
    """Return the flaw of a frequent mistake at index `at`, in what began at `opened`; None if it is another one."""
    for recognise in (_template, _braces, _surrogate_escape):
        if flaw := recognise(text, problem, at, opened):
            return flaw
    return None


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


_TEMPLATE_VALUE = re.compile(r"(?:^[ ]*|:[ ]+|-[ ]+|[,\[{][ ]*)(\{[{%#])")
_QUOTED_TEXT = re.compile(r"""\"(?:[^"\\]|\\.)*\"|'(?:[^']|'')*'""")
_BRACED_END = re.compile(r"\{[^{}\s]*\}[^\s,\[\]{}]*")
_FLOW_VALUE = re.compile(r"(?:^|[,\[{]|:[ ])[ ]*([^,\[\]{}\"'\s:][^,\[\]{}]*)$")
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


def _template(text: str, problem: str, at: int, opened: int) -> PlacedFlaw | None:
    """`id: {{ x }}/y`, `id: {{ a["b"] }}` and `{% if x %}`: a value that begins with a template's brace."""
    if "expected" not in problem and "start any token" not in problem:
        return None
    for index in (at, opened):
        begin, end = _line_start(text, index), _line_end(text, index)
        match = _TEMPLATE_VALUE.search(_QUOTED_TEXT.sub(_blank, text[begin:end]))
        if match and begin + match.start(1) <= max(at, opened):
            start = begin + match.start(1)
            value = text[start:end].rstrip()
            if re.search(r"[\[{]", text[begin:start]):
                value = _first_template(value, match[1])
            return _unquoted(text, start, value)
    return None


def _unquoted(text: str, start: int, value: str) -> PlacedFlaw:
    message = f"{_short(value)} is a template without quotes"
    return placed(text, start, message, f"Put quotes round it: {quoted(value)}")


def _blank(match: re.Match[str]) -> str:
    return "_" * len(match[0])


def _first_template(value: str, opener: str) -> str:
    """Return the value up to the end of its braces: inside brackets, the next value follows."""
    close = value.find(_CLOSERS[opener])
    match = re.match(r"[^,\]}]*", value[close + 2 :]) if close >= 0 else None
    return value[: close + 2 + match.end()].rstrip() if match else value


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
    end = _BRACED_END.match(text, at)
    value = text[start : end.end() if end else _line_end(text, at)]
    message = f"{_short(value)} contains a brace, without quotes, inside braces"
    return placed(text, start, message, f"Put quotes round it: {quoted(value)}")


def _surrogate_escape(text: str, problem: str, at: int, _opened: int) -> PlacedFlaw | None:
    """JSON writes characters beyond U+FFFF as two escapes; YAML has one escape for them."""
    if "invalid Unicode character escape" not in problem:
        return None
    start = text.rfind("\\u", 0, at + 2)
    pair = re.match(r"\\u(d[89ab]..)\\u(d[c-f]..)", text[max(start, 0) :], re.IGNORECASE)
    if not pair:
        return None
    whole = bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be")
    hint = f"Write the character itself, or \\U{ord(whole):08X}"
    return placed(text, start, f"{pair[0]} is how JSON writes {whole}", hint)


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:59] + "…"
