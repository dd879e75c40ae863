"""
Numbers with their original text.

In headers, query, cookies and form a YAML number is its text: `1.10` is "1.10", `007` is "007". The loader returns
these if `str` would change the text. In a JSON body a decimal keeps its text: `1.10` is sent as 1.10.
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
    Return the number, with its text if `str` would change it. Raises ValueError if it exceeds a double.

    Also for `json.loads(…, parse_float=written_float)`.
    """
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is larger than a double can be")
    return value if str(value) == text else WrittenFloat(value, text)


class Decimal(str):
    """The text of a number in JSON, such as `1.10`."""

    __slots__ = ()


def with_decimals(value: object) -> object:
    """
    Replace decimals that Python would write differently by a Decimal; return the value itself if there are none.

    Python's encoders write a float, whatever its class, by the float's own text.
    """
    return _with_decimals(value) if _holds_written(value) else value


def _holds_written(value: object) -> bool:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo += item.values()
        elif isinstance(item, (list, tuple)):
            todo += item
        elif isinstance(item, WrittenFloat):
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
    Convert to JSON's grammar: YAML allows a plus sign, leading zeros, and nothing before or after the dot.

    >>> _decimal("1.10"), _decimal("+.50"), _decimal("-007.0e3"), _decimal("1.")
    ('1.10', '0.50', '-7.0e3', '1.0')
    """
    parts = _FLOAT.fullmatch(text)
    assert parts is not None  # the loader accepts nothing else as a float
    sign, whole, fraction, exponent = parts.groups()
    fraction = "" if fraction is None else fraction if len(fraction) > 1 else ".0"
    return Decimal(f"{'-' if sign == '-' else ''}{whole or '0'}{fraction}{exponent}")


def written_json(value: object, write: Callable[[Any], str]) -> str:
    """Return compact JSON of a value with Decimals; `write` encodes scalars."""
    if isinstance(value, dict):
        members = [f"{write(str(key))}:{written_json(item, write)}" for key, item in value.items()]
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(written_json(item, write) for item in value) + "]"
    return value if isinstance(value, Decimal) else write(value)


def json_text(value: object, encoder: json.JSONEncoder) -> str:
    """Return JSON with decimals as written. `encoder` encodes values without decimals, and defines the indent."""
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
    """Return the value with plain Python numbers, as validators need them."""
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    if isinstance(value, WrittenFloat):
        return float(value)
    return int(value) if isinstance(value, WrittenInt) else value


def as_text(value: object) -> str:
    """
    Return a scalar as text: numbers as written, booleans and null as in JSON.

    >>> as_text(True), as_text(1.5), as_text("x"), as_text(None)
    ('true', '1.5', 'x', 'null')
    """
    if isinstance(value, (WrittenInt, WrittenFloat)):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
