"""
Convert stubs that are chained by scenario states to a sequence.

Only for plain chains: one request, one priority, from Started to the end, and no other stub in that scenario.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mockserver.formats.wiremock.routes import STARTED

Made = tuple[dict[str, Any], dict[str, Any]]
"""A mapping, and the route that was made of it."""

_STATE_KEYS = ("when", "set", "reply", "name")


def folded(made: list[Made]) -> list[dict[str, Any]]:
    """Return the routes; a chain becomes one route with a sequence at the place of its first stub."""
    by_scenario: dict[str, list[Made]] = defaultdict(list)
    for mapping, route in made:
        if mapping.get("scenarioName"):
            by_scenario[mapping["scenarioName"]].append((mapping, route))
    sequences: dict[int, dict[str, Any]] = {}
    gone: set[int] = set()
    for several in by_scenario.values():
        chain = _chain(several)
        if chain:
            sequences[id(several[0][1])] = _sequence(chain)
            gone |= {id(route) for _, route in several}
    return [
        sequences.get(id(route), route)
        for _, route in made
        if id(route) in sequences or id(route) not in gone
    ]


def _chain(several: list[Made]) -> list[Made]:
    """Return the steps in order; empty if it is not a plain chain."""
    steps = {mapping.get("requiredScenarioState"): (mapping, route) for mapping, route in several}
    if len(steps) != len(several) or len(several) < 2 or None in steps:
        return []
    first = _rest(several[0][1])
    if any(_rest(route) != first or _does_more(route) for _, route in several):
        return []
    chain, state = [], STARTED
    while state in steps:
        step = steps.pop(state)
        chain.append(step)
        state = step[0].get("newScenarioState") or ""
    # The last may go back to the beginning, or stay.
    last, required = state, chain[-1][0].get("requiredScenarioState") if chain else None
    return chain if not steps and last in ("", STARTED, required) else []


def _rest(route: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in route.items() if key not in _STATE_KEYS}


def _does_more(route: dict[str, Any]) -> bool:
    """Whether a step does something that its place in a sequence would not say."""
    reply = route.get("reply")
    return reply is None or "webhook" in route or (isinstance(reply, dict) and "webhook" in reply)


def _sequence(chain: list[Made]) -> dict[str, Any]:
    first = chain[0][1]
    named = {"name": first["name"]} if "name" in first else {}
    route = {**named, **_rest(first), "reply": [_without_set(item["reply"]) for _, item in chain]}
    if chain[-1][0].get("newScenarioState") == STARTED:
        route["then"] = "cycle"
    return route


def _without_set(reply: object) -> object:
    """The reply without its move to the next state."""
    if not isinstance(reply, dict) or "set" not in reply:
        return reply
    rest = {key: value for key, value in reply.items() if key != "set"}
    return rest["status"] if set(rest) == {"status"} else rest
