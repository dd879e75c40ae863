"""`/load`: the calls over time, by their answers, with outages and the windows of broken rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, json_answer, table
from mockserver.admin.endpoints.attempts import GROUPING, evidence_of
from mockserver.admin.endpoints.checks import THREADED, ruled
from mockserver.admin.models import LoadView
from mockserver.admin.turns import Turns
from mockserver.attempts import read
from mockserver.attempts.findings import Finding
from mockserver.engine.namespace import Namespace
from mockserver.errors import WrongValueError, flaws_below, invalid
from mockserver.load.series import MOST_INTERVALS, Series, series
from mockserver.model.instants import instant
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.schema.attempts import GroupingSpec
from mockserver.schema.base import SECONDS_HINT, duration_s
from mockserver.schema.load import LoadSpec
from mockserver.schema.verify import SubjectSpec
from mockserver.verification.counting import AllCalls, Subject
from mockserver.verification.verdict import Verdict
from mockserver.verification.verify import ANY_NUMBER, RulesEvaluator, load_evaluator, load_evaluators

View = dict[str, Any]


@table.get(
    "/load",
    "The calls over time, by their answers, with outages and the windows of broken rules.",
    answer=LoadView,
    query={
        **GROUPING,
        "interval": "Length of an interval, such as 100ms; default: at most 40 intervals.",
        "rules": "Rules on load in YAML or JSON, such as {in_flight: {max: 10}}; default: those of `expect`.",
    },
)
async def show_load(request: AdminRequest[Any]) -> Answer:
    length_s, evaluators = _length_s(request.query.get("interval")), _evaluators(request)
    evidence, grouping = await evidence_of(request)

    def shown() -> Series:
        return series(read(evidence, grouping)[0], length_s)

    try:
        over_time = await asyncio.to_thread(shown) if len(evidence) > THREADED else shown()
    except ValueError:
        raise invalid(
            ("interval",), f"there are more than {MOST_INTERVALS} intervals", "Write a longer one, such as 1s"
        ) from None
    turns = Turns()
    verdicts = [(evaluator, await ruled(request.ns, evaluator, turns)) for evaluator in evaluators]
    start_s = 0.0 if over_time.first is None else over_time.first.request.arrived_at_s
    outages = () if over_time.first is None else _outages(request.ns, request.route_id, start_s)
    rules = [view for evaluator, verdict in verdicts for view in _rules(evaluator, verdict, start_s)]
    return json_answer({**_view(over_time), "outages": list(outages), "rules": rules})


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


def _evaluators(request: AdminRequest[Any]) -> list[RulesEvaluator]:
    """Return what checks the rules of the query or, without any, those of `expect`. Raises InvalidInputError."""
    ns, route_id, text = request.ns, request.route_id, request.query.get("rules")
    if not text:
        return load_evaluators(ns, route_id=route_id)
    with flaws_below("rules"):
        data = parse(text)
        if isinstance(data, dict):
            grouping = GroupingSpec.of_query(request.query)
            data = {"by": grouping.by, "ignore": grouping.ignore, **data}
        spec = parse_spec(LoadSpec, data)
    subject = AllCalls() if route_id is None else Subject(ns, SubjectSpec(route=route_id))
    return [load_evaluator(ns, subject, ANY_NUMBER, spec, ("rules",))]


def _view(over_time: Series) -> View:
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


def _outages(ns: Namespace, route_id: str | None, start_s: float) -> Iterator[View]:
    """Yield the outages and failures of that route, or of all, that had not ended when the first call arrived."""
    ns.follow_faults()
    for period in ns.fault_periods:
        began, ended = period.began, period.ended
        if not (route_id is None or period.routes is None or route_id in period.routes):
            continue
        if ended is not None and ended.at_s < start_s:
            continue
        yield {
            "what": period.subject,
            "routes": None if period.routes is None else sorted(period.routes),
            "began": instant(began.real_s),
            "ended": None if ended is None else instant(ended.real_s),
            "clock_began": instant(began.clock_s),
            "clock_ended": None if ended is None else instant(ended.clock_s),
            "began_ms": _ms(began.at_s, start_s),
            "ended_ms": None if ended is None else _ms(ended.at_s, start_s),
        }


def _rules(evaluator: RulesEvaluator, verdict: Verdict, start_s: float) -> Iterator[View]:
    """Yield each rule that does not hold, with its window, or that all hold."""
    if not verdict.findings:
        text = f"{evaluator.name}: no rule is broken" if verdict.ok else verdict.text
        yield {"ok": verdict.ok, "text": text, "began_ms": None, "ended_ms": None}
    for finding in verdict.findings:
        yield {"ok": False, "text": f"{evaluator.name}: {finding.text}", **_window(finding, start_s)}


def _window(finding: Finding, start_s: float) -> View:
    """From the first to the last of the calls that broke the rule."""
    at_s = [call.request.arrived_at_s for call in finding.window]
    return {
        "began_ms": _ms(min(at_s), start_s) if at_s else None,
        "ended_ms": _ms(max(at_s), start_s) if at_s else None,
    }


def _ms(at_s: float, start_s: float) -> float:
    return round((at_s - start_s) * 1000, 3)
