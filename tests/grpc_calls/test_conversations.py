"""Calls whose two sides send streams, in memory."""

from __future__ import annotations

from mockserver.grpc.framing import MessageError
from mockserver.model.grpc import GrpcRequest, GrpcStatus, trailer
from mockserver.model.plan import Converse, Drip
from tests.support.grpc import HEAD, InMemoryGrpc

CHAT = (
    HEAD
    + """
routes:
  - name: chat
    request: GRPC payments.v1.Payments/Chat
    reply:
"""
)


def test_a_route_echoes_each_message() -> None:
    memory = InMemoryGrpc(
        CHAT + '      messages: [{receive: {}, message: {text: "{{ request.message.text }}!"}, repeat: true}]'
    )
    call = memory.start("Chat", {"text": "a"})

    sent = memory.talk("Chat", call, {"text": "a"}, {"text": "b"})

    assert [item["text"] for item in sent] == ["a!", "b!"]
    assert call.response is not None
    assert call.response.trailers == (("grpc-status", "0"),)
    assert [item["text"] for item in memory.replies("Chat", call)] == ["a!", "b!"]


def test_a_script_waits_for_a_message_and_skips_others() -> None:
    memory = InMemoryGrpc(
        CHAT
        + """
      messages:
        - {message: {text: hello}}
        - {receive: {number: {$gt: 5}}, delay: 100ms, message: {number: "{{ request.message.number }}"}}
        - {receive: {text: bye}}
      status: ABORTED
      text: "{{ request.messages | length }} received"
"""
    )
    call = memory.start("Chat", {"number": 1})

    sent = memory.talk("Chat", call, {"number": 1}, {"number": 7}, {"text": "no"}, {"text": "bye"})

    assert [item if isinstance(item, float) else (item["text"], item["number"]) for item in sent] == [
        ("hello", 0), 0.1, ("", 7)
    ]  # fmt: skip
    assert call.response is not None
    assert trailer(call.response, "grpc-status") == "10"
    assert trailer(call.response, "grpc-message") == "4 received"


def test_the_end_of_the_client_ends_what_waits() -> None:
    memory = InMemoryGrpc(
        CHAT + "      messages: [{receive: {text: never}, message: {text: a}}, {message: {text: b}}]"
    )
    call = memory.start("Chat", {"number": 1})

    assert [item["text"] for item in memory.talk("Chat", call, {"number": 1})] == ["b"]


def test_the_first_message_decides_the_call() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Chat
    match: {message: {text: a}}
    reply: UNAVAILABLE
  - request: GRPC payments.v1.Payments/Chat
    reply: {messages: [{message: {text: b}}]}
"""
    )

    assert memory.call("Chat", {"text": "a"}).grpc_status == "UNAVAILABLE"
    plan = memory.start("Chat", {"text": "x"}).plan
    assert [type(step) for step in plan] == [Drip]


def test_a_message_that_can_t_be_read_ends_a_conversation() -> None:
    memory = InMemoryGrpc(CHAT + "      messages: [{receive: {}, message: {text: a}, repeat: true}]")
    call = memory.start("Chat", {"text": "a"})

    memory.talk("Chat", call, {"text": "a"}, MessageError(GrpcStatus.RESOURCE_EXHAUSTED, "too large"))

    assert call.response is not None
    assert trailer(call.response, "grpc-status") == "8"
    assert call.error is not None
    assert call.error["detail"] == "too large"


def test_a_template_that_fails_ends_a_conversation_with_its_reason() -> None:
    memory = InMemoryGrpc(
        CHAT + '      messages: [{receive: {}, message: {number: "{{ request.message.text }}"}}]'
    )
    call = memory.start("Chat", {"text": "x"})

    memory.talk("Chat", call, {"text": "x"})

    assert call.response is not None
    assert trailer(call.response, "grpc-status") == "13"
    assert call.error is not None
    assert "expected an integer, got 'x'" in call.error["detail"]


def test_a_client_that_leaves_keeps_what_was_sent() -> None:
    memory = InMemoryGrpc(CHAT + "      messages: [{receive: {}, message: {text: a}, repeat: true}]")
    call = memory.start("Chat", {"text": "a"})
    step = call.plan[0]
    assert isinstance(step, Converse)
    talk = step.talk(call)
    talk.send(None)
    talk.send(memory.method("Chat").input.make(text="a").SerializeToString())

    talk.close()

    assert [item["text"] for item in memory.replies("Chat", call)] == ["a"]
    assert call.grpc_status is None


def test_a_conversation_keeps_the_newest_messages_for_templates() -> None:
    memory = InMemoryGrpc(
        CHAT
        + '      messages: [{receive: {}, repeat: true}, {message: {number: "{{ request.messages | length }}"}}]'
    )
    call = memory.start("Chat", {})
    assert isinstance(call.request, GrpcRequest)

    sent = memory.talk("Chat", call, *[{"number": i} for i in range(1_500)])

    assert [item["number"] for item in sent if not isinstance(item, float)] == [1_000]
