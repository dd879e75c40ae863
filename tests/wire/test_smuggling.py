"""
Requests that a proxy and this server could read differently. Each is refused and its connection closed, or read in the
one way that the RFC names; what follows a refused request is never answered.
"""

import asyncio
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.in_memory import converse, listener

SCENARIO = """
routes:
  - {request: ANY /a, reply: {text: a}}
  - {request: ANY /smuggled, reply: {text: smuggled}}
"""
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def ask(*pieces):
    """Statuses and bodies of all that is answered, and the targets and bodies of all that is recorded."""

    async def run():
        server = listener(SCENARIO)
        said = await converse(server.connection(), pieces)
        assert not server.connections
        return said, [(call.request.target, call.request.body) for call in server.engine.default.call_log]

    said, recorded = asyncio.run(run())
    answers = []
    while said:
        head, _, said = said.partition(b"\r\n\r\n")
        size = int(re.search(rb"\r\nContent-Length: (\d+)", head)[1])
        answers.append((int(head.split()[1]), said[:size]))
        said = said[size:]
    return answers, recorded


def is_refused(data):
    """It is, in one read and byte by byte; nothing of it or behind it is answered by a route."""
    size = len(data) + len(SMUGGLED)
    whole = data + SMUGGLED
    for pieces in ([whole], [data, SMUGGLED], [whole[at : at + 1] for at in range(size)]):
        answers, recorded = ask(*pieces)
        assert len(answers) == 1, answers
        status, body = answers[0]
        assert status in (400, 413, 414, 431, 501, 505)
        assert json.loads(body)["detail"]
        assert all(target == "/a" for target, _ in recorded)
    return True


def read_as(data):
    """What it is read as, in one read and byte by byte, with what follows it: targets and bodies."""
    found = []
    whole = data + LAST
    for pieces in ([whole], [whole[at : at + 1] for at in range(len(whole))]):
        answers, recorded = ask(*pieces)
        assert [status for status, _ in answers] == [200] * len(recorded)
        assert recorded[-1] == ("/a", b"")
        found.append(recorded[:-1])
    assert found[0] == found[1]
    return found[0]


def post(*lines, body=SMUGGLED, version="1.1"):
    head = "\r\n".join([f"POST /a HTTP/{version}", "Host: x", *lines]).encode("latin-1")
    return head + b"\r\n\r\n" + body


# Where the body ends

