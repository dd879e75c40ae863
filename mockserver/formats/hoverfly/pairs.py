"""
Convert pairs of a simulation to routes, in the order in which Hoverfly selects them; pairs that are a sequence by
state become one route.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockserver.formats.hoverfly.matching import may_meet, meetings
from mockserver.formats.mocks.conditions import literal
from mockserver.formats.mocks.replies import Reply, sequence, short


@dataclass(slots=True)
class Pair:
    """A pair during conversion."""

    place: str
    request: dict[str, Any]
    route: dict[str, Any]
    reply: Reply
    host: str | None
    score: int
    required: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str | None] = field(default_factory=dict)


def ordered(pairs: list[Pair]) -> list[Pair]:
    """
    Return the pairs in their order if that has the same effect; otherwise the highest score first, and the last of
    equals.
    """
    strongest = sorted(enumerate(pairs), key=lambda item: (-item[1].score, -item[0]))
    rank = {number: place for place, (number, _) in enumerate(strongest)}
    for first, later in meetings([pair.request for pair in pairs]):
        if rank[later] < rank[first] and _may_meet(pairs[first], pairs[later]):
            return [item for _, item in strongest]
    return pairs


def _may_meet(pair: Pair, other: Pair) -> bool:
    """Whether a request, in some state, may fulfil both."""
    same = all(other.required.get(key, value) == value for key, value in pair.required.items())
    return same and may_meet(pair.request, other.request)


def routes_of(pairs: list[Pair]) -> list[dict[str, Any]]:
    """Routes of the pairs; those that are a sequence by state become one with a list of replies."""
    made: list[dict[str, Any]] = []
    told: set[int] = set()
    for pair in pairs:
        if id(pair) in told:
            continue
        chain = _chain(pair, pairs)
        told |= {id(item) for item in chain}
        made.append(_sequence(chain) if chain else _single(pair))
    return made


def _single(pair: Pair) -> dict[str, Any]:
    route = dict(pair.route)
    if pair.required:
        route["when"] = {key: literal(value) for key, value in pair.required.items()}
    reply = short(pair.reply)
    if pair.changes and pair.reply.get("status", 200) >= 400:
        return {**route, "reply": {**pair.reply, "set": pair.changes}}
    if pair.changes:
        route["set"] = pair.changes
    return {**route, "reply": reply}


def _chain(pair: Pair, pairs: list[Pair]) -> list[Pair]:
    """Return the pairs of the sequence that this pair belongs to, in order; none if it is not a step of one."""
    keys = [key for key in pair.required if key.startswith("sequence:")]
    if len(keys) != 1 or len(pair.required) != 1:
        return []
    key = keys[0]
    users = [item for item in pairs if key in item.required or key in item.changes]
    steps = {user.required.get(key): user for user in users}
    chain = [steps.get(str(number)) for number in range(1, len(users) + 1)]
    last = len(users)
    for number, step in enumerate(chain, 1):
        if step is None or len(step.required) != 1 or step.route != pair.route:
            return []
        nexts = {str(number + 1)} if number < last else {None, "1", str(number), str(number + 1)}
        if set(step.changes) - {key} or step.changes.get(key) not in nexts:
            return []
    return [item for item in chain if item is not None]


def _sequence(chain: list[Pair]) -> dict[str, Any]:
    key = next(iter(chain[0].required))
    after = chain[-1].changes.get(key)
    reply = sequence([pair.reply for pair in chain], endless=after not in ("1", str(len(chain) + 1)))
    route: dict[str, Any] = {**chain[0].route, "reply": reply}
    if after == "1":
        route["then"] = "cycle"
    elif after == str(len(chain) + 1):
        route["then"] = "stop"
    return route
