"""Compiles routes. Every mistake is found here, when they are loaded, with its key path."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mockserver.attempts import compile_grouping
from mockserver.engine.policies import Auth, compile_auth, compile_idempotency, compile_limit
from mockserver.engine.side_effects import (
    NO_WORK,
    Work,
    compile_effects,
    compile_key,
    compile_let,
    compile_set,
)
from mockserver.engine.webhooks import compile_webhooks
from mockserver.errors import Flaw, FlawCollector, InvalidInputError, KeyPath, ReadFile, invalid
from mockserver.matching.index import OrderKey
from mockserver.matching.matcher import Matcher, compile_condition, compile_match
from mockserver.matching.paths import PathPattern
from mockserver.matching.selectors import compile_selector
from mockserver.model.grpc import GRPC_STATUSES, HTTP_STATUS, METHOD, GrpcStatus
from mockserver.model.http import ADMIN, GRAPHQL, WEBSOCKET
from mockserver.model.violation import Mode
from mockserver.responses.planner import Planned, Reply, compile_reply
from mockserver.responses.sequence import Sequence, Span
from mockserver.schema.base import parse_request_line
from mockserver.schema.match import MatchSpec
from mockserver.schema.policies import NONE, GuardedSpec
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.scenario import RouteSpec
from mockserver.templating.templates import Predicate, compile_predicate
from mockserver.templating.variables import AFTER_CLAIM, AFTER_REPLY, BEFORE_CLAIM

if TYPE_CHECKING:
    from mockserver.graphql.compiling import FieldTarget
    from mockserver.grpc.compiling import GrpcTarget
    from mockserver.openapi.contract import Contract
    from mockserver.schema.resource import OnSpec

    Target = GrpcTarget | FieldTarget

from mockserver.engine.routes import (
    IMPLIED_CLASS,
    Answer,
    Behaviour,
    Case,
    Choose,
    Guards,
    Route,
    Scenario,
    When,
    leaves,
)

_WEBSOCKETS = frozenset({WEBSOCKET})


def generated_route(
    scenario: Scenario,
    request: str,
    behaviour: Behaviour,
    taken: set[str],
    place: tuple[KeyPath, OrderKey],
    name: str | None = None,
) -> Route:
    """Return a route with a behaviour. `place` is its key path, and its order among generated routes."""
    data = {"request": request}
    spec = RouteSpec.model_validate({**data, "reply": 200})
    name = unused_name(name or default_name(scenario.spec.base, spec), taken)
    route = Route(scenario, name, spec, data, place[0])
    line = parse_request_line(request)
    route.methods = line.methods
    is_field = line.methods == _GRAPHQL
    _place(route, line.path if is_field else scenario.spec.base + line.path)
    route.key = (0, IMPLIED_CLASS, *scenario.order, *place[1])
    route.answers = (behaviour,)
    route.sequence = Sequence([Span()], "repeat")
    route.unconditional = True
    return route


def compile_runtime_route(scenario: Scenario, name: str, spec: RouteSpec, data: dict[str, Any]) -> Route:
    """Compile one route outside a file. Raises InvalidInputError, with paths from the route."""
    flaws = FlawCollector()
    route = compile_route(scenario, name, spec, data, (), scenario.source.read_file, flaws)
    flaws.check()
    return route


def default_name(base: str, spec: RouteSpec) -> str:
    words = spec.request.split()
    if words[0] in (METHOD, GRAPHQL):
        return " ".join(words)
    return f"{words[0]} {base}{words[1]}"


def unused_name(line: str, taken: set[str]) -> str:
    """Return that name, numbered if it is in `taken`; add it there."""
    name = numbered(line, taken.__contains__)
    taken.add(name)
    return name


def numbered(line: str, is_taken: Callable[[str], bool]) -> str:
    """
    Return that name, with a number that makes it unique if it is taken: the next one, if no number is missing.

    The search doubles the number and then bisects: trying every number would take a quadratic time for thousands of routes
    with one request line.
    """
    if not is_taken(line):
        return line
    taken, free = 1, 2
    while is_taken(f"{line} #{free}"):
        taken, free = free, 2 * free
    while free - taken > 1:
        middle = (taken + free) // 2
        taken, free = (middle, free) if is_taken(f"{line} #{middle}") else (taken, middle)
    return f"{line} #{free}"


def compile_route(
    scenario: Scenario,
    name: str,
    spec: RouteSpec,
    data: dict[str, Any],
    path: KeyPath,
    read_file: ReadFile,
    flaws: FlawCollector,
) -> Route:
    route = Route(scenario, name, spec, data, path)
    line = parse_request_line(spec.request)
    route.methods = line.methods
    if route.methods == _WEBSOCKETS:
        route.contract = None  # OpenAPI does not describe it
    is_http = line.methods not in (_GRPC, _GRAPHQL)
    flaws.attempt((*path, "request"), _place, route, scenario.spec.base + line.path if is_http else line.path)
    if not is_http and not _finds_target(scenario, route, (*path, "request"), line.path, flaws):
        return route  # what follows depends on it
    target = route.grpc or route.graphql
    if spec.match is not None:
        route.matcher = flaws.attempt((*path, "match"), _compile_match, spec.match, read_file, target)
    if spec.if_ is not None:
        route.condition = flaws.attempt(path, compile_expression, spec.if_, ("if",))
    if spec.when is not None:
        route.when = flaws.attempt(path, compile_when, spec.when)
    if spec.validate_ is not None:
        route.contract = flaws.attempt((*path, "validate"), _contract_of, scenario, spec.validate_)
    if spec.per is not None:
        route.per = flaws.attempt(path, compile_selector, spec.per, ("per",), BEFORE_CLAIM)
    flaws.attempt((*path, "attempts"), compile_grouping, spec.attempts)
    if spec.let is not None:
        route.lets = flaws.attempt(path, compile_let, spec.let, AFTER_CLAIM)
    route.work = flaws.attempt(path, compile_work, spec, read_file, data)
    guards = flaws.attempt(
        path, compile_guards, scenario, spec, f"route:{route.id}", read_file, route.graphql
    )
    if guards is not None:
        route.take_guards(guards)
    if spec.proxy is not None and route.grpc is not None:
        flaws.flaws.append(Flaw((*path, "proxy"), "a gRPC call can't be forwarded", "Write `reply`"))
        return route
    answers = []
    written = data.get("reply") if isinstance(data, dict) else None
    for i, step in enumerate(spec.reply):
        where = (*path, "reply", i) if isinstance(written, list) else (*path, "reply")
        answers.append(flaws.attempt(where, _compile_answer, step, scenario.defaults, read_file, target))
        if route.methods != _WEBSOCKETS:
            flaws.attempt(where, _check_no_websocket, step)
    spans = [Span(step.times or 1, step.for_s) for step in spec.reply]
    if spec.proxy is not None:
        if route.methods == _WEBSOCKETS:
            flaws.attempt((*path, "proxy"), _refuse_proxy)
        # The behaviour knows namespaces, which know routes: the circle is broken here.
        from mockserver.engine.proxy import Proxy

        answers, spans = [Proxy(spec.proxy)], [Span()]
    route.answers = tuple(answers)
    route.sequence = Sequence(spans, spec.then)
    route.unconditional = route.condition is None and not route.when and not _depends_on_time(route)
    if not flaws.flaws:
        replies = [reply for answer in answers for reply in leaves(answer)]
        for reply in replies:
            set_work(reply, reply.own_work, route.work)
        route.has_effects = route.work.has_effect or any(reply.work.has_effect for reply in replies)
        route.static = _static(route)
    return route


def _depends_on_time(route: Route) -> bool:
    return route.matcher is not None and route.matcher.lapses is not None


def _check_no_websocket(spec: ReplySpec, path: KeyPath = ()) -> None:
    """Raise InvalidInputError for a `websocket` in a reply of a route for HTTP requests."""
    if spec.websocket is not None:
        raise invalid(
            (*path, "websocket"),
            "this route does not take WebSocket handshakes",
            "Write its request as WS /path",
        )
    for key, options in (("choose", spec.choose), ("cases", spec.cases)):
        for i, option in enumerate(options or ()):
            _check_no_websocket(option, (*path, key, i))


def _refuse_proxy() -> None:
    raise invalid((), "a WebSocket connection can't be forwarded", "Write its `reply`")


_GRPC = frozenset({METHOD})
_GRAPHQL = frozenset({GRAPHQL})


def _finds_target(scenario: Scenario, route: Route, path: KeyPath, named: str, flaws: FlawCollector) -> bool:
    """Find the method or the field that a route of gRPC or GraphQL names. Return whether there is one."""
    route.contract = None  # OpenAPI does not describe it
    if route.methods == _GRPC:
        route.grpc = flaws.attempt(path, _grpc_target, scenario, named)
        return route.grpc is not None
    route.graphql = flaws.attempt(path, _graphql_target, scenario, named)
    flaws.attempt(path[:-1], _check_field, route.spec)
    return route.graphql is not None


def _grpc_target(scenario: Scenario, path: str) -> GrpcTarget:
    from mockserver.grpc.compiling import target_of  # few scenarios have gRPC

    return target_of(scenario.schemas, path)


def _graphql_target(scenario: Scenario, path: str) -> FieldTarget:
    if not scenario.apis:
        raise invalid((), "there is no GraphQL schema", "Write graphql: schema.graphql in the scenario")
    from mockserver.graphql.compiling import target_of  # few scenarios have GraphQL

    return target_of(scenario.apis, path)


def _check_field(spec: RouteSpec) -> None:
    """Raise InvalidInputError for what concerns a whole response, and is not of one field."""
    flaws = []
    if spec.has("idempotency"):
        said = "`idempotency` is not supported in a GRAPHQL route: a key is that of a request"
        flaws.append(Flaw(("idempotency",), said, "Write it on the scenario"))
    for key in ("auth", "limit"):
        if getattr(spec, key) == NONE:
            said = f"`{key}: none` has no effect in a GRAPHQL route: that of the scenario is for whole operations"
            flaws.append(
                Flaw((key,), said, f"Write `{key}` in the routes that need it, and not on the scenario")
            )
    if spec.proxy is not None:
        flaws.append(Flaw(("proxy",), "a field can't be forwarded", "Write `reply`"))
    if flaws:
        raise InvalidInputError(flaws)


def _compile_match(spec: MatchSpec, read_file: ReadFile, target: Target | None) -> Matcher:
    if target is not None:
        spec = target.typed_match(spec)
    elif spec.has("arguments"):
        hint = "Write request: GRAPHQL Query.user, or graphql: {variables: …}"
        raise invalid(("arguments",), "`arguments` are those of a GraphQL field", hint)
    return compile_match(spec, read_file)


def compile_any_reply(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, read_file: ReadFile, target: Target | None
) -> Reply:
    """Compile a reply of a route, not a `choose` or `cases`. Raises InvalidInputError with every flaw."""
    if target is not None:
        return target.compile_reply(spec, defaults, read_file, AFTER_CLAIM)
    if spec.status in GRPC_STATUSES:
        hint = f"Write {HTTP_STATUS[GrpcStatus[spec.status]]}, or request: GRPC package.Service/Method"
        raise invalid(("status",), f"{spec.status} is a status of gRPC", hint)
    return compile_reply(spec, defaults, read_file, AFTER_CLAIM)


def _contract_of(scenario: Scenario, mode: Mode) -> Contract | None:
    """Return the scenario's contract with another mode. Raises InvalidInputError if there is none."""
    if scenario.spec.openapi is None:
        raise invalid((), "the scenario has no `openapi`", "Name the document there")
    if mode == "off" or scenario.contract is None:
        return None
    return scenario.contract.under(mode)


