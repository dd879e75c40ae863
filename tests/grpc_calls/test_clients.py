"""What grpcio gets, sync and async, with its own retries."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from mockserver.client.namespaces import Namespace
from mockserver.server import Server
from tests.grpc_calls.conftest import RETRIES, metadata
from tests.support.shell import run_command

CHARGE = "GRPC payments.v1.Payments/Charge"
Channels = Callable[..., grpc.Channel]


def failed(call: Callable[[], Any]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value


@pytest.mark.smoke
def test_a_client_retries_by_its_policy_until_it_succeeds(
    mock: Namespace, channel: Channels, payments: Any
) -> None:
    messages, services = payments
    route = mock.on(CHARGE, name="charge").reply(
        "UNAVAILABLE", grpc.StatusCode.UNAVAILABLE, {"message": messages.Charge(id="ch_1", amount=5)}
    )

    reply = services.PaymentsStub(channel(retries=True)).Charge(
        messages.ChargeRequest(amount=5), metadata=metadata(mock)
    )

    assert (reply.id, reply.amount) == ("ch_1", 5)
    assert mock.count(CHARGE) == mock.count(CHARGE, message={"amount": "5"}) == 3
    assert route.calls.statuses == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    listed = run_command("calls", CHARGE, "--status", "UNAVAILABLE", url=mock.url).stdout
    assert [line.split()[4] for line in listed.splitlines()[1:]] == ["UNAVAILABLE"] * 2
    route.assert_attempts(max=3, operations=1, after="retryable")
    (operation,) = mock.attempts()
    assert operation.statuses == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
    assert operation.why == "headers.grpc-previous-rpc-attempts counts it as the next attempt"
    assert mock.counts["routes"][route.id]["statuses"] == {"UNAVAILABLE": 2, "OK": 1}


async def test_the_async_client_retries_too(grpc_server: Server, mock: Namespace, payments: Any) -> None:
    messages, services = payments
    mock.on(CHARGE).reply("UNAVAILABLE", "UNAVAILABLE", message={"id": "a"})
    target = grpc_server.url.removeprefix("http://")
    options = [("grpc.service_config", json.dumps(RETRIES))]

    async with grpc.aio.insecure_channel(target, options=options) as opened:
        reply = await services.PaymentsStub(opened).Charge(messages.ChargeRequest(), metadata=metadata(mock))

    assert reply.id == "a"
    assert mock.count(CHARGE) == 3


def test_all_kinds_of_calls(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    stub = services.PaymentsStub(channel())
    mock.on("GRPC payments.v1.Payments/Watch").reply(
        messages=[{"message": {"id": "a"}}, {"delay": 0.01, "message": {"id": "b"}}], trailers={"x-end": "1"}
    )
    mock.on("GRPC payments.v1.Payments/Upload").reply(
        message={
            "count": "{{ request.messages | length }}",
            "total": "{{ request.messages | sum('amount') }}",
        }
    )
    mock.on("GRPC payments.v1.Payments/Chat").reply(
        messages=[{"receive": {}, "message": {"text": "{{ request.message.text }}!"}, "repeat": True}]
    )

    watched = stub.Watch(messages.WatchRequest(), metadata=metadata(mock))
    assert [item.id for item in watched] == ["a", "b"]
    assert ("x-end", "1") in watched.trailing_metadata()
    uploaded = stub.Upload(
        iter([messages.ChargeRequest(amount=amount) for amount in (1, 2, 3)]), metadata=metadata(mock)
    )
    assert (uploaded.count, uploaded.total) == (3, 6)
    chat = stub.Chat(iter([messages.ChatMessage(text=text) for text in "ab"]), metadata=metadata(mock))
    assert [item.text for item in chat] == ["a!", "b!"]
    assert chat.code() is grpc.StatusCode.OK
    call = mock.calls.last
    assert call.grpc is not None
    assert [item["text"] for item in call.grpc["messages"]] == ["a", "b"]
    assert [item["text"] for item in call.grpc["replies"]] == ["a!", "b!"]


def test_a_conversation_is_message_by_message(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on("GRPC payments.v1.Payments/Chat").reply(
        messages=[
            {"receive": {"text": "ping"}, "message": {"text": "pong"}},
            {"receive": {"number": {"$gt": 1}}, "message": {"number": "{{ request.message.number + 1 }}"}},
        ],
        status="ABORTED",
        text="bye",
    )
    received = threading.Semaphore(0)

    def questions() -> Any:
        yield messages.ChatMessage(text="ping")
        received.acquire(timeout=10)
        yield messages.ChatMessage(number=5)
        received.acquire(timeout=10)

    chat = services.PaymentsStub(channel()).Chat(questions(), metadata=metadata(mock))
    answers = []
    error = None
    try:
        for item in chat:
            answers.append((item.text, item.number))
            received.release()
    except grpc.RpcError as raised:
        error = raised

    assert answers == [("pong", 0), ("", 6)]
    assert error is not None
    assert (error.code(), error.details()) == (grpc.StatusCode.ABORTED, "bye")


def test_a_status_has_text_details_and_trailers(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on(CHARGE).reply(
        {
            "status": "FAILED_PRECONDITION",
            "text": "100% wrong\nü",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "NO",
                    "domain": "pay",
                    "metadata": {"a": "b"},
                }
            ],
            "trailers": {"x-more": "1", "x-raw-bin": "AAEC"},
        }
    )

    error = failed(
        lambda: services.PaymentsStub(channel()).Charge(messages.ChargeRequest(), metadata=metadata(mock))
    )

    assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "100% wrong\nü")
    trailers = dict(error.trailing_metadata())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, dict(info.metadata)) == ("NO", {"a": "b"})
    assert (trailers["x-more"], trailers["x-raw-bin"]) == ("1", b"\0\1\2")
    assert mock.calls.last.grpc is not None
    assert mock.calls.last.grpc["details"] == [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NO", "domain": "pay", "metadata": {"a": "b"}}
    ]  # fmt: skip
    assert mock.calls.last.grpc["text"] == "100% wrong\nü"


def test_a_deadline_and_a_cancellation_are_recorded(
    mock: Namespace, channel: Channels, payments: Any
) -> None:
    messages, services = payments
    opened = channel()
    grpc.channel_ready_future(opened).result(20)
    stub = services.PaymentsStub(opened)
    mock.on(CHARGE).reply(message={}, delay="30s")
    mock.on("GRPC payments.v1.Payments/Watch").reply(
        messages=[{"message": {"id": "a"}}, {"delay": "30s", "message": {}}]
    )

    error = failed(lambda: stub.Charge(messages.ChargeRequest(), timeout=1, metadata=metadata(mock)))
    watching = stub.Watch(messages.WatchRequest(), metadata=metadata(mock))
    assert next(watching).id == "a"
    watching.cancel()

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    mock.verify(CHARGE, times=1, within="5s")
    calls = mock.calls
    while any(call.outcome == "open" for call in calls):
        calls = mock.calls
    assert [call.outcome for call in calls] == ["client_left", "client_left"]
    assert calls[0].grpc is not None
    assert calls[1].grpc is not None
    assert 0 < calls[0].grpc["timeout_ms"] < 2000  # clients round it up
    assert calls[1].grpc["timeout_ms"] is None
    assert [item["id"] for item in calls[1].grpc["replies"]][:1] == ["a"]


@pytest.mark.parametrize(("pushback", "attempts"), [("150", 2), ("-1", 1)])
def test_a_pushback_is_followed_and_judged(
    pushback: str, attempts: int, mock: Namespace, channel: Channels, payments: Any
) -> None:
    messages, services = payments
    route = mock.on(CHARGE).reply(
        {"status": "UNAVAILABLE", "trailers": {"grpc-retry-pushback-ms": pushback}}, message={}
    )
    stub = services.PaymentsStub(channel(retries=True))

    if attempts == 1:
        failed(lambda: stub.Charge(messages.ChargeRequest(), metadata=metadata(mock)))
    else:
        stub.Charge(messages.ChargeRequest(), metadata=metadata(mock))

    assert route.call_count == attempts
    if attempts == 2:
        route.assert_attempts(honours=True)
        (operation,) = mock.attempts()
        assert operation.retry_after == "kept"
        assert operation.tries[1].asked_ms == 150


def test_a_pushback_that_is_ignored_is_found(mock: Namespace, channel: Channels, payments: Any) -> None:
    from mockserver.client.errors import VerificationFailed

    messages, services = payments
    route = mock.on(CHARGE).reply(
        {"status": "UNAVAILABLE", "trailers": {"grpc-retry-pushback-ms": "60000"}},
        {"status": "UNAVAILABLE", "trailers": {"grpc-retry-pushback-ms": "-1"}},
        {"message": {}},
    )
    stub = services.PaymentsStub(channel())
    for count in range(3):
        more = (("grpc-previous-rpc-attempts", str(count)),) if count else ()
        call = stub.Charge.future(messages.ChargeRequest(), metadata=metadata(mock, *more))
        assert call.code() is not None

    with pytest.raises(VerificationFailed) as found:
        route.assert_attempts(honours=True)

    assert "ignored grpc-retry-pushback-ms: 60000: the answer before asked to wait 60 s" in str(found.value)
    assert "ignored grpc-retry-pushback-ms: -1: the answer before asked not to retry" in str(found.value)

    with pytest.raises(VerificationFailed) as found:
        route.assert_attempts(after="retryable")

    assert "after UNAVAILABLE with grpc-retry-pushback-ms: -1, which asks not to retry" in str(found.value)
    assert "60000" not in str(found.value).splitlines()[0]


def test_compressed_messages_are_read(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on(CHARGE, message={"tags": {"$length": 1000}}).reply(message={"id": "a"})

    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        reply = services.PaymentsStub(channel()).Charge(
            messages.ChargeRequest(tags=["a"] * 1000), metadata=metadata(mock), compression=compression
        )
        assert reply.id == "a"
    sent = [call.request.headers["grpc-encoding"] for call in mock.calls]
    assert sent == ["gzip", "deflate"]
    assert all(len(call.request.body) < 1000 for call in mock.calls)


def test_a_message_over_the_limit_is_refused(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on(CHARGE).reply(message={})
    stub = services.PaymentsStub(channel(**{"grpc.max_send_message_length": -1}))

    large = failed(lambda: stub.Charge(messages.ChargeRequest(note="a" * (5 << 20)), metadata=metadata(mock)))
    huge = failed(lambda: stub.Charge(messages.ChargeRequest(note="a" * (20 << 20)), metadata=metadata(mock)))

    assert large.code() is huge.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "the limit is 4194304" in large.details()
    assert "--max-body" in huge.details()


def test_unknown_names_are_unimplemented_with_the_nearest(
    mock: Namespace, channel: Channels, payments: Any
) -> None:
    mock.on(CHARGE, message={"amount": 5}, name="five").reply(message={})
    messages, services = payments
    opened = channel()

    unknown = failed(lambda: opened.unary_unary("/payments.v1.Payments/Chrge")(b"", metadata=metadata(mock)))
    service = failed(lambda: opened.unary_unary("/pay.Payments/Charge")(b"", metadata=metadata(mock)))
    missed = failed(
        lambda: services.PaymentsStub(opened).Charge(
            messages.ChargeRequest(amount=6), metadata=metadata(mock)
        )
    )

    assert {error.code() for error in (unknown, service, missed)} == {grpc.StatusCode.UNIMPLEMENTED}
    assert "has no method 'Chrge'. Did you mean 'Charge'?" in unknown.details()
    assert "The schema has no service 'pay.Payments'." in service.details()
    assert "The nearest is runtime/five: message.amount: expected 5, got 6" in missed.details()
    assert [item.nearest[0]["route"] for item in mock.unmatched][-1] == "runtime/five"


def test_an_unknown_namespace_is_named(grpc_server: Server, channel: Channels) -> None:
    error = failed(
        lambda: channel().unary_unary("/a/b")(b"", metadata=(("x-mockserver-namespace", "nobody"),))
    )

    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert "nobody" in error.details()


def test_namespaces_are_apart(grpc_server: Server, mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    stub = services.PaymentsStub(channel())
    with grpc_server.namespace() as other:
        for ns in (mock, other):
            ns.on(CHARGE).reply("ABORTED", message={"id": ns.name})
        codes = [
            failed(lambda ns=ns: stub.Charge(messages.ChargeRequest(), metadata=metadata(ns))).code()
            for ns in (mock, other)
        ]
        ids = [stub.Charge(messages.ChargeRequest(), metadata=metadata(ns)).id for ns in (mock, other)]

        assert codes == [grpc.StatusCode.ABORTED] * 2
        assert ids == [mock.name, other.name]
        assert (mock.count(CHARGE), other.count(CHARGE)) == (2, 2)


def test_a_hundred_calls_at_once_are_exact(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on(CHARGE, name="charge").reply(
        {"status": "UNAVAILABLE", "times": 40},
        message={"id": "{{ call.number }}", "amount": "{{ request.message.amount }}"},
    )
    stub = services.PaymentsStub(channel())

    calls = [
        stub.Charge.future(messages.ChargeRequest(amount=amount), metadata=metadata(mock))
        for amount in range(100)
    ]
    codes = [call.code() for call in calls]

    assert codes.count(grpc.StatusCode.UNAVAILABLE) == 40
    done = [(amount, call.result()) for amount, call in enumerate(calls) if call.code() is grpc.StatusCode.OK]
    assert all(reply.amount == amount for amount, reply in done)
    assert sorted(int(reply.id) for _, reply in done) == list(range(41, 101))
    assert mock.count(CHARGE) == 100
    assert mock.counts["routes"]["runtime/charge"]["statuses"] == {"UNAVAILABLE": 40, "OK": 60}


def test_health_is_served_and_a_route_overrides_it(mock: Namespace, channel: Channels) -> None:
    def check(service: bytes = b"") -> bytes:
        data = b"\x0a" + bytes([len(service)]) + service if service else b""
        checked: bytes = channel().unary_unary("/grpc.health.v1.Health/Check")(data, metadata=metadata(mock))
        return checked

    assert check() == check(b"payments.v1.Payments") == b"\x08\x01"
    assert failed(lambda: check(b"other")).code() is grpc.StatusCode.NOT_FOUND
    assert mock.counts["automatic"] == 3
    mock.on("GRPC grpc.health.v1.Health/Check").reply(message={"status": "NOT_SERVING"})
    assert check() == b"\x08\x02"


def test_health_is_watched(mock: Namespace, channel: Channels) -> None:
    watch = channel().unary_stream("/grpc.health.v1.Health/Watch")(b"", metadata=metadata(mock))

    assert next(watch) == b"\x08\x01"
    watch.cancel()


def test_a_function_answers_a_call(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments

    def answer(request: Any) -> Any:
        amount = request.json()["amount"]
        return grpc.StatusCode.INVALID_ARGUMENT if amount < 0 else {"message": {"amount": amount * 2}}

    mock.on(CHARGE).reply(answer)
    stub = services.PaymentsStub(channel())

    assert stub.Charge(messages.ChargeRequest(amount=4), metadata=metadata(mock)).amount == 8
    error = failed(lambda: stub.Charge(messages.ChargeRequest(amount=-1), metadata=metadata(mock)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_dry_run_answers_a_message(mock: Namespace) -> None:
    mock.on(CHARGE, message={"amount": 5}, name="five").reply(
        message={"id": "{{ request.message.order_id }}"}
    )

    hit = mock.explain(CHARGE, message={"amount": "5", "order_id": "o-1"})
    miss = mock.explain(CHARGE, message={"amount": 6})

    assert hit["route"] == "runtime/five"
    assert hit["reply"]["grpc_status"] == "OK"
    assert json.loads(hit["reply"]["body"])[0]["id"] == "o-1"
    assert miss["route"] is None
    assert miss["candidates"][0]["differences"][0]["text"] == "message.amount: expected 5, got 6"


def test_an_outage_is_the_status_of_the_same_meaning(
    mock: Namespace, channel: Channels, payments: Any
) -> None:
    messages, services = payments
    mock.on(CHARGE).reply(message={})
    stub = services.PaymentsStub(channel())

    with mock.outage(429):
        error = failed(lambda: stub.Charge(messages.ChargeRequest(), metadata=metadata(mock)))

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    stub.Charge(messages.ChargeRequest(), metadata=metadata(mock))


def test_it_is_served_over_tls(tmp_path: Any, payments: Any) -> None:
    messages, services = payments
    scenario = tmp_path / "s.yaml"
    scenario.write_text("routes: [{request: GRPC payments.v1.Payments/Charge, reply: NOT_FOUND}]")
    server = Server(scenario, tls=True, tls_dir=str(tmp_path / "tls"))
    with server as client:
        assert client.url
        credentials = grpc.ssl_channel_credentials(server.ca_pem.encode())
        target = server.tls_url.removeprefix("https://").replace("127.0.0.1", "localhost")
        with grpc.secure_channel(target, credentials) as opened:
            error = failed(lambda: services.PaymentsStub(opened).Charge(messages.ChargeRequest()))

    assert error.code() is grpc.StatusCode.NOT_FOUND


def test_many_calls_do_not_wait_for_a_conversation(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on("GRPC payments.v1.Payments/Chat").reply(messages=[{"receive": {"text": "never"}}])
    mock.on(CHARGE).reply(message={})
    stub = services.PaymentsStub(channel())
    end = threading.Event()

    def open_stream() -> Any:
        yield messages.ChatMessage(text="a")
        end.wait(10)

    chat = stub.Chat(open_stream(), metadata=metadata(mock))
    for _ in range(20):
        stub.Charge(messages.ChargeRequest(), metadata=metadata(mock))
    end.set()

    assert list(chat) == []
    assert mock.count(CHARGE) == 20


def test_a_message_that_was_kept_in_part_says_so(mock: Namespace, channel: Channels, payments: Any) -> None:
    messages, services = payments
    mock.on(CHARGE).reply(message={})

    services.PaymentsStub(channel()).Charge(
        messages.ChargeRequest(note="a" * 100_000), metadata=metadata(mock)
    )

    call = mock.calls.last
    assert call.grpc is not None
    assert call.grpc["unreadable"] == "only the first 65536 bytes of the messages are kept"


async def test_a_client_that_opens_a_stream_and_leaves_is_recorded(
    grpc_server: Server, mock: Namespace, payments: Any
) -> None:
    _, services = payments
    async with grpc.aio.insecure_channel(grpc_server.url.removeprefix("http://")) as opened:
        call = services.PaymentsStub(opened).Chat(metadata=metadata(mock))
        await asyncio.wait_for(call.wait_for_connection(), 5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.read()

    calls = mock.calls
    while not calls or calls[0].outcome == "open":
        calls = mock.calls
    assert (calls[0].outcome, calls[0].request.complete) == ("client_left", False)
