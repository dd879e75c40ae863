"""
Types, fields and items in a JSON Schema, as far as typing the texts of a form needs them.

Nothing is validated here. If a schema is too complex, a text stays a text, and the validator reports it.
"""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import unquote

_MAX_NODES = 100
_WHOLE = re.compile(r"-?[0-9]{1,300}")
_NUMBER = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?")
_TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


class SchemaShape:
    """A place in a schema, with everything that its `$ref`, `allOf`, `anyOf` and `oneOf` say about it."""

    __slots__ = ("_nodes", "_root", "types")

    def __init__(self, root: object, nodes: list[dict[str, Any]]) -> None:
        self._root = root
        self._nodes = nodes
        self.types = _types(nodes)

    @classmethod
    def of(cls, document: object) -> SchemaShape:
        return cls._at(document, [document])

    @classmethod
    def _at(cls, root: object, starts: list[Any]) -> SchemaShape:
        nodes: list[dict[str, Any]] = []
        pending = list(starts)
        seen: set[int] = set()
        while pending and len(nodes) < _MAX_NODES:
            node = pending.pop()
            if not isinstance(node, dict) or id(node) in seen:
                continue
            seen.add(id(node))
            nodes.append(node)
            if isinstance(node.get("$ref"), str):
                pending.append(_referred(root, node["$ref"]))
            for key in ("allOf", "anyOf", "oneOf"):
                if isinstance(node.get(key), list):
                    pending.extend(node[key])
        return cls(root, nodes)

    @property
    def whole(self) -> Any:
        """The complete schema."""
        return self._root

    def field(self, name: str) -> SchemaShape:
        """Return the shape of a field, or that of additional fields if the schema doesn't name it."""
        named = [node["properties"] for node in self._nodes if isinstance(node.get("properties"), dict)]
        schemas = [properties[name] for properties in named if name in properties]
        if not schemas:
            schemas = [node.get("additionalProperties") for node in self._nodes]
        return self._at(self._root, schemas)

    def item(self) -> SchemaShape:
        """Return the shape of a list's items."""
        return self._at(self._root, [node.get("items") for node in self._nodes])

    def typed(self, text: str) -> object:
        """Return the text of a form as a value of the type in the schema; else unchanged."""
        types = self.types
        if not types or "string" in types:
            return text
        if "integer" in types and _WHOLE.fullmatch(text):
            return int(text)
        if "number" in types and _NUMBER.fullmatch(text):
            return int(text) if _WHOLE.fullmatch(text) else _finite(text)
        if "boolean" in types and text in ("true", "false"):
            return text == "true"
        if "null" in types and text in ("", "null"):
            return None
        return text


def _finite(text: str) -> float | str:
    """Return the number, or the text if it is too large for JSON."""
    number = float(text)
    return number if math.isfinite(number) else text


def _types(nodes: list[dict[str, Any]]) -> frozenset[str]:
    types: set[str] = set()
    for node in nodes:
        named = node.get("type")
        if isinstance(named, (str, list)):
            names = [named] if isinstance(named, str) else named
            types.update(name for name in names if isinstance(name, str))
        else:
            listed = node.get("enum")
            values = list(listed) if isinstance(listed, list) else []
            values += [node["const"]] if "const" in node else []
            types.update(_TYPE_NAMES.get(type(value), "null") for value in values)
            types.update(["object"] if "properties" in node else ())
    return frozenset(types)


def _referred(root: object, reference: str) -> object:
    """Return the target of a JSON pointer within the document; None for any other reference."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    value = root
    for part in unquote(reference[1:]).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


ANY = SchemaShape(None, [])
"""Where there is no schema."""
