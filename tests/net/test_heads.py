"""Heads: whatever they hold, one is a request or is none, and only what can still become one is waited for."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.http.heads import CHUNKED, BadHeadError, Heads, check_beginning
from mockserver.model.http import Peer

PEER = Peer()
GOOD = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX:\t y \r\n\r\n",
    b"M-SEARCH * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    b"PUT http://x/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /gr\u00fcn HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
]  # fmt: skip


def read(data):
    return Heads(PEER, 1000).read(data, 0.0, 0.0)


@pytest.mark.parametrize("data", GOOD)
def test_a_head_that_is_cut_anywhere_may_still_become_one(data):
    assert read(data)
    for at in range(1, len(data)):
        check_beginning(data[:at])


@settings(max_examples=500)
@given(st.sampled_from(GOOD), st.integers(0, 100), st.binary(min_size=1, max_size=3), st.booleans())
def test_a_beginning_that_is_refused_is_that_of_no_head(data, at, odd, in_place):
    """So that no request is refused for how it was cut."""
    at %= len(data)
    data = data[:at] + odd + data[at + (len(odd) if in_place else 0) :]
    end = data.find(b"\r\n\r\n") + 4
    if end < 4 or data[:1] in (b"\r", b"\n"):
        return  # which the connection takes away
    data = data[:end]
    try:
        read(data)
    except BadHeadError:
        return
    for at in range(1, len(data)):
        check_beginning(data[:at])


NAMES = ["Content-Length", "transfer-encoding", "Connection", "X-Content-Length", "Content-Length-X", "X"]
VALUES = [
    "5",
    "0",
    "chunked",
    "close",
    "keep-alive",
    "5\r\nX: Content-Length: 9",
    "a, close",
    "closed",
    "identity",
    "",
    "\xa0",
    "x: y",
]


@settings(max_examples=500)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=5),
    st.sampled_from(["1.1", "1.0"]),
)
def test_length_and_connection_are_what_the_lines_say(lines, version):
    """Beside a reading of the header lines one by one."""
    data = (
        "\r\n".join([f"POST / HTTP/{version}", *(": ".join(line) for line in lines)]).encode("latin-1")
        + b"\r\n\r\n"
    )
    try:
        _, body_length, keep_alive = read(data)
    except BadHeadError:
        return
    found = {}
    for name, value in re.findall(r"\r\n([^:\r]+):[ \t]*([^\r]*)", data.decode("latin-1")):
        found.setdefault(name.lower(), []).append(value)
    length = int(found["content-length"][0]) if "content-length" in found else 0
    words = ", ".join(found.get("connection", [])).split(", ")

    assert body_length == (CHUNKED if "transfer-encoding" in found else length)
    assert not ("transfer-encoding" in found and "content-length" in found)
    if version == "1.0":
        assert keep_alive == ("keep-alive" in words and "close" not in words and body_length != CHUNKED)
    else:
        assert keep_alive == ("close" not in words)


def refused(deed, data):
    """What is said of the data; None where they are taken."""
    try:
        deed(data)
    except BadHeadError as error:
        return error.document
    return None


@given(st.binary(max_size=80))
def test_no_bytes_are_a_defect(data):
    for one in (data, b"GET " + data, b"GET / HTTP/1.1\r\n" + data):
        for deed in (check_beginning, read):
            document = refused(deed, one.replace(b"\r\n\r\n", b"") + b"\r\n\r\n")
            assert document is None or (document["status"] in (400, 431, 501, 505) and document["detail"])
