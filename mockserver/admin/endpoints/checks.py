"""`/verify`: checks on calls, effects and webhooks; waits without polling if a check has a timeout."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import ConfigDict, RootModel

from mockserver.admin.api import AdminRequest, Answer, ProblemError, json_answer, not_found, table
from mockserver.admin.models import VerifiedView
from mockserver.admin.turns import Turns
from mockserver.engine.namespace import Namespace
from mockserver.errors import FlawCollector, invalid
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.verify import CheckSpec
from mockserver.verification.verdict import Standing, Verdict
from mockserver.verification.verify import Check, RulesEvaluator, expectations_without_load, load_evaluators

THREADED = 500
"""From this number of recorded calls, attempts and load are verified in a thread."""


class Checks(RootModel[CheckSpec | list[CheckSpec]]):
    """A check, or a list of them: all must hold."""

    model_config = ConfigDict(title="Checks")


@table.post(
    "/verify",
    "Verify calls, effects or webhooks; 409 with the reasons if a check fails.",
    body=Checks,
    raw=True,
    answer=VerifiedView,
    errors=(409,),
)
async def verify(request: AdminRequest[Any]) -> Answer:
    data = await request.json()
    checks = await _compiled(request.ns, data)
    return answer(await settled(request.ns, checks))


async def _compiled(ns: Namespace, data: Any) -> list[Check]:
    listed = isinstance(data, list)
    if listed and not data:
        raise invalid((), "there is no check in the list", 'Send {"route": "NAME", "times": 3}')
    checks: list[Check] = []
    flaws, turns = FlawCollector(), Turns()
    for i, written in enumerate(data if listed else [data]):
        await turns.pause()
        checks.append(flaws.attempt((i,) if listed else (), _compiled_check, ns, written))
    flaws.check()
    return checks


def _compiled_check(ns: Namespace, written: object) -> Check:
    return Check(ns, parse_spec(CheckSpec, written))


@table.get(
    "/verify",
    "Verify every `expect`, and that no request was unmatched.",
    answer=VerifiedView,
    query={"scenario": "Only the expectations of this scenario."},
    errors=(404, 409),
)
async def verify_expectations(request: AdminRequest[Any]) -> Answer:
    name = request.query.get("scenario")
    if name is not None and name != "runtime" and request.ns.scenario(name) is None:
        raise not_found("scenario", name)
    ns = request.ns
    verdicts, turns = expectations_without_load(ns, name), Turns()
    for evaluator in load_evaluators(ns, name):
        verdicts.append(await ruled(ns, evaluator, turns))
    return answer(verdicts)


def answer(verdicts: list[Verdict]) -> Answer:
    """Return 200 if all checks passed; otherwise, raise a problem whose detail has the reasons."""
    views = [verdict.view() for verdict in verdicts]
    if all(verdict.ok for verdict in verdicts):
        return json_answer({"ok": True, "checks": views})
    failed = [verdict.text for verdict in verdicts if not verdict.ok]
    title = "The check failed" if len(verdicts) == 1 else f"{len(failed)} of {len(verdicts)} checks failed"
    raise ProblemError(409, "verify", title, "\n".join(failed), ok=False, checks=views)


async def settled(ns: Namespace, checks: list[Check]) -> list[Verdict]:
    """
    Return the verdicts once all checks passed, one can't pass any more, or the timeout has passed.

    Then wait for the quiet time of the checks, if there is one.
    """
    within_s = max((check.spec.within_s or 0.0 for check in checks), default=0.0)
    quiet_s = max((check.spec.quiet_s or 0.0 for check in checks), default=0.0)
    woken = asyncio.Event()
    ns.watchers |= {woken.set}
    try:
        verdicts = await _met(ns, checks, within_s, woken)
        if quiet_s and all(verdict.ok for verdict in verdicts):
            return await _quiet(ns, checks, verdicts, quiet_s, woken)
        return verdicts
    finally:
        ns.watchers -= {woken.set}


async def _met(ns: Namespace, checks: list[Check], within_s: float, woken: asyncio.Event) -> list[Verdict]:
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    while True:
        woken.clear()
        verdicts = await _verdicts(ns, checks)
        waited_s = loop.time() - started_s
        short = [
            check.spec.within_s or 0.0
            for check, verdict in zip(checks, verdicts, strict=True)
            if verdict.standing is Standing.SHORT
        ]
        if not short or any(each.standing is Standing.FAILED for each in verdicts) or waited_s >= within_s:
            return verdicts
        try:
            await asyncio.wait_for(woken.wait(), within_s - waited_s)
        except TimeoutError:
            continue


async def _quiet(
    ns: Namespace, checks: list[Check], verdicts: list[Verdict], quiet_s: float, woken: asyncio.Event
) -> list[Verdict]:
    """Return the verdicts after the quiet time; checks with `quiet` fail if further calls arrived."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + quiet_s
    while (left_s := until_s - loop.time()) > 0:
        woken.clear()
        now = await _verdicts(ns, checks)
        late = [_disturbed(check, old, new) for check, old, new in zip(checks, verdicts, now, strict=True)]
        if any(not verdict.ok for verdict in late):
            return late
        try:
            await asyncio.wait_for(woken.wait(), left_s)
        except TimeoutError:
            break
    now = await _verdicts(ns, checks)
    return [_disturbed(check, old, new) for check, old, new in zip(checks, verdicts, now, strict=True)]


async def _verdicts(ns: Namespace, checks: list[Check]) -> list[Verdict]:
    """
    Return one verdict for each check.

    Other connections can run between two, because a failed verdict searches the call log.
    """
    turns = Turns()
    verdicts = []
    for check in checks:
        verdicts.append(await _verdict(ns, check, turns))
        await turns.pause()
    return verdicts


async def _verdict(ns: Namespace, check: Check, turns: Turns) -> Verdict:
    """Return the current verdict. The second pass only covers calls that arrived during the first."""
    for _ in range(2):
        await turns.all_of(check.steps(ns))
    return check.verdict(ns) if check.rules is None else await _verdict_of_rules(ns, check.rules)


async def ruled(ns: Namespace, evaluator: RulesEvaluator, turns: Turns) -> Verdict:
    """Return the verdict on the calls that there are now."""
    await turns.all_of(evaluator.steps(ns))
    return await _verdict_of_rules(ns, evaluator)


async def _verdict_of_rules(ns: Namespace, evaluator: RulesEvaluator) -> Verdict:
    return evaluator(ns) if len(ns.call_log) < THREADED else await asyncio.to_thread(evaluator.snapshot(ns))


def _disturbed(check: Check, old: Verdict, new: Verdict) -> Verdict:
    if not check.spec.quiet_s or new.seen == old.seen:
        return new
    text = f"{new.text.splitlines()[0]}: more calls within the quiet time of {check.spec.quiet_s:g} s (before: {old.saw})"
    return Verdict(Standing.FAILED, f"{old.expected}, then quiet", new.saw, text, new.seen)
