"""`/attempts`: calls grouped into operations, and the waits between their attempts."""

from __future__ import annotations

import asyncio
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, table, written_listing
from mockserver.admin.endpoints.calls import MOST, PAGE, PAGING, REVEAL
from mockserver.admin.endpoints.checks import THREADED
from mockserver.admin.models import OperationList
from mockserver.admin.turns import Turns, offload
from mockserver.attempts import CallEvidence, Operation, gathered, operation_view, read
from mockserver.engine.naming import route_named
from mockserver.model.instants import instant
from mockserver.redaction.redaction import mask_part
from mockserver.responses.bodies import dump_json
from mockserver.schema.attempts import GroupingSpec
from mockserver.verification.operations import grouping_of

_VIEW_BYTES = 300
"""Approximate size of an attempt."""


@table.get(
    "/attempts",
    "Operations with their attempts, and how the client waited.",
    answer=OperationList,
    query={
        "route": "Only calls of this route.",
        "by": "A selector whose value the attempts of one operation share; `route`: all calls of a route.",
        "ignore": "Fields that are new on each attempt, separated by commas: json.line,query.rand.",
        **PAGING,
        **REVEAL,
    },
)
async def list_attempts(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    limit, after = request.number("limit", PAGE, MOST), request.cursor()
    ns = request.ns
    wanted = route_named(ns, request.query["route"]).id if request.query.get("route") else None
    grouping = grouping_of(ns, GroupingSpec.of_query(request.query))
    evidence, turns = [], Turns()
    for call in gathered(
        call for call in ns.record.after(0) if call.matched and (wanted is None or call.route_id == wanted)
    ):
        evidence.append(CallEvidence(call, grouping))
        await turns.pause()
    operations = (
        await asyncio.to_thread(read, evidence, grouping)
        if len(evidence) > THREADED
        else read(evidence, grouping)
    )[0]
    rest = [operation for operation in operations if operation.attempts[0].call.number > after]
    items: list[bytes] = []
    for operation in rest[:limit]:
        items.append(await offload(_VIEW_BYTES * len(operation.attempts), _written, operation, reveal=reveal))
        await turns.pause()
    most = [
        counts.most_in_flight
        for route, counts in ns.counts.routes.items()
        if wanted is None or route == wanted
    ]
    return written_listing(
        items,
        rest[limit - 1].attempts[0].call.id if len(rest) > limit else None,
        amplification=round(len(evidence) / len(operations), 3) if operations else None,
        most_in_flight=max(most, default=0),
    )


def _written(operation: Operation, *, reveal: bool) -> bytes:
    return dump_json(_view(operation, reveal=reveal))


def _view(operation: Operation, *, reveal: bool) -> dict[str, Any]:
    view = operation_view(operation, instant)
    if not reveal:
        for keyed in (view, *view["tries"]):
            if keyed["key"] is not None:
                keyed["key"] = mask_part(operation.by or "", keyed["key"])
    return view
