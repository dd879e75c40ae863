"""
The report section of a failed test: its calls, one a line, the unmatched ones, and suggested routes for those.

Secrets are masked, since reports end up in logs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mockserver.client import Call, Namespace, Unmatched
from mockserver.client.link import Link
from mockserver.client.words import MATCH
from mockserver.model.plural import counted
from mockserver.redaction.redaction import mask_body
from mockserver.scenarios.yaml.yaml12 import read
from mockserver.schema.scenario import RUNTIME

MAX_LINES = 40
MAX_RESPONSE_CHARS = 200
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"})
MAX_UNMATCHED = 3


def report(ns: Namespace, began: datetime, fixture: str = "mock_server", after: str | None = None) -> str:
    """
    Return the section of a failed test that began at that time.

    `after` is the id of the last call of earlier tests in the namespace. Raises
    ClientError if the server is not reachable.
    """
    link = ns._link  # noqa: SLF001  (masked, other than `ns.calls`)
    calls = [Call(call) for call in link.items("/calls", masked=True, since=after)]
    ids = {call.id for call in calls}
    unmatched = [call for call in map(Unmatched, link.items("/unmatched", masked=True)) if call.id in ids]
    parts = ["\n".join([_head(ns, calls), *timeline(calls, {call.id: call for call in unmatched})])]
    if not calls:
        parts += _default_namespace_calls(link.to("default"), began)
    parts += [_suggested_route(call, fixture) for call in _distinct(unmatched)[:MAX_UNMATCHED]]
    parts += _attempts(list(link.items("/attempts", masked=True)), ids)
    parts += _webhooks(link.look("/webhooks", masked=True)["items"], calls)
    parts += _broken(list(link.items("/violations", masked=True)))
    return "\n\n".join(parts)


def _head(ns: Namespace, calls: list[Call]) -> str:
    if not calls:
        return f"No calls to {ns.url}"
    return f"{counted(len(calls), 'call')} to {ns.url}"


def _attempts(operations: list[Mapping[str, Any]], calls: set[str]) -> list[str]:
    """Return a line for each operation, with the reason of its grouping and the changes; nothing without keys and retries."""
    numbered = [
        (number, operation)
        for number, operation in enumerate(operations, 1)
        if any(attempt["call"] in calls for attempt in operation["tries"])
    ]
    if not any(
        operation["key"] or operation["repeats"] or len(operation["tries"]) > 1 for _, operation in numbered
    ):
        return []
    lines = [_operation(number, operation) for number, operation in numbered[:MAX_LINES]]
    more = [f"  … {len(numbered) - len(lines)} more …"] if len(numbered) > len(lines) else []
    return ["\n".join([counted(len(numbered), "operation"), *lines, *more])]


def _operation(number: int, operation: Mapping[str, Any]) -> str:
    key = f" (key={operation['key'][:8]})" if operation["key"] else ""
    answers = ", ".join(
        "---" if attempt["status"] is None else str(attempt["status"]) for attempt in operation["tries"]
    )
    notes = []
    if not operation["certain"]:
        settled = f" (`by: {operation['by']}` settles it)" if operation["by"] else ""
        notes.append(f"uncertain: {operation['why']}{settled}")
    elif operation["why"]:
        notes.append(operation["why"])
    if operation["repeats"]:
        notes.append(f"repeats operation {operation['repeats']}")
    changed = {part: None for attempt in operation["tries"] for part in attempt["changed"]}
    if changed:
        notes.append(f"changed {', '.join(changed)}")
    if operation["retry_after"] == "broken":
        notes.append("ignored the wait that an answer asked for")
    if operation["overlap"]:
        notes.append("attempts overlap")
    if operation["left_out"]:
        notes.append(f"left out of the comparison: {', '.join(operation['left_out'])}")
    return f"  operation {number}{key}  {short(operation['route'])}  {answers}  {'; '.join(notes)}".rstrip()


def _webhooks(deliveries: list[Mapping[str, Any]], calls: list[Call]) -> list[str]:
    """Return each delivery with its attempts and the beginnings of the responses."""
    wanted = {call.id for call in calls}
    about = [delivery for delivery in deliveries if delivery["call"] in wanted]
    if not about:
        return []
    start = calls[0].arrived
    shown = about[:MAX_LINES]
    lines = [line for delivery in shown for line in _delivery(delivery, start)]
    more = [f"  … {len(about) - len(shown)} more …"] if len(about) > len(shown) else []
    return ["\n".join([f"{len(about)} webhook{'' if len(about) == 1 else 's'}", *lines, *more])]


def _delivery(delivery: Mapping[str, Any], start: datetime) -> list[str]:
    source = f"of {delivery['call']}, {short(delivery['route'])}"
    lines = [f"  {delivery['method']} {delivery['url']}  {outcome_of(delivery)}  {source}"]
    for sent in delivery["tries"]:
        after_s = (datetime.fromisoformat(sent["sent_at"]) - start).total_seconds()
        answer = (
            sent["error"] if sent["status"] is None else f"{sent['status']}  {response_head(sent['answer'])}"
        )
        lines.append(f"    t+{after_s:.3f}  {answer}".rstrip())
    if not delivery["tries"]:
        lines.append(f"    {delivery['error'] or 'no attempt yet: it waits for its time, by the clock'}")
    return lines


def outcome_of(delivery: Mapping[str, Any]) -> str:
    """Return the state, with `refused` instead of `failed` if the receiver answered with another status than 2xx."""
    state, tries = str(delivery["state"]), delivery["tries"]
    return "refused" if state == "failed" and tries and tries[-1]["status"] is not None else state


def response_head(answer: str) -> str:
    """Return the first characters of a response on one line, with masked secrets."""
    text = " ".join(mask_body(answer).split())
    return text if len(text) <= MAX_RESPONSE_CHARS else f"{text[:MAX_RESPONSE_CHARS]}…"


def _broken(violations: list[Any]) -> list[str]:
    """Return the violations of OpenAPI contracts, one a line."""
    if not violations:
        return []
    lines = [
        f"  {violation['call']}  {violation['request']}  {violation['text']}"
        for violation in violations[:MAX_LINES]
    ]
    more = len(violations) - len(lines)
    return ["\n".join(["What breaks the contract:", *lines, *([f"  … {more} more …"] if more else [])])]


def _default_namespace_calls(default: Link, began: datetime) -> list[str]:
    """Return the calls of the namespace `default` during the test: the likeliest reason why its own has none."""
    calls = [Call(call) for call in default.items("/calls", masked=True, since=began.isoformat())]
    if not calls:
        return []
    head = (
        f"Meanwhile {len(calls)} came to the namespace default, by the server's URL without /@name. "
        "Was the application given mock_server.url?"
    )
    return ["\n".join([head, *timeline(calls, {})])]


def timeline(calls: list[Call], unmatched: Mapping[str, Unmatched]) -> list[str]:
    """Return a line for each call, with times relative to the first."""
    if not calls:
        return []
    cut = len(calls) > MAX_LINES
    shown = [*calls[: MAX_LINES // 2], *calls[-MAX_LINES // 2 :]] if cut else calls
    width = min(60, max(len(_what(call)) for call in shown))
    start = calls[0].arrived
    lines = [
        f"  t+{(call.arrived - start).total_seconds():.3f}  {_what(call):<{width}}  {status_text(call):<3}  "
        f"{result_text(call, unmatched.get(call.id))}".rstrip()
        for call in shown
    ]
    if cut:
        lines.insert(MAX_LINES // 2, f"  … {len(calls) - len(shown)} more …")
    return lines


def _what(call: Call) -> str:
    return f"{call.request.method} {call.request.path}"


def status_text(call: Call) -> str:
    """Return the status, with the outcome unless the reply is complete; `---` if nothing was sent."""
    if call.outcome == "done":
        return str(call.grpc_status or call.status)
    ending = call.outcome.replace("_", " ")
    if call.fault == "hang" and call.response is None:
        return f"--- hang, {ending}"
    return f"{'---' if call.status is None else call.grpc_status or call.status} {ending}"


def result_text(call: Call, unmatched: Unmatched | None) -> str:
    """Describe how the mock server handled a call."""
    if unmatched is not None:
        nearest = _nearest(unmatched)
        return f"no route matches it; the nearest is {nearest}" if nearest else "no route matches it"
    if call.automatic:
        return "answered automatically"
    if call.route is None:
        return "no route matches it" if call.request.complete else "its body never came whole"
    route = ", ".join(map(short, call.routes))
    step = f"step {call.step}" if call.step is not None else "took no step"
    notes = [step if route == _what(call) else f"{route}, {step}"]
    if call.replayed:
        notes.append("replayed for its idempotency key")
    notes += [f"effect: {effect.get('kind', 'unnamed')}" for effect in call.effects]
    if call.error is not None:
        notes.append(str(call.error["detail"]))
    return "; ".join(notes)


def _nearest(unmatched: Unmatched) -> str:
    for nearest in unmatched.nearest:
        differences = "; ".join(str(difference["text"]) for difference in nearest["differences"])
        return f"{short(nearest['route'])}: {differences}"
    return ""


def short(route_id: str) -> str:
    """Return the id of a route, without the prefix `runtime/`."""
    return route_id.removeprefix(f"{RUNTIME}/")


def _distinct(unmatched: Iterable[Unmatched]) -> list[Unmatched]:
    """Return the first call for each suggestion."""
    return list({call.suggestion: call for call in reversed(list(unmatched))}.values())[::-1]


def _suggested_route(unmatched: Unmatched, fixture: str) -> str:
    return f"This route would match {_what(unmatched)}:\n  {in_python(unmatched.suggestion, fixture)}"


def in_python(suggestion: str, fixture: str) -> str:
    """Return a suggested route as Python code for a test."""
    route: dict[str, Any] = read(suggestion).data[0]
    method, _, path = route["request"].partition(" ")
    match = dict(route.get("match", {}))
    words = [f"{word}={literal(match[word])}" for word in match if word in MATCH]
    word, first = (method.lower(), path) if method in _METHODS else ("on", route["request"])
    return f"{fixture}.{word}({', '.join([literal(first), *words])}).reply(json={{}})"


def literal(value: object) -> str:
    """
    Return a JSON value as a Python literal, with double quotes.

    >>> literal({"a": [None, True]})
    '{"a": [None, True]}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
