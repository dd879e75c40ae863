"""Header blocks, held against the `hpack` library."""

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.http.h2.hpack import (
    NO_TABLE,
    HeaderBlockError,
    HeaderDecoder,
    TooManyFieldsError,
    indexed_or_literal,
    literal,
)

NAMES = st.sampled_from([b":path", b":method", b"accept", b"x-own", b"cookie"]) | st.binary(min_size=1)
FIELDS = st.lists(
    st.tuples(NAMES, st.sampled_from([b"GET", b"/", b""]) | st.binary(max_size=3000)), max_size=8
)


@given(st.lists(st.tuples(FIELDS, st.booleans(), st.sampled_from([0, 100, 4096])), max_size=6))
def test_blocks_of_another_encoder_are_decoded(blocks):
    encoder, decoder = hpack.Encoder(), HeaderDecoder(10**6)
    for fields, huffman, table_bytes in blocks:
        encoder.header_table_size = table_bytes
        assert decoder.decode(encoder.encode(fields, huffman=huffman)) == fields


@given(st.lists(FIELDS, max_size=3))
def test_own_blocks_are_decoded_by_another_decoder(blocks):
    decoder, update = hpack.Decoder(10**6), NO_TABLE
    for fields in blocks:
        block = b"".join(
            indexed_or_literal(*each) if n % 2 else literal(*each) for n, each in enumerate(fields)
        )
        assert decoder.decode(update + block, raw=True) == fields
        update = b""


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_as_by_another_decoder_or_refused(block):
    try:
        expected = hpack.Decoder(10**6).decode(block, raw=True)
    except (hpack.HPACKError, IndexError, UnicodeDecodeError):
        expected = None
    try:
        fields = HeaderDecoder(10**6).decode(block)
    except HeaderBlockError:
        fields = None
    assert fields == (None if expected is None else [tuple(each) for each in expected])


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",
        b"\xbe",
        b"\xff\x80",
        b"\xff\xff\xff\xff\xff\xff\xff",
        b"\x82\x20",
        b"\x3f\xe2\x1f",
        b"\x00\x03ab",
        b"\x00\x01a",
        b"\x00\x01a\x84\xff\xff\xff\xff",
        b"\x00\x01a\x81\x00",
    ],
    ids=[
        "field 0", "a field that is not in the table", "half a number", "a huge number", "a late update of the size",
        "a table of 4097", "half a name", "no value", "the end of the Huffman code", "padding with zeros",
    ],
)  # fmt: skip
def test_invalid_blocks_are_refused(block):
    with pytest.raises(HeaderBlockError):
        HeaderDecoder(10**6).decode(block)


def test_a_block_that_unpacks_to_more_than_the_limit_is_refused_before_it_does():
    decoder = HeaderDecoder(8192)
    decoder.decode(b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000)

    with pytest.raises(TooManyFieldsError):
        decoder.decode(b"\xbe" * 100_000)


def test_changes_tell_whether_a_block_still_means_the_same():
    encoder, decoder = hpack.Encoder(), HeaderDecoder(10**6)
    decoder.decode(encoder.encode([(b"a", b"1")]))
    before = decoder.changes
    decoder.decode(encoder.encode([(b"a", b"1")]))
    assert decoder.changes == before
    decoder.decode(encoder.encode([(b"a", b"2")]))
    assert decoder.changes != before
