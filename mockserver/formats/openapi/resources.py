"""
Collections that are plainly CRUD, as resources that behave.

Plainly means: list, create, read and delete are there, and a change; each
documents the status that a resource answers with; what is listed, made and
read is one schema. Everything else stays routes, which answer as documented.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mockserver.formats.openapi.replies import OpenApiReplies, best, preferred
from mockserver.openapi.operations import ApiOperation
from mockserver.openapi.samples import EndlessSchemaError
from mockserver.scenarios.openapi_nodes import DocumentNode

SEEDS = 3
_STATUSES = {"list": 200, "create": 201, "read": 200, "PUT": 200, "PATCH": 200, "DELETE": 204}
_ENVELOPE = {
    "total": ("total", "total_count", "totalCount", "count"),
    "page": ("page", "current_page", "currentPage"),
    "pages": ("pages", "total_pages", "totalPages", "page_count", "pageCount"),
    "has_next": ("has_next", "hasNext", "has_more", "hasMore"),
    "next_cursor": ("next_cursor", "nextCursor", "next_page_token", "nextPageToken"),
}
_SIZES = ("per_page", "perPage", "page_size", "pageSize", "size", "limit")


@dataclass(frozen=True)
class _Collection:
    """The operations of a collection and of its items, by what they do."""

    path: str
    parameter: str
    operations: dict[str, ApiOperation]


def resources_of(
    operations: list[ApiOperation], replies: OpenApiReplies
) -> tuple[list[dict[str, Any]], list[ApiOperation]]:
    """The resources, and the operations that they answer for."""
    resources, covered = [], []
    for collection in _collections(operations):
        resource = _resource(collection, replies)
        if resource is not None:
            resources.append(resource)
            covered += list(collection.operations.values())
    return resources, covered


def _collections(operations: list[ApiOperation]) -> list[_Collection]:
    by_path: dict[str, dict[str, ApiOperation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    result = []
    for path, items in by_path.items():
        above, _, last = path.rpartition("/")
        plain = "{" not in above and last.startswith("{") and last.endswith("}") and last.count("{") == 1
        whole = by_path.get(above)
        if plain and above and whole is not None and set(whole) == {"GET", "POST"}:
            named = {"list": whole["GET"], "create": whole["POST"], "read": items.get("GET"), **items}
            named.pop("GET", None)
            if all(named.get(key) for key in ("read", "DELETE")) and {"PUT", "PATCH"} & set(named):
                result.append(_Collection(above, last.strip("{}"), {k: v for k, v in named.items() if v}))
    return result


def _resource(collection: _Collection, replies: OpenApiReplies) -> dict[str, Any] | None:
    schemas: dict[str, DocumentNode | None] = {}
    for what, operation in collection.operations.items():
        answer = best(operation)
        if answer is None or answer[0] != _STATUSES.get(what):
            return None
        schemas[what] = _json_schema(answer[1])
    item = schemas.pop("read")
    listed = schemas.pop("list")
    schemas.pop("DELETE")
    if (
        item is None
        or listed is None
        or any(schema is None or schema.value != item.value for schema in schemas.values())
    ):
        return None
    page = _page(collection.operations["list"], listed, item)
    field = _id_field(item, collection.parameter)
    if page is None or field is None:
        return None
    return _written(collection, item, field, page, replies)


def _json_schema(response: DocumentNode) -> DocumentNode | None:
    content = dict(response.mapping("content"))
    kind = preferred(content) if content else ""
    schema = content[kind].get("schema") if kind == "application/json" else None
    return schema if schema is not None and isinstance(schema.value, dict) else None


def _properties(schema: DocumentNode) -> dict[str, DocumentNode]:
    """Of an object, those of its `allOf` too."""
    result = dict(schema.schemas("properties"))
    for _, part in schema.schemas("allOf"):
        result |= _properties(part)
    return result


def _id_field(item: DocumentNode, parameter: str) -> str | None:
    properties = _properties(item)
    return next((name for name in (parameter, "id") if name in properties), None)


def _page(operation: ApiOperation, listed: DocumentNode, item: DocumentNode) -> dict[str, Any] | None:
    """How the list is cut and wrapped: empty where it comes whole; None where a resource can't do it."""
    envelope: dict[str, str] | None = None
    if listed.value.get("type") == "object" or "properties" in listed.value:
        envelope = _envelope(listed, item)
        if envelope is None:
            return None
    elif not _lists(listed, item):
        return None
    conditions = {
        node.value["name"]: node for node in operation.parameters if node.value.get("in") == "query"
    }
    page = _style(conditions)
    words = set((envelope or {}).values())
    if ("next_cursor" in words and "cursor" not in page) or (
        {"page", "pages"} & words and "number" not in page
    ):
        return None
    if "has_next" in words and not page:
        return None
    return {**page, "envelope": envelope} if envelope else page


