"""Validation of constant replies against the OpenAPI document of their scenario, when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.engine.routes import Answer, Behaviour, Choose, Route
from mockserver.errors import KeyPath
from mockserver.matching.paths import PathPattern
from mockserver.model.violation import text_of
from mockserver.openapi.compiled import OperationRules
from mockserver.openapi.contract import Contract
from mockserver.responses.planner import Reply


def breaches(route: Route) -> Iterator[tuple[KeyPath, str]]:
    """Yield the place and the text of each violation of a constant reply."""
    contract = route.contract
    if contract is None:
        return
    operations = list(_operations(route, contract))
    if (
        not operations
        and route.methods is not None
        and all(not violation.tail for violation in route.pattern.segments)
    ):
        yield (*route.path, "request"), f"the contract documents no {route.line}; see `validate` of a route"
    for path, reply in _placed(route):
        if reply.ready is None or reply.ready.fault is not None:
            continue
        for rules in operations:
            for violation in contract.check_constant_reply(rules, reply.ready.response):
                yield path, f"breaks the contract of {rules.id}: {text_of(violation.view())}"


def _operations(route: Route, contract: Contract) -> Iterator[OperationRules]:
    for method in sorted(route.methods or ("GET", "POST", "PUT", "PATCH", "DELETE")):
        operation = contract.operation(method, _sample(route.pattern))
        if operation is not None:
            yield operation[0]


def _sample(pattern: PathPattern) -> str:
    """Return a path that the route matches."""
    return "/" + "/".join(segment.text if segment.text is not None else "1" for segment in pattern.segments)


def _placed(route: Route) -> Iterator[tuple[KeyPath, Reply]]:
    for i, answer in enumerate(route.answers):
        listed = isinstance(route.data.get("reply"), list)
        yield from _leaves(answer, (*route.path, "reply", i) if listed else (*route.path, "reply"))


def _leaves(answer: Answer, path: KeyPath) -> Iterator[tuple[KeyPath, Reply]]:
    """Yield every single reply of an answer, with its place."""
    if isinstance(answer, Reply):
        yield path, answer
    elif isinstance(answer, Choose):
        for i, option in enumerate(answer.options):
            yield from _leaves(option, (*path, "choose", i))
    elif not isinstance(answer, Behaviour):
        for i, case in enumerate(answer):
            yield from _leaves(case.answer, (*path, "cases", i))
