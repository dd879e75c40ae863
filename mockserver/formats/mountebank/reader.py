"""
Read imposters of mountebank (mbtest.org): one scenario for each http or https imposter.

The responses of a stub repeat, as with `then: cycle`. Several imposters get a `base` each, since each had its own
port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mockserver.formats.mocks.paths import ANY_PATH
from mockserver.formats.mocks.queries import sure
from mockserver.formats.mocks.replies import (
    ENDLESS,
    Reply,
    duration,
    folded,
    literal_reply,
    reply_head,
    sequence,
    short,
    with_base64,
    with_json,
    with_text,
)
from mockserver.formats.mocks.requests import route_of
from mockserver.formats.mocks.routes import proxy_route, unique_name
from mockserver.formats.mocks.sources import FAILURES, documents, listed, refused, text_of
from mockserver.formats.mountebank.copying import copied
from mockserver.formats.mountebank.matching import requests_of
from mockserver.recording.conversion import Document, Imported, Losses, NotConvertibleError

_IMPOSTER = {
    "protocol", "port", "name", "stubs", "defaultResponse", "recordRequests", "numberOfRequests", "requests",
    "_links", "key", "cert", "mutualAuth", "host", "allowCORS", "recordMatches", "rejectUnauthorized", "ca",
}  # fmt: skip
_LEFT = ", so this stub is left out"
FAULTS = {"CONNECTION_RESET_BY_PEER": "reset", "RANDOM_DATA_THEN_CLOSE": "garbage"}


def read(source: Path) -> Imported:
    """The imposters of a config file (`mb --configfile`, `mb save`), or of a folder. Raises InvalidInputError."""
    made = Imported()
    result: list[tuple[str, Any, str]] = []
    for name, content in documents(source, (".json",)):
        imposters = content.get("imposters", [content]) if isinstance(content, dict) else content
        if not isinstance(imposters, list):
            raise refused(f"{name}: imposters", "a list was expected", 'Write {"imposters": [...]}')
        for number, imposter in enumerate(imposters):
            where = f"imposters[{number}]" if imposters is not content and imposter is not content else ""
            result.append((name, imposter, where))
    http = [
        item for item in result if isinstance(item[1], dict) and item[1].get("protocol") in ("http", "https")
    ]
    for name, imposter, where in result:
        losses = Losses(name)
        if (name, imposter, where) not in http:
            kind = imposter.get("protocol") if isinstance(imposter, dict) else None
            losses.add(
                where, f"an imposter for {kind or 'nothing known'}: only http and https are served here"
            )
        else:
            try:
                _Imposter(imposter, where, losses, several=len(http) > 1).into(made)
            except FAILURES as error:
                losses.failed(where, error, ", so this imposter is left out")
        made.lost += losses
    return made


class _Imposter:
    """Converts one imposter to a scenario."""

    def __init__(self, imposter: dict[str, Any], where: str, losses: Losses, *, several: bool) -> None:
        self.imposter = imposter
        self.where = f"{where}." if where else ""
        self.losses = losses
        self.several = several
        self.default: dict[str, Any] = imposter.get("defaultResponse") or {}
        self.base = ""
        losses.unknown(where, imposter, _IMPOSTER)

    def into(self, made: Imported) -> None:
        imposter = self.imposter
        if not isinstance(port := imposter.get("port"), int):
            port = None
        name = unique_name(
            str(imposter.get("name") or (f"imposter-{port}" if port else "imposter")), made.scenarios
        )
        self.base = f"/{re.sub(r'[^A-Za-z0-9._~-]+', '-', name)}" if self.several else ""
        document: Document = {"scenario": name}
        if self.base:
            document["base"] = self.base
        document["x-mountebank"] = {
            **({"port": port} if port else {}),
            "protocol": imposter["protocol"],
        }
        if imposter.get("allowCORS"):
            document["cors"] = True
        document["routes"] = list(self._routes())
        made.scenarios[name] = document
        made.remarks[name] = self._remarks()

    def _remarks(self) -> list[str]:
        remarks = [
            "Names of query parameters and of fields count with their case here; mountebank ignores it by default."
        ]
        if self.base:
            remarks.append(f"Several imposters came together: this one is served below {self.base}.")
        if not self.default:
            remarks.append("Unmatched requests get 404 here; mountebank answers 200 with an empty body.")
        return remarks

    def _routes(self) -> Iterator[dict[str, Any]]:
        for number, stub in enumerate(listed(self.imposter.get("stubs"))):
            place = f"{self.where}stubs[{number}]"
            self.losses.unknown(place, stub, {"predicates", "responses", "_links", "matches"})
            yield from self._stub(stub, place)
        if self.default:
            reply = self._is({}, f"{self.where}defaultResponse")
            yield {
                "name": "default response",
                "request": f"ANY {ANY_PATH}",
                "priority": -1,
                "reply": short(reply),
            }

    def _stub(self, stub: dict[str, Any], place: str) -> Iterator[dict[str, Any]]:
        try:
            alternatives = requests_of(listed(stub.get("predicates")))
            routes = [route_of(atoms, self.base) for atoms in alternatives]
            answer = self._answer(listed(stub.get("responses")), place)
            made = [sure({**route, **answer}) for route in routes]
        except FAILURES as error:
            self.losses.failed(place, error, _LEFT)
            return
        if len(routes) > 1 and isinstance(answer.get("reply"), list):
            self.losses.add(
                f"{place}.predicates",
                "its alternatives became routes of their own, and each has its own place in the sequence",
            )
        yield from made

    def _answer(self, responses: list[Any], place: str) -> dict[str, Any]:
        """`reply` and `then` of a route, or its `proxy`. Raises NotConvertibleError."""
        if len(responses) == 1 and "proxy" in responses[0]:
            return self._proxy(responses[0]["proxy"], f"{place}.responses[0].proxy")
        steps: list[Reply] = []
        for number, response in enumerate(responses or [{"is": {}}]):
            where = f"{place}.responses[{number}]"
            try:
                step, times = self._response(response, where)
            except FAILURES as error:
                self.losses.failed(where, error, ", so this response is left out")
                continue
            steps.append({**step, "times": times} if times > 1 else step)
        if not steps:
            raise NotConvertibleError("no response of it can be given here")
        steps = folded(steps)
        endless = len(steps) == 1 or steps[-1].get("times", 1) >= ENDLESS
        reply = sequence(steps, endless=endless)
        return {"reply": reply} if endless else {"reply": reply, "then": "cycle"}

    def _proxy(self, proxy: dict[str, Any], where: str) -> dict[str, Any]:
        for key in proxy:
            if key not in ("to", "mode"):
                self.losses.add(f"{where}.{key}", "nothing is recorded or added on the way")
        if proxy.get("mode", "proxyOnce") != "proxyTransparent":
            self.losses.add(
                f"{where}.mode",
                "every request is forwarded, and none is kept as a stub",
                "Record with `mockserver record`",
            )
        return proxy_route(str(proxy.get("to")))

    def _response(self, response: dict[str, Any], where: str) -> tuple[Reply, int]:
        """A reply and how often it is given. Raises NotConvertibleError."""
        self.losses.unknown(
            where, response, {"is", "fault", "proxy", "inject", "repeat", "behaviors", "_behaviors"}
        )
        behaviors = _behaviors(response)
        times = _whole(
            response.get("repeat")
            or next((behavior["repeat"] for behavior in behaviors if "repeat" in behavior), 1)
        )
        if "proxy" in response:
            raise NotConvertibleError("a proxy among several responses")
        if "inject" in response:
            raise NotConvertibleError(
                "its `inject` is JavaScript, which does not run here", "Write the reply with templates"
            )
        if "fault" in response:
            return {"fault": _fault(response["fault"])}, times
        reply = self._is(
            response.get("is") or {},
            f"{where}.is",
            templated=any("copy" in behavior for behavior in behaviors),
        )
        return self._behaved(reply, behaviors, where), times

    def _is(self, written: dict[str, Any], where: str, *, templated: bool = False) -> Reply:
        self.losses.unknown(where, written, {"statusCode", "headers", "body", "_mode", "_proxyResponseTime"})
        written = {
            **self.default,
            **{key: value for key, value in written.items() if value not in (None, "")},
        }
        reply = reply_head(written.get("statusCode"), (written.get("headers") or {}).items())
        body = written.get("body", "")
        if written.get("_mode") == "binary":
            reply = with_base64(reply, str(body))
        elif isinstance(body, (dict, list)):
            reply = with_json(reply, body)
        else:
            reply = with_text(reply, text_of(body))
        return reply if templated else literal_reply(reply)

    def _behaved(self, reply: Reply, behaviors: list[dict[str, Any]], where: str) -> Reply:
        copies = [item["copy"] for item in behaviors if "copy" in item]
        if copies:
            reply = copied(
                reply, [copy for item in copies for copy in listed(item)], f"{where}.copy", self.losses
            )
        for behavior in behaviors:
            for key, value in behavior.items():
                if key == "wait":
                    reply = self._waiting(reply, value, where)
                elif key not in ("copy", "repeat"):
                    hint = (
                        "Write the reply with templates"
                        if key != "lookup"
                        else "Write `cases`, one for each row"
                    )
                    self.losses.add(f"{where}.{key}", "this behavior can't be converted", hint)
        return reply

    def _waiting(self, reply: Reply, value: object, where: str) -> Reply:
        try:
            return {**reply, "delay": duration(int(str(value)))}
        except ValueError:
            self.losses.add(f"{where}.wait", "a wait that JavaScript computes", "Write {min: 100ms, max: 1s}")
            return reply


def _behaviors(response: dict[str, Any]) -> list[dict[str, Any]]:
    """As a list of single ones, in the old spelling (`_behaviors`, one mapping) and the new."""
    written = response.get("behaviors", response.get("_behaviors"))
    return [{key: value} for item in listed(written) if isinstance(item, dict) for key, value in item.items()]


def _whole(value: object) -> int:
    try:
        return max(1, int(str(value)))
    except ValueError:
        raise NotConvertibleError(f"its repeat {value!r} is not a number") from None


def _fault(name: object) -> str:
    if name not in FAULTS:
        raise NotConvertibleError(f"the fault {name!r} is unknown")
    return FAULTS[name]
