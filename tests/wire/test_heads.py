"""What goes out and what is kept of what came in, line by line."""

import re

import pytest
from support.wire import Wire

SCENARIO = """
defaults: {headers: {X-Every: "yes"}}
routes:
  - request: GET /plain
    reply: {text: hi}
  - request: GET /empty
    reply: 200
  - request: GET /lines
    reply:
      headers: {X-Z: "1", x-a: [one, two], ETag: '"v1"', X-Every: other, Content-Type: application/x-own}
      text: hi
  - request: GET /stream
    reply: {chunks: [ab, cd]}
  - request: ANY /status/{code}
    reply: {status: "{{ path.code }}", text: body}
  - request: GET /dated
    reply: {headers: {Date: "Thu, 01 Jan 1970 00:00:00 GMT", Server: mine}, text: x}
  - request: GET /length
    reply: {headers: {Content-Length: "5"}, text: hello}
  - request: GET /json
    reply: {json: {a: [1, 2], ä: ö}}
"""
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def get(server):
    def got(target, method="GET", lines=("Host: x",)):
        with Wire(server.address) as wire:
            wire.send(f"{method} {target} HTTP/1.1\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n")
            return wire.answer(head=method == "HEAD")

    return got


def test_an_answer_has_the_lines_that_were_promised_and_no_others(get):
    answer = get("/plain")

    assert answer.start == "HTTP/1.1 200 OK"
    assert answer.names == ["X-Every", "Content-Type", "Date", "Content-Length"]
    assert answer.lines[0] == "X-Every: yes"
    assert answer.lines[1] == "Content-Type: text/plain; charset=utf-8"
    assert DATE.fullmatch(answer.header("date"))
    assert answer.lines[3] == "Content-Length: 2"


def test_an_empty_answer_has_no_content_type(get):
    answer = get("/empty")

    assert answer.names == ["X-Every", "Date", "Content-Length"]
    assert answer.header("content-length") == "0"


def test_written_lines_keep_their_order_case_and_number(get):
    answer = get("/lines")

    assert answer.lines[:6] == [
        "X-Z: 1",
        "x-a: one",
        "x-a: two",
        'ETag: "v1"',
        "X-Every: other",
        "Content-Type: application/x-own",
    ]
    assert answer.names[6:] == ["Date", "Content-Length"]


def test_a_body_of_unknown_length_is_chunked(get):
    answer = get("/stream")

    assert answer.all("transfer-encoding") == ["chunked"]
    assert answer.header("content-length") is None
    assert answer.body == b"abcd"


def test_own_date_and_server_lines_stand_alone(get):
    answer = get("/dated")

    assert answer.all("date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]
    assert answer.all("server") == ["mine"]


def test_an_own_content_length_stands_alone(get):
    answer = get("/length")

    assert answer.all("content-length") == ["5"]
    assert answer.body == b"hello"


def test_json_is_compact_utf8(get):
    answer = get("/json")

    assert answer.header("content-type") == "application/json"
    assert answer.body == '{"a":[1,2],"ä":"ö"}'.encode()


@pytest.mark.parametrize("code", [204, 304])
def test_204_and_304_have_no_body_and_no_length(server, code):
    with Wire(server.address) as wire:
        wire.send(f"GET /status/{code} HTTP/1.1\r\nHost: x\r\n\r\nGET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        bare = wire.answer()
        following = wire.answer()

    assert bare.status == code
    assert not {"content-length", "transfer-encoding", "content-type"} & {name.lower() for name in bare.names}
    assert following.body == b"hi"


@pytest.mark.parametrize(
    ("code", "reason"), [(200, "OK"), (201, "Created"), (429, "Too Many Requests"), (599, ""), (299, "")]
)
def test_a_status_line_has_its_usual_reason(get, code, reason):
    assert get(f"/status/{code}").start == f"HTTP/1.1 {code} {reason}"


def test_the_record_keeps_request_lines_in_their_order_case_and_number(get, server):
    get("/plain", lines=["hOST: x", "X-b: 2", "x-A: 1", "X-B:3", "Empty:", "Spaced:   a b  "])

    assert server.calls()[0]["request"]["headers"] == [
        ["hOST", "x"],
        ["X-b", "2"],
        ["x-A", "1"],
        ["X-B", "3"],
        ["Empty", ""],
        ["Spaced", "a b"],
    ]


@pytest.mark.parametrize("raw", [b"caf\xe9", "café".encode()])
def test_header_values_are_utf8_or_else_latin_1(server, raw):
    with Wire(server.address) as wire:
        wire.send(b"GET /plain HTTP/1.1\r\nHost: x\r\nX-Where: " + raw + b"\r\n\r\n")
        assert wire.answer().status == 200

    assert server.calls()[0]["request"]["headers"][1] == ["X-Where", "café"]


def test_a_thousand_header_lines_and_long_ones_are_taken(get, server):
    get("/plain", lines=["Host: x", *(f"x-{n}: {n}" for n in range(900)), "x-long: " + "a" * 60_000])

    assert len(server.calls()[0]["request"]["headers"]) == 902
