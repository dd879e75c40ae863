"""A client of HTTP/2 on a raw socket: requests by the `h2` library, and any frame that a test writes."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import hpack

from mockserver.http.h2.frames import FrameType, frame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, DATA = FrameType.HEADERS, FrameType.DATA
END = 0x1 | 0x4
"""END_STREAM and END_HEADERS."""


@dataclass
class Http2Answer:
    """One answer as it came. `reset` is the code of its RST_STREAM, None if there was none."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    informational: list[int] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(dict(self.headers)[":status"])

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    @property
    def is_over(self) -> bool:
        return self.ended or self.reset is not None


class Http2Client:
    """One connection. Every read fails after `timeout_s`. `acks`: what comes is acknowledged by window updates."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        timeout_s: float = 5,
        tls: ssl.SSLContext | None = None,
        settings: dict[int, int] | None = None,
        acks: bool = True,
    ) -> None:
        self.socket = socket.create_connection(address, timeout_s)
        if tls is not None:
            tls.set_alpn_protocols(["h2"])
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        config = h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self.acks = acks
        self.answers: dict[int, Http2Answer] = {}
        self.goaway: tuple[int, int, bytes] | None = None
        """Code, last stream and text."""
        self.is_closed = False
        self.pings = 0
        self.h2.initiate_connection()
        self._flush()

    def _flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def send(self, data: bytes) -> None:
        """Bytes that no library would send."""
        self.socket.sendall(data)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        ends: bool = True,
    ) -> int:
        """Send a request. Return its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Http2Answer()
        lines = [(":method", method), (":scheme", "http"), (":authority", "mock.test"), (":path", path)]
        self.h2.send_headers(stream, [*lines, *headers], end_stream=ends and body is None)
        self._flush()
        if body is not None:
            self.upload(stream, body, ends=ends)
        return stream

    def raw_request(self, lines: list[tuple[str, str]], *, flags: int = END) -> int:
        """Send these fields, whatever they are."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", "GET")], end_stream=True)  # the library's state
        self.h2.data_to_send()
        self.answers[stream] = Http2Answer()
        self.send(frame(HEADERS, flags, stream, hpack.Encoder().encode(lines)))
        return stream

    def upload(self, stream: int, body: bytes, *, ends: bool = True) -> None:
        """Send a body as the windows allow."""
        at = 0
        while at < len(body):
            room = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body) - at
            )
            if room:
                self.h2.send_data(stream, body[at : at + room])
                at += room
                self._flush()
            else:
                self.receive()
                if self.answers[stream].is_over:
                    return
        if ends:
            self.h2.end_stream(stream)
            self._flush()

    def receive(self) -> bool:
        """Read once. False at the end of the connection."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.is_closed = True
            return False
        for event in self.h2.receive_data(data):
            self._handle(event)
        self._flush_quietly()
        return True

    def _flush_quietly(self) -> None:
        try:
            self._flush()
        except OSError:
            self.is_closed = True

    def _handle(self, event: Any) -> None:
        answer = self.answers.get(getattr(event, "stream_id", None) or 0)
        match event:
            case h2.events.ResponseReceived():
                answer.headers = event.headers
            case h2.events.InformationalResponseReceived():
                answer.informational.append(int(dict(event.headers)[":status"]))
            case h2.events.DataReceived():
                answer.body += event.data
                if self.acks and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                answer.trailers = event.headers
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.StreamReset():
                if answer is not None:
                    answer.reset = int(event.error_code)
            case h2.events.ConnectionTerminated():
                self.goaway = (int(event.error_code), event.last_stream_id, event.additional_data or b"")
            case h2.events.PingAckReceived():
                self.pings += 1

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until it holds; fails at the end of the connection."""
        while not condition():
            if not self.receive():
                raise ConnectionError(f"closed: {self.goaway}")

    def answer(self, stream: int) -> Http2Answer:
        """The answer to that request, once it is over."""
        answer = self.answers[stream]
        self.until(lambda: answer.is_over)
        return answer

    def ask(self, *request: Any, **options: Any) -> Http2Answer:
        return self.answer(self.request(*request, **options))

    def ping(self) -> None:
        """Wait until everything that was sent before has been read."""
        seen = self.pings
        self.h2.ping(b"12345678")
        self._flush()
        self.until(lambda: self.pings > seen)

    def reset(self, stream: int, code: int = 8) -> None:
        self.h2.reset_stream(stream, code)
        self._flush()

    def ending(self) -> tuple[int, int, bytes] | None:
        """Read up to the end of the connection. Return its GOAWAY."""
        while self.receive():
            pass
        return self.goaway

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
