"""`/calls/stream`: completed calls as server-sent events, at a limited rate that hardly slows the mock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, check_limit, number_in, table, to_json
from mockserver.admin.endpoints.calls import BRIEF, FILTERS, REVEAL, SLICE, CallFilter, viewer
from mockserver.admin.views import brief_view
from mockserver.engine.call_stream import Follower, ending
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.http import Response, StreamReply


@dataclass(frozen=True, slots=True)
class Pace:
    """
    The rate of a stream.

    At most `most` calls are sent, `slice` at once, followed by a pause of `rest_s` seconds. If more than `queue` calls
    wait, only the newest `sample` of them are sent, and the others counted, until no more than `most` arrive in that
    time: nobody can read more, and each call costs throughput.
    """

    rest_s: float
    most: int
    queue: int
    sample: int
    slice: int = 50
    """Number of calls after which other connections can run: half a millisecond of brief calls."""


WHOLE = Pace(rest_s=0.02, most=50, queue=1000, sample=50, slice=SLICE)
"""2,500 calls a second."""
IN_BRIEF = Pace(rest_s=0.1, most=150, queue=1500, sample=20)
"""1,500 calls a second, about 10 µs each; 200 while more arrive."""
HEARTBEAT_S = 15.0
POLL_S = 0.25
"""Time between two looks at namespaces in which nothing happens."""
_HEAD = Response(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])


def _check_readers(request: AdminRequest[Any], ns: Namespace) -> None:
    there, most = len(ns.followers), request.services.settings.max_streams
    check_limit(request.engine, "streams", there, most, "readers of this namespace's stream", "Close some")


@table.get(
    "/calls/stream",
    "Completed calls as server-sent events; resumable by Last-Event-ID.",
    query={**FILTERS, **BRIEF, **REVEAL},
    content_type="text/event-stream",
    errors=(429,),
)
async def stream_calls(request: AdminRequest[Any]) -> Answer:
    wanted, view = CallFilter(request), viewer(request)
    _check_readers(request, request.ns)
    start = number_in(request.http.headers.get("last-event-id", ""), "c-")
    pace = IN_BRIEF if view is brief_view else WHOLE
    return StreamReply(_HEAD, _events(request.ns, wanted, view, start, pace))


async def _events(
    ns: Namespace, wanted: CallFilter, view: Callable[[Call], dict[str, Any]], after: int | None, pace: Pace
) -> AsyncIterator[bytes]:
    """
    Send every call when it is completed.

    If the client is too slow or there are too many calls, the oldest are dropped, and the client gets their number.
    Call numbers continue after a reset, so nothing is sent twice.
    """
    holds = None if wanted.is_any else wanted.holds
    follower = Follower(ns, holds, most=pace.queue, sample=pace.sample, calm=pace.most)
    woken = False
    try:
        if after is not None:
            follower.resume(after)
        yield b": calls as they happen\n\n"
        while True:
            calls, dropped = follower.take(pace.most)
            for events in _portions(calls, dropped, view, pace):
                yield events
                await asyncio.sleep(0)  # other connections have their turn
            if calls or dropped or woken:
                woken = False
                await asyncio.sleep(pace.rest_s)
                continue
            woken = await _something(ns)
            if not woken:
                yield b": still here\n\n"
    finally:
        follower.leave()


@table.get(
    "/stream",
    "Completed calls of all namespaces of this server as server-sent events, in brief, those in the call logs first.",
    content_type="text/event-stream",
    errors=(429,),
    namespaced=False,
)
async def stream_all_calls(request: AdminRequest[Any]) -> Answer:
    _check_readers(request, request.engine.default)
    return StreamReply(_HEAD, _events_of_all(request.engine, IN_BRIEF))


async def _events_of_all(engine: Engine, pace: Pace) -> AsyncIterator[bytes]:
    """
    Send the calls of every namespace, also of those that are created meanwhile.

    The namespaces are polled, so that none of them is slowed. All share the rate of one stream.
    """
    followers: dict[Namespace, Follower] = {}
    silent_s = 0.0
    try:
        yield b": calls as they happen\n\n"
        while True:
            calls, dropped = _taken(engine, followers, pace)
            for events in _portions(calls, dropped, _named_view, pace):
                yield events
                await asyncio.sleep(0)  # other connections have their turn
            pause_s = pace.rest_s if calls or dropped else POLL_S
            silent_s = 0.0 if calls or dropped else silent_s + pause_s
            if silent_s >= HEARTBEAT_S:
                silent_s = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(pause_s)
    finally:
        for follower in followers.values():
            follower.leave()


def _taken(engine: Engine, followers: dict[Namespace, Follower], pace: Pace) -> tuple[list[Call], int]:
    """Return the next calls of all namespaces in order of completion, and how many were lost."""
    calls: list[Call] = []
    lost = 0
    for ns in list(engine.namespaces.values()):
        if ns not in followers:
            followers[ns] = Follower(ns, None, most=pace.queue, sample=pace.sample, calm=pace.most)
            followers[ns].resume(0)
            followers[ns].take(0)  # calls that were dropped before are not lost by this stream
    for ns, follower in list(followers.items()):
        some, missed = follower.take(pace.most - len(calls))
        calls += some
        lost += missed
        if ns.removed and not some:
            follower.leave()
            del followers[ns]
        elif some:  # the others come first next time
            followers[ns] = followers.pop(ns)
    return sorted(calls, key=ending), lost


def _named_view(call: Call) -> dict[str, Any]:
    return {"namespace": call.namespace, **brief_view(call)}


async def _something(ns: Namespace) -> bool:
    """
    Wait until something happens in the namespace, up to the heartbeat.

    Listeners are only registered while waiting.
    """
    woken = asyncio.Event()
    ns.watchers |= {woken.set}
    try:
        await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
    except TimeoutError:
        return False
    finally:
        ns.watchers -= {woken.set}
    return True


def _portions(
    calls: list[Call], dropped: int, view: Callable[[Call], dict[str, Any]], pace: Pace
) -> Iterator[bytes]:
    """Return the events of these calls, in the pieces that are sent at once."""
    if dropped:
        yield f"event: dropped\ndata: {to_json({'dropped': dropped})}\n\n".encode()
    for at in range(0, len(calls), pace.slice):
        yield "".join(
            f"id: {call.id}\nevent: call\ndata: {to_json(view(call))}\n\n"
            for call in calls[at : at + pace.slice]
        ).encode()
