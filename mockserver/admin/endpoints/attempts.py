"""`/attempts`: calls grouped into operations, and the waits between their attempts."""

from __future__ import annotations

import asyncio
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, table, written_listing
from mockserver.admin.endpoints.calls import MOST, PAGE, PAGING, REVEAL
from mockserver.admin.endpoints.checks import THREADED
from mockserver.admin.models import OperationList
from mockserver.admin.turns import Turns, offload
from mockserver.attempts import CallEvidence, Grouping, Operation, gathered, operation_view, read
from mockserver.model.instants import instant
from mockserver.redaction.redaction import mask_part
from mockserver.responses.bodies import dump_json
from mockserver.schema.attempts import GroupingSpec
from mockserver.verification.operations import grouping_of

_VIEW_BYTES = 300
"""Approximate size of an attempt."""
GROUPING = {
    "route": "Only calls of this route.",
    "by": "A selector whose value the attempts of one operation share; `route`: all calls of a route.",
    "ignore": "Fields that are new on each attempt, separated by commas: json.line,query.rand.",
}


@table.get(
    "/attempts",
    "Operations with their attempts, and how the client waited.",
    answer=OperationList,
    query={**GROUPING, **PAGING, **REVEAL},
)
async def list_attempts(request: AdminRequest[Any]) -> Answer:
    reveal, route_id = request.reveal, request.route_id
    limit, after = request.number("limit", PAGE, MOST), request.cursor()
    evidence, grouping = await evidence_of(request)
    operations = (
        await asyncio.to_thread(read, evidence, grouping)
        if len(evidence) > THREADED
        else read(evidence, grouping)
    )[0]
    rest = [operation for operation in operations if operation.attempts[0].call.number > after]
    turns = Turns()
    items: list[bytes] = []
    for operation in rest[:limit]:
        items.append(await offload(_VIEW_BYTES * len(operation.attempts), _written, operation, reveal=reveal))
        await turns.pause()
    most = [
        counts.most_in_flight
        for route, counts in request.ns.counts.routes.items()
        if route_id in (None, route)
    ]
    return written_listing(
        items,
        rest[limit - 1].attempts[0].call.id if len(rest) > limit else None,
        amplification=round(len(evidence) / len(operations), 3) if operations else None,
        most_in_flight=max(most, default=0),
    )


async def evidence_of(request: AdminRequest[Any]) -> tuple[list[CallEvidence], Grouping]:
    """Return the matched calls that the query selects, and how they are grouped. Raises InvalidInputError."""
    ns, route_id = request.ns, request.route_id
    spec = GroupingSpec.of_query(request.query)
    grouping = (
        grouping_of(ns, spec) if route_id is None else grouping_of(ns, spec, route_of=lambda _: route_id)
    )
    evidence, turns = [], Turns()
    for call in gathered(
        call
        for call in ns.call_log.after(0)
        if call.matched and (route_id is None or route_id in call.route_ids)
    ):
        evidence.append(CallEvidence(call, grouping))
        await turns.pause()
    return evidence, grouping


def _written(operation: Operation, *, reveal: bool) -> bytes:
    return dump_json(_view(operation, reveal=reveal))


def _view(operation: Operation, *, reveal: bool) -> dict[str, Any]:
    view = operation_view(operation, instant)
    if not reveal:
        for keyed in (view, *view["tries"]):
            if keyed["key"] is not None:
                keyed["key"] = mask_part(operation.by or "", keyed["key"])
    return view
