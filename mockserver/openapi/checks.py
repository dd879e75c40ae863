"""Validate a value against a compiled schema."""

from __future__ import annotations

from itertools import islice
from typing import Any

from mockserver.errors import KeyPath, pointer
from mockserver.model.http import ABSENT
from mockserver.model.violation import Part, Violation
from mockserver.resources.schema import said

MOST = 20
"""Maximum number of violations of one value."""


def violations_of(validator: Any, value: Any, part: Part, where: str) -> list[Violation]:
    """Return the violations of a schema. A valid value, the usual case, costs one call of the library."""
    try:
        if validator.is_valid(value):
            return []
        result = list(islice(validator.iter_errors(value), MOST))
    except UnicodeEncodeError:
        return [Violation(part, where, "must not contain lone surrogates")]
    except ValueError as exception:
        return [Violation(part, where, f"can't be checked: {exception}")]
    messages: dict[tuple[KeyPath, str], None] = {}
    for error in result:
        messages |= dict.fromkeys(said(error, value))
    return [_violation(part, where, value, path, message) for path, message in islice(messages, MOST)]


def _violation(part: Part, where: str, value: object, path: KeyPath, message: str) -> Violation:
    got = _at(value, path)
    return Violation(part, where, message, *([] if got is ABSENT else [got]), pointer=pointer(path))


def _at(value: Any, path: KeyPath) -> object:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return value
