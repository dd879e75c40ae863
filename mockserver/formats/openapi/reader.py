"""
Read OpenAPI 3.0 and 3.1, and Swagger 2.0: each operation becomes a route that answers as documented, plain CRUD a resource.

The answer is the example of the document, or a reproducible sample of the schema; a success is preferred. Requests
are not validated; use the `openapi` key of a scenario for that.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from mockserver.errors import invalid
from mockserver.formats.openapi.auth import auth_of
from mockserver.formats.openapi.replies import OpenApiReplies
from mockserver.formats.openapi.resources import resources_of
from mockserver.openapi.operations import ApiOperation, operations_of
from mockserver.openapi.validators import Validators
from mockserver.recording.conversion import Document, Imported, Losses, Lost
from mockserver.scenarios.openapi_reading import Specification, base_of
from mockserver.scenarios.openapi_reading import read as read_specification

_LONGEST_NAME = 200
_ADMIN = "/__admin"


def read(source: Path) -> Imported:
    """
    The scenario of a specification, JSON or YAML, with the files that it refers to.

    Raises InvalidInputError with every flaw, each with its file and JSON pointer;
    MissingExtraError without `jsonschema-rs`, by which every sample is tried.
    """
    spec = read_specification(source.name, lambda name: _bytes(source.parent / name, name))
    validators = Validators(spec)
    lost = Losses()
    replies = OpenApiReplies(validators, lost)
    operations = [item for item in operations_of(spec) if _fits(item, lost)]
    resources, covered = resources_of(operations, replies)
    document = _head(spec, lost) | auth_of(spec, operations, lost)
    document["routes"] = _routes([operation for operation in operations if operation not in covered], replies)
    if resources:
        document["resources"] = resources
    _lose_the_rest(spec, operations, lost)
    lost += [Lost(place, what) for place, what in validators.doubts]
    name = _slug(str(_info(spec).get("title", ""))) or _slug(source.name.partition(".")[0]) or "api"
    hold = f"To have requests and replies held to it, put {source.name} beside this file and write: openapi: {source.name}"
    return Imported({name: document}, {}, lost, {name: [*replies.remarks(), hold]}, replies.notes())


def _bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        said = f"{name}: can't be read: {error.strerror}"
        raise invalid((), said, "Name a specification, .yaml or .json") from None


def _info(spec: Specification) -> dict[str, Any]:
    info = spec.root.value.get("info")
    return info if isinstance(info, dict) else {}


def _slug(text: str) -> str:
    """
    A scenario's name.

    >>> _slug("Swagger Petstore - OpenAPI 3.0")
    'swagger-petstore-openapi-3-0'
    """
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", "")).strip("-")[:80]
    return "" if slug == "runtime" else slug


def _head(spec: Specification, lost: Losses) -> Document:
    """Return description and base, the path of the first server."""
    title, version = _info(spec).get("title"), _info(spec).get("version")
    head: Document = {"description": f"{title} {version or ''}".strip()} if title else {}
    bases = spec.bases or ("",)
    if any(c in bases[0] for c in "?#{}"):
        lost.add(spec.root["servers"].place, f"{bases[0]!r} is not a plain path", "Write a `base`")
    elif bases[0]:
        head["base"] = bases[0]
    lost += [
        Lost(
            spec.root["servers"].place, f"the server at {other or '/'!r} is not answered for", "One `base` is"
        )
        for other in bases[1:]
    ]
    return head


def _fits(operation: ApiOperation, lost: Losses) -> bool:
    """Whether a route can have its path."""
    path, reason = operation.path, ""
    if any(c in path for c in "?#"):
        reason = "a path with a query in it is not a path of a route"
    elif "}{" in path:
        reason = "two parameters with nothing between them can't be told apart"
    elif path.count("{") != len(operation.names) or path.count("}") != len(operation.names):
        reason = "its braces don't pair"
    elif path == _ADMIN or path.startswith(_ADMIN + "/"):
        reason = f"{_ADMIN} belongs to the admin API"
    if reason:
        lost.add(operation.node.place, reason, "Write the route by hand")
    return not reason


def _routes(operations: list[ApiOperation], replies: OpenApiReplies) -> list[dict[str, Any]]:
    ids = Counter(operation.id for operation in operations)
    routes = []
    for operation in operations:
        path = re.sub(r"\s", lambda match: f"%{ord(match[0]):02X}", operation.route_path)
        route: dict[str, Any] = {"request": f"{operation.method} {path}"}
        name = operation.node.value.get("operationId")
        if isinstance(name, str) and ids[name] == 1 and 0 < len(name) <= _LONGEST_NAME:
            route = {"name": name, **route}
        route["reply"] = replies.reply(operation)
        tags = operation.node.value.get("tags")
        if isinstance(tags, list) and tags:
            route["tags"] = [str(tag) for tag in tags]
        routes.append(route)
    return routes


def _lose_the_rest(spec: Specification, operations: list[ApiOperation], lost: Losses) -> None:
    for name, node in spec.root.mapping("webhooks"):
        lost.add(node.place, f"the webhook {name!r} has nothing that sends it", "Give a route a `webhook`")
    for operation in operations:
        for name, node in operation.node.mapping("callbacks"):
            lost.add(node.place, f"the callback {name!r} is not sent", "Give the route a `webhook`")
        own = [base_of(server) for server in operation.node.items("servers")]
        if own and own[0] != (spec.bases or ("",))[0]:
            lost.add(operation.node.place, f"its own server {own[0] or '/'!r} is not answered for")
