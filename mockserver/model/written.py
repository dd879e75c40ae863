"""
Numbers that remember how they were written.

In headers, query, cookies and form a YAML number stands for its text: `1.10`
is "1.10", `007` is "007". The loader gives these where `str` would not. In a
JSON body a decimal keeps its text: `1.10` is sent as 1.10.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Self

_FLOAT = re.compile(r"([-+]?)0*([0-9]*)(\.[0-9]*)?((?:[eE][-+]?[0-9]+)?)")


class WrittenInt(int):
    """An int whose text in the file differs from `str` of it, such as 0x1F or 007."""

    text: str

    def __new__(cls, value: int, text: str) -> Self:
        self = super().__new__(cls, value)
        self.text = text
        return self


class WrittenFloat(float):
    """A float whose text in the file differs from `str` of it, such as 1.10."""

    text: str

    def __new__(cls, value: float, text: str) -> Self:
        self = super().__new__(cls, value)
        self.text = text
        return self


def written_float(text: str) -> float:
    """
    The number, with its text where `str` would not give that. Raises ValueError for one that no double holds.

    For `json.loads(…, parse_float=written_float)` too.
    """
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is larger than a double can be")
    return value if str(value) == text else WrittenFloat(value, text)


class Decimal(str):
    """The text of a number as JSON has it, as `1.10`."""

    __slots__ = ()


def with_decimals(value: object) -> object:
    """
    A JSON value with a Decimal in place of each decimal that was written otherwise than Python would; else itself.

    Python's encoders write a float, whatever its class, by the float's own text.
    """
    return _with_decimals(value) if _holds_written(value) else value


def _holds_written(value: object) -> bool:
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, (list, tuple)):
            todo += one
        elif isinstance(one, WrittenFloat):
            return True
    return False


def _with_decimals(value: object) -> object:
    if isinstance(value, WrittenFloat):
        return _decimal(value.text)
    if isinstance(value, dict):
        return {key: _with_decimals(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_decimals(item) for item in value]
    return value


def _decimal(text: str) -> Decimal:
    """
    By JSON's grammar: YAML allows a plus sign, zeros in front, and nothing before or after the dot.

    >>> _decimal("1.10"), _decimal("+.50"), _decimal("-007.0e3"), _decimal("1.")
    ('1.10', '0.50', '-7.0e3', '1.0')
    """
    parts = _FLOAT.fullmatch(text)
    assert parts is not None  # the loader takes nothing else for a float
    sign, whole, fraction, exponent = parts.groups()
    fraction = "" if fraction is None else fraction if len(fraction) > 1 else ".0"
    return Decimal(f"{'-' if sign == '-' else ''}{whole or '0'}{fraction}{exponent}")


def written_json(value: object, write: Callable[[Any], str]) -> str:
    """Compact JSON of a value with Decimals in it; `write` makes the text of what is neither that nor holds others."""
    if isinstance(value, dict):
        members = [f"{write(str(key))}:{written_json(item, write)}" for key, item in value.items()]
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(written_json(item, write) for item in value) + "]"
    return value if isinstance(value, Decimal) else write(value)


def json_text(value: object, encoder: json.JSONEncoder) -> str:
    """JSON of a value with its decimals as written. `encoder` makes the text of what has none, and says the indent."""
    exact = with_decimals(value)
    if exact is value:
        return encoder.encode(value)
    return written_json(exact, encoder.encode) if encoder.indent is None else _indented(exact, encoder, "\n")


def _indented(value: object, encoder: json.JSONEncoder, margin: str) -> str:
    inner = margin + " " * int(encoder.indent or 0)
    if value and isinstance(value, dict):
        members = [
            f"{encoder.encode(str(key))}: {_indented(item, encoder, inner)}" for key, item in value.items()
        ]
        return f"{{{inner}{f',{inner}'.join(members)}{margin}}}"
    if value and isinstance(value, (list, tuple)):
        return f"[{inner}{f',{inner}'.join(_indented(item, encoder, inner) for item in value)}{margin}]"
    return value if isinstance(value, Decimal) else encoder.encode(value)


def plain_numbers(value: object) -> object:
    """A JSON value with numbers that have forgotten how they were written: validators know Python's own only."""
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    if isinstance(value, WrittenFloat):
        return float(value)
    return int(value) if isinstance(value, WrittenInt) else value


def as_text(value: object) -> str:
    """
    A scalar as its text: numbers as written, booleans and null as JSON writes them.

    >>> as_text(True), as_text(1.5), as_text("x"), as_text(None)
    ('true', '1.5', 'x', 'null')
    """
    if isinstance(value, (WrittenInt, WrittenFloat)):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
