"""
One open WebSocket connection: reads frames, performs the script of the reply, and records both.

`websockets` parses and writes frames; this module moves the bytes. A reader takes small pieces, so that a flood of frames
does not keep other connections waiting, and stops while the client does not read.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from mockserver.engine.answers import explained_error
from mockserver.engine.namespace import Namespace
from mockserver.errors import MockServerError
from mockserver.http.http1_wire import Http1Wire
from mockserver.model.plan import Break, Hang, Outcome, Upgrade
from mockserver.model.websocket import (
    Closed,
    CloseStep,
    DelayStep,
    FaultStep,
    FrameKind,
    Message,
    OnStep,
    ReceiveStep,
    RepeatStep,
    Rule,
    Script,
    SendStep,
    WebSocketRecord,
)
from mockserver.store.call_log import CallLog
from mockserver.templating.templates import TemplateError

_PIECE_BYTES = 1024
"""Bytes that are parsed at once: fewer than 200 frames."""
_TURN_S = 0.005
"""Time after which other connections get their turn."""
_MOST_UNREAD_BYTES = 256 * 1024
"""Received and not parsed; above it, reading pauses."""
MOST_WAITING = 1000
"""Messages that wait for a `receive`, or for an answer of a rule."""
_MOST_BEHIND_S = 10.0
"""Time without reading after which the connection is closed: a client that has disconnected is not noticed meanwhile."""
CLOSE_TIMEOUT_S = 5.0
"""Time for the client to answer a close frame, and to close the connection after an error."""
_LINGER_S = 0.5
"""After an error, where one direction can't be closed alone, as with TLS: the client waits for the end."""
_INVALID_FRAME = b"\xff\x07invalid"
"""All reserved bits are set, and the opcode is not defined."""

_log = logging.getLogger("mockserver.websocket")
_log.setLevel(logging.ERROR)  # the library logs each connection

Ending = Break | Hang


class ClosingError(MockServerError):
    """The script ends: the connection is closing."""


