"""
Warnings for operators without a dollar in trees: `json: {amount: {gte: 1}}` matches a field with the name `gte`.

That is valid, but rarely intended.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.errors import Flaw, KeyPath
from mockserver.matching.operators import OPERATORS
from mockserver.matching.reading import Reader, ReadingDialect
from mockserver.matching.values import show
from mockserver.schema.match import BARE_OPERATORS

_TREES = (("json",), ("json_exact",), ("graphql", "variables"))
_WORDS = ("present", "absent")
_OF_CONDITIONS = ("not", "contains", "any_of", "all_of", "unordered")
"""Operators whose operand is a condition, or a list of them."""
_NOUNS = ("length", "type")
"""Operators that are common field names too. Only some operands show that the operator is meant."""


def bare_operators(match: object, path: KeyPath = ()) -> Iterator[Flaw]:
    """Yield the operators without a dollar in trees of a `match`, with a fix."""
    for keys in _TREES:
        written = match
        for key in keys:
            written = written.get(key) if isinstance(written, dict) else None
        yield from _in_tree(written, (*path, *keys))


def _in_tree(written: object, path: KeyPath) -> Iterator[Flaw]:
    if isinstance(written, list):
        for i, item in enumerate(written):
            yield from _in_tree(item, (*path, i))
    elif isinstance(written, str) and written in _WORDS:
        hint = f"Write ${written}, or {{$equals: {written}}} where the text is meant"
        yield Flaw(path, f"{written!r} is a text here, as any other", hint)
    elif isinstance(written, dict) and written and all(_is_meant(key, item) for key, item in written.items()):
        name = next(iter(written))
        meant = show({f"${key}": item for key, item in written.items()})
        hint = f"Write {meant}, or put it under $fields where the field is meant"
        yield Flaw(
            (*path, name),
            f"{name!r} is the name of a field here, an operator carries a dollar",
            hint,
            at_key=True,
        )
    elif isinstance(written, dict):
        for key, item in written.items():
            if key in ("$fields", *(f"${name}" for name in _OF_CONDITIONS)):
                fields = item.items() if key == "$fields" and isinstance(item, dict) else ()
                for name, below in fields:
                    yield from _in_tree(below, (*path, key, name))
                yield from () if fields else _in_tree(item, (*path, key))
            elif not str(key).startswith("$"):
                yield from _in_tree(item, (*path, key))


def _is_meant(key: object, operand: object) -> bool:
    """Whether the key is an operator with a valid operand."""
    if key not in BARE_OPERATORS:
        return False
    if key in _NOUNS:
        return (
            key == "length"
            and isinstance(operand, dict)
            and operand.keys() <= set(BARE_OPERATORS)
            and bool(operand)
        )
    reader = Reader(OPERATORS, ReadingDialect.BARE, (), [])
    reader.read({key: operand})
    return not reader.flaws
