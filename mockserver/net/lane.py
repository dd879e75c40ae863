"""
The fast lane: a request that came whole in one read, and whose answer is ready,
is answered at once, without a task and without aiohttp's request objects. One
that came before, byte for byte, is not even parsed.

Everything else goes aiohttp's public way, in its order: a call that was begun
here is handed over with its message. What is written is the same bytes, made
by the same `encode`. The lane reaches into aiohttp's connection, so it is on
only for the versions that it was proved with; `/health` says whether it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import chain
from typing import Any, Protocol

import aiohttp
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from mockserver.engine.addressing import Addresser, UnknownNamespace, names_namespace
from mockserver.engine.engine import Engine
from mockserver.engine.known import Known
from mockserver.engine.namespace import Namespace
from mockserver.model.brief import Brief
from mockserver.model.call import Call
from mockserver.model.http import ADMIN, Headers, Request
from mockserver.model.plan import Outcome, is_brief
from mockserver.net.encode import encode, encode_at
from mockserver.net.known import KnownRequests
from mockserver.net.outgoing import was_taken
from mockserver.real_time import REAL

PROVED = ((3, 14), (3, 15))
"""From the first version of aiohttp, and below the second."""


def is_proved(version: str = aiohttp.__version__) -> bool:
    """Whether the lane was proved with this version of aiohttp."""
    numbers = version.split(".")
    try:
        minor = int(numbers[0]), int(numbers[1])
    except (ValueError, IndexError):
        return False
    return PROVED[0] <= minor < PROVED[1]


class Connection(Protocol):
    """What the lane needs of a connection: aiohttp's own attributes, and ours."""

    transport: Any
    client_text: str
    begun: dict[int, tuple[Namespace, Call]]
    between: bool
    has_ended: bool
    _paused: bool
    _parser: Any
    served: int
    _loop: Any
    _next_keepalive_close_time: float
    _keepalive_timeout: float

    @property
    def ssl_context(self) -> Any: ...

    async def _drain_helper(self) -> None: ...

    def eof_received(self) -> bool: ...

    def hand_over(self, data: bytes, ns: Namespace, call: Call) -> None: ...


_MOST_REMOVED = 64
"""Namespaces that known requests may hold on to after these were removed: to look through all of them takes milliseconds."""


