"""
The transaction of a call: all values are made first, then everything is written.

A failure while values are made changes nothing: no step is taken, no state is set, no effect is written. A dry run
makes the values without writing them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Answer, Behaviour, Choose
from mockserver.engine.routing import Found, when_holds
from mockserver.engine.scopes import scope_for
from mockserver.engine.side_effects import NO_WORK, Work, Writes, kept_let
from mockserver.model.call import Call, call_id
from mockserver.model.http import Request
from mockserver.model.instants import instant
from mockserver.responses.planner import Planned, Reply
from mockserver.store.idempotency import KeptKey
from mockserver.templating.random_values import chance
from mockserver.templating.templates import Scope, TemplateError


class Transaction:
    """
    The route that matched, its values, and the result of the call, which is not written yet.

    The answer is `planned`, else what `reply` makes with `status`. It is a placeholder if it comes `later`: from a
    function, or from the real service at that URL. `let` are the values for the call log. `step` is that of the call,
    None if it took none. `key` is the idempotency key that the call is the first to use. `run` is what answers an
    operation of GraphQL. Each `place`, a part of the call that another route answers, has its own random values.
    """

    __slots__ = (
        "_choices", "_draws", "_number", "_random_key", "_scope", "call_number", "commits", "effects", "index", "key",
        "later", "let", "ns", "params", "planned", "position", "reply", "request", "route", "run", "status", "step",
        "webhooks", "writes",
    )  # fmt: skip

    reply: Reply
    status: int

    def __init__(
        self, ns: Namespace, request: Request, found: Found, call_number: int, place: str = ""
    ) -> None:
        self.ns = ns
        self.request = request
        self.route, self.params, self.position, self.index, per = found
        self.call_number = call_number
        self._number = self.position.number + 1
        self._draws = self.position.draws + 1
        self._random_key = self.route.id if per is None else f"{self.route.id}\n{per}"
        if place:
            self._random_key += f"\n{place}"
        self._scope: Scope | None = None
        self._choices: Random | None = None
        self.planned: Planned | None = None
        self.later: Question | str | None = None
        self.let: dict[str, Any] | None = None
        self.writes: Writes = ()
        self.effects: tuple[dict[str, Any], ...] = ()
        self.webhooks: tuple[Any, ...] = ()
        self.commits: tuple[Callable[[], None], ...] = ()
        self.step: int | None = self.index + 1
        self.key: KeptKey | None = None
        self.run: Any = None

    def scope_before_claim(self) -> Scope:
        """Return the scope of policies. Its random values are the same every time."""
        return scope_for(self.ns, self.request, self.route, self.params)

    def scope(self) -> Scope:
        """Return the scope of the call, with its `let` values. Raises TemplateError."""
        scope = self._scope
        if scope is None:
            ns, route = self.ns, self.route
            memory = ns.used_memory or ns.memory
            values = {
                "request": self.request,
                "path": self.params,
                "vars": route.scenario.vars,
                "state": memory.state,
                "call": {"number": self._number, "id": call_id(self.call_number)},
                "let": {},
            }
            scope = Scope(values, (ns.seed, self._random_key, self._draws), memory.clock.now)
            if route.lets is not None:
                route.lets.value(scope)
            self._scope = scope
        return scope

    def choices(self) -> Random:
        """Return the generator of choices and delays, the same for the whole call."""
        if self._choices is None:
            self._choices = chance(self.ns.seed, self._random_key, self._number)
        return self._choices

    def prepare(self) -> Reply | Behaviour:
        """
        Make all values. Return the reply that `choose` and `cases` select. Nothing is changed.

        Raises TemplateError, also if no case holds, and StoreFullError.
        """
        answer: Answer = self.route.answers[self.index]
        while not isinstance(answer, (Reply, Behaviour)):
            if isinstance(answer, Choose):
                answer = answer.draw(self.choices())
                continue
            for case in answer:
                if case.holds(self.request, self.scope) and (
                    not case.when or when_holds(self.ns, case.when, self.scope)
                ):
                    answer = case.answer
                    break
            else:
                raise TemplateError(
                    "none of its cases holds; add a last one without conditions", place="cases"
                )
        if isinstance(answer, Reply):
            self.take(answer)
        else:
            answer.decide(self)
        return answer

    def take(self, reply: Reply) -> None:
        """Answer with this reply: make its status and side effects. Raises TemplateError."""
        self.make_let()
        self.reply = reply
        self.planned = reply.ready
        status = self.status = reply.fixed_status or reply.status(self.scope)
        work = reply.own_work if status >= 400 else reply.work
        if work is not NO_WORK:
            self.do(work)

    def add_variable(self, name: str, value: object) -> None:
        """Add a variable for the side effects that follow. Raises TemplateError."""
        self._scope = self.scope().with_(name, value)

    def make_let(self) -> None:
        """Make the `let` values for the call log. Raises TemplateError."""
        if self.route.lets is not None:
            self.let = kept_let(self.scope().values["let"])

    def do(self, work: Work) -> None:
        """Make these side effects. Raises TemplateError."""
        if work.fixed is not None:
            self.writes += work.fixed
        else:
            writes, effects = work.make(self.scope())
            self.writes += writes
            self.effects += effects
        self.webhooks += work.webhooks or ()

    def response(self) -> Planned:
        """Return the answer. Raises TemplateError."""
        if self.planned is not None:
            return self.planned
        return self.reply.plan(self.status, self.scope, self.choices, self.request)

    def commit(self, call: Call) -> None:
        """Write state, effects, step and call number. Raises StoreFullError; then nothing is written."""
        if self.writes or self.commits or self.effects:
            self.write(call)
        self.take_step()
        call.step = self.step
        if self.let is not None:
            call.let = self.let

    def take_step(self) -> None:
        """Count the call for the sequence of the route, and for its random values."""
        position, sequence = self.position, self.route.sequence
        if not sequence.single:
            sequence.take(position, self.ns.clock.now_s())
        position.number += 1
        position.draws += 1

    def write(self, call: Call) -> None:
        """Write state and effects. Raises StoreFullError; then nothing is written."""
        ns = self.ns
        if self.writes:
            (ns.used_memory or ns.memory).state.write_all(self.writes)
        for then in self.commits:
            then()
        if self.effects:
            at = instant(ns.clock.now_s())
            call_id, effects = call.id, ns.effects
            for effect in self.effects:
                effect["call"] = call_id
                effect["at"] = at
                effects.add(effect)
            call.effects = list(self.effects)


@dataclass(frozen=True, slots=True)
class Question:
    """
    A function that answers a step: `ask` calls it, outside the event loop if it `blocks`; `take` adds its result to the
    transaction, and raises InvalidInputError or TemplateError.
    """

    ask: Callable[[], Any]
    blocks: bool
    take: Callable[[Any, Transaction], None]
