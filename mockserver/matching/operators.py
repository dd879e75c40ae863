"""
Every operator of the language: one function each, in one table.

A function takes the operand as written and gives the compiled condition. It
raises Wrong, with the remedy, for an operand that the operator can't use: a
condition that could never hold is an error when the scenario loads.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from mockserver.errors import Wrong, near, shown
from mockserver.matching import patterns, slips
from mockserver.matching.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Equals,
    Fields,
    Not,
    Unordered,
    equal_test,
)
from mockserver.matching.reading import Dialect, Reader, alone, in_order, some
from mockserver.matching.slips import NONE, Slip
from mockserver.matching.values import TYPES, equal, has_type, is_number, number, prose, show
from mockserver.model.http import ABSENT

NEVER = Condition(lambda _: False, "something else", None)
"""Stands where a condition has a flaw, so that the rest is read on."""

MAX_UNORDERED = 1000
"""Pairing items with conditions costs their product."""


def read(value: Any, reader: Reader) -> Condition:
    """What the author wrote in one place, as a condition. Flaws go to the reader."""
    try:
        reader.bounded()
        condition = _read(value, reader)
    except Wrong as why:
        reader.refuse(why)
        return NEVER
    return condition


def _read(value: Any, reader: Reader) -> Condition:
    if isinstance(value, dict):
        return _mapping(value, reader)
    if isinstance(value, list):
        items = [read(item, reader.below(i, dialect=reader.items)) for i, item in enumerate(value)]
        return in_order(reader, items, value)
    if value in (reader.spelt("present"), reader.spelt("absent")):
        return presence(reader, there=value.endswith("present"))
    return equals(value, reader)


def _mapping(value: dict[Any, Any], reader: Reader) -> Condition:
    if not reader.dialect.dollar:
        if not value:
            raise Wrong(
                "an empty condition", "Write a value, `present`, `absent`, or operators such as {contains: x}"
            )
        return _operators(value, reader)
    dollars = [key for key in value if isinstance(key, str) and key.startswith("$")]
    if not dollars:
        return fields(value, reader)
    for key, item in value.items():
        if key not in dollars:
            read(item, reader.below(key))
            hint = (
                f"Did you mean '${key}'?"
                if key in OPERATORS
                else "Put the fields under $fields, beside the operators"
            )
            reader.below(key).refuse(
                Wrong(f"the field {key!r} stands beside the operator {dollars[0]!r}", hint), at_key=True
            )
    return _operators({key: value[key] for key in dollars}, reader)


def _operators(value: dict[Any, Any], reader: Reader) -> Condition:
    parts = [_operator(key, operand, reader) for key, operand in value.items()]
    return parts[0] if len(parts) == 1 else AllOf(parts, value)


def _operator(key: Any, operand: Any, reader: Reader) -> Condition:
    name = str(key).removeprefix("$") if reader.dialect.dollar else key
    make = OPERATORS.get(name) if isinstance(name, str) else None
    if make is None or (make is fields and not reader.dialect.dollar):
        reader.below(key).refuse(_unknown(key, reader), at_key=True)
        return NEVER
    try:
        _ask_of_found(name, operand, reader)
        return make(operand, Reader(reader.dialect, (*reader.path, key), reader.flaws, reader.depth))
    except Wrong as why:
        reader.below(key).refuse(why)
        return NEVER


def _unknown(key: Any, reader: Reader) -> Wrong:
    known = [reader.spelt(name) for name in OPERATORS if name != "fields" or reader.dialect.dollar]
    if not reader.dialect.dollar and isinstance(key, str) and key.removeprefix("$") in known:
        return Wrong(
            f"unknown operator {key!r}", f"Operators stand bare here: write {key.removeprefix('$')!r}"
        )
    return Wrong(f"unknown operator {key!r}", near(str(key), known))


def _ask_of_found(name: str, operand: Any, reader: Reader) -> None:
    """Raises Wrong for an operator that can't hold for a list, where a list is what is asked."""
    if reader.dialect is Dialect.FOUND and name in _NOT_OF_LISTS:
        raise Wrong(
            f"a query gives the list of found values, which {name!r} never fits",
            f"Write {{contains: {{{name}: {show(operand)}}}}} for one of them, or a list for all",
        )


