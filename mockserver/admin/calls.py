"""`/calls`, `/counts`, `/unmatched`: what was asked, and how often."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from mockserver.admin.api import (
    Answer,
    Asked,
    Refused,
    Table,
    json_answer,
    listing,
    no_content,
    one_flaw,
    room,
    to_json,
)
from mockserver.admin.models import CallList, CallView, CountsView, CountView, UnmatchedList
from mockserver.admin.views import brief_view, call_view
from mockserver.engine.answers import Miss, nearest_view
from mockserver.engine.counting import Subject
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import route_named
from mockserver.errors import InvalidInput, shown
from mockserver.files.dump import dump
from mockserver.matching.nearest import suggest, without_secrets
from mockserver.matching.paths import PathPattern
from mockserver.model.call import Call
from mockserver.model.http import Response, StreamReply
from mockserver.model.plan import Outcome
from mockserver.model.verify import CountSpec

table = Table()

PAGE, MOST = 1000, 10_000
SLICE = 10
"""So many calls are shown before others get their turn: 1 to 3 ms."""
PAGING = {
    "limit": f"At most so many, 1 to {MOST}; default {PAGE}.",
    "cursor": "The `next` of the page before.",
}
REVEAL = {"reveal": "true shows secrets unmasked; from loopback or with the token."}
FILTERS = {
    "route": "A route's id or name.",
    "tag": "Calls of routes with this tag.",
    "method": "The request's method.",
    "path": "The request's path, as routes write them.",
    "status": "The answer's status, or 4xx, 5xx.",
    "matched": "true or false.",
    "since": "Calls after this call's id, or from this instant (RFC 3339).",
}


BRIEF = {"brief": "true gives each call in one line's worth: no headers, no bodies, secrets masked."}


class CallFilter:
    """Which calls a query asks for. Raises Refused and InvalidInput for what can't be asked."""

    def __init__(self, asked: Asked[Any]) -> None:
        query = asked.query
        self._route = route_named(asked.ns, query["route"]).id if query.get("route") else None
        self._tag = query.get("tag")
        self._method = query.get("method")
        self._path = _path(query["path"]) if query.get("path") else None
        self._status = _statuses(query["status"]) if query.get("status") else None
        self._matched = asked.flag("matched")
        self._after, self._from_s = _since(query.get("since"))

    def holds(self, call: Call) -> bool:
        return (
            (self._route is None or call.route_id == self._route)
            and (self._tag is None or self._tag in call.tags)
            and (self._method is None or call.request.method == self._method)
            and (self._path is None or self._path.match(call.request.path) is not None)
            and (self._status is None or call.status in self._status)
            and (self._matched is None or call.matched == self._matched)
            and call.number > self._after
            and call.request.arrived_s >= self._from_s
        )


def _path(text: str) -> PathPattern:
    if not text.startswith("/"):
        raise one_flaw(("path",), f"the path {shown(text)} does not begin with a slash", f"Write /{text}")
    try:
        return PathPattern(text)
    except InvalidInput as why:
        raise InvalidInput(flaw.under("path") for flaw in why.flaws) from why


def _statuses(text: str) -> range:
    if len(text) == 3 and text[0] in "12345" and text[1:].lower() == "xx":
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    if text.isascii() and text.isdigit():
        return range(int(text[:9]), int(text[:9]) + 1)
    raise one_flaw(("status",), f"{text!r} is no status", "Write 503 or 5xx")


def _call_number(text: str) -> int | None:
    """17 of `c-000017`; None for anything else."""
    digits = text.removeprefix("c-")
    if text == digits or not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        return None
    return int(digits)


def _since(text: str | None) -> tuple[int, float]:
    if not text:
        return 0, 0.0
    number = _call_number(text)
    if number is not None:
        return number, 0.0
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:  # without an offset it is no instant (RFC 3339)
            return 0, at.timestamp()
    hint = "Write c-000017 or 2026-01-31T12:00:00Z; a plus in a query is written %2B"
    raise one_flaw(("since",), f"{shown(text)} is no call and no instant", hint)


