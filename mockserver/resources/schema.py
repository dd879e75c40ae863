"""
JSON Schema of a resource: plain error messages, and the types for the texts of forms.

The validator is `jsonschema_rs`, of the extra `schema`. It loads no remote schemas, and its regular expressions are
limited.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from mockserver.errors import (
    Flaw,
    InvalidInputError,
    KeyPath,
    MissingExtraError,
    ReadFile,
    dotted,
    invalid,
    near,
    shown,
)
from mockserver.matching.schema import json_file
from mockserver.model.plural import counted
from mockserver.resources.shapes import SchemaShape

Errors = list[dict[str, str]]
"""Errors of a value: `[{field, message}]`, with dotted fields; empty for the complete value."""

MAX_ERRORS = 100
_MAX_FINDINGS = 1000
_UNKNOWN = "is unknown"
_NONE = frozenset[str]()
_BACKTRACK_LIMIT = 100_000


class Schema:
    """A compiled schema."""

    __slots__ = ("_validator", "shape")

    def __init__(self, document: Any) -> None:
        from jsonschema_rs import Draft202012Validator, FancyRegexOptions

        self._validator = Draft202012Validator(
            document,
            validate_formats=True,
            offline=True,
            pattern_options=FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT),
        )
        self.shape = SchemaShape.of(document)

    def errors(self, value: object, excused: frozenset[str] = _NONE, known: frozenset[str] = _NONE) -> Errors:
        """
        Return what is wrong, without duplicates, sorted by field.

        Fields that are `excused` are skipped; fields that are `known` are not reported as unknown.
        """
        try:
            errors = list(islice(self._validator.iter_errors(value), _MAX_FINDINGS))
        except UnicodeEncodeError:
            return [{"field": "", "message": "must contain only Unicode texts, without lone surrogates"}]
        told: set[tuple[str, str]] = set()
        for path, message in (finding for error in errors for finding in said(error, value)):
            unknown_yet_known = message == _UNKNOWN and path[0] in known
            if not (path and path[0] in excused) and not unknown_yet_known:
                told.add((dotted(path), message))
        return [{"field": field, "message": message} for field, message in sorted(told)[:MAX_ERRORS]]


def compile_schema(written: object, path: KeyPath, read_file: ReadFile) -> Schema:
    """Compile a schema, or the file of that name. Raises InvalidInputError."""
    document = json_file(written, path, read_file) if isinstance(written, str) else written
    try:
        from jsonschema_rs import ValidationError
    except ImportError as error:
        raise MissingExtraError(path, "`schema`", "schema") from error
    try:
        return Schema(document)
    except ValidationError as error:
        raise InvalidInputError(_flaw(error, path, written)) from error
    except (ValueError, RecursionError) as error:
        raise invalid(path, f"this is not a valid JSON Schema: {error}", "See json-schema.org") from error


_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


def _flaw(error: Any, path: KeyPath, written: object) -> Flaw:
    """Return the flaw of an invalid schema. For a file, the place is the name of the file."""
    inner = tuple(error.instance_path)
    message = error.message
    if "is not present in a registry" in message:
        return Flaw(
            path, f"{message.split(' is not ')[0]} is another document", "Copy what it needs under $defs"
        )
    value = error.instance
    hint = near(value, _TYPES) if inner and inner[-1] == "type" and isinstance(value, str) else ""
    if isinstance(written, str):
        place = f" at {dotted(inner)}" if inner else ""
        return Flaw(path, f"{shown(written)} is not a valid JSON Schema{place}: {message}", hint)
    return Flaw((*path, *inner), f"this is not a valid JSON Schema: {message}", hint)


Said = Iterator[tuple[KeyPath, str]]

_PROSE = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_FORMATS = {
    "email": "an e-mail address",
    "date-time": "a date and time such as 2026-01-31T12:00:00Z",
    "date": "a date such as 2026-01-31",
    "time": "a time such as 12:00:00Z",
    "duration": "a duration such as P1DT2H",
    "uri": "a URL",
    "uuid": "a UUID",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "hostname": "a host name",
}
_LIMITS: dict[str, Callable[[Any], str]] = {
    "minimum": lambda limit: f"must be at least {_json(limit)}",
    "maximum": lambda limit: f"must be at most {_json(limit)}",
    "exclusiveMinimum": lambda limit: f"must be more than {_json(limit)}",
    "exclusiveMaximum": lambda limit: f"must be less than {_json(limit)}",
    "minLength": lambda limit: (
        "must not be empty" if limit == 1 else f"must have at least {limit} characters"
    ),
    "maxLength": lambda limit: f"must have at most {counted(limit, 'character')}",
    "minItems": lambda limit: f"must have at least {counted(limit, 'item')}",
    "maxItems": lambda limit: f"must have at most {counted(limit, 'item')}",
    "minProperties": lambda limit: f"must have at least {counted(limit, 'field')}",
    "maxProperties": lambda limit: f"must have at most {counted(limit, 'field')}",
}
_PLAIN = {
    "uniqueItems": "must not have duplicate items",
    "contains": "lacks a required item",
    "falseSchema": "is not allowed",
    "unevaluatedItems": "has an item that is not allowed",
    "not": "must not be like this",
}


def said(error: Any, whole: Any) -> Said:
    """Yield the fields and messages of one error of the library."""
    path, kind = tuple(error.instance_path), error.kind.name
    facts = error.kind.as_dict() if kind not in ("anyOf", "oneOf", "not") else {}
    if kind == "required":
        yield (*path, facts["property"]), "is required"
    elif kind in ("additionalProperties", "unevaluatedProperties"):
        for name in facts["unexpected"]:
            yield (*path, name), _UNKNOWN
    elif kind == "falseSchema" and error.schema_path[-1:] == ["additionalProperties"]:
        # said so, of the object, where the schema names no property at all
        for name in _at(whole, path):
            yield (*path, name), _UNKNOWN
    elif kind in ("anyOf", "oneOf"):
        yield from _alternatives(error, path, whole)
    elif kind == "propertyNames":
        yield (*path, str(facts["error"].instance)), "is not an allowed name"
    else:
        yield path, _message(kind, facts, error.message)


def _at(whole: Any, path: KeyPath) -> Any:
    for part in path:
        whole = whole[part]
    return whole


def _message(kind: str, facts: dict[str, Any], otherwise: str) -> str:
    if kind == "type":
        return f"must be {_either(facts['types'])}"
    if kind == "enum":
        return f"must be one of {', '.join(map(_json, facts['options']))}"
    if kind == "const":
        return f"must be {_json(facts['expected_value'])}"
    if kind == "pattern":
        return f"must match {facts['pattern']}"
    if kind == "format":
        return f"must be {_FORMATS.get(facts['format'], 'a valid ' + facts['format'])}"
    if kind == "multipleOf":
        return f"must be a multiple of {_json(facts['multiple_of'])}"
    if kind in _LIMITS:
        return _LIMITS[kind](facts["limit"])
    return _PLAIN.get(kind) or otherwise


def _alternatives(error: Any, path: KeyPath, whole: object) -> Said:
    """
    Yield the messages if no alternative matches: those of the only one with the right type and constants, or the
    expected types.
    """
    branches = [list(branch) for branch in error.kind.context]
    if error.kind.name == "oneOf" and not all(branches):
        yield path, "matches more than one of the allowed forms"
        return
    meant = [branch for branch in branches if not any(_misses(inner_error, path) for inner_error in branch)]
    if len(meant) == 1:
        for inner_error in meant[0]:
            yield from said(inner_error, whole)
        return
    types = [_wrong_types(branch, path) for branch in branches]
    if all(types):
        yield path, f"must be {_either([name for names in types for name in names])}"
    else:
        yield path, "matches none of the allowed forms"


def _misses(error: Any, path: KeyPath) -> bool:
    """Whether another alternative was meant: the type is wrong, or a constant that distinguishes alternatives."""
    inner = tuple(error.instance_path)[len(path) :]
    return (error.kind.name == "type" and not inner) or (error.kind.name == "const" and len(inner) <= 1)


def _wrong_types(branch: list[Any], path: KeyPath) -> list[str]:
    return [
        name
        for inner_error in branch
        if inner_error.kind.name == "type" and tuple(inner_error.instance_path) == path
        for name in inner_error.kind.as_dict()["types"]
    ]


def _either(types: list[str]) -> str:
    """
    Return a list of types, for people.

    >>> _either(["null", "string"])
    'a text or null'
    """
    ordered = sorted(set(types), key=_TYPES.index)
    return " or ".join(_PROSE[name] for name in ordered)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
