"""
Replies of methods whose client and server both send a stream.

The call is decided at the client's first message. Then the script of the reply receives and sends, message by message,
until its end, or the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.errors import FlawCollector, KeyPath, invalid, shown
from mockserver.grpc.conditions import message_condition
from mockserver.grpc.framing import MessageError, framed
from mockserver.grpc.pools import GrpcMethod
from mockserver.grpc.reading import FieldBudget
from mockserver.grpc.replies import Compiled, GrpcReply, check_item, each_of, message_writer, wait_s
from mockserver.matching.conditions import Condition
from mockserver.matching.matcher import compile_tree_condition
from mockserver.model.call import Call
from mockserver.model.coding import UnreadableBodyError
from mockserver.model.grpc import HTTP_STATUS, GrpcRequest, GrpcStatus, encode_text
from mockserver.model.http import Pairs, Request, Response
from mockserver.model.plan import Converse
from mockserver.model.problem import problem
from mockserver.redaction.redaction import mask_text
from mockserver.responses.faults import broken
from mockserver.responses.planner import Planned
from mockserver.schema.reply import ReplySpec
from mockserver.templating.templates import Scope, TemplateError

_KEYS = ("receive", "message", "delay", "each", "repeat")
MOST_KEPT = 1_000
"""Limit of the messages that templates see: the newest ones."""
MOST_KEPT_BYTES = 256 * 1024
"""Limit of the bytes of a conversation that the call log gets, of each side."""

Talk = Generator[float | bytes | None, bytes | MessageError | None, None]
"""Yields what to do: wait seconds, send bytes, or receive (None); gets a message, or None at the client's end."""
Answer = Callable[[Any], Iterator[bytes]]
"""Returns the messages that answer one message."""


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """
    One item of `messages`: wait for a message that fulfils `receive`, if that is set, then send what `pieces` makes, each
    after its delay. With `repeat`, again until the client ends its side.
    """

    receive: Condition | None
    pieces: Callable[[Scope], Iterator[tuple[float, bytes]]]
    repeat: bool


class GrpcConversation:
    """The messages of both sides of one call while it is open, within their limits."""

    __slots__ = ("_call", "_forms", "_method", "_request", "_sent", "headers", "is_over")

    def __init__(self, call: Call, method: GrpcMethod, headers: Pairs) -> None:
        request = call.request
        assert isinstance(request, GrpcRequest)
        self._call = call
        self._method = method
        self._request = request
        self._sent = bytearray()
        self._forms: list[Any] = []
        self.headers = headers
        self.is_over = False

    def received(self, data: bytes) -> Any:
        """Keep a message, and return it as JSON. Raises UnreadableBodyError."""
        form = self._method.input.json(data, FieldBudget(self._request.max_json_members))
        self._forms.append(form)
        del self._forms[:-MOST_KEPT]
        self._request.take(self._forms)
        return form

    def sent(self, data: bytes) -> bytes:
        """Keep what is sent."""
        if len(self._sent) + len(data) <= MOST_KEPT_BYTES:
            self._sent += data
        return data

    def fail(self, status: GrpcStatus, text: str) -> None:
        """End a call that can't go on."""
        self._call.error = problem(HTTP_STATUS[status], "grpc", "The stream could not be continued", text)
        self.end((("grpc-status", str(int(status))), ("grpc-message", encode_text(text))))

    def end(self, trailers: Pairs) -> None:
        """End with a status."""
        self.is_over = True
        call = self._call
        call.response = Response(200, self.headers, bytes(self._sent), trailers=trailers)
        if call.status is not None and call.home is not None:
            ns, counts, _ = call.home
            counts.answered(call)
            ns.tell()

    def cut(self) -> None:
        """End without a status: the client has gone."""
        if self._sent and not self.is_over:
            self._call.response = Response(200, self.headers, bytes(self._sent))
            self._call.status = 200


