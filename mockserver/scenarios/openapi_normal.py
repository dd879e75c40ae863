"""
Normalises an OpenAPI document: its schemas become JSON Schema 2020-12, whatever its version.

3.0 has its own dialect: `nullable`, `exclusiveMinimum: true`, one `example`, and keys beside a `$ref` are ignored
(OpenAPI 3.0.4, 4.7.24). Examples are not changed.
"""

from __future__ import annotations

from typing import Any

from mockserver.scenarios.openapi_nodes import absolute

NAMED = frozenset((
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas", "responses", "parameters",
    "headers", "requestBodies", "securitySchemes", "links", "callbacks", "pathItems", "paths", "content", "encoding",
    "variables", "webhooks",
))  # fmt: skip
"""Keys whose children have names chosen by the author."""
DATA = frozenset(("example", "examples", "default", "enum", "const", "value", "mapping"))
_FORGOTTEN = frozenset(("$id", "$schema", "id", "description", "summary", "externalDocs"))
_BESIDE = ("example", "readOnly", "writeOnly")
_BOUNDS = {"int32": 1 << 31, "int64": 1 << 63}


def normal(value: object, document: str, *, old: bool) -> object:
    """
    Return the document of that name, with absolute references.

    `old`: it is of OpenAPI 3.0.
    """
    if isinstance(value, dict):
        made = {}
        for key, item in value.items():
            if key in DATA:
                made[key] = item
            elif key == "$ref" and isinstance(item, str):
                made[key] = absolute(document, item)
            elif key in NAMED and isinstance(item, dict):
                made[key] = {name: normal(below, document, old=old) for name, below in item.items()}
            elif key not in _FORGOTTEN or not isinstance(item, (str, dict)):
                made[key] = normal(item, document, old=old)
        return _schema(made) if old else _bounded(made)
    if isinstance(value, list):
        return [normal(item, document, old=old) for item in value]
    return value


def _schema(node: dict[str, Any]) -> dict[str, Any]:
    nullable = node.pop("nullable", None) is True
    if isinstance(node.get("$ref"), str):
        node = {"$ref": node["$ref"]}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(node.get(exclusive), bool) and node.pop(exclusive) and bound in node:
            node[exclusive] = node.pop(bound)
    _bounded(node)
    return _or_null(node) if nullable else node


def _or_null(node: dict[str, Any]) -> dict[str, Any]:
    kind = node.get("type")
    if isinstance(kind, str):
        node["type"] = [kind, "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]
        if not {"allOf", "anyOf", "oneOf", "$ref"} & set(node):
            return node
        node["type"] = kind
    kept = {key: node.pop(key) for key in _BESIDE if key in node}
    return {"anyOf": [node, {"type": "null"}], **kept}


def _bounded(node: dict[str, Any]) -> dict[str, Any]:
    """Convert `format: int32` and `int64` to bounds, which JSON Schema does not know as formats."""
    limit = _BOUNDS.get(node["format"]) if isinstance(node.get("format"), str) else None
    if limit is not None and node.get("type") in ("integer", "number", ["integer", "null"]):
        if "minimum" not in node and "exclusiveMinimum" not in node:
            node["minimum"] = -limit
        if "maximum" not in node and "exclusiveMaximum" not in node:
            node["maximum"] = limit - 1
    return node
