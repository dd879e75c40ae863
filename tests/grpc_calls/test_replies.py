"""Replies of gRPC routes, in memory: messages, statuses, details, trailers and sequences."""

from __future__ import annotations

import base64
import json

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from mockserver.model.grpc import trailer
from mockserver.model.plan import Break, Drip, Outcome, Send, Wait
from tests.support.engine import effects
from tests.support.grpc import HEAD, InMemoryGrpc, text

SEED = (
    HEAD
    + """
routes:
  - name: charge
    request: GRPC payments.v1.Payments/Charge
    effect: {kind: charge, amount: "{{ request.message.amount }}"}
    reply: [UNAVAILABLE, UNAVAILABLE, {message: {id: "ch_{{ call.number }}", amount: "{{ request.message.amount }}"}}]
"""
)


def test_a_call_fails_twice_and_then_succeeds() -> None:
    memory = InMemoryGrpc(SEED)

    calls = [memory.call("Charge", {"amount": 42}) for _ in range(3)]

    assert [call.grpc_status for call in calls] == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    assert [call.status for call in calls] == [200, 200, 200]
    assert memory.replies("Charge", calls[2]) == [
        {"id": "ch_3", "amount": 42, "currency": "CURRENCY_UNSPECIFIED", "lines": []}
    ]
    counts = memory.default.counts.routes["shop/charge"]
    assert counts.calls == 3
    assert counts.statuses == {"UNAVAILABLE": 2, "OK": 1}


def test_only_calls_that_succeed_have_the_effects_of_their_route() -> None:
    memory = InMemoryGrpc(SEED)

    for _ in range(3):
        memory.call("Charge", {"amount": 42})

    assert [(item["kind"], item["amount"]) for item in effects(memory.default)] == [("charge", 42)]


def test_a_status_without_a_message_is_among_the_headers() -> None:
    memory = InMemoryGrpc(SEED)

    call = memory.call("Charge", {})

    assert call.response is not None
    assert call.response.trailers == ()
    assert call.response.header("grpc-status") == "14"
    assert call.response.body == b""


def test_a_message_is_followed_by_its_status_in_trailers() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    reply: {message: {id: a}, headers: {x-first: "1"}, trailers: {x-last: "2"}}
"""
    )

    call = memory.call("Charge", {})

    assert call.response is not None
    assert call.response.header("x-first") == "1"
    assert call.response.header("grpc-status") is None
    assert call.response.trailers == (("grpc-status", "0"), ("x-last", "2"))
    assert isinstance(call.response.body, bytes)


def test_details_are_those_of_google_rpc() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    reply:
      status: RESOURCE_EXHAUSTED
      text: "wait, {{ request.message.order_id }}: 100%"
      details:
        - "@type": type.googleapis.com/google.rpc.RetryInfo
          retry_delay: "{{ '1.5s' }}"
"""
    )

    call = memory.call("Charge", {"order_id": "o-1"})

    assert call.response is not None
    data = trailer(call.response, "grpc-status-details-bin") or ""
    made = Status.FromString(base64.b64decode(data + "=" * (-len(data) % 4)))
    retry = RetryInfo()
    assert made.details[0].Unpack(retry)
    assert (made.code, made.message, retry.retry_delay.ToMilliseconds()) == (8, "wait, o-1: 100%", 1500)
    assert text(call) == "wait, o-1: 100%"
    assert trailer(call.response, "grpc-message") == "wait, o-1: 100%25"


def test_a_status_may_be_a_template() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    reply: {status: "{{ request.message.note }}"}
"""
    )

    named = memory.call("Charge", {"note": "NOT_FOUND"})
    numbered = memory.call("Charge", {"note": "5"})
    wrong = memory.call("Charge", {"note": "nothing"})

    assert (named.grpc_status, numbered.grpc_status) == ("NOT_FOUND", "NOT_FOUND")
    assert wrong.grpc_status == "INTERNAL"
    assert wrong.error is not None
    assert "'nothing' is not a gRPC status" in wrong.error["detail"]


def test_a_stream_sends_its_messages_with_their_delays_and_then_its_status() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Watch
    reply:
      messages:
        - {message: {id: a}}
        - {delay: 250ms, message: {id: "{{ request.message.order_id }}"}}
        - {each: [1, 2], message: {amount: "{{ item }}"}}
      status: ABORTED
"""
    )

    call = memory.start("Watch", {"order_id": "o-1"})

    step = call.plan[-1]
    assert isinstance(step, Drip)
    assert [wait_s for wait_s, _ in step.pieces] == [0, 0.25, 0, 0]
    assert [(item["id"], item["amount"]) for item in memory.replies("Watch", call)] == [
        ("a", 0), ("o-1", 0), ("", 1), ("", 2)
    ]  # fmt: skip
    assert call.response is not None
    assert call.response.trailers == (("grpc-status", "10"),)


