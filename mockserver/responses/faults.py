"""
Faults: a response cut into the part that is sent and the way it breaks. Pure; `http/` performs it.

A fault occurs before any byte unless `after` is headers, a number of body bytes, or of events.
"""

from __future__ import annotations

from dataclasses import replace

from mockserver.model.http import Response
from mockserver.model.http2_codes import HTTP2_CODES
from mockserver.model.plan import Break, Drip, Hang, Outcome, Plan, Raw, Send
from mockserver.responses.streams import Piece
from mockserver.schema.reply import FaultSpec

GARBAGE = bytes((i * 73 + 41) % 256 | 0x80 for i in range(64))
"""64 bytes that are not valid HTTP or UTF-8, and always the same."""

_BAD_CHUNK = b"ZZZ\r\nnot a chunk\r\n"

_ENDS: dict[str, tuple[Raw | Hang | Break, ...]] = {
    "reset": (Break("reset", Outcome.RESET),),
    "close": (Break("close", Outcome.CLOSE),),
    "truncate": (Break("truncate", Outcome.TRUNCATE),),
    "garbage": (Raw(GARBAGE), Break("close", Outcome.GARBAGE)),
    "malformed_chunk": (Raw(_BAD_CHUNK), Break("close", Outcome.MALFORMED_CHUNK)),
    "hang": (Hang(),),
    "no_window": (Hang(closes_window=True),),
}


def broken(fault: FaultSpec, response: Response, pieces: tuple[Piece, ...] | None, *, chunked: bool) -> Plan:
    """Return the steps of a broken response. `pieces` is the body if it is sent in pieces."""
    end = _ENDS[fault.kind]
    if fault.code is not None:
        end = (replace(end[0], code=HTTP2_CODES[fault.code]),)  # type: ignore[arg-type]  # of one Break
    after = fault.after
    if after is None:
        if fault.kind == "truncate":
            # Half of it, and at least one byte short of the promised length.
            half = len(response.body) // 2 if pieces is None else sum(len(data) for _, data in pieces) // 2
            return (_begun(response, pieces, half, chunked=chunked, short=True), *end)
        if fault.kind == "malformed_chunk":
            return (Drip(_without_length(response), (), chunked=True, ended=False), *end)
        return end
    if fault.kind == "malformed_chunk":
        response = _without_length(response)
    if fault.events is not None:
        # `pieces` has only those of these events.
        return (Drip(response, pieces or (), chunked=True, ended=False), *end)
    upto = 0 if after == "headers" else int(after)
    if fault.kind == "malformed_chunk":
        whole = ((0.0, response.body),) if pieces is None else pieces
        return (Drip(response, _first(whole, upto), chunked=True, ended=False), *end)
    return (_begun(response, pieces, upto, chunked=chunked, short=fault.kind == "truncate"), *end)


def _begun(
    response: Response, pieces: tuple[Piece, ...] | None, upto: int, *, chunked: bool, short: bool
) -> Send | Drip:
    if pieces is None:
        length = len(response.body)
        promise = upto + 1 if short and upto >= length else None
        return Send(response, upto=min(upto, length), promise=promise)
    if short and not chunked:
        upto = min(upto, len(response.body) - 1)
    return Drip(response, _first(pieces, upto), chunked=chunked, ended=False)


def _without_length(response: Response) -> Response:
    """Remove the length: the head must announce chunks."""
    headers = [(name, value) for name, value in response.headers if name.lower() != "content-length"]
    return Response(response.status, headers, response.body, response.reason)


def _first(pieces: tuple[Piece, ...], upto: int) -> tuple[Piece, ...]:
    """Return the pieces up to that total size, the last one cut."""
    kept: list[Piece] = []
    left = upto
    for wait_s, data in pieces:
        if left <= 0:
            break
        kept.append((wait_s, data[:left]))
        left -= len(data)
    return tuple(kept)
