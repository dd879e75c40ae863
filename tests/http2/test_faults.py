"""Each fault in its form of HTTP/2: the frames that come, what becomes of other streams, and the recorded call."""

import pytest
from support.http2 import Http2Client

from mockserver.model.http2_codes import Http2Code

pytestmark = pytest.mark.in_memory  # a server with a store refuses HTTP/2
SCENARIO = """
routes:
  - {request: GET /fine, reply: {text: fine}}
  - {request: GET /slow, reply: {text: slow, delay: 10m}}
  - {request: POST /upload, reply: {text: taken}}
  - {request: GET /reset, reply: {text: "0123456789", fault: reset}}
  - {request: GET /reset-headers, reply: {text: "0123456789", fault: {kind: reset, after: headers}}}
  - {request: GET /reset-4, reply: {text: "0123456789", fault: {kind: reset, after: 4, code: CANCEL}}}
  - {request: GET /refused, reply: [{fault: {kind: reset, code: REFUSED_STREAM}}, {text: fine}]}
  - {request: GET /close, reply: [{fault: close}, {text: fine}]}
  - {request: GET /close-4, reply: {text: "0123456789", fault: {kind: close, after: 4, code: ENHANCE_YOUR_CALM}}}
  - {request: GET /truncate, reply: {text: "0123456789", fault: truncate}}
  - {request: GET /truncate-events, reply: {events: [one, two], fault: {kind: truncate, after: 1 events}}}
  - {request: GET /garbage, reply: {text: "0123456789", fault: garbage}}
  - {request: GET /chunk, reply: {text: "0123456789", fault: malformed_chunk}}
  - {request: GET /hang, reply: {text: "0123456789", fault: hang}}
  - {request: GET /hang-4, reply: {text: "0123456789", fault: {kind: hang, after: 4}}}
  - {request: GET /no-window, reply: {text: "0123456789", fault: no_window}}
"""


@pytest.fixture
def server(serving):
    """A hang ends at its limit."""
    return serving(SCENARIO, hang_limit_s=0.02)


@pytest.fixture
def client(server):
    with Http2Client(server.address) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "body", "code", "outcome"),
    [
        ("/reset", None, b"", Http2Code.INTERNAL_ERROR, "reset"),
        ("/reset-headers", 200, b"", Http2Code.INTERNAL_ERROR, "reset"),
        ("/reset-4", 200, b"0123", Http2Code.CANCEL, "reset"),
        ("/refused", None, b"", Http2Code.REFUSED_STREAM, "reset"),
        ("/truncate-events", 200, b"data: one\n\n", None, "truncate"),
        ("/hang", None, b"", Http2Code.INTERNAL_ERROR, "close"),
        ("/hang-4", 200, b"0123", Http2Code.INTERNAL_ERROR, "close"),
        ("/no-window", None, b"", Http2Code.INTERNAL_ERROR, "close"),
    ],
)
def test_a_fault_of_a_stream_ends_that_stream_alone(client, server, path, status, body, code, outcome):
    other = client.request("GET", "/slow")

    answer = client.ask("GET", path)

    assert (dict(answer.headers).get(":status"), answer.body, answer.reset) == (
        None if status is None else f"{status}",
        body,
        code,
    )
    assert client.ask("GET", "/fine").body == b"fine"
    assert not client.answers[other].is_over
    call = server.closed_call(2)
    assert (call["outcome"], call["reply"] and call["reply"]["status"]) == (outcome, status)


def test_a_truncated_reply_ends_before_its_length(client, server):
    stream = client.request("GET", "/truncate")
    with pytest.raises(Exception, match="InvalidBodyLengthError"):
        client.answer(stream)
    assert server.closed_call()["outcome"] == "truncate"


@pytest.mark.parametrize(
    ("path", "code", "last", "body"),
    [("/close", Http2Code.NO_ERROR, 1, b""), ("/close-4", Http2Code.ENHANCE_YOUR_CALM, 3, b"0123")],
)
def test_close_ends_the_connection_with_a_goaway(client, server, path, code, last, body):
    other = client.request("GET", "/slow")
    stream = client.request("GET", path)

    assert client.ending() == (code, last, b"")

    assert client.answers[stream].body == body
    assert not client.answers[other].is_over
    assert [server.closed_call(number)["outcome"] for number in (1, 2)] == ["close", "close"]


@pytest.mark.parametrize(("path", "outcome"), [("/garbage", "garbage"), ("/chunk", "malformed_chunk")])
def test_garbage_is_an_invalid_frame(client, server, path, outcome):
    stream = client.request("GET", path)
    with pytest.raises(Exception, match="invalid padding"):
        client.answer(stream)
    assert server.closed_call()["outcome"] == outcome


def test_after_no_window_a_client_can_send_no_body(client):
    client.ask("GET", "/no-window")

    stream = client.request("POST", "/upload", ends=False)
    client.ping()

    assert client.h2.local_flow_control_window(stream) == 0


@pytest.mark.parametrize("path", ["/refused", "/close"])
def test_a_request_that_is_sent_again_after_it_is_a_retry(server, client, path):
    key = [("idempotency-key", "one")]
    client.request("GET", path, headers=key)
    with Http2Client(server.address) as second:
        assert second.ask("GET", path, headers=key).body == b"fine"
    check = {"request": f"GET {path}", "times": 2, "attempts": {"operations": 1, "min": 2}}
    assert server.admin.post("/verify", check)["ok"]


def test_a_client_that_resets_a_hang_has_left(client, server):
    stream = client.request("GET", "/slow")
    client.reset(stream)
    assert server.closed_call()["outcome"] == "client_left"


@pytest.mark.parametrize(
    ("fault", "place", "said"),
    [
        ("{kind: reset, code: REFUSED}", "fault", "REFUSED_STREAM"),
        ("{kind: hang, code: CANCEL}", "fault", "reset or close"),
    ],
)
def test_a_code_that_is_none_is_refused(server, fault, place, said):
    text = f"routes:\n  - {{request: GET /x, reply: {{fault: {fault}}}}}\n"
    answer = server.ask("POST", "/__admin/scenarios", text, headers={"Content-Type": "application/yaml"})
    assert said in answer.body.decode()