def _static(route: Route) -> tuple[Planned, ...] | None:
    if route.guarded or route.lets or route.work is not NO_WORK or route.scenario.cors is not None:
        return None
    if route.contract is not None or route.graphql is not None:
        return None
    plans = []
    for answer in route.answers:
        if not isinstance(answer, Reply) or answer.ready is None or answer.work is not NO_WORK:
            return None
        plans.append(answer.ready)
    return tuple(plans)


def compile_guards(
    scenario: Scenario, spec: GuardedSpec, scope: str, read_file: ReadFile, field: FieldTarget | None = None
) -> Guards:
    """
    Return the `auth`, `limit` and `idempotency` of a route, or those of its scenario, which all its routes share.

    `scope` identifies the own ones. A `field` of GraphQL has its own `auth` and `limit` only: those of the scenario apply to
    whole operations. Raises InvalidInputError with every flaw.
    """
    flaws = FlawCollector()
    auth, limiter, idempotency = scenario.auth, scenario.limiter, scenario.idempotency
    if field is not None:
        auth = limiter = None
    if spec.auth is not None:
        auth = flaws.attempt((), auth_of, spec.auth, scenario)
    if spec.limit is not None:
        compiled = compile_reply if field is None else field.compile_reply
        limiter = flaws.attempt((), compile_limit, spec.limit, scope, read_file, compiled)
    if spec.idempotency is not None:
        idempotency = flaws.attempt((), compile_idempotency, spec.idempotency, scope, read_file)
    flaws.check()
    return auth, limiter, idempotency


