"""`/calls`, `/counts`, `/unmatched`: recorded calls and their numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from mockserver.admin.api import (
    AdminRequest,
    Answer,
    ProblemError,
    json_answer,
    number_in,
    table,
    written_listing,
)
from mockserver.admin.models import CallList, CallView, CountsView, CountView, UnmatchedList
from mockserver.admin.searching import TextSearch
from mockserver.admin.turns import Turns
from mockserver.admin.views import brief_view, call_view
from mockserver.engine.answers import Miss, nearest_view
from mockserver.engine.namespace import CallInProgressError
from mockserver.errors import flaws_below, invalid, shown
from mockserver.matching.mismatch.nearest import suggest, without_secrets
from mockserver.matching.paths import PathPattern
from mockserver.model.call import Call
from mockserver.model.grpc import GRPC_STATUSES
from mockserver.model.http import Response
from mockserver.responses.bodies import dump_json
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.verify import CountSpec, SubjectSpec
from mockserver.verification.counting import Subject

PAGE, MOST = 1000, 10_000
_NEVER = float("inf")
SLICE = 10
"""Number of calls that are encoded before other connections can run: 1 to 3 ms."""
PAGING = {
    "limit": f"Maximum number of items, 1 to {MOST}; default {PAGE}.",
    "cursor": "The `next` of the previous page.",
}
REVEAL = {"reveal": "true shows secrets unmasked; from loopback or with the token."}
FILTERS = {
    "route": "A route's id or name.",
    "request": "A request line, such as POST /charges, as in a check.",
    "tag": "Calls of routes with this tag.",
    "method": "The request's method.",
    "path": "The request's path, as routes write them.",
    "status": "The answer's status; also 4xx, 5xx, or a status of gRPC.",
    "matched": "true or false.",
    "since": "Calls after this call's id, or from this instant (RFC 3339).",
    "until": "Calls up to this call's id, or before this instant (RFC 3339).",
    "q": "A text in the target, the headers or the body of the request or its reply, in any case; masked values are not found.",
}


BRIEF = {"brief": "true returns a summary of each call: no headers, no bodies, secrets masked."}


class CallFilter:
    """The filter of a query. Raises ProblemError and InvalidInputError for invalid values."""

    def __init__(self, request: AdminRequest[Any]) -> None:
        query = request.query
        self._route = request.route_id
        line = query.get("request")
        self._line = Subject(request.ns, parse_spec(SubjectSpec, {"request": line})) if line else None
        self._tag = query.get("tag")
        self._method = query.get("method")
        self._path = _path(query["path"]) if query.get("path") else None
        self._has_status = _status_test(query["status"]) if query.get("status") else None
        self._matched = request.flag("matched")
        self._after, self._from_s = _moment("since", query, (0, 0.0))
        self._last, self._before_s = _moment("until", query, (_NEVER, _NEVER))
        self._search = TextSearch(query["q"], reveal=request.reveal) if query.get("q") else None
        self.is_any = not any(query.get(name) for name in FILTERS)
        """Whether every call matches."""

    def holds(self, call: Call) -> bool:
        """Whether the call matches."""
        return (
            self._after < call.number <= self._last
            and self._from_s <= call.request.arrived_s < self._before_s
            and (self._route is None or self._route in call.route_ids)
            and (self._line is None or self._line.names(call))
            and (self._tag is None or self._tag in call.tags)
            and (self._method is None or call.request.method == self._method)
            and (self._path is None or self._path.match(call.request.path) is not None)
            and (self._has_status is None or self._has_status(call))
            and (self._matched is None or call.matched == self._matched)
            and (self._search is None or self._search.finds(call))
        )


def _path(text: str) -> PathPattern:
    if not text.startswith("/"):
        raise invalid(("path",), f"the path {shown(text)} does not begin with a slash", f"Write /{text}")
    with flaws_below("path"):
        return PathPattern(text)


def _status_test(text: str) -> Callable[[Call], bool]:
    if text in GRPC_STATUSES:
        return lambda call: call.grpc_status == text
    if len(text) == 3 and text[0] in "12345" and text[1:].lower() == "xx":
        return lambda call: call.status is not None and call.status // 100 == int(text[0])
    if text.isascii() and text.isdigit():
        return lambda call: call.status == int(text[:9])
    raise invalid(("status",), f"{shown(text)} is not a valid status", "Write 503, 5xx, or UNAVAILABLE")


def _moment(name: str, query: Mapping[str, str], beyond: tuple[float, float]) -> tuple[float, float]:
    """Return the number of a call and an instant; the one that is not written is that of `beyond`."""
    text = query.get(name)
    if not text:
        return beyond
    number = number_in(text, "c-")
    if number is not None:
        return number, beyond[1]
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:  # without an offset it is not a valid instant (RFC 3339)
            return beyond[0], at.timestamp()
    hint = "Write c-000017 or 2026-01-31T12:00:00Z; a plus in a query is written %2B"
    raise invalid((name,), f"{shown(text)} is neither a call nor an instant", hint)


async def page(
    request: AdminRequest[Any], calls: Iterator[tuple[Call, bool]], view: Callable[[Call], dict[str, Any]]
) -> Response:
    """Return one page of calls after the cursor, newest last."""
    limit = request.number("limit", PAGE, MOST)
    after = request.cursor()
    turns = Turns()
    items: list[bytes] = []
    last, following = None, None
    for call, holds in calls:
        await turns.pause()
        if not holds or call.number <= after:
            continue
        if len(items) == limit:
            following = last
            break
        items.append(dump_json(view(call)))
        last = call.id
    return written_listing(items, following)


@table.get(
    "/calls", "Recorded calls, newest last.", answer=CallList, query={**FILTERS, **PAGING, **BRIEF, **REVEAL}
)
async def list_calls(request: AdminRequest[Any]) -> Answer:
    wanted, view = CallFilter(request), viewer(request)
    calls = ((call, wanted.holds(call)) for call in request.ns.call_log.after(request.cursor()))
    return await page(request, calls, view)


def viewer(request: AdminRequest[Any]) -> Callable[[Call], dict[str, Any]]:
    """Return the view of a call in this answer. Raises ProblemError if secrets are requested without permission."""
    reveal = request.reveal
    return brief_view if request.flag("brief") else partial(call_view, reveal=reveal)


@table.delete("/calls", "Delete calls and counts.")
async def delete_calls(request: AdminRequest[Any]) -> None:
    request.ns.forget_calls()
    request.ns.forget_fault_uses()
    request.ns.tell()


@table.get("/calls/{id}", "One call.", answer=CallView, query=REVEAL, errors=(404,))
async def get_call(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    return json_answer(call_view(_call(request), reveal=reveal))


@table.delete(
    "/calls/{id}", "Delete one completed call, also from the counts; what it did stays.", errors=(404, 409)
)
async def delete_call(request: AdminRequest[Any]) -> None:
    call = _call(request)
    try:
        request.ns.forget_call(call)
    except CallInProgressError as error:
        title = f"The call {call.id} is in progress"
        raise ProblemError(409, "call-in-progress", title, "Delete it when it is completed") from error
    request.ns.tell()


def _call(request: AdminRequest[Any]) -> Call:
    """Return the call that the path names. Raises ProblemError."""
    text = request.params["id"]
    number = number_in(text if text.startswith("c-") else f"c-{text}", "c-")
    call = None if number is None else request.ns.call_log.get(number)
    if call is None:
        detail = f"The call log has {len(request.ns.call_log)} calls, {request.ns.call_log.dropped} were dropped. See GET /__admin/calls"
        raise ProblemError(404, "no-such-call", f"There is no call {text!r}", detail)
    return call


@table.post(
    "/count", "Count the calls of a route, or the requests of a kind.", body=CountSpec, answer=CountView
)
async def count_calls(request: AdminRequest[CountSpec]) -> Answer:
    subject = Subject(request.ns, request.body)
    await Turns().all_of(subject.steps(request.ns))
    count = subject.count(request.ns)
    return json_answer({"count": count.count, "exact": count.exact})


@table.get(
    "/counts",
    "All counts of this namespace; exact even if calls were dropped from the call log.",
    answer=CountsView,
)
async def get_counts(request: AdminRequest[Any]) -> Answer:
    counts = request.ns.counts
    routes = {
        route_id: {
            "calls": count.calls,
            "statuses": {str(status): number for status, number in sorted(count.statuses.items(), key=str)},
            "in_flight": count.in_flight,
            "most_in_flight": count.most_in_flight,
        }
        for route_id, count in counts.routes.items()
    }
    return json_answer({
        "total": counts.total,
        "routes": routes,
        "unmatched": counts.unmatched,
        "incomplete": counts.incomplete,
        "automatic": counts.automatic,
    })  # fmt: skip


@table.get(
    "/unmatched",
    "Unmatched requests, each with the nearest routes and a route that would match.",
    answer=UnmatchedList,
    query={**PAGING, **REVEAL},
)
async def list_unmatched(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    calls = (
        (call, not call.matched and not call.automatic and call.request.complete)
        for call in request.ns.call_log.after(0)
    )
    return await page(request, calls, lambda call: unmatched_view(call, reveal=reveal))


def unmatched_view(call: Call, *, reveal: bool = False) -> dict[str, Any]:
    """Return an unmatched call with the nearest routes, and a route in YAML that would match."""
    miss = Miss(call.request, call.nearest)
    route = suggest(call.request)
    return {
        **call_view(call, reveal=reveal),
        "nearest": nearest_view(miss),
        # Masked before it is written: a text that begins with an asterisk needs its quotes.
        "suggestion": dump([route if reveal else without_secrets(route)]),
    }
