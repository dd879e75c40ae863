"""The table of all operators, and the operators that combine conditions. CONTRIBUTING.md says how to add one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mockserver.errors import WrongValueError, shown
from mockserver.matching import comparing
from mockserver.matching.comparing import listed
from mockserver.matching.conditions import AllOf, AnyOf, Condition, FieldConditions, Not, Unordered
from mockserver.matching.mismatch.hints import NONE, Slip
from mockserver.matching.reading import Operator, Reader, ReadingDialect, alone, not_empty
from mockserver.model.http import ABSENT

MAX_UNORDERED = 1000
"""Maximum number of items: pairing costs the product of items and conditions."""


def presence(reader: Reader, *, there: bool) -> Condition:
    word = reader.spelt("present" if there else "absent")
    said = "present" if there else "to be absent"
    if reader.dialect in (ReadingDialect.TEXT, ReadingDialect.FOUND):
        return Condition(bool if there else (lambda values: not values), said, word)
    return Condition(lambda value: (value is not ABSENT) is there, said, word, slip=_null)


def _null(value: object) -> Slip:
    return Slip("null is a value: leave the field out", 0.5) if value is None else NONE


def present(operand: object, reader: Reader) -> Condition:
    return presence(reader, there=_flag(operand))


def absent(operand: object, reader: Reader) -> Condition:
    return presence(reader, there=not _flag(operand))


def _flag(operand: object) -> bool:
    if not isinstance(operand, bool):
        raise WrongValueError(f"expected true or false, got {shown(operand)}", "Write true")
    return operand


def negation(operand: object, reader: Reader) -> Condition:
    return Not(reader.below().read(operand), {reader.spelt("not"): operand})


def _combined(
    name: str, combine: Callable[[list[Condition], object], Condition], operand: object, reader: Reader
) -> Condition:
    parts = listed(operand, reader.spelt(name), "[condition, condition]")
    conditions = [reader.below(i).read(part) for i, part in enumerate(parts)]
    return combine(conditions, {reader.spelt(name): operand})


def unordered(operand: object, reader: Reader) -> Condition:
    """Match a list with exactly these items, in any order."""
    if not isinstance(operand, list) or len(operand) > MAX_UNORDERED:
        raise WrongValueError(
            f"expected a list of at most {MAX_UNORDERED} items, got {shown(operand)}",
            "Write {unordered: [a, b]}",
        )
    items = [reader.below(i, dialect=reader.items).read(item) for i, item in enumerate(operand)]
    if reader.dialect is ReadingDialect.TEXT:
        not_empty(items)
        items = [alone(item) for item in items]
    return Unordered(items, {reader.spelt("unordered"): operand}, operand)


def fields(operand: object, reader: Reader) -> Condition:
    """Match the fields of an object; keys are literal."""
    if not isinstance(operand, dict):
        raise WrongValueError(
            f"expected a mapping of fields, got {shown(operand)}", "Write {name: condition}"
        )
    for key in operand:
        if not isinstance(key, str):
            reader.below(key).refuse(
                WrongValueError(f"a field's name is a text, this is {key!r}", "Put quotes round it"),
                at_key=True,
            )
    checks = {key: reader.below(key).read(item) for key, item in operand.items() if isinstance(key, str)}
    return FieldConditions(checks, operand, exact=reader.dialect is ReadingDialect.EXACT)


OPERATORS: Mapping[str, Operator] = {
    "equals": comparing.equals,
    "not": negation,
    "contains": comparing.contains,
    "starts_with": comparing.starts_with,
    "ends_with": comparing.ends_with,
    "matches": comparing.matches,
    "one_of": comparing.one_of,
    "any_of": partial(_combined, "any_of", AnyOf),
    "all_of": partial(_combined, "all_of", AllOf),
    "gt": comparing.gt,
    "gte": comparing.gte,
    "lt": comparing.lt,
    "lte": comparing.lte,
    "type": comparing.type_,
    "length": comparing.length,
    "present": present,
    "absent": absent,
    "ignore_case": comparing.ignore_case,
    "unordered": unordered,
    "fields": fields,
}
"""Operators by name; `fields` exists only with a dollar."""