class Lane:
    """Takes whole requests from a connection's parser. One for each listener of mocked requests."""

    def __init__(
        self, engine: Engine, addresser: Addresser, *, admin: bool, max_body_bytes: int, max_json_members: int
    ) -> None:
        self._engine = engine
        self._addresser = addresser
        self._admin = admin
        self._max_body_bytes = max_body_bytes
        self._max_json_members = max_json_members
        self._mono = engine.shared.mono
        self._known = KnownRequests()
        self._purged = 0
        self._second_s = 0

    # Requests that came before

    def answered(self, connection: Connection, data: bytes) -> bool:
        """Whether the bytes are a request that came before, and is dealt with. Else nothing has happened."""
        known = self._known.get(data) or self._known.find(data)
        if known is None:
            return False
        transport = connection.transport
        if transport is None or transport.is_closing():
            return False
        if not known.is_current:
            fresh = self._led_anew(known)
            if fresh is None:
                self._known.forget(data)
                return False
            self._known.replace(data, fresh)
            known = fresh
        arrived_s, arrived_at_s = REAL.time(), self._mono()
        if not self._answer(connection, transport, known, arrived_s, arrived_at_s):
            call = self._begin(connection, known, arrived_s, arrived_at_s)
            if _is_ready(call):
                self._send(connection, transport, call)
            else:
                connection.hand_over(data, known.ns, call)
        return True

    def _answer(
        self,
        connection: Connection,
        transport: asyncio.WriteTransport,
        known: Known,
        arrived_s: float,
        arrived_at_s: float,
    ) -> bool:
        """Whether it has an answer at once. Else nothing has happened."""
        if known.ns.outage is not None:
            return False
        second_s = int(arrived_s)
        if second_s == self._second_s:
            second_s = self._second_s
        else:
            self._second_s = second_s
        # One number that all of them share: of thousands of requests each object of its own is far away in memory.
        if known.wire_s is not second_s and known.fixed is not None:
            known.wire_s = second_s
            known.wire = encode_at(known.fixed, second_s)
        if known.wire_s is second_s:
            number = known.answer(arrived_at_s)
            transport.write(known.wire)
            brief: Brief = (
                known if known.stays else known.apart(),
                number,
                connection.client_text,
                arrived_s,
                arrived_at_s,
                self._mono(),
            )
            cost_bytes = known.cost_bytes
        else:
            if not known.looked:
                known.look()
            decided = known.decide(arrived_at_s)
            if decided is None:
                return False
            number, answered = decided
            transport.write(encode_at(answered[2], second_s))
            client = connection.client_text
            brief = (
                known if known.stays else known.apart(),
                number,
                client,
                arrived_s,
                arrived_at_s,
                self._mono(),
                *answered,
            )
            cost_bytes = answered[3]
        connection.served += 1
        connection._next_keepalive_close_time = arrived_at_s + connection._keepalive_timeout  # noqa: SLF001
        if connection._paused:  # noqa: SLF001
            self._close_when_drained(connection, known.reopen(brief))
        else:
            known.jot(brief, cost_bytes)
        return True

    def _begin(self, connection: Connection, known: Known, arrived_s: float, arrived_at_s: float) -> Call:
        """The engine's own way."""
        request = known.request.again(connection.client_text, arrived_s, arrived_at_s)
        return self._engine.begin(request, known.ns, known.held if known.looked else None)

    def _led_anew(self, known: Known) -> Known | None:
        """The same request in its namespace as that is now. None where it leads elsewhere."""
        request = known.request
        try:
            address = self._addresser.find(known.raw_path, request.headers if known.named else _NO_HEADERS)
        except UnknownNamespace:
            return None
        if (address.path, address.ns.name) != (request.path, request.namespace):
            return None
        return Known(request, known.raw_path, named=known.named, address=address)

    # Requests that were parsed

    def took(self, connection: Connection, message: Any, payload: Any, data: bytes) -> bool:
        """
        Whether it answered the message. A call that it only began stands in `connection.begun`.

        `data` is what was read, where that began with the message, else empty.
        """
        if connection._paused or message.__class__ is _ErrInfo or not _is_whole(message, payload):  # noqa: SLF001
            return False
        target = message.path
        if target[:1] != "/":
            return False
        raw_path = target if "?" not in target else target[: target.index("?")]
        if self._admin and raw_path.startswith(ADMIN):
            return False
        transport = connection.transport
        if transport is None or transport.is_closing():
            return False
        headers = Headers.of_blob(blob_of(message.raw_headers))
        named = names_namespace(message.headers)
        try:
            address = self._addresser.find(raw_path, headers if named else _NO_HEADERS)
        except UnknownNamespace:
            return False
        body = sent_whole(payload)
        if len(body) > self._max_body_bytes:
            return False
        plain = connection.ssl_context is None
        request = Request(
            message.method,
            target,
            headers,
            body,
            path=address.path,
            prefix=address.prefix,
            namespace=address.ns.name,
            scheme="http" if plain else "https",
            max_json_members=self._max_json_members,
        )
        known = Known(request, raw_path, named=named, address=address)
        known.stays = False
        if data and is_alone(data, message, body):
            connection.between = True
            if plain and self._known.comes_again(data):
                known.stays = True
                self._known.add(data, known)
                if self._engine.shared.removed - self._purged >= _MOST_REMOVED:
                    self._purged = self._engine.shared.removed
                    self._known.purge()
        arrived_s, arrived_at_s = REAL.time(), self._mono()
        if self._answer(connection, transport, known, arrived_s, arrived_at_s):
            connection._parser.message_consumed()  # noqa: SLF001
            return True
        call = self._begin(connection, known, arrived_s, arrived_at_s)
        if not _is_ready(call):
            connection.begun[id(message)] = address.ns, call
            return False
        connection._parser.message_consumed()  # noqa: SLF001
        self._send(connection, transport, call)
        return True

    def _send(self, connection: Connection, transport: asyncio.WriteTransport, call: Call) -> None:
        response = call.response
        assert response is not None
        call.first_byte_at_s = at_s = self._mono()
        transport.write(encode(response))
        connection.served += 1
        connection._next_keepalive_close_time = at_s + connection._keepalive_timeout  # noqa: SLF001
        if connection._paused:  # noqa: SLF001
            # The client reads slowly: the call is over when all of it has left.
            self._close_when_drained(connection, call)
            return
        call.last_byte_at_s = self._mono()
        self._engine.finish(call, Outcome.DONE)

    def _close_when_drained(self, connection: Connection, call: Call) -> None:
        transport = connection.transport
        connection.begun[id(call)] = call.home[0], call

        async def drained() -> None:
            try:
                await connection._drain_helper()  # noqa: SLF001
            except ConnectionError:
                return  # `connection_lost` has closed the call
            taken = not connection.has_ended or await was_taken(transport)
            if connection.begun.pop(id(call), None) is not None:
                if taken:
                    call.last_byte_at_s = self._mono()
                self._engine.finish(call, Outcome.DONE if taken else Outcome.CLIENT_LEFT)
            if connection.has_ended and not connection.eof_received():
                transport.close()

        task = connection._loop.create_task(drained())  # noqa: SLF001
        _KEPT.add(task)
        task.add_done_callback(_KEPT.discard)

    def ended(self, call: Call) -> None:
        """The client sends nothing more while this call waits for the connection's task, or for a slow reader."""
        self._engine.left(call)

    def left(self, call: Call, *, is_drained: bool) -> None:
        """The client has gone before the connection's task came to this call, or before all of it had left."""
        if is_drained and call.first_byte_at_s is not None and call.left_at_s is None:
            call.last_byte_at_s = self._mono()  # its last bytes left just before
            self._engine.finish(call, Outcome.DONE)
            return
        if call.left_at_s is None:
            call.left_at_s = self._mono()
        self._engine.finish(call, Outcome.CLIENT_LEFT)