def auth_of(value: object, scenario: Scenario) -> Auth | None:
    return compile_auth(value, scenario.name, scenario.spec.oauth)


def compile_when(value: dict[str, Any]) -> When:
    """Compile conditions on the state. Raises InvalidInputError, with paths relative to the parent of `when`."""
    return tuple(
        (compile_key(key, ("when", key), BEFORE_CLAIM), compile_condition(condition, ("when", key)))
        for key, condition in value.items()
    )


def compile_work(
    spec: RouteSpec | ReplySpec | OnSpec,
    read_file: ReadFile,
    written: object,
    more: frozenset[str] = frozenset(),
) -> Work:
    """
    Compile `set`, `effect` and `webhook` of a route, a reply or an event.

    Raises InvalidInputError with every flaw.
    """
    if spec.set_ is None and spec.effect is None and spec.webhook is None:
        return NO_WORK
    flaws = FlawCollector()
    sets = effects = webhooks = None
    if spec.set_ is not None:
        sets = flaws.attempt((), compile_set, spec.set_, spec.set_ttl_s, AFTER_CLAIM | more)
    if spec.effect is not None:
        effects = flaws.attempt((), compile_effects, spec.effect, AFTER_CLAIM | more)
    if spec.webhook is not None:
        listed = isinstance(written, dict) and isinstance(written.get("webhook"), list)
        webhooks = flaws.attempt(
            (), lambda: compile_webhooks(spec.webhook, read_file, AFTER_REPLY | more, listed=listed)
        )
    flaws.check()
    return Work(sets, effects, webhooks)