def test_the_client_s_stream_is_decided_by_all_its_messages() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Upload
    match: {messages: {$length: 2, $contains: {amount: 5}}}
    reply:
      message: {count: "{{ request.messages | length }}", total: "{{ request.messages | sum('amount') }}"}
"""
    )

    call = memory.call("Upload", {"amount": 5}, {"amount": 7})
    missed = memory.call("Upload", {"amount": 5})

    assert memory.replies("Upload", call) == [{"count": 2, "total": 12}]
    assert missed.grpc_status == "UNIMPLEMENTED"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("reset", Outcome.RESET), ("close", Outcome.CLOSE), ("{kind: reset, after: headers}", Outcome.RESET)],
)
def test_faults_break_a_call(fault: str, outcome: Outcome) -> None:
    memory = InMemoryGrpc(
        HEAD
        + f"""
routes:
  - request: GRPC payments.v1.Payments/Charge
    reply: {{message: {{id: a}}, fault: {fault}}}
"""
    )

    call = memory.start("Charge", {})

    step = call.plan[-1]
    assert isinstance(step, Break)
    assert step.outcome is outcome


def test_a_fault_after_messages_sends_only_these() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Watch
    reply:
      messages: [{message: {id: a}}, {message: {id: b}}, {message: {id: c}}]
      fault: {kind: reset, after: 2 messages}
"""
    )

    call = memory.start("Watch", {})

    drip = call.plan[0]
    assert isinstance(drip, Drip)
    assert len(drip.pieces) == 2
    assert not drip.ended


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("503", "UNAVAILABLE"),
        ("{status: 429, text: slowly}", "RESOURCE_EXHAUSTED"),
        ("DATA_LOSS", "DATA_LOSS"),
    ],
)
def test_an_outage_has_the_status_of_the_same_meaning(reply: str, status: str) -> None:
    import yaml

    from mockserver.engine.outage import Outage, OutageSpec

    memory = InMemoryGrpc(SEED)
    data = {"reply": yaml.safe_load(reply)}
    memory.default.set_outage(Outage(OutageSpec.model_validate(data), data, None, memory.now_s))

    call = memory.call("Charge", {})

    assert call.grpc_status == status
    assert call.response is not None
    assert call.response.header("content-type") == "application/grpc"
    assert memory.default.counts.routes["shop/charge"].statuses == {status: 1}


def test_a_delayed_outage_still_waits() -> None:
    from mockserver.engine.outage import Outage, OutageSpec

    memory = InMemoryGrpc(SEED)
    data = {"reply": {"status": 503, "delay": "2s"}}
    memory.default.set_outage(Outage(OutageSpec.model_validate(data), data, None, memory.now_s))

    call = memory.start("Charge", {})

    assert isinstance(call.plan[0], Wait)
    assert isinstance(call.plan[1], Send)
    assert call.plan[1].response.header("grpc-status") == "14"


def test_policies_refuse_with_statuses_of_grpc() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - name: guarded
    request: GRPC payments.v1.Payments/Charge
    auth: {bearer: [s3cret]}
    limit: {rate: 1/m, burst: 1}
    reply: {message: {id: a}}
