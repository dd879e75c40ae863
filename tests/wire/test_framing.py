"""What is sent is always well-framed, whatever framing headers the scenario writes; `check` names those it corrects."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.wire import Wire

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.scenarios.loader import from_text
from mockserver.verification.lint import lint_warnings

STATUSES = [200, 204, 205, 304, 404]
BODILESS = (204, 205, 304)
BODIES = {
    "none": ("", b""),
    "text": ("text: hello", b"hello"),
    "template": ("text: '{{ request.method.lower() }}'", b"get"),
    "chunks": ("chunks: [hel, lo]", b"hello"),
    "paced": ("text: hello, throttle: {chunks: 2, over: 2ms}", b"hello"),
}
LINES = {
    "Content-Length": ["0", "3", "5", "9", "five", "-1", "5, 5"],
    "transfer-encoding": ["chunked", "Chunked", "gzip", "gzip, chunked", "identity"],
    "Connection": ["keep-alive", "close", "upgrade"],
}
headers = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in LINES.items()}
)


def scenario(status, body, lines):
    written = ", ".join(f'{name}: "{value}"' for name, value in lines.items())
    more = f", {body}" if body else ""
    return f"routes: [{{request: GET /x, reply: {{status: {status}, headers: {{{written}}}{more}}}}}]"


def warnings(text):
    return [warning.message for warning in lint_warnings(build_scenario_set([from_text(text, "shop")]))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from(STATUSES),
    kind=st.sampled_from(list(BODIES)),
    lines=headers,
    method=st.sampled_from(["GET", "HEAD"]),
)
def test_the_next_request_on_the_connection_is_answered(serving, status, kind, lines, method):
    text, body = BODIES[kind]
    server = serving(scenario(status, text, lines))
    try:
        with Wire(server.address) as wire:
            for _ in range(2):
                wire.send(f"{method} /x HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = wire.answer(head=method == "HEAD")
                assert answer.status == status
                assert len(answer.all("content-length") + answer.all("transfer-encoding")) <= 1
                if method == "GET":
                    assert answer.body == (b"" if status in BODILESS else body)
                if status == 205:
                    assert answer.all("content-length") == ["0"]
                if lines.get("Connection") == "close":
                    assert wire.is_closed()
                    break
    finally:
        server.stop()


@pytest.mark.parametrize("status", BODILESS)
def test_no_chunk_follows_an_answer_without_a_body(serving, status):
    server = serving(scenario(status, "", {"Transfer-Encoding": "chunked"}))
    with Wire(server.address) as wire:
        wire.send("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, rest = wire.rest().partition(b"\r\n\r\n")
    assert rest == b""
    assert b"ransfer-" not in head


def test_a_head_may_say_the_length_that_only_the_scenario_knows(serving):
    server = serving('routes: [{request: HEAD /x, reply: {headers: {Content-Length: "500"}}}]')
    with Wire(server.address) as wire:
        for _ in range(2):
            wire.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wire.answer(head=True).header("content-length") == "500"


@pytest.mark.parametrize(
    ("status", "body", "lines", "message"),
    [
        (204, "", {"Transfer-Encoding": "chunked"}, "`Transfer-Encoding: chunked` is not sent: a 204 has no body"),
        (304, "", {"transfer-encoding": "chunked"}, "`transfer-encoding: chunked` is not sent: a 304 has no body"),
        (205, "", {"Content-Length": "5"}, "`Content-Length: 5` is not sent: a 205 has no body"),
        (205, "text: hello", {}, "a 205 has no body, so its `text` is never sent"),
        (204, "", {"Content-Length": "0"}, "`Content-Length: 0` is not sent: a 204 has no body"),
        (200, "text: hi", {"Content-Length": "5"}, "`Content-Length: 5` is not sent: the body has 2 bytes"),
        (200, "text: hi", {"Content-Length": "two"}, "`Content-Length: two` is not sent: it is not a length"),
        (200, "text: hi", {"Transfer-Encoding": "gzip, chunked"}, "`Transfer-Encoding: gzip, chunked` is not sent: only chunked is applied to a body"),
        (200, "text: hi", {"Transfer-Encoding": "chunked", "Content-Length": "2"}, "`Content-Length: 2` is not sent: the body is sent in chunks"),
        (200, "text: hi", {"Content-Length": "2", "Connection": "keep-alive"}, None),
        (200, "text: hi", {"Transfer-Encoding": "chunked"}, None),
        (304, "", {"Content-Length": "500"}, None),
    ],
)  # fmt: skip
def test_check_names_what_is_not_sent_as_written(status, body, lines, message):
    assert warnings(scenario(status, body, lines)) == ([] if message is None else [message])
