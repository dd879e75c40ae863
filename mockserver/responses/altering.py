"""Changes to a finished response: broken, slowed down, delayed, or replaced."""

from __future__ import annotations

from dataclasses import replace

from mockserver.model.http import Response
from mockserver.model.plan import Drip, Send, Step, Upgrade, Wait
from mockserver.responses.planner import Planned, Reply
from mockserver.responses.streams import Piece


def altered(planned: Planned, by: Reply) -> Planned:
    """
    Apply `by`, a reply in which nothing varies, to a response.

    With a status or a body it replaces the response. Otherwise its header lines, delay, throttle and fault are applied.
    Delays add up.
    """
    assert by.ready is not None
    if by.spec.has("status") or by.spec.body_kind is not None:
        return by.ready
    response = _with_lines(planned.response, by)
    if by.spec.fault is None and by.spec.throttle is None:
        steps = tuple(_of(step, response) for step in planned.plan)
    else:
        waits = tuple(step for step in planned.plan[:1] if isinstance(step, Wait))
        steps = (*waits, *by.sent(response, _pieces(planned)))
    own_waits = tuple(step for step in by.ready.plan[:1] if isinstance(step, Wait))
    return Planned((*own_waits, *steps), response, by.fault or planned.fault)


def _with_lines(response: Response, by: Reply) -> Response:
    assert by.ready is not None
    lines = by.ready.response.headers
    if not lines:
        return response
    names = {name.lower() for name, _ in lines}
    kept = [line for line in response.headers if line[0].lower() not in names]
    return Response(response.status, [*kept, *lines], response.body, response.reason)


def _of(step: Step, response: Response) -> Step:
    return replace(step, response=response) if isinstance(step, (Send, Drip, Upgrade)) else step


def _pieces(planned: Planned) -> tuple[Piece, ...] | None:
    """Return the pieces of a stream; None for a whole body, even if it was throttled."""
    for step in planned.plan:
        if isinstance(step, Drip) and step.chunked:
            return tuple(step.pieces)
    return None
