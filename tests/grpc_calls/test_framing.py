"""Messages on the wire, and what is refused."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.grpc.framing import MAX_MESSAGE_BYTES, FrameReader, MessageError, framed, split
from mockserver.model.grpc import GrpcStatus


@given(st.lists(st.binary(max_size=50), max_size=10), st.integers(1, 60))
def test_messages_are_the_same_however_they_arrive(messages: list[bytes], size: int) -> None:
    body = b"".join(map(framed, messages))
    reader = FrameReader()

    parts = [body[i : i + size] for i in range(0, len(body), size)]
    read = [message for part in parts for message in reader.feed(part)]

    assert read == messages == split(body, "identity")
    assert reader.is_between


@given(st.binary(max_size=200))
def test_compressed_messages_are_decompressed(data: bytes) -> None:
    for coding, packed in (("gzip", gzip.compress(data)), ("deflate", zlib.compress(data))):
        assert split(struct.pack(">BI", 1, len(packed)) + packed, coding) == [data]


@pytest.mark.parametrize(
    ("body", "coding", "status", "said"),
    [
        (b"\x02\0\0\0\0", "", GrpcStatus.INTERNAL, "begins with the flag 2"),
        (b"\0\0\0", "", GrpcStatus.INTERNAL, "cut off"),
        (b"\0\0\0\0\x05abc", "", GrpcStatus.INTERNAL, "cut off"),
        (b"\0\xff\xff\xff\xff", "", GrpcStatus.RESOURCE_EXHAUSTED, "4294967295 bytes"),
        (b"\1\0\0\0\1a", "", GrpcStatus.INTERNAL, "no grpc-encoding"),
        (b"\1\0\0\0\1a", "gzip", GrpcStatus.INTERNAL, "not valid gzip"),
        (b"\1\0\0\0\1a", "snappy", GrpcStatus.UNIMPLEMENTED, "'snappy' is not supported"),
    ],
)
def test_wrong_frames_have_the_status_of_servers(
    body: bytes, coding: str, status: GrpcStatus, said: str
) -> None:
    with pytest.raises(MessageError, match=said) as failed:
        split(body, coding)

    assert failed.value.status is status


def test_a_compressed_message_that_grows_is_refused_in_little_memory() -> None:
    packed = gzip.compress(b"\0" * (64 << 20))
    body = struct.pack(">BI", 1, len(packed)) + packed
    tracemalloc.start()

    with pytest.raises(MessageError) as failed:
        split(body, "gzip")

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert failed.value.status is GrpcStatus.RESOURCE_EXHAUSTED
    assert peak < 4 * MAX_MESSAGE_BYTES


def test_a_truncated_compressed_message_is_refused() -> None:
    packed = gzip.compress(b"hello" * 100)[:-12]

    with pytest.raises(MessageError, match="cut off"):
        split(struct.pack(">BI", 1, len(packed)) + packed, "gzip")


def test_many_messages_are_refused() -> None:
    with pytest.raises(MessageError, match="more than 10000 messages") as failed:
        split(framed(b"") * 10_001, "")

    assert failed.value.status is GrpcStatus.RESOURCE_EXHAUSTED


def test_compressed_messages_that_grow_together_are_refused() -> None:
    packed = gzip.compress(b"\0" * MAX_MESSAGE_BYTES)
    body = (struct.pack(">BI", 1, len(packed)) + packed) * 3

    with pytest.raises(MessageError, match="bytes decompressed") as failed:
        split(body, "gzip")

    assert failed.value.status is GrpcStatus.RESOURCE_EXHAUSTED
