"""gRPC calls in memory: an engine with the schema of tests/grpc_calls/payments.proto."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc_tools
from grpc_tools import protoc

from mockserver.engine.grpc_calls import method_of
from mockserver.engine.namespace import Namespace
from mockserver.grpc import writing
from mockserver.grpc.framing import framed, split
from mockserver.grpc.pools import GrpcMethod, GrpcSchema
from mockserver.model.call import Call
from mockserver.model.grpc import GrpcRequest, decode_text, trailer
from mockserver.model.http import Request
from mockserver.model.plan import Converse, Outcome
from tests.support.engine import InMemory

PROTO = Path(__file__).parents[1] / "grpc_calls" / "payments.proto"
HEAD = "grpc: {descriptor: payments.pb}\n"
SERVICE = "payments.v1.Payments"


@cache
def descriptor_set() -> bytes:
    """The descriptor set of payments.proto, made without a process of its own."""
    with TemporaryDirectory() as folder:
        output = Path(folder, "payments.pb")
        shipped = Path(grpc_tools.__file__).parent / "_proto"
        options = [f"-I{PROTO.parent}", f"-I{shipped}", "--include_imports", f"--descriptor_set_out={output}"]
        assert protoc.main(["protoc", *options, PROTO.name]) == 0
        return output.read_bytes()


class InMemoryGrpc(InMemory):
    """An engine whose scenarios have the file payments.pb beside them."""

    def __init__(self, scenarios: str | dict[str, str], **settings: Any) -> None:
        super().__init__(scenarios, files={"payments.pb": descriptor_set()}, **settings)

    @property
    def schema(self) -> GrpcSchema:
        return next(iter(self.default.scenarios())).schemas[0]

    def method(self, name: str) -> GrpcMethod:
        method = method_of(self.default, f"/{SERVICE}/{name}")
        assert method is not None
        return method

    def start(
        self,
        name: str,
        *messages: Any,
        body: bytes | None = None,
        path: str = "",
        ns: Namespace | None = None,
        **headers: str,
    ) -> Call:
        """A call that is under way. A message is JSON, or bytes that are sent as they are."""
        if body is None:
            kind = self.method(name).input
            datas = [item if isinstance(item, bytes) else writing.make(kind, item) for item in messages]
            body = b"".join(map(framed, datas))
        lines = [("content-type", "application/grpc"), ("te", "trailers")]
        lines += [(key.replace("_", "-"), value) for key, value in headers.items()]
        request = Request("POST", path or f"/{SERVICE}/{name}", lines, body)
        request.arrived_s = request.arrived_at_s = self.now_s
        return self.engine.begin(GrpcRequest.of(request), ns or self.default)

    def call(self, name: str, *messages: Any, outcome: Outcome = Outcome.DONE, **given: Any) -> Call:
        """A call that is over."""
        call = self.start(name, *messages, **given)
        call.first_byte_at_s = call.last_byte_at_s = self.now_s
        self.engine.finish(call, outcome)
        return call

    def replies(self, name: str, call: Call) -> list[Any]:
        assert call.response is not None
        return self.method(name).replies(call.response.body)

    def talk(self, name: str, call: Call, *messages: Any) -> list[Any]:
        """Run a conversation with these messages, the first of which decided the call. Return what is sent."""
        step = call.plan[-1]
        assert isinstance(step, Converse)
        method = self.method(name)
        waiting: list[Any] = [
            item if isinstance(item, Exception) else writing.make(method.input, item) for item in messages
        ]
        talk = step.talk(call)
        sent: list[Any] = []
        got = None
        try:
            while True:
                action = talk.send(got)
                got = None
                if action is None:
                    got = waiting.pop(0) if waiting else None
                elif isinstance(action, bytes):
                    sent += method.replies(action)
                else:
                    sent.append(action)
        except StopIteration:
            return sent


def status(call: Call) -> str | None:
    """The name of the status, also of a call that has not been sent."""
    return call.grpc_status


def text(call: Call) -> str:
    """The text of the status."""
    assert call.response is not None
    return decode_text(trailer(call.response, "grpc-message") or "")


def messages_in(body: bytes) -> list[bytes]:
    return split(body, "identity")
