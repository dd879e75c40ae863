"""The chunks of a body, cut anywhere, beside a decoder that has all of it at once."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.http.chunks import BadChunkError, Chunks

PIECES = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
EXTENSIONS = st.sampled_from([b"", b";a", b";a=b", b" ;a=\xe9", b'\t; a="b;c"', b"  "])
TRAILERS = st.lists(st.sampled_from([b"a: b", b"X-Trailer:", b"Content-Length: 9", b"e: \xe9"]), max_size=3)
CUTS = st.lists(st.integers(0, 400), max_size=8)


@st.composite
def chunked(draw):
    """A body, and one of its forms in chunks."""
    pieces = draw(PIECES)
    lines = [
        b"%b%x%b\r\n%b\r\n" % (draw(st.sampled_from([b"", b"0", b"000"])), len(one), draw(EXTENSIONS), one)
        for one in pieces
    ]
    trailers = b"".join(line + b"\r\n" for line in draw(TRAILERS))
    return b"".join(pieces), b"".join(lines) + b"0" + draw(EXTENSIONS) + b"\r\n" + trailers + b"\r\n"


def fed(data, cuts=()):
    """The body, and what follows it: None where it goes on."""
    chunks, body, places = (
        Chunks(),
        bytearray(),
        sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)}),
    )
    for start, end in pairwise(places):
        rest = chunks.feed(data[start:end], body)
        if rest is not None:
            return bytes(body), rest + data[end:]
    return bytes(body), None


def whole_body(data, cuts):
    """The same; None also where the data are no chunks, or end within one."""
    try:
        found = fed(data, cuts)
    except BadChunkError:
        return None
    return None if found[1] is None else found


def naive(data):
    """The same, by a grammar (RFC 9112 7.1) and from all of the data at once; None where they are no chunks."""
    body = b""
    while True:
        head = re.match(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n", data)
        if head is None:
            return None
        size, data = int(head[1], 16), data[head.end() :]
        if not size:
            break
        if data[size : size + 2] != b"\r\n":
            return None
        body, data = body + data[:size], data[size + 2 :]
    trailers = re.match(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*\r\n", data)
    return None if trailers is None else (body, data[trailers.end() :])


@given(chunked(), st.sampled_from([b"", b"\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"]), CUTS)
def test_chunks_that_are_cut_anywhere_give_the_body_and_what_follows(made, following, cuts):
    body, data = made

    assert fed(data + following, cuts) == naive(data + following) == (body, following)


@given(chunked(), CUTS)
def test_a_body_goes_on_until_its_last_byte(made, cuts):
    _, data = made

    assert fed(data[:-1], cuts)[1] is None
    assert all(fed(data[:at])[1] is None for at in range(len(data)))


PARTS = st.sampled_from(
    [b"0", b"1", b"5", b"a", b"F", b"x", b"+", b"-", b"_", b" ", b"\t", b";", b"a=b", b"\r", b"\n", b"\r\n", b"\0", b"\xa0", b":", b"a: b", b"hello"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=25).map(b"".join), CUTS)
@example(b"5\r\nhello\r\n0\r\na: b\r\n c: d\r\n\r\n", [])
@example(b"1\n", [1])
@example(b"0\r\n\n", [3])
def test_anything_is_a_body_or_none_however_it_is_cut(data, cuts):
    data += b"\r\n" * 8  # so that it comes to an end
    expected = naive(data)

    for places in ((), cuts, range(len(data))):
        assert whole_body(data, places) == expected


@pytest.mark.parametrize("cut", [(), (5000,), range(9000)])
@pytest.mark.parametrize("line", [b"1;%b\r\n", b"0\r\na: %b\r\n"])
def test_a_line_is_as_long_as_it_may_be_however_it_is_cut(line, cut):
    with pytest.raises(BadChunkError, match="too long"):
        fed(line % (b"a" * 8200), cut)
    assert fed(line % (b"a" * 8000), cut)[1] is None


def test_a_size_takes_no_memory():
    assert fed(b"fffffffffffffff\r\nhello") == (b"hello", None)
