"""Plain scalars by YAML 1.2's core schema (section 10.3.2): null, booleans, integers, floats, else text."""

from __future__ import annotations

import re

from mockserver.errors import WrongValueError, shown
from mockserver.model.written import WrittenInt, written_float

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
NUMBER_START = frozenset("+-.0123456789")
"""First characters of numbers: most texts are recognised by their first character."""

_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 1000


def value_of(text: str) -> str | float | bool | None:
    """Return the value of an unquoted text. Raises WrongValueError for numbers that JSON can't hold."""
    if text in WORDS:
        return WORDS[text]
    return _number(text) if text[0] in NUMBER_START else text


def _number(text: str) -> str | float:
    if _DECIMAL.fullmatch(text):
        return _integer(text, 10)
    if _OTHER_BASE.fullmatch(text):
        return _integer(text, 0)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NO_NUMBER.fullmatch(text):
        raise WrongValueError(f"JSON has no {text}", f'Put quotes round it if you mean the text: "{text}"')
    return text


def _integer(text: str, base: int) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise WrongValueError(f"a number of {len(text)} digits", "Put quotes round it to make it a text")
    value = int(text, base)
    return value if str(value) == text else WrittenInt(value, text)


def _float(text: str) -> float:
    try:
        return written_float(text)
    except ValueError:
        raise WrongValueError(
            f"{shown(text)} is larger than a JSON number can be", "Put quotes round it to make it a text"
        ) from None
