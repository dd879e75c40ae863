"""
Convert security schemes to `auth`.

It is written as `x-auth`, which has no effect, since only the author of a test knows its tokens; rename it to `auth`
to require it.
"""

from __future__ import annotations

from typing import Any

from mockserver.openapi.operations import ApiOperation
from mockserver.recording.conversion import Document, Losses
from mockserver.scenarios.openapi_nodes import DocumentNode
from mockserver.scenarios.openapi_reading import Specification

TOKEN = "test-token"  # noqa: S105  (what a test may send)


def auth_of(spec: Specification, operations: list[ApiOperation], lost: Losses) -> Document:
    """Return `x-auth` for the scheme that is required most; the others are lost."""
    components = spec.root.object("components")
    schemes = dict(components.mapping("securitySchemes")) if components is not None else {}
    wanted = _wanted(spec, operations, schemes)
    document: Document = {}
    for name in wanted:
        auth = _auth(schemes[name])
        if auth is None:
            what = f"{name!r} has no counterpart in `auth`"
            lost.add(schemes[name].place, what, "bearer, basic and api_key are known")
        elif document:
            lost.add(schemes[name].place, f"beside another scheme, {name!r} is not required")
        else:
            document["x-auth"] = auth
    return document


def _wanted(
    spec: Specification, operations: list[ApiOperation], schemes: dict[str, DocumentNode]
) -> list[str]:
    """Return the required schemes, the most frequent first."""
    uses = dict.fromkeys(schemes, 0)
    for node in (spec.root, *(operation.node for operation in operations)):
        for item in node.items("security"):
            for name in item.value if isinstance(item.value, dict) else ():
                if name in uses:
                    uses[name] += len(operations) + 1 if node is spec.root else 1
    return sorted((name for name, times in uses.items() if times), key=lambda name: -uses[name])


def _auth(scheme: DocumentNode) -> dict[str, Any] | None:
    value = scheme.value
    kind, where = value.get("type"), value.get("in")
    if kind == "http":
        known: dict[str, dict[str, Any]] = {
            "bearer": {"bearer": [TOKEN]},
            "basic": {"basic": {"test": "test"}},
        }
        return known.get(str(value.get("scheme")).lower())
    if kind in ("oauth2", "openIdConnect"):
        return {"bearer": [TOKEN]}
    if kind == "apiKey" and where in ("header", "query") and value.get("name"):
        return {"api_key": {where: value["name"], "values": [TOKEN]}}
    return None
