"""
GraphQL calls: what the routes of the fields of an operation answer, in one transaction.

Each route takes one step for an operation, however often its field occurs. The call is one of each route that takes
part, or of the endpoint if none does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from graphql import GraphQLError

from mockserver.engine.namespace import Namespace
from mockserver.engine.policies import Limiter
from mockserver.engine.routes import Behaviour, Route, Scenario
from mockserver.engine.routing import candidates, find
from mockserver.engine.transaction import Question, Transaction
from mockserver.graphql.execution import Execution, FieldAnswer, StepsSpentError
from mockserver.graphql.limits import MOST_INTROSPECTION_STEPS, MOST_STEPS
from mockserver.graphql.operations import (
    EVENTS_TYPE,
    JSON_TYPE,
    RESPONSE_TYPE,
    AnswerForm,
    GraphQLOperation,
    GraphQLRequestError,
    batched,
    event,
    form_of,
    read_operation,
    result_document,
    variables_text,
)
from mockserver.graphql.replies import FieldEvent, FieldReply
from mockserver.graphql.requests import FieldRequest
from mockserver.graphql.schemas import GraphQLApi
from mockserver.matching.index import Found as Candidate
from mockserver.model.call import Call
from mockserver.model.http import ABSENT, GRAPHQL, Pairs, Request, Response
from mockserver.model.plan import Send
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import Planned, sent
from mockserver.schema.scenario import RUNTIME
from mockserver.store.bounds import StoreFullError
from mockserver.store.rate_limits import LimitLevel
from mockserver.templating.templates import Scope, TemplateError

MakeScope = Callable[[], Scope]
_TOO_LARGE = "The operation is too large: it resolves too many fields"


class GraphQLEndpoint(Behaviour):
    """Answers operations of an API. `plain` is the reply of an operation without routes."""

    __slots__ = ("_scenario", "api", "plain")

    def __init__(self, api: GraphQLApi, scenario: Scenario, plain: FieldReply) -> None:
        self.api = api
        self.plain = plain
        self._scenario = scenario

    def begun(self, call: Call, transaction: Transaction) -> None:
        """Find what answers an operation, and the routes that its call belongs to."""
        run = transaction.run = OperationRun(self, transaction, call)
        routes = [each.route for each in run.taken.values()]
        if routes:
            call.route_id = routes[0].id
            call.fields = [(route.id, route.pattern.text) for route in routes]
            call.tags = tuple(dict.fromkeys(tag for route in routes for tag in route.tags))

    def decide(self, transaction: Transaction) -> None:
        if transaction.run is None:  # in a dry run no call begins
            transaction.run = OperationRun(self, transaction)
        failure = transaction.run.failure
        if failure is not None:
            raise failure

    def routes_of(self, ns: Namespace, parent: str, name: str) -> tuple[Candidate[Route], ...]:
        """Return the routes for a field, in order: those of this scenario, and those made at runtime."""
        found = candidates(ns, GRAPHQL, f"/{parent}.{name}")
        if not found:
            return found
        names = (self._scenario.name, RUNTIME)
        return tuple(item for item in found if item[0].target.scenario.name in names)


@dataclass(frozen=True, slots=True)
class FieldWebhook:
    """A webhook of a route for a field, with the variables of that route."""

    webhook: Any
    scope: Scope
    route_id: str

    def make(self, ns: Any, call: Call, scope: Scope) -> Any:
        return self.webhook.make(ns, call, self.scope.with_("reply", scope.values["reply"]), self.route_id)


class OperationRun:
    """
    What answers one operation. What its fields do is added to the transaction of its call.

    `taken` are the first transactions of the routes that take part, by id and in order; `failure` is raised when the
    endpoint decides.
    """

    def __init__(self, endpoint: GraphQLEndpoint, transaction: Transaction, call: Call | None = None) -> None:
        self.taken: dict[str, Transaction] = {}
        self.failure: TemplateError | StoreFullError | None = None
        self._endpoint = endpoint
        self._transaction = transaction
        self._ns = transaction.ns
        self._request = transaction.request
        self._call = call
        self._form = form_of(transaction.request)
        self._found: dict[tuple[str, str], tuple[Candidate[Route], ...]] = {}
        self._stepped: set[int] = set()
        self._levels: dict[tuple[str, str | None], LimitLevel] = {}
        self._replies: list[tuple[FieldReply, MakeScope, Callable[[], Random]]] = []
        self._whole: Planned | None = None
        self._probes = False
        self._part = ""
        """The place of an operation in its batch, with a point."""
        self._event: FieldEvent | None = None
        self._events: list[FieldEvent] | None = None
        try:
            planned = self._answered()
        except (TemplateError, StoreFullError) as error:
            self.failure = error
            return
        transaction.planned = planned if self._whole is None else self._whole

    def _answered(self) -> Planned:
        try:
            parts = batched(self._request)
            if parts is not None:
                return self._in_batch(parts)
            operation = read_operation(self._endpoint.api, self._request)
            if operation.is_subscription:
                return self._subscribed(operation)
            if operation.is_introspection:
                return self._introspected(operation)
            return self._executed(operation)
        except GraphQLRequestError as error:
            return self._refused(error)
        except StepsSpentError:
            return self._refused(GraphQLRequestError([GraphQLError(_TOO_LARGE)]))

    def _execution(self, operation: GraphQLOperation, most_steps: int = MOST_STEPS) -> Execution:
        return Execution(
            self._endpoint.api.schema, operation, self._ns.seed, self._ask, most_steps=most_steps
        )

    def _executed(self, operation: GraphQLOperation) -> Planned:
        document = _document_of(self._execution(operation))
        if self._form.only_stream:
            return self._streamed([(0.0, document)])
        return self._sent(dump_json(document))

    def _in_batch(self, parts: list[Request]) -> Planned:
        """Return the answers to the operations of a batch, in one list. Each route takes one step for all of them."""
        if self._form.only_stream:
            raise GraphQLRequestError([GraphQLError(f"A batch is answered with {JSON_TYPE}")], 406)
        documents = []
        left = MOST_STEPS
        for number, self._request in enumerate(parts):
            self._part = f"{number}." if number else ""
            try:
                operation = read_operation(self._endpoint.api, self._request)
                if operation.is_subscription:
                    raise GraphQLRequestError([GraphQLError("A subscription can't be in a batch")])  # noqa: TRY301
                execution = self._execution(operation, left)
                documents.append(_document_of(execution))
                left = execution.steps_left
            except GraphQLRequestError as error:
                documents.append(result_document(ABSENT, error.errors))
            except StepsSpentError:
                said = "The batch is too large: its operations resolve too many fields"
                raise GraphQLRequestError([GraphQLError(said)], 400) from None
        return self._planned(JSON_TYPE, dump_json(documents), None)

    # Routes

    def _ask(
        self, parent: str, name: str, arguments: dict[str, Any], place: list[str | int]
    ) -> FieldAnswer | None:
        """Return the answer of the route for a field, and add its side effects to the transaction."""
        if len(place) == 1 and self._event is not None:
            return self._event.answer
        if self._probes and len(place) > 1:
            return None
        found = self._found.get((parent, name))
        if found is None:
            found = self._found[parent, name] = self._endpoint.routes_of(self._ns, parent, name)
        if not found:
            return None
        request = FieldRequest.of(self._request, arguments)
        taking = find(self._ns, request, among=found)
        if taking is None:
            return None
        field = Transaction(
            self._ns, request, taking, self._transaction.call_number, self._part + ".".join(map(str, place))
        )
        is_first = not self.taken
        self.taken.setdefault(field.route.id, field)
        try:
            refusal = self._refusal_of(field)
            if is_first:
                self._transaction.step = field.step if refusal is None else None
            if refusal is None:
                return self._answer_of(field)
        except TemplateError as error:
            where = f"{field.route.id}: {error.place or 'reply'}"
            raise TemplateError(error.reason, error.line, error.source, where) from error
        if self._probes:
            self._events = [FieldEvent(0.0, refusal)]
        return refusal

    def _refusal_of(self, field: Transaction) -> FieldAnswer | None:
        """Return the errors of a field that `auth` or `limit` of its route refuses; None to continue. A dry run has none."""
        auth, limiter = field.route.auth, field.route.limiter
        if self._call is None:
            return None
        refused = None if auth is None else auth.refuse(self._ns.memory, field.request)
        if refused is not None:
            return _error(json.loads(refused.response.body)["detail"], "UNAUTHENTICATED")
        return None if limiter is None else self._limited(limiter, field)

    def _limited(self, limiter: Limiter, field: Transaction) -> FieldAnswer | None:
        """Return the errors of a field over a limit. An operation takes one token for each value of `by`."""
        ns, request, scope = self._ns, field.request, field.scope_before_claim

        def with_level() -> Scope:
            return scope().with_("limit", level.view())

        key = (limiter.scope, limiter.by_of(request, field.params, scope))
        known = self._levels.get(key)
        level = known or ns.memory.limits.peek(*key, limiter.spec, ns.clock.now_s())
        if known is None:
            self._levels[key] = level
            lines = limiter.lines(level, request, with_level) if level.is_over or limiter.spec.headers else []
            self._transaction.commits += (partial(self._take_limit, limiter, key[1], lines),)
        if not level.is_over:
            return None
        reply = limiter.reply
        if isinstance(reply, FieldReply):
            self._replies.append((reply, with_level, self._transaction.choices))
            return reply.answer(with_level)
        if reply is None:
            return _error("Too many requests", "RATE_LIMITED")
        if self._whole is None:
            self._whole = reply.plan(reply.status(with_level), with_level, self._transaction.choices, request)
        return FieldAnswer(None)

    def _take_limit(self, limiter: Limiter, by: str | None, lines: list[tuple[str, str]]) -> None:
        call = self._call
        assert call is not None
        limiter.take(self._ns.memory, call, by)
        call.limit_headers = call.limit_headers or lines

    def _answer_of(self, field: Transaction) -> FieldAnswer:
        whole = self._transaction
        answer = field.prepare()
        if id(field.position) not in self._stepped:
            self._stepped.add(id(field.position))
            whole.commits += (field.take_step,)
        if field.let is not None:
            whole.let = {**(whole.let or {}), **field.let}
        whole.writes += field.writes
        whole.effects += field.effects
        whole.commits += field.commits
        if field.webhooks:
            scope = field.scope()
            whole.webhooks += tuple(
                FieldWebhook(webhook, scope, field.route.id) for webhook in field.webhooks
            )
        if isinstance(field.planned, FieldPlanned):
            return field.planned.answer
        if not isinstance(answer, FieldReply):
            if self._whole is None:
                self._whole = field.response()
            return FieldAnswer(None)
        self._replies.append((answer, field.scope, field.choices))
        if self._probes:
            self._events = answer.events(field.scope)
            return FieldAnswer()
        return answer.answer(field.scope)

    # Introspection

    def _introspected(self, operation: GraphQLOperation) -> Planned:
        """Return the schema: it is large, so it is made beside the event loop, and kept."""
        api = self._endpoint.api
        key = (operation.text, variables_text(operation))
        kept = api.introspections.get(key)
        if kept is not None:
            return self._sent(kept)

        def ask() -> bytes:
            run = Execution(api.schema, operation, "", _no_routes, most_steps=MOST_INTROSPECTION_STEPS)
            try:
                answer = run.run()
            except StepsSpentError:
                return dump_json(result_document(ABSENT, [GraphQLError(_TOO_LARGE)]))
            return dump_json(result_document(ABSENT if answer.is_refused else answer.data, answer.errors))

        def take(body: bytes, transaction: Transaction) -> None:
            api.keep_introspection(key, body)
            transaction.planned = self._sent(body)

        self._transaction.later = Question(ask, True, take)
        return Planned((), Response(200, [("Content-Type", self._form.media_type)], b"the schema"))

    # Subscriptions

    def _subscribed(self, operation: GraphQLOperation) -> Planned:
        if not self._form.is_stream:
            message = f"A subscription needs Accept: {EVENTS_TYPE}, or a WebSocket"
            raise GraphQLRequestError([GraphQLError(message)], 406)
        execution = self._execution(operation)
        self._probes = True
        probe = execution.run()
        self._probes = False
        if probe.is_refused:
            raise GraphQLRequestError(probe.errors)
        events = [FieldEvent(0.0, FieldAnswer())] if self._events is None else self._events
        documents = []
        for number, self._event in enumerate(events, 1):
            answer = execution.run(number)
            documents.append((self._event.wait_s, result_document(answer.data, answer.errors)))
        return self._streamed(documents)

    def _streamed(self, documents: list[tuple[float, dict[str, Any]]]) -> Planned:
        if self._form.is_socket:
            pieces = [(wait_s, dump_json(document) + b"\n") for wait_s, document in documents]
        else:
            pieces = [(wait_s, event("next", document, dump_json)) for wait_s, document in documents]
            pieces.append((0.0, event("complete", None, dump_json)))
        body = b"".join(piece for _, piece in pieces)
        return self._planned(RESPONSE_TYPE if self._form.is_socket else EVENTS_TYPE, body, tuple(pieces))

    # Responses

    def _refused(self, error: GraphQLRequestError) -> Planned:
        """Return the response to a request that is not executed. Nothing of it is written."""
        form: AnswerForm = self._form
        transaction = self._transaction
        transaction.writes, transaction.effects, transaction.commits = (), (), ()
        transaction.webhooks, transaction.let, transaction.step = (), None, transaction.index + 1
        self.taken.clear()
        headers = [("Content-Type", form.media_type)]
        if error.status == 405:
            headers.append(("Allow", "POST"))
        body = dump_json(result_document(ABSENT, error.errors))
        response = Response(form.refused_status(error), headers, body)
        return sent(response)

    def _sent(self, body: bytes) -> Planned:
        return self._planned(self._form.media_type, body, None)

    def _planned(
        self, media_type: str, body: bytes, pieces: tuple[tuple[float, bytes], ...] | None
    ) -> Planned:
        """Return the plan of a response: with the headers of all replies, the longest delay, and the first fault."""
        replies = self._replies or [
            (self._endpoint.plain, self._transaction.scope, self._transaction.choices)
        ]
        headers = _merged_lines([reply.lines(scope) for reply, scope, _ in replies])
        wait_s = max(reply.wait_s(scope, choices) for reply, scope, choices in replies)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers = (("Content-Type", media_type), *headers)
        wire = next((reply for reply, *_ in replies if reply.has_wire), replies[0][0])
        return wire.planned(headers, body, pieces, wait_s)


def _error(message: str, code: str) -> FieldAnswer:
    return FieldAnswer(errors=[{"message": message, "extensions": {"code": code}}])


def _document_of(execution: Execution) -> dict[str, Any]:
    """Execute an operation, and return the response. Raises GraphQLRequestError."""
    answer = execution.run()
    if answer.is_refused:
        raise GraphQLRequestError(answer.errors)
    return result_document(answer.data, answer.errors)


class FieldPlanned(Planned):
    """What a behaviour answers for a field."""

    __slots__ = ("answer",)

    def __init__(self, answer: FieldAnswer) -> None:
        response = Response(200)
        super().__init__((Send(response),), response)
        self.answer = answer


def _merged_lines(replies: list[Pairs]) -> Pairs:
    """Return the header lines of several replies: of each name those of the first reply that has it."""
    lines: list[tuple[str, str]] = []
    for reply in replies:
        known = {name.lower() for name, _ in lines} - {"set-cookie"}
        lines += [(name, value) for name, value in reply if name.lower() not in known]
    return tuple(lines)


def _no_routes(_parent: str, _name: str, _arguments: dict[str, Any], _place: list[str | int]) -> None:
    return None
