"""`/violations`: requests and replies that violated the OpenAPI document of their scenario."""

from __future__ import annotations

from itertools import islice
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, listing, table
from mockserver.admin.endpoints.calls import MOST, PAGE, PAGING, REVEAL
from mockserver.admin.models import ViolationList
from mockserver.errors import invalid, near, shown
from mockserver.model.instants import instant
from mockserver.model.violation import masked, text_of

_PARTS = ("request", "reply")


def violation_view(kept: dict[str, Any], *, reveal: bool = False) -> dict[str, Any]:
    """Return a violation as JSON, with secrets masked."""
    about = {key: value for key, value in kept.items() if key not in ("number", "at_s")}
    shown_ = about if reveal else masked(about)
    return {"id": _id(kept["number"]), "at": instant(kept["at_s"]), **shown_, "text": text_of(shown_)}


def _id(number: int) -> str:
    return f"v-{number:06d}"


@table.get(
    "/violations",
    "Violations of the `openapi` of a scenario, oldest first.",
    answer=ViolationList,
    query={
        "route": "A route's id or name.",
        "operation": "An operation, by its operationId or line.",
        "part": "request or reply.",
        "call": "Id of a call.",
        **PAGING,
        **REVEAL,
    },
)
async def list_violations(request: AdminRequest[Any]) -> Answer:
    reveal, query = request.reveal, request.query
    part = query.get("part")
    if part and part not in _PARTS:
        raise invalid(("part",), f"{shown(part)} is not a valid part", near(part, _PARTS))
    wanted = {key: query[key] for key in ("operation", "part", "call") if query.get(key)}
    if request.route_id is not None:
        wanted["route"] = request.route_id
    after, limit = request.cursor("v-"), request.number("limit", PAGE, MOST)
    page = list(
        islice(
            (
                violation
                for violation in request.ns.violations
                if violation["number"] > after
                and all(violation[key] == value for key, value in wanted.items())
            ),
            limit + 1,
        )
    )
    following = _id(page[limit - 1]["number"]) if len(page) > limit else None
    return listing([violation_view(violation, reveal=reveal) for violation in page[:limit]], following)