def _lists(schema: DocumentNode, item: DocumentNode) -> bool:
    below = schema.get("items")
    return schema.value.get("type") == "array" and below is not None and below.value == item.value


def _envelope(listed: DocumentNode, item: DocumentNode) -> dict[str, str] | None:
    envelope: dict[str, str] = {}
    required = _required(listed)
    for name, node in _properties(listed).items():
        if _lists(node, item):
            envelope[name] = "items"
            continue
        word = next((word for word, names in _ENVELOPE.items() if name in names), None)
        if word is not None and word not in envelope.values():
            envelope[name] = word
        elif name in required:
            return None
    return envelope if list(envelope.values()).count("items") == 1 else None


def _required(schema: DocumentNode) -> list[str]:
    names = schema.value.get("required") if isinstance(schema.value, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _style(conditions: dict[str, DocumentNode]) -> dict[str, Any]:
    size = next((name for name in _SIZES if name in conditions), None)
    if "page" in conditions:
        page = {"number": "page"} | ({"size": size} if size else {})
    elif "offset" in conditions:
        page = {"offset": "offset"} | ({"limit": size} if size else {})
    elif "cursor" in conditions:
        page = {"cursor": "cursor"} | ({"limit": size} if size else {})
    else:
        return {}
    schema = conditions[size].get("schema") if size else None
    default = schema.value.get("default") if schema is not None and isinstance(schema.value, dict) else None
    return {**page, "default": default} if isinstance(default, int) and default > 0 else page


def _written(
    collection: _Collection, item: DocumentNode, field: str, page: dict[str, Any], replies: OpenApiReplies
) -> dict[str, Any] | None:
    try:
        seed = [replies.sampled(collection.operations["read"], item, f" #{n}") for n in range(1, SEEDS + 1)]
    except EndlessSchemaError:
        return None
    if not all(isinstance(element, dict) for element in seed) or "{{" in json.dumps(seed):
        return None
    whole = isinstance(seed[0].get(field), int)
    for n, entry in enumerate(seed, 1):
        if whole:
            entry[field] = n
        if not replies.fits(item, entry):
            return None
    if len({str(element.get(field)) for element in seed}) < SEEDS:
        return None
    resource: dict[str, Any] = {"path": collection.path}
    generate = "increment" if whole else "uuid"
    if field != "id" or not whole:
        resource["id"] = {"field": field, "generate": generate}
    changes = [method for method in ("PATCH", "PUT") if method in collection.operations]
    if changes != ["PATCH", "PUT"]:
        resource["update"] = changes
    if page:
        resource["page"] = page
    new = _new(collection.operations["create"], item, seed[0], field)
    return {**resource, **({"new": new} if new else {}), "seed": seed}


def _new(create: ApiOperation, item: DocumentNode, sample: dict[str, Any], field: str) -> dict[str, Any]:
    """What an item must have and a client doesn't send."""
    body = create.node.object("requestBody")
    media = next((node for _, node in body.mapping("content")), None) if body is not None else None
    schema = media.get("schema") if media is not None else None
    sent = _required(schema) if schema is not None else []
    parts = [item, *(part for _, part in item.schemas("allOf"))]
    required = [name for part in parts for name in _required(part)]
    return {name: sample[name] for name in required if name != field and name not in sent and name in sample}
