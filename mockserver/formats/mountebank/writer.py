"""
Scenarios as mountebank imposters: one each, all in `imposters.json`, for `mb --configfile`.

Everything is written with `caseSensitive: true` but what ignores case here,
so that a request is compared the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockserver.formats.mocks.outgoing import Outgoing, OutgoingReply, only_fixed_delay, outgoing
from mockserver.formats.mocks.replies import ENDLESS
from mockserver.formats.mountebank.predicates import of_expression, of_line, of_match
from mockserver.formats.reading import pretty
from mockserver.recording.conversion import Document, Exported, Losses, NotConvertibleError

FIRST_PORT = 4545
_FAULTS = {"reset": "CONNECTION_RESET_BY_PEER", "garbage": "RANDOM_DATA_THEN_CLOSE"}


def write(scenarios: Mapping[str, Document], folder: Path | None = None) -> Exported:
    """One imposter a scenario, on ports from 4545 up, or on those that they came from."""
    made = Exported()
    imposters = []
    taken: set[int] = set()
    for name, document in scenarios.items():
        losses = Losses(name)
        origin = document.get("x-mountebank") or {}
        port = origin.get("port") or FIRST_PORT
        while port in taken:
            port += 1
        taken.add(port)
        imposters.append(_imposter(name, document, port, losses, folder))
        made.lost += losses
    made.files["imposters.json"] = pretty({"imposters": imposters})
    return made


def _imposter(
    name: str, document: Document, port: int, losses: Losses, folder: Path | None
) -> dict[str, Any]:
    origin = document.get("x-mountebank")
    stubs = []
    imposter: dict[str, Any] = {
        "protocol": (origin or {}).get("protocol", "http"),
        "port": port,
        "name": name,
    }
    if document.get("cors"):
        imposter["allowCORS"] = True
    plain = {key: value for key, value in document.items() if key != "cors"}
    # A base that came with the import only kept several imposters apart.
    for route in outgoing(plain, losses, folder, base="" if origin is not None else None, ifs=True):
        try:
            if _is_default(route):
                imposter["defaultResponse"] = _is(route.answers[0])["is"]
            else:
                stubs.append(_stub(route, losses))
        except NotConvertibleError as error:
            losses.failed(route.place, error, ", so the route is left out")
    return {**imposter, "stubs": stubs}


def _is_default(route: Outgoing) -> bool:
    return route.name == "default response" and len(route.answers) == 1 and not route.match and not route.when


def _stub(route: Outgoing, losses: Losses) -> dict[str, Any]:
    if route.when or any(answer.set for answer in route.answers):
        raise NotConvertibleError("mountebank has no state")
    match = dict(route.match)
    counted = [of_expression(expression, match) for expression in route.expressions]
    predicates = [*of_line(route), *of_match(match), *counted]
    stub: dict[str, Any] = {"predicates": predicates} if predicates else {}
    if route.expect is not None:
        losses.add(f"{route.place}.expect", "mountebank expects no number of calls")
    if route.proxy is not None:
        return {**stub, "responses": [{"proxy": {"to": route.proxy, "mode": "proxyTransparent"}}]}
    responses = [_response(route, number, answer, losses) for number, answer in enumerate(route.answers)]
    if route.then == "stop":
        losses.add(f"{route.place}.then", "a stub never stops: it begins again")
    elif route.then == "repeat" and len(responses) > 1:
        responses[-1]["repeat"] = ENDLESS
    return {**stub, "responses": responses}


def _response(route: Outgoing, number: int, answer: OutgoingReply, losses: Losses) -> dict[str, Any]:
    place = f"{route.place}.reply[{number}]"
    response: dict[str, Any]
    if answer.fault is not None:
        if answer.fault not in _FAULTS:
            raise NotConvertibleError(f"mountebank has no fault like `{answer.fault}`")
        response = {"fault": _FAULTS[answer.fault]}
    else:
        response = _is(answer)
    if answer.times > 1:
        response["repeat"] = answer.times
    delay = only_fixed_delay(answer, place, losses)
    if delay is not None:
        response["behaviors"] = [{"wait": delay}]
    return response


def _is(answer: OutgoingReply) -> dict[str, Any]:
    made: dict[str, Any] = {"statusCode": answer.status}
    if answer.headers:
        made["headers"] = {
            name: values[0] if len(values) == 1 else values for name, values in answer.headers.items()
        }
    if answer.has_json and isinstance(answer.json, (dict, list)):
        made["body"] = answer.json
    elif answer.base64 is not None:
        made["body"], made["_mode"] = answer.base64, "binary"
    elif answer.body:
        made["body"] = answer.body
    return {"is": made}