def cursor(text: str | None) -> int:
    """The number of the call after which a page begins. Raises InvalidInput for what is no cursor."""
    number = _call_number(text) if text else 0
    if number is None:
        raise one_flaw(
            ("cursor",), f"{shown(text)} is no cursor", "Give the `next` of the page before, such as c-000017"
        )
    return number


def may_reveal(asked: Asked[Any]) -> bool:
    """Whether this answer shows secrets. Raises Refused where it asks to and may not."""
    if not asked.flag("reveal"):
        return False
    if not asked.services.may_reveal(asked.request):
        raise Refused(
            403, "no-reveal", "Secrets are shown only from loopback, or with the token", "Leave `reveal` out"
        )
    return True


async def page(asked: Asked[Any], found: Iterator[Call], view: Any) -> Response:
    """One page of calls after the cursor, newest last."""
    limit = asked.number("limit", PAGE, MOST)
    after = cursor(asked.query.get("cursor"))
    calls = list(islice((call for call in found if call.number > after), limit + 1))
    items: list[Any] = []
    for call in calls[:limit]:
        items.append(view(call))
        if not len(items) % SLICE:
            await asyncio.sleep(0)
    return listing(items, calls[limit - 1].id if len(calls) > limit else None)


@table.add(
    "GET",
    "/calls",
    "Recorded calls, newest last.",
    answer=CallList,
    query={**FILTERS, **PAGING, **BRIEF, **REVEAL},
    errors=(422,),
)
async def list_calls(asked: Asked[Any]) -> Answer:
    wanted, view = CallFilter(asked), viewer(asked)
    found = (call for call in asked.ns.record if wanted.holds(call))
    return await page(asked, found, view)


def viewer(asked: Asked[Any]) -> Callable[[Call], dict[str, Any]]:
    """How a call is shown in this answer. Raises Refused where it asks for secrets and may not."""
    reveal = may_reveal(asked)
    return brief_view if asked.flag("brief") else partial(call_view, reveal=reveal)


@table.add("DELETE", "/calls", "Forgets calls and counts.", status=204)
async def delete_calls(asked: Asked[Any]) -> Answer:
    asked.ns.forget_calls()
    asked.ns.tell()
    return no_content()


