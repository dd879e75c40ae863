"""
Writes data as YAML in the style of a person.

Blocks, small values in braces, and quotes only if a reader of YAML 1.2 or 1.1 would otherwise see something else, as
in `12:30` and `no`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from mockserver.scenarios.flaws import Schemas, schemas_of, step
from mockserver.scenarios.yaml.quoting import UNPRINTABLE, scalar

_FLOW_WIDTH = 60
_LINE_WIDTH = 100
_LONGEST_KEY = 200
"""YAML allows 1024 characters in a key without `?`; this is the limit of readability."""


def dump(data: object, model: type[BaseModel] | None = None) -> str:
    """
    Return YAML with `parse(dump(data)) == data`. With `model`, keys are in the order of its fields.

    Raises WrongValueError for infinities.
    """
    lines = _attached("", data, 0, schemas_of(model) if model else [], apart=2)
    return "\n".join(lines) + "\n"


def _attached(head: str, value: object, indent: int, schemas: Schemas, apart: int = 0) -> list[str]:
    """
    Return the lines of `head`, such as `key:`, and its value.

    `apart` is the number of levels that are always blocks: the document, its lists (routes) and their items.
    """
    gap = head and head + " "
    if isinstance(value, str) and _is_literal(value):
        inner = indent + 2 if head else 2
        return [gap + _literal_head(value), *_literal_lines(value, inner)]
    if not isinstance(value, (dict, list)):
        return [gap + scalar(value, flow=False)]
    if not value or (not apart and _fits(flow := _flow(value, schemas), head)):
        return [gap + ("{}" if value == {} else "[]" if not value else flow)]
    inner = indent + 2 if head else indent
    return [*([head] if head else []), *_block(value, inner, schemas, apart)]


def _fits(flow: str, head: str) -> bool:
    return len(flow) <= _FLOW_WIDTH and len(head) + len(flow) < _LINE_WIDTH


def _block(value: Any, indent: int, schemas: Schemas, apart: int) -> list[str]:
    if isinstance(value, list):
        return [line for item in value for line in _item(item, indent, step(schemas, 0), apart)]
    lines: list[str] = []
    for key, item in _ordered(value, schemas):
        listed = (
            apart == 2 and isinstance(item, list) and any(isinstance(below, (dict, list)) for below in item)
        )
        head = " " * indent + scalar(key, flow=False) + ":"
        if len(head) - indent > _LONGEST_KEY:
            lines.append(" " * indent + "? " + scalar(key, flow=False))
            head = " " * indent + ":"
        lines += _attached(head, item, indent, step(schemas, key), int(listed))
    return lines


def _item(item: object, indent: int, schemas: Schemas, apart: int) -> list[str]:
    head = " " * indent + "-"
    lines = _attached(head, item, indent, schemas, apart if isinstance(item, dict) else 0)
    if lines[0] == head:
        return [f"{head} {lines[1].lstrip(' ')}", *lines[2:]]
    return lines


def _ordered(value: dict[str, Any], schemas: Schemas) -> list[tuple[str, Any]]:
    """Return known keys in their order, followed by the others."""
    known = [key for schema in schemas for key in schema.get("properties", {})]
    place = {key: index for index, key in reversed(list(enumerate(known)))}
    return sorted(value.items(), key=lambda pair: place.get(pair[0], len(known)))


def _flow(value: object, schemas: Schemas) -> str:
    if isinstance(value, dict):
        pairs = (
            f"{scalar(key, flow=True)}: {_flow(item, step(schemas, key))}"
            for key, item in _ordered(value, schemas)
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item, step(schemas, 0)) for item in value) + "]"
    return scalar(value, flow=True)


def _is_literal(text: str) -> bool:
    """Whether `|` shows the text unchanged: several lines, without spaces at their ends."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and bool(lines[0].strip())
        and not any(UNPRINTABLE.search(line.replace("\t", "")) for line in lines)
        and not any(line != line.rstrip() for line in lines)
    )


def _literal_head(text: str) -> str:
    """Return `|` with the indicators for indentation and final line breaks."""
    indentation = "2" if text[0] in " \t" else ""
    ends = len(text) - len(text.rstrip("\n"))
    return "|" + indentation + ("-" if ends == 0 else "" if ends == 1 else "+")


def _literal_lines(text: str, indent: int) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    return [" " * indent + line if line else "" for line in lines]
