"""
One connection, on aiohttp's: its parser and its order of answers, with the lane in front.

Its parser stops behind every request. aiohttp's own reads on, and what is
malformed then takes the good requests before it along.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_request import BaseRequest

from mockserver.engine.answers import problem_response
from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.problem import problem
from mockserver.net.encode import encode_head
from mockserver.net.lane import Lane, client_of
from mockserver.net.parser import Parser

log = logging.getLogger("mockserver")

MOST_WAITING = 1000
"""Pipelined requests that are read before those in front of them are answered."""


class Done(web.StreamResponse):
    """Tells aiohttp that everything has been written already, and whether the connection stays."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool | None:
        return self._stays

    @property
    def prepared(self) -> bool:
        return True

    async def prepare(self, request: BaseRequest) -> None:  # noqa: ARG002
        return None

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002
        return None


class Connection(RequestHandler):
    """
    aiohttp's connection, with a write buffer that counts as drained only when it is empty.

    `begun` holds the calls that the lane began and could not finish, by their
    message: the connection's task performs them, in their order.
    """

    __slots__ = ("_body", "_lane", "begun", "client_text")

    def __init__(self, manager: web.Server, lane: Lane | None, **options: Any) -> None:
        super().__init__(manager, **options)
        self._lane = lane
        self.begun: dict[int, tuple[Namespace, Call]] = {}
        self.client_text = ""
        self._body: Any = None
        self._parser = Parser(
            self,
            options["loop"],
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=options["auto_decompress"],
            max_msg_queue_size=1,
        )
        # Past the queue's size nothing more is read, and then nobody sees that the client has left.
        self._max_msg_queue_size = MOST_WAITING
        self._msg_queue_resume_size = MOST_WAITING // 2

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(transport, asyncio.WriteTransport):
            # Drained is drained: a call counts as sent when nothing waits any more.
            transport.set_write_buffer_limits(high=0)
        self.client_text = client_of(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        for _, call in self.begun.values():
            if self._lane is not None:
                self._lane.left(call)
        self.begun.clear()
        super().connection_lost(exc)
        self._body = self._keepalive_handle = None  # both lead back here, and circles wait for the collector

    def _is_free(self) -> bool:
        """Nothing is under way or waiting, so that an answer written now is in its order."""
        waiter = self._waiter
        return (
            waiter is not None
            and not waiter.done()
            and not self._messages
            and not self._paused
            and not self._upgraded
            and not self._close
            and not self._force_close
            and (self._body is None or self._body.is_eof())
        )

    def data_received(self, data: bytes) -> None:
        lane = self._lane
        parser: Any = self._parser
        while lane is not None and self._is_free():
            try:
                messages, upgraded, tail = parser.feed_data(data)
            except HttpProcessingError as why:
                messages = [(_ErrInfo(status=400, exc=why, message=why.message), EMPTY_PAYLOAD)]
                upgraded, tail = False, b""
            if not messages:
                return
            try:
                taken = not upgraded and lane.took(self, *messages[0])
            except Exception as why:  # noqa: BLE001  (a defect answers 500, as it does on the other way)
                messages, taken = [(_ErrInfo(status=500, exc=why, message=""), EMPTY_PAYLOAD)], False
            if not taken:
                self._hand_over(messages, upgraded, tail)
            if isinstance(messages[0][0], _ErrInfo):
                return
            data = b""  # the parser goes on behind the request that has ended
        self._read_on(data)

    def _hand_over(self, messages: Any, upgraded: bool, tail: bytes) -> None:
        """What the lane did not take goes aiohttp's way, as its own `data_received` would send it."""
        for message in messages:
            self._request_count += 1
            self._messages.append(message)
            self._took(message)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        self._upgraded = upgraded
        if upgraded and tail:
            self._message_tail = tail

    def _read_on(self, data: bytes) -> None:
        """Feeds the parser until it has nothing left: each time it goes on behind a request that has ended."""
        while True:
            before = self._request_count, self._body is not None and not self._body.is_eof()
            super().data_received(data)
            if self._request_count != before[0]:
                self._took(self._messages[-1])
                if isinstance(self._messages[-1][0], _ErrInfo):
                    return  # nothing follows: the parser would only say the same again
            after = self._request_count, self._body is not None and not self._body.is_eof()
            if after == before or self._buffer_paused or self._reading_paused or self._upgraded:
                return
            data = b""

    def _took(self, message: Any) -> None:
        """A request was read, or that what came is none: then the body that it should have been never ends."""
        body = message[1]
        if body is EMPTY_PAYLOAD and self._body is not None and not self._body.is_eof():
            self._body.set_exception(PayloadEncodingError("it is no valid chunked body"))
        self._body = None if body is EMPTY_PAYLOAD else body

    def handle_error(
        self,
        request: BaseRequest,  # noqa: ARG002  (aiohttp's signature)
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500 and exc is not None:
            log.error("a request could not be answered", exc_info=exc)
        title = "This is no HTTP request" if status == 400 else "The server failed on this request"
        detail = (
            (message or "").split("\n")[0]
            if status == 400
            else "It is a defect of mockserver; its log says more"
        )
        response = problem_response(
            problem(status, "bad-request" if status < 500 else "defect", title, detail)
        )
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(
                encode_head(response, length=len(response.body), keep_alive=False) + response.body
            )
        return Done(keep_alive=False)