def fields(operand: Any, reader: Reader) -> Condition:
    """An object's fields; keys are taken literally."""
    if not isinstance(operand, dict):
        raise Wrong(f"expected a mapping of fields, got {shown(operand)}", "Write {name: condition}")
    for key in operand:
        if not isinstance(key, str):
            reader.below(key).refuse(
                Wrong(f"a field's name is a text, this is {key!r}", "Put quotes round it"), at_key=True
            )
    checks = {key: read(item, reader.below(key)) for key, item in operand.items() if isinstance(key, str)}
    return Fields(checks, operand, exact=reader.dialect is Dialect.EXACT)


def equals(operand: Any, reader: Reader) -> Condition:
    if reader.dialect is Dialect.TEXT:
        return _equals_text(operand, reader)
    if reader.dialect is Dialect.FOUND and not isinstance(operand, list):
        shown_ = show(operand)
        raise Wrong(
            f"a query gives the list of found values, and a list is never {shown_}",
            f"Write [{shown_}] for just this one, or {{contains: {shown_}}}",
        )
    literal = reader.literal(operand)
    return Equals(equal_test(literal), literal, lambda value: slips.between(literal, value))


def _equals_text(operand: Any, reader: Reader) -> Condition:
    if isinstance(operand, list):
        return in_order(reader, [_equals_text(item, reader) for item in operand], operand)
    if operand is None:
        raise Wrong(
            "expected a text, got null",
            "Write absent for what must not come, or 'null' in quotes for the word",
        )
    text = reader.text(operand, "a text")
    return Equals(some(lambda value: value == text), text, _nearest_text(text))


def _nearest_text(text: str) -> Callable[[Any], Slip]:
    return lambda values: min((slips.between(text, v) for v in values), key=lambda s: s.weight, default=NONE)


def presence(reader: Reader, *, there: bool) -> Condition:
    word = reader.spelt("present" if there else "absent")
    if reader.dialect in (Dialect.TEXT, Dialect.FOUND):
        return Condition(bool if there else (lambda values: not values), word.lstrip("$"), word)
    return Condition(lambda value: (value is not ABSENT) is there, word.lstrip("$"), word)


def present(operand: Any, reader: Reader) -> Condition:
    return presence(reader, there=_flag(operand))


def absent(operand: Any, reader: Reader) -> Condition:
    return presence(reader, there=not _flag(operand))


def _flag(operand: Any) -> bool:
    if not isinstance(operand, bool):
        raise Wrong(f"expected true or false, got {shown(operand)}", "Write true")
    return operand


def contains(operand: Any, reader: Reader) -> Condition:
    """Of a text: a part of it. Of a list: an item that fulfils the condition."""
    if reader.dialect is Dialect.TEXT:
        operand = reader.text(operand, "{contains: hello}")
    if isinstance(operand, str):
        return reader.leaf(
            _has(operand), f"to contain {show(operand)}", "contains", operand, _having(operand)
        )
    item = read(operand, reader.below(dialect=reader.items))
    test = item.holds
    return reader.leaf(
        lambda value: isinstance(value, list) and any(map(test, value)),
        f"to contain {item.said}",
        "contains",
        operand,
        lambda value: NONE if isinstance(value, list) else slips.wrong_kind("a list", value),
    )


def _has(part: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (str, list)) and part in value


def _having(part: str) -> Callable[[Any], Slip]:
    guess = _case_slip(part, operator.contains)
    return lambda value: NONE if isinstance(value, list) else guess(value)


def starts_with(operand: Any, reader: Reader) -> Condition:
    start = reader.text(operand, "{starts_with: 'Bearer '}")
    test = _of_text(lambda value: value.startswith(start))
    return reader.leaf(
        test, f"to start with {show(start)}", "starts_with", operand, _case_slip(start, str.startswith)
    )


