"""Frames of HTTP/2 (RFC 9113 4 and 6): numbers and encoding."""

from __future__ import annotations

import struct
from enum import IntEnum

from mockserver.errors import MockServerError
from mockserver.model.http2_codes import Http2Code

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
MOST_WINDOW = 0x7FFFFFFF
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_BYTES = 16_384
MOST_FRAME_BYTES = 0xFFFFFF

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITISED = 0x20


class FrameType(IntEnum):
    """Types of frames. Others are ignored."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    """Identifiers of settings. Others are ignored."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class Http2Error(MockServerError):
    """A violation of the protocol that ends the connection."""

    def __init__(self, code: Http2Code, text: str) -> None:
        super().__init__(text)
        self.code = code


class Http2StreamError(MockServerError):
    """A violation of the protocol that ends one stream."""

    def __init__(self, stream_id: int, code: Http2Code, text: str) -> None:
        super().__init__(text)
        self.stream_id = stream_id
        self.code = code


_HEAD = struct.Struct(">BHBBI")
_SETTING = struct.Struct(">HI")


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Encode a frame."""
    length = len(payload)
    return _HEAD.pack(length >> 16, length & 0xFFFF, kind, flags, stream_id) + payload


def settings(values: dict[Setting, int]) -> bytes:
    """Encode a SETTINGS frame."""
    return frame(FrameType.SETTINGS, 0, 0, b"".join(_SETTING.pack(*pair) for pair in values.items()))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Decode the payload of a SETTINGS frame."""
    return list(_SETTING.iter_unpack(payload))


def window_update(stream_id: int, size: int) -> bytes:
    return frame(FrameType.WINDOW_UPDATE, 0, stream_id, size.to_bytes(4))


def rst_stream(stream_id: int, code: int) -> bytes:
    return frame(FrameType.RST_STREAM, 0, stream_id, code.to_bytes(4))


def goaway(last_id: int, code: int, text: str = "") -> bytes:
    return frame(FrameType.GOAWAY, 0, 0, last_id.to_bytes(4) + code.to_bytes(4) + text.encode())


def unpadded(payload: bytes) -> bytes:
    """Return the content of a padded payload. Raises Http2Error."""
    padding = payload[0] + 1 if payload else 1
    if padding > len(payload):
        raise Http2Error(Http2Code.PROTOCOL_ERROR, "the padding is longer than its frame")
    return payload[1 : len(payload) - padding + 1]


def check(holds: bool, code: Http2Code, text: str) -> None:
    """Raises Http2Error if the condition does not hold."""
    if not holds:
        raise Http2Error(code, text)


def check_priority(stream_id: int, priority: bytes) -> None:
    """Raises Http2StreamError for a stream that depends on itself (RFC 7540 5.3.1)."""
    if int.from_bytes(priority[:4]) & MOST_WINDOW == stream_id:
        raise Http2StreamError(stream_id, Http2Code.PROTOCOL_ERROR, "a stream depends on itself")
