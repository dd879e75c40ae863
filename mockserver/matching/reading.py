"""
From what an author wrote to compiled conditions: in which dialect, with all flaws at once.

Where a tree is compared (`json`, `json_exact`, `graphql.variables`) a mapping
names fields and operators carry a dollar; everywhere else operators stand bare.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any

from mockserver.errors import Flaw, KeyPath, Wrong, shown
from mockserver.matching.conditions import Condition, Guess, Items, Test
from mockserver.matching.slips import Slip
from mockserver.model.written import as_text

MAX_DEPTH = 64
"""So deep may conditions nest; it bounds how deep matching looks into a request."""


class Dialect(Enum):
    """How conditions are written, and what they are asked of."""

    TEXT = "text"
    """All texts under one name, as a list. Numbers stand for their text."""
    BARE = "bare"
    """One JSON value; operators stand bare."""
    FOUND = "found"
    """The list of values that a query found; operators stand bare."""
    TREE = "tree"
    """One JSON value; mappings name fields, others may be there; operators carry a dollar."""
    EXACT = "exact"
    """As TREE, but no other fields may be there."""

    @property
    def dollar(self) -> bool:
        return self in (Dialect.TREE, Dialect.EXACT)


class Reader:
    """One place in what the author wrote. What is wrong with it goes to `flaws`, which all places share."""

    __slots__ = ("depth", "dialect", "flaws", "path")

    def __init__(self, dialect: Dialect, path: KeyPath, flaws: list[Flaw], depth: int = 0) -> None:
        self.dialect = dialect
        self.path = path
        self.flaws = flaws
        self.depth = depth

    def below(self, *keys: str | int, dialect: Dialect | None = None) -> Reader:
        return Reader(dialect or self.dialect, (*self.path, *keys), self.flaws, self.depth + 1)

    @property
    def items(self) -> Dialect:
        """The dialect of a list's items."""
        return Dialect.BARE if self.dialect is Dialect.FOUND else self.dialect

    def spelt(self, operator: str) -> str:
        """The operator as this dialect writes it."""
        return f"${operator}" if self.dialect.dollar else operator

    def bounded(self) -> None:
        """Raises Wrong where this place is nested deeper than MAX_DEPTH."""
        if self.depth > MAX_DEPTH:
            raise Wrong(f"conditions nested more than {MAX_DEPTH} deep", "Ask for a part of it")

    def refuse(self, why: Wrong, *, at_key: bool = False) -> None:
        self.flaws.append(Flaw(self.path, str(why), why.hint, at_key))

    def leaf(
        self, test: Test, said: str, operator: str, operand: Any, slip: Guess | None = None
    ) -> Condition:
        """A condition from a test of one value; where texts are compared, one of them has to pass."""
        written = {self.spelt(operator): operand}
        if self.dialect is Dialect.TEXT:
            return Condition(some(test), said, written, slip=nearest(slip))
        return Condition(test, said, written, slip=slip)

    def text(self, value: Any, example: str) -> str:
        """An operand that is a text. Where texts are compared a number or boolean stands for its text."""
        if isinstance(value, str):
            return value
        if self.dialect is Dialect.TEXT and isinstance(value, (int, float)):
            return as_text(value)
        hint = (
            f"Put quotes round it: {as_text(value)!r}"
            if isinstance(value, (int, float))
            else f"Write {example}"
        )
        raise Wrong(f"expected a text, got {shown(value)}", hint)

    def literal(self, value: Any) -> Any:
        """An operand that is a JSON value and no condition. Raises Wrong for what JSON can't say."""
        for item, depth in _walk(value):
            if depth + self.depth > MAX_DEPTH:
                raise Wrong(f"nested more than {MAX_DEPTH} deep", "Ask for a part of it")
            if isinstance(item, float) and not math.isfinite(item):
                raise Wrong(f"JSON has no {item}", "Write a number")
            if isinstance(item, dict) and any(not isinstance(key, str) for key in item):
                raise Wrong("a field's name is a text", "Put quotes round it")
            if not isinstance(item, (dict, list, str, int, float, type(None))):
                raise Wrong(
                    f"expected a JSON value, got {shown(item)}", "Put quotes round it to make it a text"
                )
        return value


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
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
    """At least one value passes."""

    def holds(values: Any) -> bool:
        for value in values:  # noqa: SIM110  (a generator costs more than the tests)
            if test(value):
                return True
        return False

    return holds


def nearest(slip: Guess | None) -> Guess | None:
    """The likeliest slip of all the values under one name."""
    if slip is None:
        return None
    guess: Callable[[Any], Slip] = slip
    return lambda values: min((guess(v) for v in values), key=lambda s: s.weight, default=Slip(""))


def alone(condition: Condition) -> Condition:
    """A condition on a list of texts, asked of one text."""
    test, slip = condition.holds, condition.slip
    guess = None if slip is None else (lambda value: slip([value]))
    return Condition(lambda value: test([value]), condition.said, condition.written, slip=guess)


def in_order(reader: Reader, checks: Sequence[Condition], written: Any) -> Condition:
    """A list that came has just these items."""
    return Items([alone(c) for c in checks] if reader.dialect is Dialect.TEXT else checks, written)