def ends_with(operand: Any, reader: Reader) -> Condition:
    end = reader.text(operand, "{ends_with: .png}")
    test = _of_text(lambda value: value.endswith(end))
    return reader.leaf(test, f"to end with {show(end)}", "ends_with", operand, _case_slip(end, str.endswith))


def matches(operand: Any, reader: Reader) -> Condition:
    """A regular expression that fits the whole value, see `patterns`."""
    pattern = reader.text(operand, r"{matches: '\d+'}")
    test, anywhere = patterns.whole(pattern), patterns.anywhere(pattern)

    def slip(value: Any) -> Slip:
        if not isinstance(value, str):
            return slips.not_text(value)
        return Slip("a part of it fits, the pattern has to fit the whole", 0.5) if anywhere(value) else NONE

    return reader.leaf(_of_text(test), f"to match '{pattern}'", "matches", operand, slip)


def ignore_case(operand: Any, reader: Reader) -> Condition:
    text = reader.text(operand, "{ignore_case: text}")
    folded = text.casefold()
    test = _of_text(lambda value: value.casefold() == folded)
    return reader.leaf(
        test, f"{show(text)} in any case", "ignore_case", operand, lambda value: slips.between(text, value)
    )


def _of_text(test: Callable[[str], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and test(value)


def _case_slip(part: str, test: Callable[[str, str], bool]) -> Callable[[Any], Slip]:
    def slip(value: Any) -> Slip:
        if not isinstance(value, str):
            return slips.not_text(value)
        if test(value.casefold(), part.casefold()):
            return Slip("only the case differs", 0.3)
        return Slip("white space is missing", 0.5) if test(value, part.strip()) else NONE

    return slip


def one_of(operand: Any, reader: Reader) -> Condition:
    values = _listed(operand, "one_of", "[a, b]")
    said = "one of " + ", ".join(show(value) for value in values[:10])
    if reader.dialect is Dialect.TEXT:
        texts = frozenset(reader.text(value, "{one_of: [a, b]}") for value in values)
        return reader.leaf(texts.__contains__, said, "one_of", operand, _nearest_of(sorted(texts)))
    if reader.dialect is Dialect.FOUND and not all(isinstance(value, list) for value in values):
        raise Wrong("a query gives the list of found values", "Write {contains: {one_of: [...]}}, or lists")
    for value in values:
        reader.literal(value)
    return reader.leaf(
        lambda value: any(equal(one, value) for one in values), said, "one_of", operand, _nearest_of(values)
    )


def _nearest_of(values: list[Any]) -> Callable[[Any], Slip]:
    return lambda value: min(
        (slips.between(one, value) for one in values[:50]), key=lambda s: s.weight, default=NONE
    )


def _listed(operand: Any, name: str, example: str) -> list[Any]:
    if not isinstance(operand, list) or not operand:
        raise Wrong(f"expected a list, got {shown(operand)}", f"Write {{{name}: {example}}}")
    return operand


def negation(operand: Any, reader: Reader) -> Condition:
    return Not(read(operand, reader.below()), {reader.spelt("not"): operand})


def any_of(operand: Any, reader: Reader) -> Condition:
    parts = _listed(operand, reader.spelt("any_of"), "[condition, condition]")
    return AnyOf(
        [read(part, reader.below(i)) for i, part in enumerate(parts)], {reader.spelt("any_of"): operand}
    )


def all_of(operand: Any, reader: Reader) -> Condition:
    parts = _listed(operand, reader.spelt("all_of"), "[condition, condition]")
    return AllOf(
        [read(part, reader.below(i)) for i, part in enumerate(parts)], {reader.spelt("all_of"): operand}
    )


def gt(operand: Any, reader: Reader) -> Condition:
    return _ordered("gt", "more than", operator.gt, operand, reader)


def gte(operand: Any, reader: Reader) -> Condition:
    return _ordered("gte", "at least", operator.ge, operand, reader)


def lt(operand: Any, reader: Reader) -> Condition:
    return _ordered("lt", "less than", operator.lt, operand, reader)


def lte(operand: Any, reader: Reader) -> Condition:
    return _ordered("lte", "at most", operator.le, operand, reader)


def _ordered(
    name: str, said: str, compare: Callable[[Any, Any], bool], operand: Any, reader: Reader
) -> Condition:
    """Numbers only; a text of header, query, cookie or form is read as one."""
    if not is_number(operand):
        raise Wrong(f"expected a number, got {shown(operand)}", f"Write {{{reader.spelt(name)}: 100}}")
    reader.literal(operand)

    def of_text(value: str) -> bool:
        found = number(value)
        return found is not None and compare(found, operand)

    if reader.dialect is Dialect.TEXT:
        return reader.leaf(of_text, f"{said} {show(operand)}", name, operand, _no_number)
    return reader.leaf(
        lambda value: is_number(value) and compare(value, operand),
        f"{said} {show(operand)}",
        name,
        operand,
        slips.not_numeric,
    )


def _no_number(value: str) -> Slip:
    return NONE if number(value) is not None else Slip("it is no number")


def type_(operand: Any, reader: Reader) -> Condition:
    if operand not in TYPES:
        raise Wrong(f"{shown(operand)} is no type", near(str(operand), TYPES))
    if reader.dialect is Dialect.TEXT and operand != "string":
        raise Wrong(
            f"what is asked here is a text, never {prose(operand)}",
            r"Write {matches: '\d+'}, or {gte: 0} for a number",
        )
    if reader.dialect is Dialect.FOUND and operand != "array":
        raise Wrong(
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
    )


def length(operand: Any, reader: Reader) -> Condition:
    """Characters of a text, items of a list, fields of an object."""
    reader.literal(operand)
    if is_number(operand) and (operand < 0 or operand != int(operand)):
        raise Wrong(f"{operand} is no length", "Write a whole number, at least 0")
    if not is_number(operand) and not isinstance(operand, dict):
        raise Wrong(f"expected a length, got {shown(operand)}", f"Write 3, or {{{reader.spelt('gte')}: 3}}")
    inner = Dialect.TREE if reader.dialect.dollar else Dialect.BARE
    size = read(operand, Reader(inner, reader.path, reader.flaws, reader.depth + 1))
    if isinstance(size, Fields):
        raise Wrong(
            "a length has no fields", f"Operators carry a dollar here: write {{{reader.spelt('gte')}: 3}}"
        )
    test = size.holds
    return reader.leaf(
        lambda value: isinstance(value, (str, list, dict)) and test(len(value)),
        f"a length of {size.said}", "length", operand, _other_length,
    )  # fmt: skip


def _other_length(value: Any) -> Slip:
    return Slip(f"its length is {len(value)}") if isinstance(value, (str, list, dict)) else NONE


def unordered(operand: Any, reader: Reader) -> Condition:
    """A list with just these items, in any order."""
    if not isinstance(operand, list) or len(operand) > MAX_UNORDERED:
        raise Wrong(
            f"expected a list of at most {MAX_UNORDERED} items, got {shown(operand)}",
            "Write {unordered: [a, b]}",
        )
    items = [read(item, reader.below(i, dialect=reader.items)) for i, item in enumerate(operand)]
    if reader.dialect is Dialect.TEXT:
        items = [alone(item) for item in items]
    return Unordered(items, {reader.spelt("unordered"): operand}, operand)


OPERATORS: dict[str, Callable[[Any, Reader], Condition]] = {
    "equals": equals,
    "not": negation,
    "contains": contains,
    "starts_with": starts_with,
    "ends_with": ends_with,
    "matches": matches,
    "one_of": one_of,
    "any_of": any_of,
    "all_of": all_of,
    "gt": gt,
    "gte": gte,
    "lt": lt,
    "lte": lte,
    "type": type_,
    "length": length,
    "present": present,
    "absent": absent,
    "ignore_case": ignore_case,
    "unordered": unordered,
    "fields": fields,
}
"""By the name that authors write; `fields` only where operators carry a dollar."""

_NOT_OF_LISTS = frozenset({"starts_with", "ends_with", "matches", "gt", "gte", "lt", "lte", "ignore_case"})