class ScriptedReply(GrpcReply):
    """A reply that receives while it answers."""

    __slots__ = ("_method", "_steps")

    def __init__(self, compiled: Compiled, method: GrpcMethod, steps: tuple[ScriptStep, ...]) -> None:
        self._method = method
        self._steps = steps
        super().__init__(compiled)

    def _is_fixed(self) -> bool:
        return False

    def _make(
        self,
        status: int | None,  # noqa: ARG002  (that of the base class)
        scope: Scope | None,
        chance: Any,
        request: Request | None = None,  # noqa: ARG002
    ) -> Planned:
        assert scope is not None
        headers = self.first_lines(scope)
        response = Response(200, headers)
        if self._fault is not None:
            return Planned(broken(self._fault, response, None, chunked=False), response, self.fault)
        wait = self._wait_s(scope, chance)

        def talk(call: Call) -> Talk:
            return self._talk(GrpcConversation(call, self._method, headers), scope, wait)

        return Planned((Converse(response, talk),), response)

    def _talk(self, conversation: GrpcConversation, scope: Scope, first_wait_s: float) -> Talk:
        if first_wait_s:
            yield first_wait_s
        try:
            for step in self._steps:
                yield from self._perform(step, conversation, scope)
            conversation.end(self.last_lines(scope))
        except UnreadableBodyError as error:
            conversation.fail(_status_of(error), str(error))
        except TemplateError as error:
            conversation.fail(GrpcStatus.INTERNAL, mask_text(f"{error.place or 'messages'}: {error.reason}"))
        finally:
            conversation.cut()

    @staticmethod
    def _perform(step: ScriptStep, conversation: GrpcConversation, scope: Scope) -> Talk:
        while True:
            while step.receive is not None:
                data = yield None
                if isinstance(data, MessageError):
                    raise data
                if data is None:
                    return  # the client sends nothing more
                if step.receive.holds(conversation.received(data)):
                    break
            for pause_s, piece in step.pieces(scope):
                if pause_s:
                    yield pause_s
                if piece:
                    yield conversation.sent(piece)
            if not step.repeat:
                return


def compile_script(
    spec: ReplySpec, method: GrpcMethod, names: frozenset[str] | None
) -> tuple[ScriptStep, ...]:
    """Compile `messages` whose items receive. Raises InvalidInputError with every flaw."""
    flaws = FlawCollector()
    steps = [
        flaws.attempt((), _step, item, ("messages", i), method, names, spec.raw)
        for i, item in enumerate(spec.messages or ())
    ]
    flaws.check()
    return tuple(steps)


def _step(
    item: object, path: KeyPath, method: GrpcMethod, names: frozenset[str] | None, raw: bool
) -> ScriptStep:
    written = check_item(item, path, _KEYS)
    pause_s = wait_s(written, path)
    receive = None
    if "receive" in written:
        where = (*path, "receive")
        receive = compile_tree_condition(message_condition(method.input, written["receive"], where), where)
    repeat = written.get("repeat", False)
    if not isinstance(repeat, bool):
        raise invalid((*path, "repeat"), f"expected true or false, got {shown(repeat)}", "Write true")
    if repeat and receive is None:
        raise invalid(
            (*path, "repeat"), "it would send without end", "Write `receive` too: receive: {} is any message"
        )
    if "each" in written:
        return ScriptStep(receive, each_of(written, path, method.output, names, pause_s), repeat)
    if "message" not in written:
        return ScriptStep(receive, lambda _: iter(((pause_s, b""),)), repeat)
    write, _ = message_writer(method.output, written["message"], (*path, "message"), names, raw=raw)
    return ScriptStep(receive, lambda scope: iter(((pause_s, framed(write(scope))),)), repeat)


def dialogue(headers: Pairs, method: GrpcMethod, answer: Answer) -> Planned:
    """Return the plan that answers each message by a function, until the client ends its side."""

    def talk(call: Call) -> Talk:
        conversation = GrpcConversation(call, method, headers)
        try:
            while True:
                data = yield None
                if data is None:
                    break
                if isinstance(data, MessageError):
                    raise data
                for message in answer(conversation.received(data)):
                    yield conversation.sent(framed(message))
            conversation.end((("grpc-status", "0"),))
        except UnreadableBodyError as error:
            conversation.fail(_status_of(error), str(error))
        finally:
            conversation.cut()

    response = Response(200, headers)
    return Planned((Converse(response, talk),), response)


def _status_of(error: UnreadableBodyError) -> GrpcStatus:
    return error.status if isinstance(error, MessageError) else GrpcStatus.RESOURCE_EXHAUSTED
