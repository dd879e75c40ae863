"""aiohttp's own server, which answers by an engine: what the front is compared with."""

from __future__ import annotations

import asyncio

from aiohttp import web
from multidict import CIMultiDict

from mockserver.engine.engine import Engine
from mockserver.http.encoder import closes
from mockserver.http.listener import Listener
from mockserver.model.call import Call
from mockserver.model.http import Headers, Request, Response
from mockserver.model.plan import Drip, Outcome, Send, Wait
from mockserver.real_time import REAL


class ReferenceServer:
    """
    Makes connections whose requests aiohttp reads, and whose answers it writes. Between them stands nothing but
    the engine: a plan is a reply whole or in pieces, and the waits before it.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._engine: Engine = listener.engine
        self._server = web.Server(
            self._handle,
            auto_decompress=False,
            max_line_size=1 << 17,
            max_field_size=1 << 17,
            access_log=None,
        )

    def connection(self) -> asyncio.Protocol:
        return self._server()

    async def _handle(self, asked: web.BaseRequest) -> web.StreamResponse:
        assert asked.transport is not None
        body = await asked.read()
        lines = b"\n" + b"".join(b"%b: %b\r\n" % line for line in asked.raw_headers)
        request = Request.of_head(
            asked.method, asked.raw_path, Headers.of_head(lines), self._listener.peer_of(asked.transport),
            (asked.version.major, asked.version.minor), REAL.time(), REAL.monotonic(),
        )  # fmt: skip
        request.body = body
        ns = self._listener.namespace_of(request)
        if isinstance(ns, Response):
            return await _sent(asked, ns)
        assert ns is not None
        call = self._engine.begin(request, ns)
        for step in call.plan:
            match step:
                case Wait():
                    await asyncio.sleep(step.seconds)
                case Send():
                    self._first_byte(call, step.response)
                    answer = await _sent(asked, step.response)
                case Drip():
                    self._first_byte(call, step.response)
                    answer = await _dripped(asked, step)
                case _:
                    raise NotImplementedError(step)
        call.last_byte_at_s = REAL.monotonic()
        self._engine.finish(call, Outcome.DONE)
        return answer

    def _first_byte(self, call: Call, response: Response) -> None:
        call.first_byte_at_s = REAL.monotonic()
        self._engine.answered(call, response.status)


async def _sent(asked: web.BaseRequest, response: Response) -> web.StreamResponse:
    answer = web.Response(
        status=response.status, reason=response.reason, headers=_lines(response), body=response.body or None
    )
    if closes(response):
        answer.force_close()
    await answer.prepare(asked)
    await answer.write_eof()
    return answer


async def _dripped(asked: web.BaseRequest, step: Drip) -> web.StreamResponse:
    answer = web.StreamResponse(status=step.response.status, headers=_lines(step.response))
    if asked.version >= (1, 1):
        answer.enable_chunked_encoding()
    await answer.prepare(asked)
    for wait_s, data in () if asked.method == "HEAD" else step.pieces:
        await asyncio.sleep(wait_s)
        await answer.write(data)
    await answer.write_eof()
    return answer


def _lines(response: Response) -> CIMultiDict[str]:
    """The framing is aiohttp's to say."""
    framing = ("content-length", "transfer-encoding", "connection")
    return CIMultiDict([line for line in response.headers if line[0].lower() not in framing])
