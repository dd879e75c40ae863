"""
Compile schemas of an OpenAPI document with `jsonschema-rs`, each once.

The library inlines all references. In documents whose schemas all refer to each other, that would be the whole
document for each schema; so a schema that leads to very many others gets a separate validator.

Patterns may use look-around; a limit of steps bounds their time. An invalid pattern is ignored, and reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Literal

from mockserver.errors import InvalidInputError, MissingExtraError, pointer
from mockserver.model.written import plain_numbers
from mockserver.openapi.merging import discriminated
from mockserver.scenarios.openapi_nodes import FOLDER, DocumentNode
from mockserver.scenarios.openapi_reading import Specification

Direction = Literal["request", "reply"]
_UNREQUIRED = {"request": "readOnly", "reply": "writeOnly"}
"""The keyword of properties that only the other side sends: they are not required (OpenAPI 3.0.4, 4.8.24.7.1)."""
_MAX_STEPS = 200_000
_MAX_CHARS = 300
_SEPARATE = "x-contract-apart"
"""Marks a reference to a schema with a separate validator."""
MAX_REFS = 40
MAX_REFS_IN_CYCLE = 12
"""Schemas that lead to more references get a separate validator; for schemas in a cycle, the lower limit applies."""
_DATA = frozenset(("example", "examples", "default", "enum", "const", "value", "mapping"))


class Validators:
    """
    Returns the validator of a schema. `doubts` are the parts of schemas that are ignored.

    Raises MissingExtraError without the library.
    """

    def __init__(self, spec: Specification) -> None:
        try:
            self._library: Any = import_module("jsonschema_rs")
        except ImportError:
            raise MissingExtraError((), "OpenAPI", "openapi") from None
        self._spec = spec
        self._made: dict[tuple[str, str], Any] = {}
        self._registries: dict[str, Any] = {}
        self._separate_refs = frozenset(_refs_with_separate_validators(spec))
        self._patterns = self._library.FancyRegexOptions(backtrack_limit=_MAX_STEPS)
        self.doubts: list[tuple[str, str]] = []
        """Each with its location."""

    def of(self, schema: DocumentNode, direction: Direction) -> Any:
        """Return the validator of a schema for messages in that direction. Raises InvalidInputError."""
        schema = schema.resolved()
        try:
            return self.of_uri(schema.uri, direction)
        except ValueError as error:
            message = str(getattr(error, "message", error)).partition("\n")[0]
            raise schema.wrong(
                f"this is not a valid JSON Schema: {message}", "Fix the specification"
            ) from None

    def fits(self, schema: dict[str, Any], value: object, direction: Direction) -> bool:
        """Return whether a value is valid for a schema that is not part of the document in this form."""
        doubts = list(self.doubts)
        try:
            ready = self._ready(schema, _UNREQUIRED[direction], ("",))
            return bool(self._validator(ready, direction).is_valid(plain_numbers(value)))
        except ValueError:
            return False
        finally:
            self.doubts = doubts

    def of_uri(self, uri: str, direction: Direction) -> Any:
        """Raises ValueError for an invalid schema."""
        made = self._made.get((uri, direction))
        if made is None:
            made = self._made[uri, direction] = self._validator({"$ref": uri}, direction)
        return made

    def _validator(self, schema: dict[str, Any], direction: Direction) -> Any:
        return self._library.validator_for(
            schema,
            registry=self._registry(direction),
            pattern_options=self._patterns,
            validate_formats=True,
            keywords={_SEPARATE: lambda _parent, uri, _path: _SeparateValidator(self, uri, direction)},
        )

    def _registry(self, direction: Direction) -> object:
        result = self._registries.get(direction)
        if result is None:
            documents = [
                (FOLDER + name, self._ready(data, _UNREQUIRED[direction], (name,)))
                for name, data in self._spec.documents.items()
            ]
            result = self._registries[direction] = self._library.Registry(
                documents, draft=self._library.Draft202012
            )
        return result

    def _ready(self, value: object, mark: str, path: tuple[str, ...]) -> Any:
        """Return a document for one direction, without data; properties that only the other side sends are not required."""
        if isinstance(value, list):
            return [self._ready(item, mark, (*path, str(i))) for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        named = path[-1] in ("properties", "patternProperties", "$defs", "schemas")
        if not named:
            value = _by_discriminator(value)
        made = {}
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str) and item in self._separate_refs and not named:
                made[_SEPARATE] = item
            elif named or key not in _DATA:
                made[key] = self._ready(item, mark, (*path, key))
            elif key in ("enum", "const"):
                made[key] = item
        if not named:
            self._unrequire(made, mark)
            if isinstance(made.get("pattern"), str) and not self._is_pattern(made["pattern"]):
                place = f"{path[0]}: {pointer((*path[1:], 'pattern'))}"
                doubt = (
                    place,
                    f"{made.pop('pattern')!r} is not a regular expression here, and is not matched",
                )
                if doubt not in self.doubts:
                    self.doubts.append(doubt)
        return made

    def _is_pattern(self, pattern: str) -> bool:
        try:
            self._library.validator_for({"pattern": pattern}, pattern_options=self._patterns)
        except ValueError:
            return False
        return True

    def _unrequire(self, schema: dict[str, Any], mark: str) -> None:
        required, properties = schema.get("required"), schema.get("properties")
        if isinstance(required, list) and isinstance(properties, dict):
            schema["required"] = [
                name for name in required if not (isinstance(name, str) and _has(properties.get(name), mark))
            ]


def _by_discriminator(schema: dict[str, Any]) -> dict[str, Any]:
    """Rewrite `oneOf` so that a value may match several branches if its discriminator selects one of them."""
    branches = schema.get("oneOf")
    if not isinstance(branches, list) or "discriminator" not in schema:
        return schema
    named = [
        {"allOf": [branch, {"required": [result[0]], "properties": {result[0]: {"enum": result[1]}}}]}
        for branch in branches
        if (result := discriminated(branch, schema["discriminator"])) is not None
    ]
    if not named:
        return schema
    rest = {key: item for key, item in schema.items() if key != "oneOf"}
    either = {"anyOf": [{"oneOf": branches}, *named]}
    return {**rest, "allOf": [*(schema.get("allOf") or ()), either]}


class _SeparateValidator:
    """A schema with a separate validator, which is compiled at first use."""

    __slots__ = ("_direction", "_uri", "_validators")

    def __init__(self, validators: Validators, uri: str, direction: Direction) -> None:
        self._validators = validators
        self._uri = uri
        self._direction = direction

    def validate(self, value: object) -> None:
        """Raises ValueError with the first violation."""
        validator = self._validators.of_uri(self._uri, self._direction)
        if not validator.is_valid(value):
            first = next(iter(validator.iter_errors(value)))
            place = pointer(tuple(first.instance_path))
            raise ValueError(
                f"{place}: {first.message}"[:_MAX_CHARS] if place else first.message[:_MAX_CHARS]
            )


def _refs_with_separate_validators(spec: Specification) -> Iterator[str]:
    """Yield the references that lead to too many schemas to be inlined."""
    beyond: dict[str, frozenset[str]] = {}

    def following(ref: str) -> frozenset[str]:
        if ref not in beyond:
            try:
                beyond[ref] = frozenset(_refs(spec.root.referred(ref).value))
            except InvalidInputError:  # part of an example, or reported where it is used
                beyond[ref] = frozenset()
        return beyond[ref]

    for start in {ref for data in spec.documents.values() for ref in _refs(data)}:
        reached, waiting = set[str](), [start]
        while waiting and len(reached) <= MAX_REFS:
            fresh = following(waiting.pop()) - reached
            reached |= fresh
            waiting += fresh
        if len(reached) > (MAX_REFS_IN_CYCLE if start in reached else MAX_REFS):
            yield start


def _refs(value: object) -> Iterator[str]:
    """Yield every reference in a value, including those in data."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            if isinstance(item, (dict, list)):
                yield from _refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)


def _has(schema: object, mark: str) -> bool:
    return isinstance(schema, dict) and schema.get(mark) is True


def standalone(schema: DocumentNode, limit: int = 200) -> dict[str, Any]:
    """Return a schema with its references under `$defs`, for reading its shape; at most `most` are followed."""
    names: dict[str, str] = {}
    waiting: list[DocumentNode] = []

    def local(value: object, home: DocumentNode) -> object:
        if isinstance(value, list):
            return [local(item, home) for item in value]
        if not isinstance(value, dict):
            return value
        made = {key: local(item, home) for key, item in value.items() if key not in ("example", "examples")}
        ref = value.get("$ref")
        if isinstance(ref, str):
            if ref not in names and len(names) < limit:
                names[ref] = f"s{len(names)}"
                waiting.append(home.referred(ref))
            made["$ref"] = f"#/$defs/{names.get(ref, '')}"
        return made

    whole = local(schema.value, schema)
    defs: dict[str, Any] = {}
    while waiting:
        node = waiting.pop(0)
        defs[f"s{len(defs)}"] = local(node.value, node)
    return {**whole, "$defs": defs} if isinstance(whole, dict) else {}
