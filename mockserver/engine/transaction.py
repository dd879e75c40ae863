"""
The claim: the atomic transaction of a call. All values are made first, then everything is written.

A failure while values are made changes nothing: no step is taken, no state is set, no effect is written. A dry run
makes the values without writing them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Answer, Behaviour, Choose, Route
from mockserver.engine.routing import RouteMatch, when_holds
from mockserver.engine.scopes import scope_for
from mockserver.engine.side_effects import NO_WORK, Work, Writes, chosen, kept_let, made_effects
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.instants import instant
from mockserver.responses.planner import Planned, Reply
from mockserver.store.idempotency import KeptKey
from mockserver.templating.random_values import chance
from mockserver.templating.templates import Scope, TemplateError


class Draw:
    """
    Random values and scope of one call, created on first use. `key` is the idempotency key that it is the first to use.
    """

    __slots__ = (
        "_call_id",
        "_choices",
        "_draws",
        "_found",
        "_ns",
        "_number",
        "_place",
        "_request",
        "_scope",
        "key",
    )

    def __init__(self, ns: Namespace, request: Request, match: RouteMatch, call_id: str) -> None:
        self._number = match.position.number + 1
        self._draws = match.position.draws + 1
        self._ns = ns
        self._request = request
        self._found = match
        self._call_id = call_id
        self._place = ""
        self._scope: Scope | None = None
        self._choices: Random | None = None
        self.key: KeptKey | None = None

    def part(self, request: Request, match: RouteMatch, place: str) -> Draw:
        """Return the values for a part of the call that another route answers; each place has its own random ones."""
        made = Draw(self._ns, request, match, self._call_id)
        made._place = place
        return made

    def scope(self) -> Scope:
        """Return the scope of the call, with its `let` values. Raises TemplateError."""
        if self._scope is None:
            values: dict[str, Any] = {}
            scope = scope_for(
                self._ns,
                self._request,
                self._found.route,
                self._found.params,
                call={"number": self._number, "id": self._call_id},
                let=values,
                draw=(self._key(), self._draws),
            )
            if self._found.route.lets is not None:
                self._found.route.lets.value(scope)
            self._scope = scope
        return self._scope

    def let(self) -> dict[str, Any]:
        """Return the `let` values for the call log."""
        return kept_let(self.scope().values["let"])

    def choices(self) -> Random:
        """Return the generator of choices and delays, the same for the whole call."""
        if self._choices is None:
            self._choices = chance(self._ns.seed, self._key(), self._number)
        return self._choices

    def _key(self) -> str:
        per = self._found.per
        key = self._found.route.id if per is None else f"{self._found.route.id}\n{per}"
        return f"{key}\n{self._place}" if self._place else key


@dataclass(frozen=True, slots=True)
class Question:
    """
    A function that answers a step: `ask` calls it, outside the event loop if it `blocks`; `claim_of` makes the claim
    from its result, and raises InvalidInputError or TemplateError.
    """

    ask: Callable[[], Any]
    blocks: bool
    claim_of: Callable[[Any, Route, Draw], Claim]


NO_STEP = -1


@dataclass(slots=True)
class Claim:
    """
    The result of a call, not written yet. `planned` is set if a behaviour answers, also `consult` if a function returns
    the response; `forward` if a real service answers.
    """

    reply: Reply | None
    status: int
    writes: Writes = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)
    webhooks: tuple[Any, ...] = ()
    commits: tuple[Callable[[], None], ...] = ()
    planned: Planned | None = None
    scope: Scope | None = None
    consult: Question | None = None
    let: dict[str, Any] | None = None
    forward: str | None = None
    step: int | None = None
    """The step of the route that the call belongs to, if that is not the one that matched; NO_STEP if it took none."""


def prepare(ns: Namespace, request: Request, match: RouteMatch, draw: Draw) -> Claim:
    """Make all values of the call. Raises TemplateError and StoreFullError. Nothing is changed."""
    route = match.route
    answer = resolve(ns, request, draw, route.answers[match.index])
    if not isinstance(answer, Reply):
        return answer.decide(ns, request, match, draw)
    let = draw.let() if route.lets else None
    status = answer.fixed_status or answer.status(draw.scope)
    claim = Claim(answer, status, let=let)
    work = chosen(answer.work, route.work, status)
    if work is not NO_WORK:
        sets = work.sets
        if sets is None or sets.fixed is None or work.effects:
            do(claim, work, draw.scope())
        else:
            claim.writes = list(sets.fixed)
            claim.webhooks = work.webhooks or ()
    return claim


def do(claim: Claim, work: Work, scope: Scope) -> None:
    """Add the side effects to the claim. Raises TemplateError."""
    if work.sets is not None:
        claim.writes += work.sets.writes(scope)
    if work.effects is not None:
        claim.effects += made_effects(work.effects, scope)
    claim.webhooks += work.webhooks or ()


def resolve(ns: Namespace, request: Request, draw: Draw, answer: Answer) -> Reply | Behaviour:
    """Return the reply that `choose` and `cases` select. Raises TemplateError if no case holds."""
    while not isinstance(answer, (Reply, Behaviour)):
        if isinstance(answer, Choose):
            answer = answer.draw(draw.choices())
            continue
        for case in answer:
            if case.holds(request, draw.scope) and (not case.when or when_holds(ns, case.when, draw.scope)):
                answer = case.answer
                break
        else:
            raise TemplateError("none of its cases holds; add a last one without conditions", place="cases")
    return answer


def commit(ns: Namespace, call: Call, match: RouteMatch, claim: Claim) -> None:
    """Write state, effects, step and call number. Raises StoreFullError; then nothing is written."""
    if claim.writes or claim.commits or claim.effects:
        write(ns, call, claim)
    position = match.position
    route = match.route
    if not route.sequence.single:
        route.sequence.take(position, ns.clock.now_s())
    position.number += 1
    position.draws += 1
    step = match.index if claim.step is None else claim.step
    call.step = None if step == NO_STEP else step + 1
    if claim.let is not None:
        call.let = claim.let


def write(ns: Namespace, call: Call, claim: Claim) -> None:
    """Write state and effects. Raises StoreFullError; then nothing is written."""
    if claim.writes:
        (ns.used_memory or ns.memory).state.write_all(claim.writes)
    for then in claim.commits:
        then()
    if claim.effects:
        at = instant(ns.clock.now_s())
        call_id, effects = call.id, ns.effects
        for effect in claim.effects:
            effect["call"] = call_id
            effect["at"] = at
            effects.add(effect)
        call.effects = claim.effects
