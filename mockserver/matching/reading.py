"""
Compiles conditions as written, in their dialect, and collects all flaws.

In trees (`json`, `json_exact`, `graphql.variables`), a mapping names fields, and operators have a dollar; elsewhere,
operators have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from mockserver.errors import Flaw, KeyPath, WrongValueError, near, shown
from mockserver.matching.conditions import AllOf, Condition, Guess, ItemConditions, Test
from mockserver.matching.mismatch.hints import MOST_GUESSES, Slip
from mockserver.matching.values import show
from mockserver.model.written import as_text

MAX_DEPTH = 64
"""Maximum nesting of conditions; it limits how deep matching descends into a request."""


NEVER = Condition(lambda _: False, "something else", None)
"""Replaces a condition with a flaw, so that reading continues."""


class ReadingDialect(Enum):
    """How conditions are written, and what value they get."""

    TEXT = "text"
    """All texts with one name, as a list. Numbers stand for their text."""
    BARE = "bare"
    """One JSON value; operators without a dollar."""
    FOUND = "found"
    """The list of results of a query; operators without a dollar."""
    TREE = "tree"
    """One JSON value; mappings name fields, other fields are allowed; operators with a dollar."""
    EXACT = "exact"
    """Like TREE, without other fields."""

    @property
    def dollar(self) -> bool:
        return self in (ReadingDialect.TREE, ReadingDialect.EXACT)


Operator = Callable[[Any, "Reader"], Condition]
"""Returns the condition for an operand as written. Raises WrongValueError for an invalid operand."""


class Reader:
    """
    One place in a condition as written.

    Flaws are added to `flaws`, which all places share. `operators` is the table of operators.
    """

    __slots__ = ("depth", "dialect", "flaws", "operators", "path")

    def __init__(
        self,
        operators: Mapping[str, Operator],
        dialect: ReadingDialect,
        path: KeyPath,
        flaws: list[Flaw],
        depth: int = 0,
    ) -> None:
        self.operators = operators
        self.dialect = dialect
        self.path = path
        self.flaws = flaws
        self.depth = depth

    def below(self, *keys: str | int, dialect: ReadingDialect | None = None) -> Reader:
        """Return the place at `keys`, one level deeper."""
        path = (*self.path, *keys)
        return Reader(self.operators, dialect or self.dialect, path, self.flaws, self.depth + 1)

    def read(self, value: object) -> Condition:
        """Return the condition at this place."""
        try:
            self.bounded()
            condition = _read(value, self)
        except WrongValueError as error:
            self.refuse(error)
            return NEVER
        return condition

    @property
    def items(self) -> ReadingDialect:
        """The dialect of the items of a list."""
        return ReadingDialect.BARE if self.dialect is ReadingDialect.FOUND else self.dialect

    def spelt(self, operator: str) -> str:
        """Return the operator as written in this dialect."""
        return f"${operator}" if self.dialect.dollar else operator

    def bounded(self) -> None:
        """Raise WrongValueError if this place is nested deeper than MAX_DEPTH."""
        if self.depth > MAX_DEPTH:
            raise WrongValueError(f"conditions nested more than {MAX_DEPTH} deep", "Match a part of it")

    def refuse(self, error: WrongValueError, *, at_key: bool = False) -> None:
        self.flaws.append(Flaw(self.path, str(error), error.hint, at_key))

    def leaf(
        self,
        test: Test,
        said: str,
        operator: str,
        operand: object,
        slip: Guess | None = None,
        *,
        of_lists: bool = False,
    ) -> Condition:
        """
        Return a condition from a test of one value; in texts, one of them must pass.

        Raises WrongValueError for a list of results, if the operator is never true `of_lists`.
        """
        written = {self.spelt(operator): operand}
        if self.dialect is ReadingDialect.TEXT:
            return Condition(some(test), said, written, slip=nearest(slip))
        if self.dialect is ReadingDialect.FOUND and not of_lists:
            example = f"{{contains: {{{operator}: {show(operand)}}}}}"
            raise WrongValueError(
                f"a query gives the list of found values, which {operator!r} never fits",
                f"Write {example} for one of them, or a list for all",
            )
        return Condition(test, said, written, slip=slip)

    def text(self, value: object, operator: str = "equals", example: str = "text") -> str:
        """Return an operand that is a text. In texts, a number or boolean stands for its text."""
        if isinstance(value, str):
            return value
        if self.dialect is ReadingDialect.TEXT and isinstance(value, (int, float)):
            return as_text(value)
        hint = f"Write {{{self.spelt(operator)}: {example}}}"
        if isinstance(value, (int, float)):
            hint = f"Put quotes round it: {as_text(value)!r}"
        raise WrongValueError(f"expected a text, got {shown(value)}", hint)

    def literal(self, value: object) -> object:
        """Return an operand that is a JSON value, not a condition. Raises WrongValueError."""
        for item, depth in _walk(value):
            if depth + self.depth > MAX_DEPTH:
                raise WrongValueError(f"nested more than {MAX_DEPTH} deep", "Match a part of it")
            if isinstance(item, float) and not math.isfinite(item):
                raise WrongValueError(f"JSON has no {item}", "Write a number")
            if isinstance(item, dict) and any(not isinstance(key, str) for key in item):
                raise WrongValueError("a field's name is a text", "Put quotes round it")
            if not isinstance(item, (dict, list, str, int, float, type(None))):
                raise WrongValueError(
                    f"expected a JSON value, got {shown(item)}", "Put quotes round it to make it a text"
                )
        return value


def read_parts(
    written: Mapping[Any, Any],
    reader: Reader,
    dialect_of: Mapping[str, ReadingDialect],
    unknown: Callable[[object], WrongValueError],
    prepare: Callable[[str, object], object] = lambda _, item: item,
) -> dict[str, Condition]:
    """Read a mapping that names parts of a thing: a condition for each of them. Flaws go to the reader."""
    conditions = {}
    for key, item in written.items():
        place = reader.below(key)
        if key not in dialect_of:
            place.refuse(unknown(key), at_key=True)
        else:
            place.dialect = dialect_of[key]
            conditions[key] = place.read(prepare(key, item))
    return conditions


def _read(value: object, reader: Reader) -> Condition:
    if isinstance(value, dict):
        return _mapping(value, reader)
    if isinstance(value, list):
        items = [reader.below(i, dialect=reader.items).read(item) for i, item in enumerate(value)]
        return in_order(reader, items, value)
    for word in ("present", "absent"):
        if value == reader.spelt(word):
            return reader.operators[word](True, reader)
    return reader.operators["equals"](value, reader)


def _mapping(value: dict[Any, Any], reader: Reader) -> Condition:
    if not reader.dialect.dollar:
        if not value:
            raise WrongValueError(
                "an empty condition", "Write a value, `present`, `absent`, or operators such as {contains: x}"
            )
        return _all(value, reader)
    dollars = [key for key in value if isinstance(key, str) and key.startswith("$")]
    if not dollars:
        return reader.operators["fields"](value, reader)
    for key, item in value.items():
        if key not in dollars:
            _refuse_field(key, item, dollars[0], reader)
    return _all({key: value[key] for key in dollars}, reader)


def _refuse_field(key: Any, item: Any, beside: str, reader: Reader) -> None:
    hint = "Put the fields under $fields, beside the operators"
    if key in reader.operators:
        hint = f"Did you mean '${key}'?"
    reader.below(key).refuse(
        WrongValueError(f"the field {key!r} is beside the operator {beside!r}", hint), at_key=True
    )
    reader.below(key).read(item)


def _all(value: dict[Any, Any], reader: Reader) -> Condition:
    parts = [_operator(key, operand, reader) for key, operand in value.items()]
    return parts[0] if len(parts) == 1 else AllOf(parts, value)


def _operator(key: Any, operand: object, reader: Reader) -> Condition:
    place = reader.below(key)
    place.depth -= 1  # an operator does not add a level
    name = str(key).removeprefix("$") if reader.dialect.dollar else key
    known = _known(reader)
    if name not in known:
        place.refuse(_unknown(key, known, reader), at_key=True)
        return NEVER
    try:
        return reader.operators[name](operand, place)
    except WrongValueError as error:
        place.refuse(error)
        return NEVER


def _known(reader: Reader) -> list[str]:
    return [name for name in reader.operators if name != "fields" or reader.dialect.dollar]


def _unknown(key: object, known: list[str], reader: Reader) -> WrongValueError:
    bare = str(key).removeprefix("$")
    if not reader.dialect.dollar and bare in known:
        return WrongValueError(f"unknown operator {key!r}", f"Operators have no dollar here: write {bare!r}")
    return WrongValueError(f"unknown operator {key!r}", near(str(key), map(reader.spelt, known)))


def _walk(value: object) -> Iterator[tuple[Any, int]]:
    todo = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        yield item, depth
        if depth > MAX_DEPTH:
            continue
        if isinstance(item, dict):
            todo.extend((below, depth + 1) for below in item.values())
        elif isinstance(item, list):
            todo.extend((below, depth + 1) for below in item)


def some(test: Test) -> Test:
    """Return a test that at least one value passes."""

    def holds(values: Any) -> bool:
        for value in values:  # noqa: SIM110  (a generator costs more than the tests)
            if test(value):
                return True
        return False

    return holds


def nearest(slip: Guess | None) -> Guess | None:
    """Return the most likely hint of all values with one name."""
    if slip is None:
        return None
    guess: Callable[[Any], Slip] = slip
    return lambda values: min(
        (guess(v) for v in values[:MOST_GUESSES]), key=lambda s: s.weight, default=Slip("")
    )


def alone(condition: Condition) -> Condition:
    """Return a condition on a list of texts as one on a single text."""
    test, slip = condition.holds, condition.slip
    guess = None if slip is None else (lambda value: slip([value]))
    return Condition(lambda value: test([value]), condition.said, condition.written, slip=guess)


def not_empty(values: list[Any]) -> None:
    """Raise WrongValueError for an empty list in texts: no value means absent."""
    if not values:
        raise WrongValueError("an empty list never matches", "Write absent")


def in_order(reader: Reader, checks: Sequence[Condition], written: Any) -> Condition:
    """Return a condition on a list with exactly these items."""
    if reader.dialect is ReadingDialect.TEXT:
        not_empty(written)
    return ItemConditions(
        [alone(c) for c in checks] if reader.dialect is ReadingDialect.TEXT else checks, written
    )
