"""The grouping of a namespace's calls, from its scenarios and its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mockserver.attempts import Grouping, RouteRules, compile_grouping
from mockserver.engine.namespace import Namespace
from mockserver.engine.routing import candidates
from mockserver.errors import KeyPath
from mockserver.model.call import Call
from mockserver.schema.attempts import GroupingSpec


def grouping_of(
    ns: Namespace,
    spec: GroupingSpec | None = None,
    path: KeyPath = (),
    route_of: Callable[[Call], str | None] = lambda call: call.route_id,
) -> Grouping:
    """
    Return how the calls of a namespace are grouped. `spec` has the grouping of a check, `route_of` returns the route whose
    call it is.

    Raises InvalidInputError for an invalid selector.
    """
    by, ignored = compile_grouping(spec, path)
    known: dict[str | None, RouteRules] = {}

    def rules_of(route_id: str | None) -> RouteRules:
        if route_id not in known:
            known[route_id] = _rules_of(ns, route_id)
        return known[route_id]

    def params_of(call: Call) -> dict[str, str]:
        request = call.request
        return next(
            (
                params
                for entry, params in candidates(ns, request.method, request.path)
                if entry.target.id == call.route_id
            ),
            {},
        )

    return Grouping(by, ignored, ns.shared.key_names, rules_of, params_of, ns.clock.at_s, route_of)


def _rules_of(ns: Namespace, route_id: str | None) -> RouteRules:
    route = ns.route(route_id) if route_id is not None else None
    if route is None:
        return RouteRules()
    by, ignored = compile_grouping(route.spec.attempts)
    scenario_by, scenario_ignored = compile_grouping(route.scenario.spec.attempts)
    rules = RouteRules(by or scenario_by, ignored + scenario_ignored)
    keys = route.idempotency
    return rules if keys is None else replace(rules, key_of=keys.key_of, key_selector=keys.selector)