"""
    )

    calls = [memory.call("Charge", {}, **given) for given in ({}, *[{"authorization": "Bearer s3cret"}] * 2)]

    assert [call.grpc_status for call in calls] == ["UNAUTHENTICATED", "OK", "RESOURCE_EXHAUSTED"]
    assert calls[2].response is not None
    assert calls[2].response.header("retry-after") is None
    assert calls[2].response.header("grpc-retry-pushback-ms") == "60000"


def test_an_idempotency_key_replays_message_and_trailers() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    idempotency: {header: idempotency-key}
    reply: {message: {id: "{{ uuid() }}"}, trailers: {x-last: "1"}}
"""
    )

    first, second, other = (
        memory.call("Charge", {"amount": 1}, idempotency_key=key) for key in ("a", "a", "b")
    )

    assert second.replayed
    assert memory.replies("Charge", second) == memory.replies("Charge", first)
    assert memory.replies("Charge", other) != memory.replies("Charge", first)
    assert second.response is not None
    assert ("x-last", "1") in second.response.trailers


def test_a_failed_status_is_not_kept_for_an_idempotency_key() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    idempotency: {header: idempotency-key}
    reply: [UNAVAILABLE, {message: {id: a}}]
"""
    )

    calls = [memory.call("Charge", {}, idempotency_key="a") for _ in range(2)]

    assert [call.grpc_status for call in calls] == ["UNAVAILABLE", "OK"]


def test_routes_without_a_schema_answer_with_statuses() -> None:
    memory = InMemoryGrpc(
        """
routes:
  - request: GRPC any.Service/{method}
    reply: [UNAVAILABLE, {status: NOT_FOUND, text: "no {{ path.method }}"}]
"""
    )

    calls = [memory.call("", body=b"", path="/any.Service/Get") for _ in range(2)]

    assert [call.grpc_status for call in calls] == ["UNAVAILABLE", "NOT_FOUND"]
    assert text(calls[1]) == "no Get"


def test_a_route_for_any_method_answers_with_http() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: ANY /payments.v1.Payments/Charge
    reply: {status: 503, text: proxy}
"""
    )

    call = memory.call("Charge", {})

    assert (call.status, call.grpc_status, call.answer) == (503, None, 503)


def test_a_webhook_sees_the_status_and_the_message_of_the_reply() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    webhook: {url: "http://localhost:1/x", json: {status: "{{ reply.status }}", id: "{{ reply.json.id }}"}}
    reply: {message: {id: a}}
"""
    )

    call = memory.start("Charge", {})

    assert [item.delivery.body for item in call.due] == [b'{"status":"OK","id":"a"}']


def test_a_conversation_is_not_replayed_for_an_idempotency_key() -> None:
    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Chat
    idempotency: {header: idempotency-key}
    reply: {messages: [{receive: {}, message: {text: a}}]}
"""
    )

    calls = [memory.call("Chat", {}, idempotency_key="k") for _ in range(2)]

    assert [call.replayed for call in calls] == [False, False]


def test_an_outage_that_breaks_sends_no_part_of_a_response() -> None:
    from mockserver.engine.outage import Outage, OutageSpec

    memory = InMemoryGrpc(SEED)
    data = {"reply": {"status": 503, "text": "half", "fault": {"kind": "reset", "after": 2}}}
    memory.default.set_outage(Outage(OutageSpec.model_validate(data), data, None, memory.now_s))

    call = memory.start("Charge", {})

    assert [type(step) for step in call.plan] == [Break]
    assert call.answer == "reset"


def test_a_key_kept_over_a_restart_still_replays_its_trailers() -> None:
    from mockserver.persistence.parts import _key, _key_row

    memory = InMemoryGrpc(
        HEAD
        + """
routes:
  - request: GRPC payments.v1.Payments/Charge
    idempotency: {header: idempotency-key}
    reply: {message: {id: a}, trailers: {x-last: "1"}}
"""
    )
    call = memory.call("Charge", {}, idempotency_key="k")
    (kept,) = memory.default.memory.keys.answered()

    again = _key(json.loads(json.dumps(_key_row(kept))))

    assert again.answer.trailers == call.response.trailers == (("grpc-status", "0"), ("x-last", "1"))
    assert again.answer.body == call.response.body


def test_all_messages_of_a_stream_tell_calls_apart() -> None:
    from mockserver.attempts.likeness import body_fields

    memory = InMemoryGrpc(
        HEAD + "routes: [{request: GRPC payments.v1.Payments/Upload, reply: {message: {}}}]"
    )

    fields = body_fields(memory.call("Upload", {"amount": 5}, {"amount": 7}))

    assert (fields["message[0].amount"], fields["message[1].amount"]) == (5, 7)
