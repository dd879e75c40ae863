"""
JSON Schema 2020-12 conditions on the JSON body.

References stay in the scenario's folder; nothing is loaded from a network.
"""

from __future__ import annotations

import json
from typing import Any

from mockserver.errors import Flaw, InvalidInputError, KeyPath, ReadFile, invalid, shown
from mockserver.matching import body
from mockserver.matching.checks import MatchCheck
from mockserver.matching.extras import library
from mockserver.matching.mismatch.differences import MOST, DifferencePlace
from mockserver.matching.reading import MAX_DEPTH
from mockserver.model.http import Request, UnreadableBodyError
from mockserver.model.mismatch import Difference

_FOLDER = "scenario:///"
"""The base URI of schemas, which stands for the scenario's folder."""
_REGEX_BYTES = 1 << 20
_SAID_CHARS = 200


def schema(written: object, path: KeyPath, read_file: ReadFile) -> MatchCheck:
    """
    Check that the JSON body is valid. `written` is the schema, or the name of a file.

    Raises InvalidInputError for an invalid schema, MissingExtraError without the library.
    """
    validator = _compile(written, path, read_file)

    def holds(request: Request) -> bool:
        try:
            return bool(validator.is_valid(request.json))
        except (UnreadableBodyError, ValueError):
            return False

    def explain(request: Request) -> list[Difference]:
        try:
            value = request.json
            return _differences(validator, value)
        except UnreadableBodyError as error:
            return [body.no_json(request, error, {"schema": written}, 1)]
        except ValueError as error:
            return [
                Difference("json", {"schema": written}, text=f"json: the schema can't be applied: {error}")
            ]

    return MatchCheck(8, holds, explain)


def _differences(validator: Any, value: Any) -> list[Difference]:
    differences = []
    for error, _ in zip(validator.iter_errors(value), range(MOST), strict=False):
        place = DifferencePlace("json", tuple(error.instance_path))
        said = error.message if len(error.message) <= _SAID_CHARS else error.message[: _SAID_CHARS - 1] + "…"
        rule = "/".join(map(str, error.schema_path))
        differences.append(place.refused(error.instance, {"schema": rule}, said))
    return differences


def _compile(written: object, path: KeyPath, read_file: ReadFile) -> Any:
    engine = library("jsonschema_rs", "A JSON Schema condition", "schema", path)
    base = _FOLDER
    if isinstance(written, str):
        base += written.removeprefix("./")
        written = json_file(written, path, read_file)
    if not isinstance(written, (dict, bool)):
        hint = "Write the schema, or the name of a file beside the scenario"
        raise invalid(path, f"expected a JSON Schema, got {shown(written)}", hint)
    try:
        return engine.validator_for(
            _plain(written, path),
            base_uri=base,
            retriever=lambda uri: _referred(uri, path, read_file),
            pattern_options=engine.RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES),
        )
    except ValueError as error:
        raise InvalidInputError(_flaw(error, path)) from None


def _flaw(error: ValueError, path: KeyPath) -> Flaw:
    place = tuple(getattr(error, "instance_path", ()))
    said = str(getattr(error, "message", error)).partition("\n")[0]
    hint = "See https://json-schema.org/draft/2020-12"
    if "regex" in said:
        hint = "Patterns run in linear time: no look-around, no back references"
    return Flaw((*path, *place), f"this is not a valid JSON Schema: {said}", hint)


def json_file(name: str, path: KeyPath, read_file: ReadFile) -> Any:
    """Return the JSON of a file beside the scenario. Raises InvalidInputError."""
    try:
        return json.loads(read_file(name, path))
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else error
        raise invalid(path, f"{shown(name)} is not valid JSON: {said}", "Write it as JSON") from None


def _referred(uri: str, path: KeyPath, read_file: ReadFile) -> object:
    """Return a referenced schema. Raises ValueError, which the library reports."""
    if not uri.startswith(_FOLDER):
        raise ValueError("remote files are not loaded; put the schema beside the scenario")
    try:
        return _plain(json_file(uri.removeprefix(_FOLDER), path, read_file), path)
    except InvalidInputError as error:
        raise ValueError(str(error)) from None


def _plain(value: object, path: KeyPath, depth: int = 0) -> object:
    """Return the schema with plain numbers, because the library knows only Python's own types."""
    if depth > MAX_DEPTH:
        raise invalid(path, f"the schema is nested more than {MAX_DEPTH} deep", "Use $defs and $ref")
    if isinstance(value, dict):
        return {str(key): _plain(item, path, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, path, depth + 1) for item in value]
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
