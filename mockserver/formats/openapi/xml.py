"""A sample as XML, by what a schema says of names, attributes and wrapping (OpenAPI 3.1, 4.8.26)."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from mockserver.formats.reading import json_line
from mockserver.scenarios.openapi_nodes import DocumentNode


def as_xml(value: object, schema: DocumentNode | None) -> str:
    """One element, named by the schema's `xml`, else by the schema's own name, else `root`."""
    name = "root"
    if schema is not None:
        name = schema.path[-1] if schema.path[-2:-1] == ("schemas",) else name
        name = _hint(schema, "name") or name
    return _element(name, value, schema)


def _hint(schema: DocumentNode | None, key: str) -> Any:
    xml = schema.value.get("xml") if schema is not None and isinstance(schema.value, dict) else None
    return xml.get(key) if isinstance(xml, dict) else None


def _element(name: str, value: object, schema: DocumentNode | None) -> str:
    if isinstance(value, list):
        return f"<{name}>{_items(name, value, schema)}</{name}>"
    if not isinstance(value, dict):
        return f"<{name}>{escape(plain_text(value))}</{name}>"
    attributes, inner = "", ""
    for key, item in value.items():
        below = _property(schema, key)
        named = str(_hint(below, "name") or key)
        if _hint(below, "attribute") is True:
            attributes += f" {named}={quoteattr(plain_text(item))}"
        elif isinstance(item, list) and _hint(below, "wrapped") is not True:
            inner += _items(named, item, below)
        else:
            inner += _element(named, item, below)
    return f"<{name}{attributes}>{inner}</{name}>"


def _items(name: str, items: list[Any], schema: DocumentNode | None) -> str:
    below = schema.get("items") if schema is not None and isinstance(schema.value, dict) else None
    named = str(_hint(below, "name") or name)
    return "".join(_element(named, item, below) for item in items)


def _property(schema: DocumentNode | None, name: str) -> DocumentNode | None:
    return next((node for key, node in schema.schemas("properties") if key == name), None) if schema else None


def plain_text(value: Any) -> str:
    return value if isinstance(value, str) else json_line(value)