CHUNKS = b"0\r\n\r\n" + SMUGGLED
REFUSED = {
    "a length and chunks": post("Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKS),
    "chunks and a length": post("Transfer-Encoding: chunked", "Content-Length: 5", body=CHUNKS),
    "a length and another coding": post("Content-Length: 5", "Transfer-Encoding: identity"),
    "a length and no coding": post("Content-Length: 5", "Transfer-Encoding:"),
    "both, with an upgrade": post("Connection: upgrade", "Upgrade: h2c", "Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKS),
    "both, by HTTP/1.0": post("Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKS, version="1.0"),
    "two lengths": post("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"),
    "two lengths that are the same": post("Content-Length: 0", "Content-Length: 0"),
    "a list of lengths": post("Content-Length: 0, 0"),
    **{
        f"a length {length!r}": post(f"Content-Length: {length}")
        for length in [
            "+0", "-0", "-1", "0x0", "0 0", "0_0", "1e1", "0;", "", "\xb2", "\xa00", "0\xa0", "\x0b0", "18446744073709551616",
            "18446744073709551615", "9" * 400, "five",
        ]
    },
    **{
        f"a coding {coding!r}{more}": post(f"Transfer-Encoding: {coding}", *lines, body=CHUNKS, version=version)
        for coding in [
            "xchunked", "chunkedx", "identity", "chunked, chunked", ", chunked", "chunked,", "chunked, identity", "gzip, chunked",
            "", "\xa0chunked", "chunked\xa0", "\xa0, chunked", "\x85,chunked", "chunked;q=1", '"chunked"', "chun ked", "chunked\x0b",
            "x, chunked", "chunked\x00", "\x0bchunked", "chunked gzip",
        ]
        for more, lines, version in [
            ("", (), "1.1"), (" by HTTP/1.0", (), "1.0"), (" with an upgrade", ("Connection: upgrade", "Upgrade: h2c"), "1.1"),
        ]
    },
    "two lines of codings": post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=CHUNKS),
    "two lines of codings, the other way": post("Transfer-Encoding: identity", "Transfer-Encoding: chunked", body=CHUNKS),
    "chunked in two lines": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=CHUNKS),
    "a coding in a folded line": post("Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "a coding in a line folded by a tab": post("Transfer-Encoding:\r\n\tchunked", body=CHUNKS),
    "a folded line": post("X: y\r\n Content-Length: 5"),
    "a folded first line": b"GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
    **{
        f"a name {name!r}": post(f"{name}: 0")
        for name in [
            "Content-Length ", "Content-Length\t", " Content-Length", "\tContent-Length", "Content Length", "Content-Length\x00",
            "Content-Length\xa0", "Content-Length\x0b", "", "Transfer-Encoding ", "(Content-Length)",
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_a_body_whose_end_is_in_doubt_is_refused(data):
    assert is_refused(data)


@pytest.mark.parametrize(
    "line", ["Content-Length: 5", "content-length:5", "CONTENT-LENGTH: \t 5\t ", "Content-Length: 005"]
)
def test_a_length_may_have_blanks_around_it_and_noughts_before_it(line):
    assert read_as(post(line, body=b"hello")) == [("/a", b"hello")]


@pytest.mark.parametrize(
    "line", ["Transfer-Encoding: chunked", "transfer-encoding:CHUNKED", "Transfer-Encoding:\t chunked"]
)
@pytest.mark.parametrize("more", [(), ("Connection: upgrade", "Upgrade: h2c")])
def test_chunked_alone_is_read_in_chunks(line, more):
    assert read_as(post(line, *more, body=b"5\r\nhello\r\n0\r\n\r\n")) == [("/a", b"hello")]


def test_chunks_by_http_1_0_end_the_connection():
    data = post(
        "Transfer-Encoding: chunked",
        "Connection: keep-alive",
        body=b"5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
        version="1.0",
    )

    answers, recorded = ask(data)

    assert ([status for status, _ in answers], recorded) == ([200], [("/a", b"hello")])


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"])
def test_a_body_belongs_to_its_request_whatever_its_method(method):
    head = f"{method} /a HTTP/1.1\r\nHost: x\r\nContent-Length: {len(SMUGGLED)}\r\nConnection: close\r\n\r\n".encode()

    _, recorded = ask(head + SMUGGLED)

    assert recorded == [("/a", SMUGGLED)]


@pytest.mark.parametrize("line", [f"Content-Length: {len(SMUGGLED)}", "Transfer-Encoding: chunked"])
def test_a_connect_with_a_body_is_refused_and_nothing_behind_it_is_read(line):
    answers, recorded = ask(f"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode() + SMUGGLED)

    assert ([status for status, _ in answers], recorded) == ([400], [])


def test_a_body_that_looks_like_requests_is_a_body():
    data = post(f"Content-Length: {2 * len(SMUGGLED)}", body=2 * SMUGGLED)

    assert read_as(data) == [("/a", 2 * SMUGGLED)]


# Lines

BAD_LINES = {
    "bare line feeds": b"GET /a HTTP/1.1\nHost: x\n\n",
    "a bare line feed before the end": b"GET /a HTTP/1.1\r\nHost: x\n\r\n",
    "a bare line feed at the end": b"GET /a HTTP/1.1\r\nHost: x\r\n\n",
    "a bare line feed in a value": b"GET /a HTTP/1.1\r\nX: y\nContent-Length: 9\r\n\r\n",
    "a bare carriage return in a value": b"GET /a HTTP/1.1\r\nX: y\rContent-Length: 9\r\n\r\n",
    "a bare carriage return behind the first line": b"GET /a HTTP/1.1\rHost: x\r\n\r\n",
    "two carriage returns": b"GET /a HTTP/1.1\r\nHost: x\r\r\n\r\n",
    "NUL in a value": b"GET /a HTTP/1.1\r\nHost: x\x00y\r\n\r\n",
    "NUL in a target": b"GET /a\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "another control character": b"GET /a HTTP/1.1\r\nHost: x\x1b\r\n\r\n",
    "no colon": b"GET /a HTTP/1.1\r\nHost\r\n\r\n",
    "two spaces before the target": b"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces behind the target": b"GET /a  HTTP/1.1\r\nHost: x\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space before the method": b" GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space behind the version": b"GET /a HTTP/1.1 \r\nHost: x\r\n\r\n",
    "a tab for a space": b"GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab behind the target": b"GET /a\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "two requests in a line": b"GET /a HTTP/1.1 GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /a\r\n\r\n",
    "HTTP/0.9": b"GET /a HTTP/0.9\r\n\r\n",
    "HTTP/1.2": b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/1.10": b"GET /a HTTP/1.10\r\nHost: x\r\n\r\n",
    "HTTP/01.1": b"GET /a HTTP/01.1\r\nHost: x\r\n\r\n",
    "http/1.1": b"GET /a http/1.1\r\nHost: x\r\n\r\n",
    "RTSP": b"GET /a RTSP/1.0\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that begins with nothing known": b"GET a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a URL without a host": b"GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("data", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_that_others_could_read_otherwise_is_refused(data):
    assert is_refused(data)


def test_a_bare_line_feed_is_told_at_once():
    """Nobody waits for the rest of a head that can't become one."""
    answers, _ = ask(b"GET /a HTTP/1.1\nHost: x\n\n")

    assert [status for status, _ in answers] == [400]
    assert b"line feed" in answers[0][1]


@pytest.mark.parametrize("empty", [b"\r\n", b"\r\n" * 3, b"\n", b"\r\n\n"])
def test_empty_lines_before_a_request_are_none(empty):
    assert read_as(empty + b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n") == [("/a", b"")]
    assert read_as(post("Content-Length: 5", body=b"hello") + empty) == [("/a", b"hello")]


def test_a_target_with_another_host_is_read_by_its_path():
    assert read_as(b"GET http://other.example/a HTTP/1.1\r\nHost: x\r\n\r\n") == [
        ("http://other.example/a", b"")
    ]


def test_what_is_cut_off_a_request_belongs_to_it():
    """Half a request, then what would be one: it belongs to the half."""
    head = f"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {len(SMUGGLED)}\r\nConnection: close\r\n\r\n".encode()
    for pieces in (
        [head[:20], head[20:], SMUGGLED],
        [head, SMUGGLED[:9], SMUGGLED[9:]],
        [head[:-1], head[-1:] + SMUGGLED],
    ):
        _, recorded = ask(*pieces)
        assert recorded == [("/a", SMUGGLED)]


# Chunks

BAD_CHUNKS = {
    **{
        f"a size {size!r}": f"{size}\r\nhello\r\n0\r\n\r\n".encode("latin-1")
        for size in [
            "+5", "-5", "0x5", "5_", "0_5", " 5", "\t5", "", "5 5", "5,", "g", "5\x00", "5\xa0", "\xb2", "1" + "0" * 16, "f" * 16, "0" * 16 + "5",
            "5;a\x00", "5;a\rb", "5;\x7f",
        ]
    },
    "data too long": b"4\r\nhello\r\n0\r\n\r\n",
    "data too short": b"6\r\nhello\r\n0\r\n\r\n",
    "a bare line feed behind a size": b"5\nhello\r\n0\r\n\r\n",
    "a bare carriage return behind a size": b"5\rhello\r\n0\r\n\r\n",
    "a bare line feed behind data": b"5\r\nhello\n0\r\n\r\n",
    "a bare line feed at the end": b"5\r\nhello\r\n0\r\n\n",
    "a bare line feed behind the last size": b"5\r\nhello\r\n0\n\r\n",
    "no end of data": b"5\r\nhello0\r\n\r\n",
    "two carriage returns": b"5\r\r\nhello\r\n0\r\n\r\n",
    "an extension that is too long": b"5;" + b"a" * 9000 + b"\r\nhello\r\n0\r\n\r\n",
    "a trailer without a colon": b"0\r\ntrailer\r\n\r\n",
    "a trailer with NUL": b"0\r\ntrailer: \x00\r\n\r\n",
    "a trailer with a bare carriage return": b"0\r\ntrailer: a\rb\r\n\r\n",
    "a folded trailer": b"0\r\na: b\r\n c: d\r\n\r\n",
    "a trailer without a name": b"0\r\n: b\r\n\r\n",
    "a trailer with a space in its name": b"0\r\na b: c\r\n\r\n",
    "trailers that are too long": b"0\r\n" + b"a: b\r\n" * 3000 + b"\r\n",
}  # fmt: skip


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_chunks_that_others_could_read_otherwise_are_refused(chunks):
    assert is_refused(post("Transfer-Encoding: chunked", body=chunks))


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0;c\r\n\r\n", b"00005 \r\nhello\r\n000\r\n\r\n",
        b"2\r\nhe\r\n3 ;x\r\nllo\r\n0\r\nX-Trailer: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)  # fmt: skip
def test_extensions_and_trailers_change_nothing(chunks):
    assert read_as(post("Transfer-Encoding: chunked", body=chunks)) == [("/a", b"hello")]


# Anything

ODD = st.sampled_from(
    ["Content-Length", "Transfer-Encoding", "content-length ", "TRANSFER-ENCODING", "X", ":", " ", "\t", "\r\n", "\n", "\r", "\0", "0", "5",
     "35", "+", "-", ",", ";", "chunked", "identity", "gzip", "\xa0", "\x85", "Connection: close", "Upgrade: h2c", "Connection: upgrade",
     "Expect: 100-continue", "HTTP/1.0", "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", "0\r\n\r\n", "\r\n\r\n"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(odd=st.lists(ODD, max_size=12).map("".join), cut=st.integers(0, 200))
def test_whatever_stands_in_a_head_it_is_read_the_same_however_it_is_cut(odd, cut):
    data = b"POST /a HTTP/1.1\r\nHost: x\r\n" + odd.encode("latin-1") + b"\r\n\r\n" + LAST * 3

    whole, recorded = ask(data, b"\r\n\r\n" + LAST)
    parts, recorded_of_parts = ask(data[:cut], data[cut:], b"\r\n\r\n" + LAST)

    assert [status for status, _ in whole] == [status for status, _ in parts]
    assert recorded == recorded_of_parts
    assert sum(status == 400 for status, _ in whole) <= 1
