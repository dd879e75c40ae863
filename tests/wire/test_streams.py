"""Server-sent events and chunks: the bytes of each piece, and that each is sent by itself."""

import gzip
import re
import zlib

import pytest
from support.wire import Wire

pytestmark = pytest.mark.smoke


def get(target, *lines, method="GET"):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *lines, "", ""])


def pieces(wire):
    """The data of each chunk, one after the other, up to the last."""
    head = wire.until(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    while size := int(wire.until(b"\r\n"), 16):
        yield wire.exactly(size)
        assert wire.exactly(2) == b"\r\n"
    assert wire.exactly(2) == b"\r\n"


@pytest.fixture
def streamed(serving):
    """The pieces that a reply comes in, and the server."""

    def got(reply, *lines):
        server = serving(f"routes: [{{request: ANY /x, reply: {reply}}}]")
        with Wire(server.address) as wire:
            wire.send(get("/x", *lines))
            return list(pieces(wire))

    return got


EVENTS = {
    "a text": ("hello", b"data: hello\n\n"),
    "an empty text": ("''", b"data: \n\n"),
    "a number": ("4.5", b"data: 4.5\n\n"),
    "true": ("true", b"data: true\n\n"),
    "a list": ("[1, {a: b}]", b'data: [1,{"a":"b"}]\n\n'),
    "an object under data": ("{data: {a: [1, 2], b: ä}}", 'data: {"a":[1,2],"b":"ä"}\n\n'.encode()),
    "named": ("{event: ping, data: 1}", b"event: ping\ndata: 1\n\n"),
    "all keys": (
        "{event: e, id: 7, retry: 1500, data: d, comment: c}",
        b": c\nevent: e\nid: 7\nretry: 1500\ndata: d\n\n",
    ),
    "several lines": ('"a\\nb\\r\\nc\\rd"', b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
    "comment only": ("{comment: keep-alive}", b": keep-alive\n\n"),
    "a comment of lines": ('{comment: "a\\nb"}', b": a\n: b\n\n"),
    "retry only": ("{retry: 10}", b"retry: 10\n\n"),
    "the end of OpenAI": ('"[DONE]"', b"data: [DONE]\n\n"),
    "null": ("{data: null}", b"data: null\n\n"),
}


@pytest.mark.parametrize(("written", "expected"), EVENTS.values(), ids=EVENTS)
def test_an_event_is_written_as_the_html_standard_reads_it(streamed, written, expected):
    assert streamed(f"{{events: [{written}, last]}}") == [expected, b"data: last\n\n"]


def test_events_have_their_media_type_and_may_have_another(serving):
    server = serving(
        "routes: [{request: GET /a, reply: {events: [1]}},"
        " {request: GET /b, reply: {events: [1], headers: {content-type: text/event-stream; charset=utf-8}}}]"
    )
    assert server.ask("GET", "/a").header("content-type") == "text/event-stream"
    assert server.ask("GET", "/b").header("content-type") == "text/event-stream; charset=utf-8"


def test_each_makes_an_event_for_every_item(streamed):
    found = streamed(
        """{events: [{each: "{{ 'Hello there you'.split() }}", event: delta, data: {text: "{{ item }}", n: "{{ item | length }}"}, delay: 1ms}, "[DONE]"]}"""
    )

    assert found == [
        b'event: delta\ndata: {"text":"Hello","n":5}\n\n',
        b'event: delta\ndata: {"text":"there","n":5}\n\n',
        b'event: delta\ndata: {"text":"you","n":3}\n\n',
        b"data: [DONE]\n\n",
    ]


def test_each_takes_a_plain_list_and_what_the_client_sent(serving):
    server = serving(
        'routes: [{request: POST /x, reply: {events: [{each: [1, 2], data: "{{ item }}"},'
        ' {each: "{{ request.json.words }}", data: "{{ item }}"}]}}]'
    )
    answer = server.ask("POST", "/x", '{"words": ["a", "b"]}')
    assert answer.body == b"data: 1\n\ndata: 2\n\ndata: a\n\ndata: b\n\n"


CHUNKS = {
    "texts": ("[ab, cd]", [b"ab", b"cd"]),
    "an object": ("[{text: ab}, {text: 'é'}]", [b"ab", "é".encode()]),
    "base64": ("[{base64: AAECgA==}, {base64: aGk=}]", [b"\x00\x01\x02\x80", b"hi"]),
    "waits between them": ("[{text: ab, delay: 2ms}, {text: cd, delay: 2ms}]", [b"ab", b"cd"]),
    "an empty one is none": ("[ab, '', cd]", [b"ab", b"cd"]),
    "templates": ("['{{ request.method }}', {text: '{{ request.path }}'}]", [b"GET", b"/x"]),
}


@pytest.mark.parametrize(("written", "expected"), CHUNKS.values(), ids=CHUNKS)
def test_chunks_are_sent_one_by_one(streamed, written, expected):
    assert streamed(f"{{chunks: {written}}}") == expected


@pytest.mark.parametrize("reply", ["{events: []}", "{chunks: []}"])
def test_an_empty_stream_ends_at_once(streamed, reply):
    assert streamed(reply) == []


def test_a_piece_is_sent_before_the_wait_of_the_next(serving):
    """The second piece waits a minute: the first can be read all the same."""
    server = serving(
        "routes: [{request: GET /x, reply: {events: [one, {data: two, delay: 60s}]}},"
        " {request: GET /y, reply: {events: [{data: one, delay: 60s}]}}]"
    )
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        assert next(pieces(wire)) == b"data: one\n\n"
    with Wire(server.address) as wire:
        wire.send(get("/y"))
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")


def test_pacing_is_that_of_each_event(serving):
    """Two streams at once: which pieces come first says who waited longer."""
    server = serving(
        "routes: [{request: GET /slow, reply: {events: [{data: s, delay: 60s}]}},"
        " {request: GET /quick, reply: {events: [{data: a, delay: 5ms}, {data: b, delay: 5ms}]}}]"
    )
    with Wire(server.address) as slow, Wire(server.address) as quick:
        slow.send(get("/slow"))
        slow.until(b"\r\n\r\n")
        quick.send(get("/quick"))
        assert list(pieces(quick)) == [b"data: a\n\n", b"data: b\n\n"]
        assert server.admin.get("/counts")["routes"]["shop/GET /slow"]["in_flight"] == 1


def test_after_a_stream_the_connection_goes_on(serving):
    server = serving("routes: [{request: GET /x, reply: {events: [1, 2]}}]")
    with Wire(server.address) as wire:
        wire.send(get("/x") * 3)
        assert [list(pieces(wire)) for _ in range(3)] == [[b"data: 1\n\n", b"data: 2\n\n"]] * 3


def test_head_of_a_stream_is_its_head_alone(serving):
    server = serving("routes: [{request: GET /x, reply: {events: [1, {data: 2, delay: 60s}]}}]")
    with Wire(server.address) as wire:
        wire.send(get("/x", method="HEAD") * 2)
        for _ in range(2):
            assert wire.answer(head=True).header("transfer-encoding") == "chunked"


def test_the_record_holds_the_whole_stream(serving):
    server = serving("routes: [{request: GET /x, reply: {events: [1, 2]}}]")
    server.ask("GET", "/x")

    assert server.closed_call()["reply"]["body"]["text"] == "data: 1\n\ndata: 2\n\n"


UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress}


@pytest.mark.parametrize("coding", UNPACK)
def test_an_encoded_stream_can_be_read_piece_by_piece(serving, coding):
    server = serving(
        f"routes: [{{request: GET /x, reply: {{headers: {{content-encoding: {coding}}}, events: [one, {{data: two, delay: 60s}}]}}}},"
        f" {{request: GET /y, reply: {{headers: {{content-encoding: {coding}}}, events: [one, two]}}}},"
        f" {{request: GET /z, reply: {{headers: {{content-encoding: {coding}}}, events: []}}}}]"
    )
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        reader = zlib.decompressobj(31 if coding == "gzip" else 15)
        assert reader.decompress(next(pieces(wire))) == b"data: one\n\n"
    assert UNPACK[coding](server.ask("GET", "/y").body) == b"data: one\n\ndata: two\n\n"
    assert UNPACK[coding](server.ask("GET", "/z").body) == b""


@pytest.mark.parametrize(
    ("reply", "where"),
    [
        ("{chunks: [{base64: '!'}]}", "reply.chunks[0]"),
        ("{chunks: [1]}", "reply.chunks[0]"),
        ("{chunks: [{text: a, base64: aGk=}]}", "reply.chunks[0]"),
        ("{events: [{date: 1}]}", "reply.events[0].date"),
        ("{events: [{delay: 1s}]}", "reply.events[0]"),
        ("{events: [{delay: soon, data: 1}]}", "reply.events[0].delay"),
        ('{events: [{event: "a\\nb", data: 1}]}', "reply.events[0]"),
        ("{events: [1], throttle: {chunks: 2, over: 1s}}", "reply.throttle"),
        ("{events: [1], headers: {content-encoding: br}}", "reply.headers.content-encoding"),
        ("{text: hi, throttle: infB/s}", "reply.throttle"),
    ],
)
def test_a_stream_that_can_never_be_sent_is_an_error_at_load(serving, reply, where):
    with pytest.raises(Exception, match=re.escape(f"routes[0].{where}: ")):
        serving(f"routes: [{{request: GET /x, reply: {reply}}}]")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ('{chunks: [{base64: "{{ request.query.x }}"}]}', "is not valid Base64"),
        ('{events: [{data: 1, delay: "{{ request.query.x }}"}]}', "'!' is not a valid duration"),
        ('{events: [{data: 1, event: "a\\n{{ request.query.x }}"}]}', "can't hold a line break"),
        ('{events: [{data: 1, id: "a\\r{{ request.query.x }}"}]}', "can't hold a line break"),
        ('{events: [{each: "{{ request.query.x }}", data: 1}]}', "needs a list"),
        (
            '{text: hi, headers: {content-encoding: "{{ request.query.x }}"}}',
            "'!' is not a supported content coding",
        ),
        ('{text: hi, headers: {x-y: "{{ request.query.y }}"}}', "can't hold a line break"),
    ],
)
def test_what_turns_out_to_be_unsendable_is_a_500_that_says_why(serving, reply, reason):
    server = serving(f"routes: [{{request: GET /x, reply: {reply}}}]")
    answer = server.ask("GET", "/x?x=!&y=%0D%0Ax-evil:%201")

    assert (answer.status, answer.media_type) == (500, "application/problem+json")
    assert reason in answer.json()["reason"]
    assert server.calls()[0]["error"]["route"] == "shop/GET /x"


@pytest.mark.parametrize(
    "reply",
    [
        '{events: ["{{ request.json.x }}"]}',
        '{headers: {x-y: "{{ request.json.x }}"}}',
        '{text: "{{ request.json.x }}"}',
    ],
)
def test_half_a_character_is_no_text(serving, reply):
    server = serving(f"routes: [{{request: POST /x, reply: {reply}}}]")

    assert server.ask("POST", "/x", '{"x": "\\ud800"}').status == 500