class Conversation:
    """
    A connection after its handshake. `most_bytes` limits a message of the client, and what waits to be sent.

    The connection passes what it receives to `received`, `ended` and `going_away`.
    """

    def __init__(self, step: Upgrade, wire: Http1Wire, most_bytes: int) -> None:
        call = wire.call
        assert call is not None
        self._step = step
        self._wire = wire
        self._transport = wire.transport
        self.call = call
        self._ns: Namespace
        self._log: CallLog
        self._ns, _, self._log = call.home
        self._most_bytes = most_bytes
        self._most_members = call.request.max_json_members
        self._protocol = ServerProtocol(state=State.OPEN, max_size=most_bytes, logger=_log)
        self.record = call.websocket = WebSocketRecord(step.response.header("sec-websocket-protocol"))
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[Ending] = loop.create_future()
        self._ending = Break("close", Outcome.DONE)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = asyncio.Lock()
        # What the client sends
        self._unread = bytearray()
        self._has_ended = False
        self._reading_paused = False
        self._woken = asyncio.Event()
        self._partial = bytearray()
        self._partial_kind = FrameKind.TEXT
        # Messages
        self._will_receive = True
        self._inbox: deque[Message] = deque()
        self._came = asyncio.Event()
        self._rules: list[Rule] = []
        self._matched: deque[tuple[Message, Script]] = deque()
        self._waiting_bytes = 0
        self._asked = asyncio.Event()
        self._room = asyncio.Event()
        self._ns.websockets[call.number] = self

    # What the connection passes on

    def received(self, data: bytes) -> None:
        """Take data of the client."""
        self._unread += data
        self._woken.set()
        if len(self._unread) > _MOST_UNREAD_BYTES and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def ended(self) -> None:
        """Take the end of the client's data."""
        self._has_ended = True
        self._woken.set()

    def going_away(self) -> None:
        """Close the connection, because the server stops."""
        self.close(1001, "the server stops")

    def over(self, by: str) -> None:
        """Take the end of the connection; `by` ended it if there was no close frame."""
        self._ns.websockets.pop(self.call.number, None)
        if self.record.closed is None:
            self.record.closed = Closed(by, 1006, "")

    # As the admin API uses it

    def push(self, kind: FrameKind, data: bytes) -> bool:
        """Send a message. Return whether it could be sent: not if the client does not read, or the connection is closing."""
        if not self._is_open or self._transport.get_write_buffer_size() > self._most_bytes:
            return False
        self._say(kind, data)
        return True

    def close(self, code: int, reason: str) -> bool:
        """Start the closing handshake. Return whether it had not started."""
        if not self._is_open:
            return False
        self._protocol.send_close(code, reason)
        self._note(FrameKind.CLOSE, _close_payload(code, reason), is_sent=True)
        self.record.closed = Closed("server", code, reason)
        self._flush()
        self._end_within(CLOSE_TIMEOUT_S)
        self._room.set()  # what waits is not answered any more
        self._ns.tell()
        return True

    # Life of the connection

    async def run(self) -> Ending:
        """
        Perform the script, and return how the connection is to be ended. Raises ConnectionError if the client has
        disconnected without a close frame.
        """
        self._start(self._read())
        self._start(self._perform_script())
        try:
            ending = await self._over
        except (asyncio.CancelledError, ConnectionError):  # the connection is lost
            if self.record.closed is None:
                if self._ending.outcome is Outcome.DONE:
                    raise
                self.record.closed = Closed("client", 1006, "")
            return self._ending
        else:
            if isinstance(ending, Hang) and self._has_ended:
                raise ConnectionResetError("the client has disconnected")
            return ending
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._over.done() and not self._over.cancelled():
                self._over.exception()  # it is known
            if self._reading_paused and not self._transport.is_closing():
                self._transport.resume_reading()

    @property
    def _is_open(self) -> bool:
        return (
            self._protocol.state is State.OPEN and not self._over.done() and not self._transport.is_closing()
        )

    @property
    def _is_behind(self) -> bool:
        """Whether too many messages wait for a `receive` or a rule to read more."""
        waiting = len(self._inbox) + len(self._matched)
        if waiting < MOST_WAITING and self._waiting_bytes <= self._most_bytes:
            return False
        return self._is_open

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.append(task)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ClosingError:
            pass
        except Exception as error:  # noqa: BLE001  (`run` raises it)
            if not self._over.done():
                self._over.set_exception(error)

    def _end(self, ending: Ending | None = None) -> None:
        if not self._over.done():
            self._over.set_result(ending or self._ending)

    def _end_within(self, seconds: float) -> None:
        """End the connection after that time, whatever the client does."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._end)

    # Frames of the client

    async def _read(self) -> None:
        """Parse what is received, until the connection is closed."""
        now_s = asyncio.get_running_loop().time
        while True:
            if not self._unread:
                if self._has_ended:
                    break
                self._woken.clear()
                await self._woken.wait()
                continue
            until_s = now_s() + _TURN_S
            while self._unread and now_s() < until_s and not self._over.done() and not self._is_behind:
                piece = bytes(self._unread[:_PIECE_BYTES])
                del self._unread[:_PIECE_BYTES]
                self._protocol.receive_data(piece)
                for event in self._protocol.events_received():
                    self._take(event)  # type: ignore[arg-type]  # without a handshake all events are frames
                self._look_for_error()
                self._flush()
            await self._drain()
            while self._is_behind:
                await self._wait_for_room()
            if self._reading_paused and len(self._unread) < _MOST_UNREAD_BYTES // 2:
                self._reading_paused = False
                self._transport.resume_reading()
        if self.record.closed is None:
            raise ConnectionResetError("the client has disconnected")
        self._end()

    async def _wait_for_room(self) -> None:
        """Wait until a message was handled. Close the connection if that takes too long: its client may be gone."""
        self._room.clear()
        try:
            async with asyncio.timeout(_MOST_BEHIND_S):
                await self._room.wait()
        except TimeoutError:
            self.close(1013, "the script does not handle the messages that wait")

    def _take(self, frame: Frame) -> None:
        opcode, data = frame.opcode, bytes(frame.data)
        if opcode is Opcode.PING or opcode is Opcode.PONG:
            self._note(FrameKind.PING if opcode is Opcode.PING else FrameKind.PONG, data, is_sent=False)
        elif opcode is Opcode.CLOSE:
            self._note(FrameKind.CLOSE, data, is_sent=False)
            if self.record.closed is None:
                rcvd = self._protocol.close_rcvd
                assert rcvd is not None
                self.record.closed = Closed("client", int(rcvd.code), rcvd.reason)
            self._flush()
            self._end()
        elif opcode is Opcode.CONT or not frame.fin:
            if opcode is not Opcode.CONT:
                self._partial_kind = FrameKind.TEXT if opcode is Opcode.TEXT else FrameKind.BINARY
            self._partial += data
            if frame.fin:
                whole, self._partial = bytes(self._partial), bytearray()
                self._take_message(self._partial_kind, whole)
        else:
            self._take_message(FrameKind.TEXT if opcode is Opcode.TEXT else FrameKind.BINARY, data)

    def _take_message(self, kind: FrameKind, data: bytes) -> None:
        if kind is FrameKind.TEXT:
            try:
                data.decode()
            except UnicodeDecodeError as error:
                if self._protocol.state is State.OPEN:
                    self._protocol.fail(1007, f"invalid UTF-8 at byte {error.start}")
                return
        self._note(kind, data, is_sent=False)
        self._ns.used_at_s = self._ns.shared.mono()
        self._ns.tell()
        if not self._is_open:
            return  # nothing is answered any more
        message = Message(kind, data, self._most_members)
        rule = next((rule for rule in self._rules if rule.holds(message)), None)
        if rule is not None:
            self._answer(message, rule)
        elif self._will_receive:
            self._inbox.append(message)
            self._waiting_bytes += len(data)
            self._came.set()

    def _look_for_error(self) -> None:
        """Close the connection after a frame that is not valid: the library has sent a close frame with the reason."""
        sent = self._protocol.close_sent
        if sent is None or self.record.closed is not None:
            return
        self._note(FrameKind.CLOSE, _close_payload(int(sent.code), sent.reason), is_sent=True)
        self.record.closed = Closed("server", int(sent.code), sent.reason)
        self._flush()
        # The client may still be sending: closing now would reset the connection, which could overtake the close frame.
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._end_within(CLOSE_TIMEOUT_S)
        else:
            self._end_within(_LINGER_S)
        self._ns.tell()

    # Frames of the server

    def _flush(self) -> None:
        data = b"".join(self._protocol.data_to_send())
        if data and not self._transport.is_closing():
            self._transport.write(data)

    async def _drain(self) -> None:
        """Wait until the client has read what was written, and let others run. Raises ConnectionError."""
        async with self._draining:
            await self._wire.drained()
        await asyncio.sleep(0)

    def _say(self, kind: FrameKind, data: bytes) -> None:
        if kind is FrameKind.TEXT:
            self._protocol.send_text(data)
        elif kind is FrameKind.BINARY:
            self._protocol.send_binary(data)
        else:
            self._protocol.send_ping(data)
        self._note(kind, data, is_sent=True)
        self._flush()
        self._ns.tell()

    def _note(self, kind: FrameKind, data: bytes, *, is_sent: bool) -> None:
        call = self.call
        at_s = self._ns.shared.mono()
        size_bytes = self.record.add(kind, data, at_s, is_sent=is_sent, keep=call.cost > 0)
        if size_bytes:
            self._log.grew(call, size_bytes)

    # The script

    async def _perform_script(self) -> None:
        await self._perform(self._step.script, None, later=False)
        self._expect(messages=False)

    def _expect(self, *, messages: bool) -> None:
        """Set whether messages wait for a `receive`; those that do are dropped if none follows."""
        self._will_receive = messages
        if not messages and self._inbox:
            self._waiting_bytes -= sum(len(message.data) for message in self._inbox)
            self._inbox.clear()
            self._room.set()

    async def _perform(
        self, script: Script, message: Message | None, *, later: bool | None = None
    ) -> Message | None:
        """
        Perform steps after that message. Return the last message. `later`: the script has a `receive` after these steps;
        None for the steps of a rule. Raises ClosingError and ConnectionError.
        """
        variables = self._step.variables
        for number, step in enumerate(script):
            if not self._is_open:
                raise ClosingError
            if later is not None:
                self._expect(messages=later or _receives(script[number:]))

            def scope(message: Message | None = message) -> object:
                return variables.scope(message)

            try:
                match step:
                    case SendStep():
                        self._say(step.kind, step.data(scope))
                        await self._drain()
                    case DelayStep():
                        await asyncio.sleep(step.seconds(scope, variables.chance))
                    case ReceiveStep():
                        message = await self._receive(step)
                    case RepeatStep():
                        after = None if later is None else later or _receives(script[number:])
                        message = await self._repeat(step, message, later=after)
                    case OnStep():
                        self._add_rules(step)
                    case CloseStep():
                        self.close(step.code, step.reason(scope).decode())
                    case FaultStep():
                        self._break(step.kind)
            except TemplateError as error:
                self._fail(error)
        return message

    async def _repeat(
        self, step: RepeatStep, message: Message | None, *, later: bool | None
    ) -> Message | None:
        done = 0
        while step.times is None or done < step.times:
            message = await self._perform(step.steps, message, later=later)
            done += 1
            await asyncio.sleep(0)
        return message

    async def _receive(self, step: ReceiveStep) -> Message:
        """Return the next message that matches; others are skipped. Raises ClosingError after the timeout."""
        try:
            async with asyncio.timeout(step.timeout_s):
                while True:
                    while not self._inbox:
                        self._came.clear()
                        await self._came.wait()
                    message = self._inbox.popleft()
                    self._waiting_bytes -= len(message.data)
                    self._room.set()
                    if step.holds(message):
                        return message
                    await asyncio.sleep(0)
        except TimeoutError:
            self.close(1008, f"no such message within {step.timeout_s:g} s")
            raise ClosingError from None

    def _add_rules(self, step: OnStep) -> None:
        """Add rules. They answer the messages that are waiting, too."""
        if not self._rules:
            self._start(self._answer_by_rules())
        self._rules += step.rules
        waiting, self._inbox = self._inbox, deque()
        self._waiting_bytes -= sum(len(message.data) for message in waiting)
        for message in waiting:
            rule = next((rule for rule in step.rules if rule.holds(message)), None)
            if rule is not None:
                self._answer(message, rule)
            else:
                self._inbox.append(message)
                self._waiting_bytes += len(message.data)

    def _answer(self, message: Message, rule: Rule) -> None:
        """Have a rule answer a message, after those before it."""
        self._matched.append((message, rule.steps))
        self._waiting_bytes += len(message.data)
        self._asked.set()

    async def _answer_by_rules(self) -> None:
        while True:
            while not self._matched:
                self._asked.clear()
                await self._asked.wait()
            message, steps = self._matched.popleft()
            self._waiting_bytes -= len(message.data)
            self._room.set()
            await self._perform(steps, message)
            await asyncio.sleep(0)

    def _break(self, kind: str) -> None:
        """Break the connection. Raises ClosingError."""
        self.call.fault = kind
        match kind:
            case "reset":
                self._end(Break("reset", Outcome.RESET))
            case "close":
                self._end(Break("close", Outcome.CLOSE))
            case "hang":
                self._end(Hang())
            case _:
                self._ending = Break("close", Outcome.INVALID_FRAME)
                self._transport.write(_INVALID_FRAME)
                self._expect(messages=False)
                self._end_within(CLOSE_TIMEOUT_S)
        if kind in ("reset", "close"):
            self.record.closed = Closed("server", 1006, "")
        raise ClosingError

    def _fail(self, error: TemplateError) -> None:
        """Close the connection because of a failed template. Raises ClosingError."""
        route = self._ns.route(self.call.route_id or "")
        if route is not None:
            self.call.error = explained_error(route, error)
        self.close(1011, "a template of the scenario failed")
        raise ClosingError


def _receives(script: Script) -> bool:
    """Whether a step waits for a message."""
    return any(
        isinstance(step, ReceiveStep) or (isinstance(step, RepeatStep) and _receives(step.steps))
        for step in script
    )


def _close_payload(code: int, reason: str) -> bytes:
    return b"" if code == 1005 else code.to_bytes(2, "big") + reason.encode()
