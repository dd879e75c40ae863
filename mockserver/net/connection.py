"""
One connection, on aiohttp's: its parser and its order of answers, with the lane in front.

Its parser stops behind every request. aiohttp's own reads on, and what is
malformed then takes the good requests before it along.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong, PayloadEncodingError
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_request import BaseRequest

from mockserver.engine.answers import problem_response
from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.http import Response
from mockserver.model.problem import problem
from mockserver.net.arrival import Arrival, TooSlow, WireLimits, without_traceback
from mockserver.net.encode import encode_head
from mockserver.net.lane import Lane, client_of, is_alone, sent_whole
from mockserver.net.outgoing import Wire
from mockserver.net.parser import Parser, Unsupported, ascii_line

log = logging.getLogger("mockserver")

MOST_WAITING = 1000
"""Pipelined requests that are read before those in front of them are answered."""


class Done(web.StreamResponse):
    """Tells aiohttp that everything has been written already, and whether the connection stays."""

    def __init__(self, connection: Connection, *, keep_alive: bool) -> None:
        super().__init__()
        self._connection = connection
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool | None:
        return self._stays and not self._connection.is_last

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
    message: the connection's task performs them, in their order. `between`
    says that the parser certainly stands between two requests. `wire` is the reply that
    is under way. `has_ended` says that the client sends nothing more; what it has asked is still answered.
    """

    __slots__ = (
        "_arrival", "_attempted", "_body", "_fresh", "_is_line_open", "_lane", "_last", "_limits", "_refused", "_turned_away", "begun", "between", "client_text",
        "has_ended", "served", "wire",
    )  # fmt: skip

    def __init__(
        self,
        manager: web.Server,
        lane: Lane | None,
        limits: WireLimits,
        refused: Counter[str],
        attempted: Callable[[str, Unsupported], None],
        **options: Any,
    ) -> None:
        """`attempted` is told of a client that tried to speak HTTP/2."""
        super().__init__(
            manager,
            max_line_size=limits.head_bytes,
            # Other than that of a line, so that an error says which it was.
            max_field_size=limits.head_bytes + 1,
            max_headers=limits.headers,
            **options,
        )
        self._lane = lane
        self._limits = limits
        self._refused = refused
        self._attempted = attempted
        self._turned_away = False
        self._arrival = Arrival(options["loop"], limits, self._too_slow)
        self.served = 0
        """Answers that were begun."""
        self._last = limits.requests - 1 if limits.requests else sys.maxsize
        self.begun: dict[int, tuple[Namespace, Call]] = {}
        self.between = True
        self._is_line_open = False
        self._fresh = True  # the task has been given nothing yet, and may not even have begun
        self.client_text = ""
        self.has_ended = False
        self.wire: Wire | None = None
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
        assert self._manager is not None
        if (
            isinstance(transport, asyncio.WriteTransport)
            and len(self._manager._connections) >= self._limits.connections  # noqa: SLF001  (`connections` copies them)
        ):
            self._turn_away(transport)
            return
        super().connection_made(transport)
        if isinstance(transport, asyncio.WriteTransport):
            # Drained is drained: a call counts as sent when nothing waits any more.
            transport.set_write_buffer_limits(high=0)
        self.client_text = client_of(transport)

    def _turn_away(self, transport: asyncio.WriteTransport) -> None:
        """Answers 503, whatever is asked."""
        self._turned_away = True
        self._refused["connections"] += 1
        limit = self._limits.connections
        detail = f"There are {limit} connections already. Close some, or start the server with a larger --max-connections"
        transport.write(_closing(problem_response(problem(503, "too-many", "Too many connections", detail))))
        transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._arrival.close()
        if self._turned_away:
            return
        for _, call in self.begun.values():
            if self._lane is not None:
                self._lane.left(call, is_drained=not self._paused)
        self.begun.clear()
        super().connection_lost(exc)
        self._body = self._keepalive_handle = None  # both lead back here, and circles wait for the collector

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp's says None: close
        """Whether the connection stays for now: something that was asked is still to be answered."""
        if self._turned_away or self.transport is None or self.transport.is_closing():
            return False
        if not self.has_ended:
            self.has_ended = True
            self._arrival.over()
            if self._is_body_open():
                self._body.set_exception(ConnectionResetError("the client has left"))
            for _, call in self.begun.values():
                if self._lane is not None:
                    self._lane.ended(call)
            if self.wire is not None:
                self.wire.client_ended()
        return bool(self.begun) or not self._is_idle()

    @property
    def is_last(self) -> bool:
        """Whether no request follows the one that is being answered."""
        return self.has_ended and not self._messages

    def _is_free(self) -> bool:
        """Nothing is under way or waiting, so that an answer written now is in its order."""
        waiter = self._waiter
        return (
            (self._fresh or (waiter is not None and not waiter.done()))
            and not self._messages
            and self.served < self._last
            and not self._paused
            and not self._upgraded
            and not self._close
            and not self._force_close
            and (self._body is None or self._body.is_eof())
        )

    def data_received(self, data: bytes) -> None:
        if self._is_line_open or (self.between and not data.isascii()):
            data = ascii_line(data)
        alone = data if self.between else b""
        lane = self._lane
        if lane is not None and self._is_free():
            if alone and self._answered_by(lane, data):
                return
            self._open_line(data)
            self.between = False
            self._mind(data, self._read_by, lane, data, alone)
        elif not self._turned_away:
            self._open_line(data)
            self.between = False
            self._mind(data, self._read_on, data, alone)

    def _open_line(self, data: bytes) -> None:
        """Notes whether the data, which are not read yet, end within a request line."""
        begins = self.between or self._is_line_open
        self._is_line_open = begins and b"\n" not in data.lstrip(b"\r\n")

    def _mind(self, data: bytes, read: Callable[..., bool], *arguments: Any) -> None:
        """Has it read, and sees to it that what has begun to come does so within its limits."""
        was_open = self._is_body_open()
        came = read(*arguments)
        if self._is_body_open():
            self._arrival.more_body()
        elif came or was_open or not data or self.between:
            self._arrival.over()
        elif not self._arrival.more_head(len(data)):
            self._arrival.over()
            self._refuse(
                "head", *_HEAD_TOO_LARGE, f"It is larger than {self._limits.head_bytes} bytes; see --max-head"
            )

    def _is_body_open(self) -> bool:
        return self._body is not None and not self._body.is_eof()

    def _too_slow(self) -> None:
        within = f"{self._limits.read_timeout_s:g} s"
        if self._is_body_open():
            self._refused["read_timeout"] += 1
            self._body.set_exception(TooSlow(within))
        elif self._is_idle():
            text = f"Its head was not in within {within}. Send it at once, or start the server with a longer --read-timeout"
            self._refuse("read_timeout", 408, "too-slow", "The request came too slowly", text)
        else:
            self.close()  # the answers before it go out first

    def _refuse(self, limit: str, status: int, kind: str, title: str, detail: str) -> None:
        """Answers what is no whole request, and closes the connection."""
        self._refused[limit] += 1
        if self.transport is not None and self._is_idle():
            self.transport.write(_closing(problem_response(problem(status, kind, title, detail))))
        self.close()
        if self.transport is not None:
            self.transport.close()

    def _is_idle(self) -> bool:
        """Nothing that came before waits for its answer."""
        return (self._fresh or self._waiter is not None) and not self._messages

    def _answered_by(self, lane: Lane, data: bytes) -> bool:
        try:
            return lane.answered(self, data)
        except Exception as why:  # noqa: BLE001  (as below)
            self._hand_over([(_ErrInfo(status=500, exc=why, message=""), EMPTY_PAYLOAD)], False, b"")
            return True

    def _read_by(self, lane: Lane, data: bytes, alone: bytes) -> bool:
        """
        Has the lane take what the parser finds; whether it found anything. `alone` is the data where a
        request begins with it.
        """
        bodiless = found = False
        ends_head = data.endswith(b"\r\n\r\n")
        while self._is_free():
            parser: Any = self._parser
            try:
                messages, upgraded, tail = parser.feed_data(data)
            except HttpProcessingError as why:
                messages = [
                    (_ErrInfo(status=400, exc=without_traceback(why), message=why.message), EMPTY_PAYLOAD)
                ]
                upgraded, tail = False, b""
            if not messages:
                # Nothing begun can stand behind a request without a body whose end is the end of the data.
                self.between = ends_head and bodiless
                return found
            found = True
            message, payload = messages[0]
            try:
                taken = not upgraded and lane.took(self, message, payload, alone)
            except Exception as why:  # noqa: BLE001  (a defect answers 500, as it does on the other way)
                messages, taken = [(_ErrInfo(status=500, exc=why, message=""), EMPTY_PAYLOAD)], False
            if not taken:
                self._hand_over(messages, upgraded, tail)
            if self.between or isinstance(messages[0][0], _ErrInfo):
                return True
            bodiless = payload is EMPTY_PAYLOAD
            data = alone = b""  # the parser goes on behind the request that has ended
        self._read_on(data, alone)
        return True

    def hand_over(self, data: bytes, ns: Namespace, call: Call) -> None:
        """Has the connection's task perform a call that was begun; the data are its request, and nothing else."""
        parser: Any = self._parser
        messages, upgraded, tail = parser.feed_data(data)
        self.begun[id(messages[0][0])] = ns, call
        self._hand_over(messages, upgraded, tail)

    def _hand_over(self, messages: Any, upgraded: bool, tail: bytes) -> None:
        """What the lane did not take goes aiohttp's way, as its own `data_received` would send it."""
        self._fresh = False
        for message in messages:
            self._request_count += 1
            self._messages.append(message)
            self._took(message[1])
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        self._upgraded = upgraded
        if upgraded and tail:
            self._message_tail = tail

    def _read_on(self, data: bytes, alone: bytes) -> bool:
        """
        Feeds the parser until it has nothing left: each time it goes on behind a request that has ended.
        Whether it found a request. `alone` is the data where a request begins with it.
        """
        found = False
        while True:
            before = self._request_count, self._is_body_open()
            super().data_received(data)
            if self._request_count != before[0]:
                found = True
                self._fresh = False
                message, payload = self._messages[-1]
                self._took(payload)
                if isinstance(message, _ErrInfo):
                    without_traceback(message.exc)
                    return True  # nothing follows: the parser would only say the same again
                if alone and not self._is_body_open() and is_alone(alone, message, sent_whole(payload)):
                    self.between = True
                    return True
            after = self._request_count, self._is_body_open()
            if after == before or self._buffer_paused or self._reading_paused or self._upgraded:
                return found
            data = alone = b""

    def _took(self, body: Any) -> None:
        """A request was read, or that what came is none: then the body that it should have been never ends."""
        if body is EMPTY_PAYLOAD and self._is_body_open():
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
        response = problem_response(self._problem(status, exc, message))
        if isinstance(exc, Unsupported) and exc.line is not None:
            self._attempted(self.client_text, exc)
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(_closing(response))
        return Done(self, keep_alive=False)

    def _problem(self, status: int, exc: BaseException | None, message: str | None) -> dict[str, Any]:
        if status >= 500:
            detail = "It is a defect of mockserver; its log says more"
            return problem(status, "defect", "The server failed on this request", detail)
        if isinstance(exc, Unsupported):
            return exc.document
        limits, text = self._limits, (message or "").split("\n")[0]
        if isinstance(exc, LineTooLong):
            self._refused["head"] += 1
            if exc.args[1] == limits.head_bytes:
                return problem(
                    414,
                    "target-too-long",
                    "The request target is too long",
                    f"It is longer than {limits.head_bytes} bytes; see --max-head",
                )
            return problem(
                *_HEAD_TOO_LARGE, f"A line of it is longer than {limits.head_bytes} bytes; see --max-head"
            )
        if text == "Too many headers received":
            self._refused["headers"] += 1
            return problem(
                431,
                "too-many-headers",
                "The request has too many headers",
                f"It has more than {limits.headers} header lines; see --max-headers",
            )
        return problem(status, "bad-request", "This is no HTTP request", text)


_HEAD_TOO_LARGE = (431, "head-too-large", "The head of the request is too large")


def _closing(response: Response) -> bytes:
    return encode_head(response, length=len(response.body), keep_alive=False) + response.body
