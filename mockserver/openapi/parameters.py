"""
Parse parameters of an operation into the values that their schemas describe.

Supports `style` and `explode` (OpenAPI 3.1, 4.8.12.6), except `label` and `matrix`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mockserver.model.http import ABSENT, Request
from mockserver.model.violation import Violation
from mockserver.openapi.checks import violations_of
from mockserver.openapi.validators import Validators, standalone
from mockserver.resources.bodies import BodyMismatchError, from_form
from mockserver.resources.shapes import SchemaShape
from mockserver.scenarios.openapi_nodes import DocumentNode

_PLACES = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies"}
_NOT_HERE = frozenset(("accept", "content-type", "authorization"))
"""Headers that are described elsewhere (OpenAPI 3.1, 4.8.12.2)."""
_BETWEEN = {"spaceDelimited": " ", "pipeDelimited": "|"}

Texts = Callable[[Request, dict[str, str]], list[str]]
"""Returns the values of a parameter in the request; `dict` are the path parameters."""


class Parameter:
    """One compiled parameter."""

    __slots__ = ("_read", "_required", "_texts", "_validator", "where")

    def __init__(self, node: DocumentNode, names: dict[str, str], validators: Validators) -> None:
        """`names` maps path parameters to their names in routes. Raises InvalidInputError."""
        value, where = node.value, node.value["in"]
        name = value["name"]
        self.where = f"{_PLACES[where]}.{name}"
        self._required = value.get("required") is True
        media = next((item for _, item in node.mapping("content")), None)
        schema = (media or node).get("schema")
        self._validator = validators.of(schema, "request") if schema is not None else None
        shape = SchemaShape.of(standalone(schema)) if schema is not None else SchemaShape(None, [])
        self._texts: Texts = _texts_of(where, name, names)
        self._read: Callable[[list[str]], Any] = _reader(value, shape)
        if media is not None:
            self._read = lambda texts: json.loads(texts[0])
        elif value.get("style") == "deepObject":
            self._texts, self._read = _deep_texts(name), lambda texts: _deep(name, texts, shape)
        elif where == "query" and shape.types == {"object"} and value.get("explode") is not False:
            self._texts, self._read = _spread_texts(schema), lambda texts: _spread(texts, shape)

    def violations(self, request: Request, params: dict[str, str]) -> list[Violation]:
        texts = self._texts(request, params)
        if not texts:
            return [Violation("request", self.where, "is required")] if self._required else []
        if self._validator is None:
            return []
        try:
            value = self._read(texts)
        except (ValueError, BodyMismatchError):
            return [Violation("request", self.where, "can't be read as documented", texts[0])]
        return violations_of(self._validator, value, "request", self.where)


def parameters_of(
    nodes: tuple[DocumentNode, ...], names: dict[str, str], validators: Validators
) -> list[Parameter]:
    return [
        Parameter(node, names, validators)
        for node in nodes
        if node.value.get("in") in _PLACES
        and node.value.get("style") not in ("label", "matrix")
        and not (node.value["in"] == "header" and node.value["name"].lower() in _NOT_HERE)
    ]


def _texts_of(where: str, name: str, names: dict[str, str]) -> Texts:
    if where == "path":
        route_name = names.get(name, name)
        return lambda _, params: [params[route_name]] if route_name in params else []
    if where == "query":
        return lambda request, _: request.query.get(name, [])
    if where == "cookie":
        return lambda request, _: request.cookies.get(name, [])
    lower = name.lower()
    return lambda request, _: [", ".join(lines)] if (lines := request.headers.all(lower)) else []


def _reader(value: dict[str, Any], shape: SchemaShape) -> Callable[[list[str]], Any]:
    """Return the parser of a parameter with its own name."""
    explode = value.get("explode", value["in"] in ("query", "cookie"))
    between = _BETWEEN.get(str(value.get("style")), ",")
    if "array" in shape.types:
        item = shape.item()
        if explode and value["in"] == "query":
            return lambda texts: [item.typed(text) for text in texts]
        return lambda texts: (
            [item.typed(text.strip()) for text in texts[0].split(between)] if texts[0] else []
        )
    if "object" in shape.types and "string" not in shape.types:
        return lambda texts: _listed(texts[0].split(","), shape, explode=bool(explode))
    typed = shape.typed
    return lambda texts: typed(texts[0]) if len(texts) == 1 else [typed(text) for text in texts]


def _listed(pieces: list[str], shape: SchemaShape, *, explode: bool) -> dict[str, Any]:
    """Parse `R=100,G=200` or, without `explode`, `R,100,G,200`."""
    pairs = (
        [piece.partition("=")[::2] for piece in pieces]
        if explode
        else list(zip(pieces[::2], pieces[1::2], strict=True))
    )
    return {name: shape.field(name).typed(text) for name, text in pairs}


def _deep_texts(name: str) -> Texts:
    """Return the names and values of parameters such as `filter[a]=1`, alternately."""
    start = name + "["
    return lambda request, _: [
        text for pair in request.query_pairs if pair[0] == name or pair[0].startswith(start) for text in pair
    ]


def _deep(name: str, texts: list[str], shape: SchemaShape) -> object:
    pairs = tuple(zip(texts[::2], texts[1::2], strict=True))
    if all(key == name for key, _ in pairs):
        return shape.typed(pairs[0][1])
    whole = SchemaShape.of({"properties": {name: shape.whole}})
    return from_form(pairs, whole).get(name, ABSENT)


def _spread_texts(schema: DocumentNode | None) -> Texts:
    """Return the names and values of the properties of an object, which are separate query parameters."""
    names = [name for name, _ in schema.schemas("properties")] if schema is not None else []
    return lambda request, _: [
        text for name in names if name in request.query for text in (name, request.query[name][-1])
    ]


def _spread(texts: list[str], shape: SchemaShape) -> dict[str, Any]:
    return {name: shape.field(name).typed(text) for name, text in zip(texts[::2], texts[1::2], strict=True)}
