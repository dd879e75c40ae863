"""Bodies of requests and replies, by their media types: JSON and forms against their schemas."""

from __future__ import annotations

import json
from typing import Any

from mockserver.model.coding import decode_content, parse_media_type
from mockserver.model.http import Request, Response, UnreadableBodyError
from mockserver.model.violation import Part, Violation
from mockserver.openapi.checks import violations_of
from mockserver.openapi.validators import Direction, Validators, standalone
from mockserver.resources.bodies import FORMS, BodyMismatchError, from_form
from mockserver.resources.shapes import SchemaShape
from mockserver.scenarios.openapi_nodes import DocumentNode


class MediaContent:
    """The documented media types of a message. An exact type has precedence over a range such as `text/*`."""

    __slots__ = ("_part", "_schemas")

    def __init__(self, holder: DocumentNode, direction: Direction, validators: Validators) -> None:
        """Raises InvalidInputError."""
        self._part: Part = direction
        self._schemas: dict[str, tuple[Any, SchemaShape | None]] = {}
        for kind, media in holder.mapping("content"):
            plain = kind.partition(";")[0].strip().lower()
            schema = media.get("schema") if isinstance(media.value, dict) else None
            validator = validators.of(schema, direction) if schema is not None else None
            shape = SchemaShape.of(standalone(schema)) if schema is not None and plain in FORMS else None
            self._schemas[plain] = (validator, shape)

    def __bool__(self) -> bool:
        return bool(self._schemas)

    def find(self, kind: str) -> tuple[Any, SchemaShape | None] | Violation:
        """Return the validator for a media type, or a violation if it is not documented."""
        for known in (kind, kind.partition("/")[0] + "/*", "*/*"):
            result = self._schemas.get(known)
            if result is not None:
                return result
        expected = f"must be {' or '.join(self._schemas)}"
        return Violation(self._part, "headers.content-type", expected, *([kind] if kind else []))


def is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


class RequestBody:
    """Request body of an operation."""

    __slots__ = ("_content", "_required")

    def __init__(self, node: DocumentNode, validators: Validators) -> None:
        self._required = node.value.get("required") is True
        self._content = MediaContent(node, "request", validators)

    def violations(self, request: Request) -> list[Violation]:
        if not request.body:
            return [Violation("request", "body", "is required")] if self._required else []
        if not self._content:
            return []
        kind = request.media_type
        result = self._content.find(kind)
        if isinstance(result, Violation):
            return [result]
        validator, shape = result
        if validator is None or (shape is None and not is_json(kind)):
            return []
        try:
            value = request.json if shape is None else _from_form(request, shape)
        except UnreadableBodyError as error:
            return [Violation("request", "body", f"must be readable, but {error}")]
        except BodyMismatchError as error:
            first = error.errors[0]
            return [Violation("request", "body", first["message"], pointer=f"/{first['field']}")]
        return violations_of(validator, value, "request", "body")


def _from_form(request: Request, shape: SchemaShape) -> dict[str, object]:
    """Return the fields of a form; a file is the text of its name, and its content is not validated."""
    pairs = request.form_pairs
    if request.media_type == "multipart/form-data":
        files = [
            (part.name, part.filename) for part in request.parts if part.name is not None and part.filename
        ]
        pairs = (*pairs, *((name, filename or "") for name, filename in files))
    return from_form(pairs, shape)


class ReplyRules:
    """One documented reply."""

    __slots__ = ("_content", "_headers")

    def __init__(self, node: DocumentNode, validators: Validators) -> None:
        self._content = MediaContent(node, "reply", validators)
        self._headers = [
            (name.lower(), item.value.get("required") is True, _header_schema(item, validators))
            for name, item in node.mapping("headers")
            if name.lower() != "content-type"
        ]

    def violations(self, response: Response, *, has_body: bool) -> list[Violation]:
        """Return the violations of a reply. `has_body`: the body is complete, and method and status allow one."""
        result = self._of_headers(response)
        if not has_body or not self._content:
            return result
        if not response.body:
            return [*result, Violation("reply", "body", "must be there")]
        kind = parse_media_type(response.header("content-type") or "")[0]
        known = self._content.find(kind)
        if isinstance(known, Violation):
            return [*result, known]
        validator, _ = known
        if validator is None or not is_json(kind):
            return result
        try:
            value = json.loads(_decoded(response))
        except (ValueError, UnreadableBodyError, RecursionError) as error:
            return [*result, Violation("reply", "body", f"must be JSON, but {error}")]
        return [*result, *violations_of(validator, value, "reply", "body")]

    def _of_headers(self, response: Response) -> list[Violation]:
        result = []
        for name, required, (validator, shape) in self._headers:
            value = response.header(name)
            if value is None:
                result += [Violation("reply", f"headers.{name}", "is required")] if required else []
            elif validator is not None and "array" not in shape.types and "object" not in shape.types:
                result += violations_of(validator, shape.typed(value), "reply", f"headers.{name}")
        return result


def _header_schema(node: DocumentNode, validators: Validators) -> tuple[Any, SchemaShape]:
    schema = node.get("schema")
    if schema is None:
        return None, SchemaShape(None, [])
    return validators.of(schema, "reply"), SchemaShape.of(standalone(schema))


def _decoded(response: Response) -> bytes:
    coding = response.header("content-encoding")
    return decode_content(response.body, coding.split(",")) if coding else response.body
