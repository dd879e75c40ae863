"""One mapping of WireMock as a route."""

from __future__ import annotations

from typing import Any

from mockserver.formats.mocks.sources import FAILURES
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.replies import WireMockReplies, upstream
from mockserver.formats.wiremock.requests import request_pattern
from mockserver.formats.wiremock.webhooks import webhooks

STARTED = "Started"
DEFAULT_PRIORITY = 5
_KNOWN = frozenset({
    "id", "uuid", "name", "request", "response", "newRequest", "persistent", "priority", "scenarioName",
    "requiredScenarioState", "newScenarioState", "possibleScenarioStates", "insertionIndex", "metadata",
    "postServeActions", "serveEventListeners", "requestPattern", "responseDefinition",
})  # fmt: skip


def route(
    mapping: dict[str, Any], replies: WireMockReplies, at: LossPlace, *, exact: bool = False
) -> dict[str, Any] | None:
    """Return the route without a name; None, with a loss, if it cannot be converted."""
    try:
        return _route(mapping, replies, at, exact=exact)
    except FAILURES:
        at.lost("it is not of the shape that a mapping has")
        return None


def _route(
    mapping: dict[str, Any], replies: WireMockReplies, at: LossPlace, *, exact: bool
) -> dict[str, Any] | None:
    """Convert a mapping. Raises any of FAILURES for an invalid shape."""
    at.unknown(mapping, _KNOWN)
    conditions = request_pattern(mapping.get("request") or {}, at.at("request"), exact=exact)
    if conditions is None:
        return None
    made = conditions
    priority = mapping.get("priority")
    if priority not in (None, DEFAULT_PRIORITY):
        made["priority"] = DEFAULT_PRIORITY - int(priority)
    when, wrote = _states(mapping)
    if when:
        made["when"] = when
    hooks = webhooks(mapping, at)
    response = mapping.get("response") or {}
    proxy = upstream(response, at.at("response"))
    if proxy is not None:
        made |= {**_work(wrote, hooks), "proxy": proxy}
    else:
        made |= _answer(replies.reply(response, at.at("response")), wrote, hooks)
    if mapping.get("metadata"):
        at.at("metadata").lost("it is kept by their server alone", soft=True)
    return made


def _answer(reply: Any, wrote: dict[str, Any], hooks: object) -> dict[str, Any]:
    """Put `set` and `webhook` into replies of 400 and above, since those of routes apply only below 400."""
    extra = _work(wrote, hooks)
    status = reply if isinstance(reply, int) else reply.get("status", 200)
    if status < 400:
        return {**extra, "reply": reply}
    if not extra:
        return {"reply": reply}
    return {"reply": {**(reply if isinstance(reply, dict) else {"status": reply}), **extra}}


def _work(wrote: dict[str, Any], hooks: object) -> dict[str, Any]:
    return {**({"set": wrote} if wrote else {}), **({"webhook": hooks} if hooks else {})}


_STATES = ("scenarioName", "requiredScenarioState", "newScenarioState")


def _states(mapping: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `when` and `set` of a scenario state; the initial state is Started."""
    scenario = mapping.get("scenarioName")
    if any(not isinstance(mapping.get(key), str | None) for key in _STATES):
        raise TypeError
    if not scenario:
        return {}, {}
    required, new = mapping.get("requiredScenarioState"), mapping.get("newScenarioState")
    when = {} if required is None else {scenario: any_started(required)}
    return when, {} if new is None else {scenario: new}


def any_started(state: str) -> object:
    """The condition on a state."""
    if state == STARTED:
        return {"any_of": ["absent", STARTED]}
    return {"equals": state} if state in ("present", "absent") else state
