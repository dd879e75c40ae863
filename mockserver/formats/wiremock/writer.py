"""Convert routes to mappings of WireMock."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from mockserver.formats.steps import WEBSOCKET_LOST, takes_websockets
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.routes import DEFAULT_PRIORITY, STARTED
from mockserver.formats.wiremock.writer_replies import WrittenReplies, webhook_out
from mockserver.formats.wiremock.writer_requests import request_out
from mockserver.recording.conversion import Document, Exported

_IDS = uuid.UUID("5f0c1c1e-7a0d-4c52-8f37-6f1d6d0e8a11")
_SCENARIO_LOST = {
    "host": "requests are told apart by host only in each mapping",
    "auth": "auth is not known there",
    "idempotency": "idempotency is not known there",
    "limit": "limits are not known there",
    "oauth": "a token endpoint is not known there",
    "cors": "cross-origin rules are set for their whole server",
    "resources": "resources are not known there",
    "openapi": "checks against a specification are not known there",
}
_ROUTE_LOST = {
    "let": "values made once a call are not known there",
    "effect": "effects are not known there",
    "if": "expressions are not known there",
    "per": "a sequence for each value is not known there",
    "auth": "auth is not known there",
    "idempotency": "idempotency is not known there",
    "limit": "limits are not known there",
    "expect": "expectations on counts are a feature of their admin API",
    "set_ttl": "states don't end by the clock there",
}
_MARKS = ("{{", "{%", "{#")


def mapping_id(route: str) -> str:
    """Return the id of a route, which is always the same."""
    return str(uuid.uuid5(_IDS, route))


class Out:
    """Creates mappings, and collects their files and losses."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.exported = Exported()

    def mappings(self, name: str, document: Document) -> list[dict[str, Any]]:
        """Those of one scenario, in the order in which they are asked."""
        at = LossPlace(f"{name}: ", self.exported.lost)
        for key, what in _SCENARIO_LOST.items():
            if document.get(key) and not (key == "host" and isinstance(document[key], str)):
                at.at(key).lost(what)
        if document.get("active") is False:
            at.at("active").lost("a mapping can't be switched off there")
        self._initial(document.get("state"), at.at("state"))
        made: list[dict[str, Any]] = []
        for i, route in enumerate(document.get("routes") or []):
            made += self.route(name, document, route, at.at("routes", i))
        return made

    def route(
        self, name: str, document: Document, route: dict[str, Any], at: LossPlace
    ) -> list[dict[str, Any]]:
        """Its mappings: one for each of its methods, and for each step of its sequence."""
        if takes_websockets(route):
            at.at("request").lost(WEBSOCKET_LOST)
            return []
        methods, _, path = route["request"].partition(" ")
        if "," not in methods or set(methods.split(",")) == {"GET", "HEAD"}:
            return self._of_one(name, document, route, at)
        named = {"name": route.get("name") or route["request"]}
        several = [{**route, **named, "request": f"{method} {path}"} for method in methods.split(",")]
        made = self._of_one(name, document, several[0], at)
        # What is lost was told with the first.
        return [
            *made,
            *(
                item
                for other in several[1:]
                for item in self._of_one(name, document, other, LossPlace(at.path))
            ),
        ]

    def _initial(self, state: object, at: LossPlace) -> None:
        if state:
            at.lost("every scenario begins as Started there", "Set states by their admin API")

    def _of_one(
        self, name: str, document: Document, route: dict[str, Any], at: LossPlace
    ) -> list[dict[str, Any]]:
        for key, what in _ROUTE_LOST.items():
            if key in route:
                at.at(key).lost(what)
        conditions = request_out(document, route, at)
        if conditions is None:
            return []
        base: dict[str, Any] = {"id": "", "request": conditions}
        if route.get("name"):
            base["name"] = route["name"]
        if route.get("priority"):
            base["priority"] = _priority(route["priority"], at)
        if route.get("tags"):
            base["metadata"] = {"tags": route["tags"]}
        label = f"{name}/{route.get('name')}/{route['request']}/{at.path}"
        replies = WrittenReplies(document, self._folder, self.exported)
        steps = _steps(route.get("reply", 200))
        if len(steps) > 1 or route.get("then") == "stop":
            return self._sequence(base, label, route, steps, replies, at)
        states = self._states(route, steps[0], at)
        return [
            {
                **base,
                "id": mapping_id(label),
                **states,
                **self._answer(route, steps[0], replies, at.at("reply")),
            }
        ]

    def _answer(
        self, route: dict[str, Any], reply: Any, replies: WrittenReplies, at: LossPlace
    ) -> dict[str, Any]:
        proxy = route.get("proxy")
        made: dict[str, Any] = {"response": {"proxyBaseUrl": proxy} if proxy else replies.response(reply, at)}
        status = reply if isinstance(reply, int) else reply.get("status", 200)
        own = reply.get("webhook") if isinstance(reply, dict) else None
        below = isinstance(status, int) and status < 400
        webhook = own if own is not None else route.get("webhook") if below else None
        if webhook not in (None, "none", []):
            listed = webhook if isinstance(webhook, list) else [webhook]
            made["serveEventListeners"] = [webhook_out(item, at.at("webhook")) for item in listed]
        return made

    def _states(self, route: dict[str, Any], reply: Any, at: LossPlace) -> dict[str, Any]:
        """Conditions on one state, and its change, where both are plain texts of one key."""
        when = route.get("when") or {}
        own = reply.get("set") if isinstance(reply, dict) else None
        status = reply if isinstance(reply, int) else reply.get("status", 200)
        below = isinstance(status, int) and status < 400
        wrote = own if own is not None else (route.get("set") or {}) if below else {}
        names = {*when, *wrote}
        if not names:
            return {}
        if len(names) > 1 or any(mark in name for name in names for mark in _MARKS):
            at.at("when").lost("a mapping has one state, by a plain name")
            return {}
        name = names.pop()
        made: dict[str, Any] = {"scenarioName": name}
        if name in when:
            state = _required(when[name])
            if state is None:
                at.at("when", name).lost("a state is matched only as one plain text there")
                return {}
            made["requiredScenarioState"] = state
        if name in wrote:
            if not isinstance(wrote[name], str) or any(mark in wrote[name] for mark in _MARKS):
                at.at("set", name).lost("a state is one plain text there")
                return {}
            made["newScenarioState"] = wrote[name]
        return made

    def _sequence(
        self,
        base: dict[str, Any],
        label: str,
        route: dict[str, Any],
        steps: list[Any],
        replies: WrittenReplies,
        at: LossPlace,
    ) -> list[dict[str, Any]]:
        """A mapping for each step, chained by states: their way to say first this, then that."""
        if route.get("when") or route.get("set"):
            at.at("when").lost("beside a sequence, states are not converted")
        scenario = route.get("name") or route["request"]
        made = []
        for i, step in enumerate(steps):
            item = {**base, "id": mapping_id(f"{label}#{i}"), "scenarioName": scenario}
            item["requiredScenarioState"] = _step_name(i)
            following = self._following(i, len(steps), route.get("then", "repeat"))
            if following is not None:
                item["newScenarioState"] = following
            made.append({**item, **self._answer(route, step, replies, at.at("reply", i))})
        return made

    def _following(self, i: int, steps: int, then: str) -> str | None:
        if i + 1 < steps:
            return _step_name(i + 1)
        return {"cycle": STARTED, "stop": "over"}.get(then)


def _step_name(i: int) -> str:
    return STARTED if i == 0 else f"step {i + 1}"


def _steps(reply: object) -> list[Any]:
    """Each reply, as often as it answers."""
    listed = reply if isinstance(reply, list) else [reply]
    result = []
    for item in listed:
        times = item.get("times", 1) if isinstance(item, dict) else 1
        bare = (
            {key: value for key, value in item.items() if key != "times"} if isinstance(item, dict) else item
        )
        result += [bare] * times
    return result


def _required(condition: object) -> str | None:
    """The one text that a condition on a state asks for."""
    if condition == {"any_of": ["absent", STARTED]}:
        return STARTED
    if isinstance(condition, dict) and set(condition) == {"equals"}:
        condition = condition["equals"]
        return condition if isinstance(condition, str) else None
    return condition if isinstance(condition, str) and condition not in ("absent", "present") else None


def _priority(priority: int, at: LossPlace) -> int:
    """Theirs is at least 1, and 1 is asked first."""
    made = DEFAULT_PRIORITY - priority
    if made < 1:
        at.at("priority").lost(f"{priority} is above what their highest stands for, {DEFAULT_PRIORITY - 1}")
        return 1
    return made
