"""
The operators that compare. Each takes its operand as written, and returns a condition.

An operand that can never be true raises WrongValueError, with a fix, when the scenario is loaded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from mockserver.errors import WrongValueError, near, shown
from mockserver.matching import patterns
from mockserver.matching.conditions import Condition, Equals, FieldConditions, equal_test
from mockserver.matching.mismatch import hints as slips
from mockserver.matching.mismatch.hints import MOST_GUESSES, NONE, Slip
from mockserver.matching.reading import Reader, ReadingDialect, in_order, some
from mockserver.matching.values import TYPES, has_type, number, prose, show
from mockserver.model.json_values import equal, is_number


def equals(operand: object, reader: Reader) -> Condition:
    if reader.dialect is ReadingDialect.TEXT:
        return _equals_text(operand, reader)
    if reader.dialect is ReadingDialect.FOUND and not isinstance(operand, list):
        it = show(operand)
        raise WrongValueError(
            f"a query gives the list of found values, and a list is never {it}",
            f"Write [{it}] for just this one, or {{contains: {it}}}",
        )
    literal = reader.literal(operand)
    return Equals(equal_test(literal), literal, lambda value: slips.between(literal, value))


def _equals_text(operand: object, reader: Reader) -> Condition:
    if isinstance(operand, list):
        return in_order(reader, [_equals_text(item, reader) for item in operand], operand)
    if operand is None:
        raise WrongValueError(
            "expected a text, got null",
            "Write absent if it must be missing, or 'null' in quotes for the text",
        )
    text = reader.text(operand)
    return Equals(some(lambda value: value == text), text, _nearest_text(text))


def _nearest_text(text: str) -> Callable[[Any], Slip]:
    return lambda values: min(
        (slips.between(text, v) for v in values[:MOST_GUESSES]), key=lambda s: s.weight, default=NONE
    )


def contains(operand: object, reader: Reader) -> Condition:
    """Match a part of a text, or a list with an item that fulfils the condition."""
    if reader.dialect is ReadingDialect.TEXT:
        operand = reader.text(operand, "contains", "hello")
    if isinstance(operand, str):
        return reader.leaf(
            _has(operand), f"to contain {show(operand)}", "contains", operand, _having(operand), of_lists=True
        )
    item = reader.below(dialect=reader.items).read(operand)
    test = item.holds
    return reader.leaf(
        lambda value: isinstance(value, list) and any(map(test, value)),
        f"to contain {item.said}",
        "contains",
        operand,
        lambda value: NONE if isinstance(value, list) else slips.wrong_kind("a list", value),
        of_lists=True,
    )


def _has(part: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (str, list)) and part in value


def _having(part: str) -> Callable[[Any], Slip]:
    guess = _case_slip(part, operator.contains)
    return lambda value: slips.among(part, value) if isinstance(value, list) else guess(value)


def starts_with(operand: object, reader: Reader) -> Condition:
    start = reader.text(operand, "starts_with", "'Bearer '")
    test = _of_text(lambda value: value.startswith(start))
    return reader.leaf(
        test, f"to start with {show(start)}", "starts_with", operand, _case_slip(start, str.startswith)
    )


def ends_with(operand: object, reader: Reader) -> Condition:
    end = reader.text(operand, "ends_with", ".png")
    test = _of_text(lambda value: value.endswith(end))
    return reader.leaf(test, f"to end with {show(end)}", "ends_with", operand, _case_slip(end, str.endswith))


def matches(operand: object, reader: Reader) -> Condition:
    """Match the complete value with a regular expression, see `patterns`."""
    pattern = reader.text(operand, "matches", r"'\d+'")
    test, anywhere = patterns.whole(pattern), patterns.anywhere(pattern)

    def slip(value: object) -> Slip:
        if not isinstance(value, str):
            return slips.not_text(value)
        if patterns.too_long(pattern, value):
            return Slip("the text is too long for a pattern of this size")
        if len(value) > slips.LONG_CHARS:
            return NONE
        return (
            Slip("a part of it matches, but the pattern must match the complete value", 0.5)
            if anywhere(value)
            else NONE
        )

    return reader.leaf(_of_text(test), f"to match '{pattern}'", "matches", operand, slip)


def ignore_case(operand: object, reader: Reader) -> Condition:
    text = reader.text(operand, "ignore_case", "text")
    folded = text.casefold()
    test = _of_text(lambda value: value.casefold() == folded)
    return reader.leaf(
        test, f"{show(text)} in any case", "ignore_case", operand, lambda value: slips.between(text, value)
    )


def _of_text(test: Callable[[str], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and test(value)


def _case_slip(part: str, test: Callable[[str, str], bool]) -> Callable[[Any], Slip]:
    def slip(value: object) -> Slip:
        if not isinstance(value, str):
            return slips.not_text(value)
        if len(value) > slips.LONG_CHARS:
            return NONE
        if test(value.casefold(), part.casefold()):
            return Slip("only the case differs", 0.3)
        return Slip("white space is missing", 0.5) if test(value, part.strip()) else NONE

    return slip


def one_of(operand: object, reader: Reader) -> Condition:
    values = listed(operand, reader.spelt("one_of"), "[a, b]")
    said = "one of " + ", ".join(show(value) for value in values[:10])
    if reader.dialect is ReadingDialect.TEXT:
        texts = frozenset(reader.text(value, "one_of", "[a, b]") for value in values)
        return reader.leaf(texts.__contains__, said, "one_of", operand, _nearest_of(sorted(texts)))
    if reader.dialect is ReadingDialect.FOUND and not all(isinstance(value, list) for value in values):
        raise WrongValueError(
            "a query gives the list of found values", "Write {contains: {one_of: [...]}}, or lists"
        )
    for value in values:
        reader.literal(value)
    return reader.leaf(
        lambda value: any(equal(each, value) for each in values),
        said,
        "one_of",
        operand,
        _nearest_of(values),
        of_lists=True,
    )


def _nearest_of(values: list[Any]) -> Callable[[Any], Slip]:
    return lambda value: min(
        (slips.between(each, value) for each in values[:MOST_GUESSES]), key=lambda s: s.weight, default=NONE
    )


def _ordered(
    name: str, said: str, compare: Callable[[Any, Any], bool], operand: object, reader: Reader
) -> Condition:
    """Compare numbers only; a text of a header, query, cookie or form is read as one."""
    if not is_number(operand):
        raise WrongValueError(
            f"expected a number, got {shown(operand)}", f"Write {{{reader.spelt(name)}: 100}}"
        )
    reader.literal(operand)

    def of_text(value: str) -> bool:
        parsed = number(value)
        return parsed is not None and compare(parsed, operand)

    if reader.dialect is ReadingDialect.TEXT:
        return reader.leaf(of_text, f"{said} {show(operand)}", name, operand, _no_number)
    return reader.leaf(
        lambda value: is_number(value) and compare(value, operand),
        f"{said} {show(operand)}",
        name,
        operand,
        slips.not_numeric,
    )


def _no_number(value: str) -> Slip:
    return NONE if number(value) is not None else Slip("it is not a number")


gt = partial(_ordered, "gt", "more than", operator.gt)
gte = partial(_ordered, "gte", "at least", operator.ge)
lt = partial(_ordered, "lt", "less than", operator.lt)
lte = partial(_ordered, "lte", "at most", operator.le)


def type_(operand: object, reader: Reader) -> Condition:
    if operand not in TYPES:
        raise WrongValueError(f"{shown(operand)} is not a valid type", near(str(operand), TYPES))
    if reader.dialect is ReadingDialect.TEXT and operand != "string":
        raise WrongValueError(
            f"the value is a text here, never {prose(operand)}",
            r"Write {matches: '\d+'}, or {gte: 0} for a number",
        )
    if reader.dialect is ReadingDialect.FOUND and operand != "array":
        raise WrongValueError(
            f"a query gives the list of found values, never {prose(operand)}",
            f"Write {{contains: {{type: {operand}}}}}",
        )
    said = prose(operand)
    return reader.leaf(
        lambda value: has_type(value, operand),
        said,
        "type",
        operand,
        lambda value: slips.wrong_kind(said, value),
        of_lists=True,
    )


def length(operand: Any, reader: Reader) -> Condition:
    """Match the length: characters of a text, items of a list, fields of an object."""
    reader.literal(operand)
    if is_number(operand) and (operand < 0 or operand != int(operand)):
        raise WrongValueError(f"{operand} is not a valid length", "Write a whole number, at least 0")
    if not is_number(operand) and not isinstance(operand, dict):
        raise WrongValueError(
            f"expected a length, got {shown(operand)}", f"Write 3, or {{{reader.spelt('gte')}: 3}}"
        )
    inner = ReadingDialect.TREE if reader.dialect.dollar else ReadingDialect.BARE
    size = reader.below(dialect=inner).read(operand)
    if isinstance(size, FieldConditions):
        raise WrongValueError(
            "a length has no fields", f"Operators carry a dollar here: write {{{reader.spelt('gte')}: 3}}"
        )
    test = size.holds
    return reader.leaf(
        lambda value: isinstance(value, (str, list, dict)) and test(len(value)),
        f"a length of {size.said}",
        "length",
        operand,
        _other_length,
        of_lists=True,
    )


def _other_length(value: object) -> Slip:
    return Slip(f"its length is {len(value)}") if isinstance(value, (str, list, dict)) else NONE


def listed(operand: object, name: str, example: str) -> list[Any]:
    if not isinstance(operand, list) or not operand:
        raise WrongValueError(f"expected a list, got {shown(operand)}", f"Write {{{name}: {example}}}")
    return operand
