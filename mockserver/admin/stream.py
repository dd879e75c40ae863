"""`/calls/stream`: calls as they happen, to whoever follows them, at a pace that the mocked service hardly feels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from mockserver.admin.api import Answer, Asked, Table, room, to_json
from mockserver.admin.calls import BRIEF, FILTERS, REVEAL, SLICE, CallFilter, call_number, viewer
from mockserver.admin.views import brief_view
from mockserver.engine.following import Follower, Kept
from mockserver.engine.namespace import Namespace
from mockserver.model.brief import Brief, arrived_s_of, call_of, kind_of, number_of
from mockserver.model.call import Call
from mockserver.model.http import Response, StreamReply

table = Table()


@dataclass(frozen=True, slots=True)
class Pace:
    """
    At most `most` calls are told, `slice` at once, then it rests for `rest_s`. Where more than `queue` wait, the newest
    `sample` of them are told of each time, and the others counted, until no more than `most` come in that time: nobody
    could read them, and each costs the mock's throughput.
    """

    rest_s: float
    most: int
    queue: int
    sample: int
    slice: int = 50
    """Others have their turn after so many: half a millisecond of calls in brief."""


WHOLE = Pace(rest_s=0.02, most=50, queue=1000, sample=50, slice=SLICE)
"""2,500 a second."""
IN_BRIEF = Pace(rest_s=0.1, most=150, queue=1500, sample=20)
"""1,500 a second, of which each takes about 10 µs; while more come, 200."""
HEARTBEAT_S = 15.0


@table.add(
    "GET",
    "/calls/stream",
    "Completed calls as server-sent events; resumable by Last-Event-ID.",
    query={**FILTERS, **BRIEF, **REVEAL},
    content_type="text/event-stream",
    errors=(422, 429),
)
async def stream_calls(asked: Asked[Any]) -> Answer:
    wanted, view = CallFilter(asked), viewer(asked)
    there, most = len(asked.ns.followers), asked.services.settings.max_streams
    room(asked.engine, "streams", there, most, "readers of this namespace's stream", "Close some")
    start = call_number(asked.request.headers.get("last-event-id", ""))
    head = Response(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
    pace = IN_BRIEF if view is brief_view else WHOLE
    return StreamReply(head, _events(asked.ns, wanted, view, start, pace))


async def _events(
    ns: Namespace, wanted: CallFilter, view: Callable[[Call], dict[str, Any]], after: int | None, pace: Pace
) -> AsyncIterator[bytes]:
    """
    Every call once it is over. A reader who is too slow, or a service that is too fast, loses the oldest, and
    the reader hears how many. After a reset numbers go on, so nothing comes twice.
    """
    holds = None if wanted.is_any else Wanted(wanted)
    follower = Follower(ns, holds, most=pace.queue, sample=pace.sample, calm=pace.most)
    woken = False
    try:
        if after is not None:
            follower.resume(after)
        yield b": calls as they happen\n\n"
        while True:
            calls, dropped = follower.take(pace.most)
            if dropped:
                yield f"event: dropped\ndata: {to_json({'dropped': dropped})}\n\n".encode()
            for at in range(0, len(calls), pace.slice):
                yield b"".join(_event(kept, view) for kept in calls[at : at + pace.slice])
                await asyncio.sleep(0)
            if calls or dropped or woken:
                woken = False
                await asyncio.sleep(pace.rest_s)
                continue
            woken = await _something(ns)
            if not woken:
                yield b": still here\n\n"
    finally:
        follower.leave()


async def _something(ns: Namespace) -> bool:
    """Waits until something happens there, if not for ever. Nobody is told anything while nobody waits."""
    woken = asyncio.Event()
    ns.watchers.add(woken.set)
    try:
        await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
    except TimeoutError:
        return False
    finally:
        ns.watchers.discard(woken.set)
    return True


def _event(kept: Kept, view: Callable[[Call], dict[str, Any]]) -> bytes:
    # Made for this, and not in the record's stead: whoever follows leaves nothing behind there.
    call = call_of(kept) if isinstance(kept, tuple) else kept
    return f"id: {call.id}\nevent: call\ndata: {to_json(view(call))}\n\n".encode()


class Wanted:
    """A filter that calls in brief pass or not by their kind, which is looked at once."""

    def __init__(self, wanted: CallFilter) -> None:
        self._wanted = wanted
        self._kinds: dict[Any, bool] = {}

    def __call__(self, kept: Kept) -> bool:
        if not isinstance(kept, tuple):
            return self._wanted.holds(kept)
        kind = kind_of(kept)
        fits = self._kinds.get(kind)
        if fits is None:
            fits = self._looked(kind, kept)
        return fits and self._wanted.is_since(number_of(kept), arrived_s_of(kept))

    def _looked(self, kind: Any, kept: Brief) -> bool:
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()  # they keep their requests in memory
        fits = self._kinds[kind] = self._wanted.fits(call_of(kept))
        return fits


MOST_KINDS = 1000