@table.add(
    "GET",
    "/calls/stream",
    "Calls as they happen, as server-sent events; resumable by Last-Event-ID.",
    query={**FILTERS, **BRIEF, **REVEAL},
    content_type="text/event-stream",
    errors=(422, 429),
)
async def stream_calls(asked: Asked[Any]) -> Answer:
    wanted, view = CallFilter(asked), viewer(asked)
    there, most = len(asked.ns.listeners - asked.engine.shared.listeners), asked.services.settings.max_streams
    room(asked.engine, "streams", there, most, "readers of this namespace's stream", "Close some")
    start = _call_number(asked.request.headers.get("last-event-id", ""))
    head = Response(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
    rest_s = REST_S if view is brief_view else 0.0
    return StreamReply(head, _events(asked.ns, wanted, view, start, rest_s))


QUEUE = 1000
HEARTBEAT_S = 15.0
REST_S = 0.1
"""Between two writes of calls in brief: they are sent together, which costs a tenth of each by itself."""
MANY = 250
"""Of calls told at once; after more the rest is longer, so that a server under full load spends little on telling."""


async def _events(
    ns: Namespace,
    wanted: CallFilter,
    view: Callable[[Call], dict[str, Any]],
    after: int | None,
    rest_s: float = 0.0,
) -> AsyncIterator[bytes]:
    """
    Every call once it is over. A reader who is too slow loses the oldest, and
    hears how many. After a reset numbers go on, so nothing comes twice.
    """
    waiting: deque[Call] = deque()
    lost = 0
    woken = asyncio.Event()

    def closed(call: Call) -> None:
        nonlocal lost
        if not wanted.holds(call):
            return
        if len(waiting) >= QUEUE:
            waiting.popleft()
            lost += 1
        waiting.append(call)
        woken.set()

    if after is not None:
        missed, lost = _missed(ns, after)
        for call in missed:
            closed(call)
    ns.listeners.add(closed)
    try:
        yield b": calls as they happen\n\n"
        while True:
            while waiting or lost:
                if lost:
                    dropped, lost = lost, 0
                    yield f"event: dropped\ndata: {to_json({'dropped': dropped})}\n\n".encode()
                if rest_s:
                    together = [_event(waiting.popleft(), view) for _ in range(len(waiting))]
                    yield b"".join(together)
                    await asyncio.sleep(rest_s * max(1.0, len(together) / MANY))
                while waiting and not rest_s:
                    yield _event(waiting.popleft(), view)
            woken.clear()
            try:
                await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        ns.listeners.discard(closed)


def _event(call: Call, view: Callable[[Call], dict[str, Any]]) -> bytes:
    return f"id: {call.id}\nevent: call\ndata: {to_json(view(call))}\n\n".encode()


@table.add("GET", "/calls/{id}", "One call.", answer=CallView, query=REVEAL, errors=(404,))
async def get_call(asked: Asked[Any]) -> Answer:
    text = asked.params["id"]
    reveal = may_reveal(asked)
    number = _call_number(text if text.startswith("c-") else f"c-{text}")
    call = None if number is None else asked.ns.record.get(number)
    if call is None:
        detail = f"Kept are {len(asked.ns.record)} calls, {asked.ns.record.dropped} were dropped. See GET /__admin/calls"
        raise Refused(404, "no-such-call", f"There is no call {text!r}", detail)
    return json_answer(call_view(call, reveal=reveal))


def _missed(ns: Namespace, after: int) -> tuple[list[Call], int]:
    """
    What ended after the call of that number had, in the order of ending, and how
    many more of them are recorded no longer: after a restart with a state file that
    is all of them. A call may end after a later one. A number that was not reached
    yet is from before a restart without one: then nothing that is here was told.
    """
    if after > ns.last_number:
        after = 0
    over = [call for call in ns.record if call.outcome is not Outcome.OPEN]
    last = next((call for call in over if call.number == after), None)
    if last is None:
        first = min((call.number for call in ns.record), default=ns.last_number + 1)
        return [call for call in over if call.number > after], max(0, first - after - 1)
    return sorted((call for call in over if _ended_at_s(call) > _ended_at_s(last)), key=_ended_at_s), 0


def _ended_at_s(call: Call) -> float:
    return call.ended_at_s or 0.0


@table.add(
    "POST",
    "/count",
    "How often a route was called, or a request was made.",
    body=CountSpec,
    answer=CountView,
    errors=(422,),
)
async def count_calls(asked: Asked[CountSpec]) -> Answer:
    count = Subject(asked.ns, asked.body).count(asked.ns)
    return json_answer({"count": count.count, "exact": count.exact})


@table.add(
    "GET",
    "/counts",
    "Every count of this namespace; exact also where records were dropped.",
    answer=CountsView,
)
async def get_counts(asked: Asked[Any]) -> Answer:
    counts = asked.ns.counts
    routes = {
        route_id: {
            "calls": one.calls,
            "statuses": {str(status): number for status, number in sorted(one.statuses.items())},
            "in_flight": one.in_flight,
            "most_in_flight": one.most_in_flight,
        }
        for route_id, one in counts.routes.items()
    }
    return json_answer({
        "total": counts.total,
        "routes": routes,
        "unmatched": counts.unmatched,
        "incomplete": counts.incomplete,
        "automatic": counts.automatic,
    })  # fmt: skip


@table.add(
    "GET",
    "/unmatched",
    "Calls that no route took, each with the routes that are nearest and one that would have.",
    answer=UnmatchedList,
    query={**PAGING, **REVEAL},
)
async def list_unmatched(asked: Asked[Any]) -> Answer:
    reveal = may_reveal(asked)
    found = (
        call for call in asked.ns.record if not call.matched and not call.automatic and call.request.complete
    )
    return await page(asked, found, lambda call: unmatched_view(call, reveal=reveal))


def unmatched_view(call: Call, *, reveal: bool = False) -> dict[str, Any]:
    """A miss with the routes nearest to it, and a route in YAML, ready to paste."""
    miss = Miss(call.request, call.nearest)
    route = suggest(call.request)
    return {
        **call_view(call, reveal=reveal),
        "nearest": nearest_view(miss),
        # Masked before it is written: a text that begins with an asterisk needs its quotes.
        "suggestion": dump([route if reveal else without_secrets(route)]),
    }
