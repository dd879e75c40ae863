"""`/load`: the calls over time, by their answers."""

from __future__ import annotations

import asyncio
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, json_answer, table
from mockserver.admin.endpoints.checks import THREADED
from mockserver.admin.models import LoadView
from mockserver.admin.turns import Turns
from mockserver.attempts import CallEvidence, gathered, read
from mockserver.engine.naming import route_named
from mockserver.errors import WrongValueError, invalid
from mockserver.load.series import MOST_INTERVALS, Series, series
from mockserver.model.instants import instant
from mockserver.schema.attempts import GroupingSpec
from mockserver.schema.base import SECONDS_HINT, duration_s
from mockserver.verification.operations import grouping_of


@table.get(
    "/load",
    "The calls over time, by their answers, with retries and concurrent calls.",
    answer=LoadView,
    query={
        "route": "Only calls of this route.",
        "interval": "Length of an interval, such as 100ms; default: at most 40 intervals.",
        "by": "A selector whose value the attempts of one operation share; `route`: all calls of a route.",
        "ignore": "Fields that are new on each attempt, separated by commas: json.line,query.rand.",
    },
)
async def show_load(request: AdminRequest[Any]) -> Answer:
    ns = request.ns
    wanted = route_named(ns, request.query["route"]).id if request.query.get("route") else None
    length_s = _length_s(request.query.get("interval"))
    grouping = grouping_of(ns, GroupingSpec.of_query(request.query))
    evidence, turns = [], Turns()
    for call in gathered(
        call for call in ns.record.after(0) if call.matched and (wanted is None or call.route_id == wanted)
    ):
        evidence.append(CallEvidence(call, grouping))
        await turns.pause()

    def shown() -> Series:
        return series(read(evidence, grouping)[0], length_s)

    try:
        over_time = await asyncio.to_thread(shown) if len(evidence) > THREADED else shown()
    except ValueError:
        raise invalid(
            ("interval",), f"there are more than {MOST_INTERVALS} intervals", "Write a longer one, such as 1s"
        ) from None
    return json_answer(_view(over_time))


def _length_s(text: str | None) -> float | None:
    if not text:
        return None
    try:
        length_s = duration_s(text)
    except WrongValueError as error:
        raise invalid(("interval",), str(error), SECONDS_HINT) from error
    if length_s < 0.001:
        raise invalid(("interval",), f"{text!r} is below 1ms", "Write at least 1ms")
    return length_s


def _view(over_time: Series) -> dict[str, Any]:
    first = over_time.first
    return {
        "since": None if first is None else instant(first.request.arrived_s),
        "interval_ms": round(over_time.length_s * 1000, 3),
        "calls": over_time.calls,
        "operations": over_time.operations,
        "retries": over_time.retries,
        "amplification": round(over_time.calls / over_time.operations, 3) if over_time.operations else None,
        "most_in_flight": over_time.most_in_flight,
        "intervals": [
            {
                "at_ms": round(each.at_s * 1000, 3),
                "calls": each.calls,
                "retries": each.retries,
                "in_flight": each.in_flight,
                "answers": dict(sorted(each.answers.items())),
            }
            for each in over_time.intervals
        ],
    }
