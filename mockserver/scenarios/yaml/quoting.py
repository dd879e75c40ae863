"""Writes scalars as YAML, quoted only if a reader of YAML 1.2 or 1.1 would otherwise see something else."""

from __future__ import annotations

import math
import re

import yaml

from mockserver.errors import WrongValueError
from mockserver.model.written import WrittenFloat, WrittenInt
from mockserver.scenarios.yaml.scalars import value_of


def scalar(value: object, *, flow: bool) -> str:
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case WrittenInt() | WrittenFloat():
            return value.text
        case int():
            return str(int(value))
        case float():
            return _float(value)
    text = str(value)
    return text if _is_plain(text, flow) else _quoted(text)


def _float(value: float) -> str:
    """Return the number with a dot before the exponent, which YAML 1.1 requires."""
    if not math.isfinite(value):
        raise WrongValueError(f"{value} is not a valid JSON number", "Leave it out")
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa + (".0" if e and "." not in mantissa else "") + e + exponent


_UNSAFE_START = frozenset("-?:,[]{}#&*!|>'\"%@`~=<")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Characters that need escapes: control characters, line breaks, the byte order mark."""

_UNSAFE_IN_FLOW = frozenset(",[]{}?")
_LIKE_A_NUMBER = re.compile(r"[-+.]*[0-9][-+0-9_.:,eETtZz xob]*|\.[a-zA-Z]+|[yYnN]")
_YAML_1_1 = {
    first: [regex for _, regex in resolvers]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _is_plain(text: str, flow: bool) -> bool:
    if (
        not text
        or text != text.strip()
        or text[0] in _UNSAFE_START
        or text[-1] == ":"
        or text.startswith("...")
    ):
        return False
    if ": " in text or " #" in text or UNPRINTABLE.search(text):
        return False
    if flow and not _UNSAFE_IN_FLOW.isdisjoint(text):
        return False
    return not _LIKE_A_NUMBER.fullmatch(text) and not _is_more_than_text(text)


def _is_more_than_text(text: str) -> bool:
    """Whether a reader of YAML 1.2 or 1.1 sees a number, a date, a boolean or null."""
    try:
        if value_of(text) is not text:
            return True
    except WrongValueError:
        return True
    return any(regex.match(text) for first in (text[0], None) for regex in _YAML_1_1.get(first, ()))


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
_ESCAPED = re.compile(rf'["\\]|{UNPRINTABLE.pattern}')


def _quoted(text: str) -> str:
    """Return the text in double quotes; in single ones if they need no escapes."""
    if ('"' in text or "\\" in text) and not UNPRINTABLE.search(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
