"""
Forwarding of a real service's response: whole if it is processed first, else piece by piece.

The client's speed limits the service: the next piece is read after the last one was sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from mockserver.engine.answers import problem_response
from mockserver.http.outgoing import Wire
from mockserver.model.call import Call
from mockserver.model.framing import has_body
from mockserver.model.http import Response
from mockserver.model.plan import Forward, Outcome, Step
from mockserver.model.problem import problem
from mockserver.outbound.upstream import BrokenReplyError, UpstreamReply, broke_off

Perform = Callable[[Step, Wire], Awaitable[Outcome | None]]


async def pass_back(
    step: Forward, call: Call, reply: UpstreamReply, wire: Wire, *, perform: Perform
) -> Outcome | None:
    """
    Return the outcome, None if the response is complete; `Outcome.CLOSE` if it broke off and the client's connection is
    still to be closed.
    """
    if reply.pieces is not None and not step.whole_bytes:
        if step.came(reply.response):
            return await _streamed(step, call, reply, wire)
    else:
        step.came(await _whole(step, call, reply))
    for item in call.plan:
        outcome = await perform(item, wire)
        if outcome is not None:
            return outcome
    return None


async def _whole(step: Forward, call: Call, reply: UpstreamReply) -> Response:
    """Return the whole response; a problem if it fails, or exceeds the limit."""
    call.error = reply.error
    if reply.pieces is None:
        return reply.response
    head, body = reply.response, bytearray()
    try:
        async for piece in reply.pieces:
            body += piece
            if len(body) > step.whole_bytes:
                text = f"it is longer than {step.whole_bytes} bytes, and must be read whole"
                raise BrokenReplyError(text)  # noqa: TRY301
    except BrokenReplyError as error:
        call.error = problem(502, "upstream", f"{step.to} could not be forwarded", f"{error}")
        return problem_response(call.error)
    return Response(head.status, head.headers, bytes(body), head.reason)


async def _streamed(step: Forward, call: Call, reply: UpstreamReply, wire: Wire) -> Outcome | None:
    head = call.response
    assert head is not None
    assert reply.pieces is not None
    bodiless = wire.head_only or not has_body(head.status)
    await wire.respond(head, reply.length, b"", 0 if bodiless else reply.length)
    if bodiless:
        return None
    kept, length, digest = bytearray(), 0, hashlib.sha256()

    def note() -> None:
        """Store the part of the body that was received on the call."""
        call.response = Response(head.status, head.headers, bytes(kept), head.reason)
        call.reply_length = length
        call.reply_sha256 = digest.hexdigest()

    try:
        async for piece in reply.pieces:
            length += len(piece)
            digest.update(piece)
            kept += piece[: max(0, step.keep_bytes - len(kept))]
            if length == reply.length:
                note()  # before its last byte is sent: the call may be closed then
            await wire.send(piece, None if reply.length is None else reply.length - length)
    except BrokenReplyError as error:
        call.error = broke_off(step.to, error)
        return Outcome.CLOSE
    finally:
        note()
    if reply.length is None:
        await wire.end()
    return None