def set_work(reply: Reply, own: Work, default: Work) -> None:
    """Set the side effects of a reply: its own, and, unless it fails, the default for those that it does not define."""
    reply.own_work = own
    reply.work = own if reply.fails else own.over(default)


def _place(route: Route, path: str) -> None:
    route.pattern = PathPattern(path)
    if path == ADMIN or path.startswith(ADMIN + "/"):
        raise invalid((), f"{path!r} belongs to the admin API", "Choose another path, or a `base`")


def compile_expression(value: object, path: KeyPath, names: frozenset[str] = BEFORE_CLAIM) -> Predicate:
    """Compile an expression as in `if`, with or without braces."""
    if not isinstance(value, str):
        value = json.dumps(value)
    text = value if "{{" in value or "{%" in value else "{{ " + value + " }}"
    return compile_predicate(text, path, names=names)


def _compile_answer(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, read_file: ReadFile, target: Target | None
) -> Answer:
    flaws = FlawCollector()
    answer: Answer
    if spec.choose is not None:
        options = [
            flaws.attempt(("choose", i), _compile_answer, option, defaults, read_file, target)
            for i, option in enumerate(spec.choose)
        ]
        answer = Choose(tuple(options), tuple(option.weight for option in spec.choose))
    elif spec.cases is not None:
        cases = []
        for i, option in enumerate(spec.cases):
            below = flaws.attempt(("cases", i), _compile_answer, option, defaults, read_file, target)
            matcher = condition = None
            if option.match is not None:
                matcher = flaws.attempt(
                    ("cases", i, "match"), _compile_match, option.match, read_file, target
                )
            if option.if_ is not None:
                condition = flaws.attempt(("cases", i), compile_expression, option.if_, ("if",), AFTER_CLAIM)
            when = () if option.when is None else flaws.attempt(("cases", i), compile_when, option.when)
            cases.append(Case(below, matcher, when, condition))
        answer = tuple(cases)
    else:
        if spec.websocket is None:
            reply = flaws.attempt((), compile_any_reply, spec, defaults, read_file, target)
        else:
            from mockserver.compiler.websockets import compile_websocket_reply  # few scenarios need it

            reply = flaws.attempt((), compile_websocket_reply, spec, defaults, read_file)
        work = flaws.attempt((), compile_work, spec, read_file, None)
        if reply is not None:
            reply.own_work = work
        answer = reply
    flaws.check()
    return answer
