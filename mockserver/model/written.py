"""
Numbers that remember how they were written.

In headers, query, cookies and form a YAML number stands for its text: `1.10`
is "1.10", `007` is "007". The loader gives these where `str` would not.
"""

from __future__ import annotations

from typing import Self


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