_KEPT: set[asyncio.Task[None]] = set()
"""Tasks that wait for slow readers; the loop itself keeps only weak references."""


def _is_whole(message: Any, payload: Any) -> bool:
    """Whether nothing more of the request is to come, and nothing of it needs a conversation."""
    return (
        not message.should_close
        and not message.upgrade
        and message.method not in ("HEAD", "CONNECT")
        and message.version == _HTTP_1_1
        and (payload is EMPTY_PAYLOAD or (payload._eof and payload._exception is None))  # noqa: SLF001
    )


_HTTP_1_1 = aiohttp.HttpVersion11
_NO_HEADERS = Headers()


def sent_whole(payload: Any) -> bytes:
    """The body, as far as it has come."""
    return b"" if payload is EMPTY_PAYLOAD else b"".join(payload._buffer)  # noqa: SLF001  (read_nowait re-enters)


def is_alone(data: bytes, message: Any, body: bytes) -> bool:
    """
    Whether the data, which begin with the message, hold it and nothing else: then the parser stands between
    two requests. Undecided, and False, where a length is not said or a line ends otherwise than by CRLF.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end < 4 or len(data) != end + len(body) or message.chunked:
        return False
    head = data if not body else data[:end]
    return head.count(b"\n") == head.count(b"\r\n")


def _is_ready(call: Call) -> bool:
    """Whether its answer is one `Send`, and nobody is to be asked or told first."""
    plan = call.plan
    return not call.due and call.consult is None and is_brief(plan)


def blob_of(raw_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header lines as one text, as `Headers.of_blob` takes it. No name and no value can hold a NUL."""
    return b"\0".join(chain.from_iterable(raw_headers))


def client_of(transport: asyncio.BaseTransport) -> str:
    """`127.0.0.1:50312`, or `[::1]:50312`."""
    peer = transport.get_extra_info("peername")
    if not peer:
        return ""
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
