"""Requests and responses as plain values."""

from mockserver.model.coding import UnreadableBodyError
from mockserver.model.headers import Headers, Pairs
from mockserver.model.http.forms import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    Grouped,
    decode_segment,
    grouped,
    split_urlencoded,
)
from mockserver.model.http.json_body import (
    MAX_JSON_DEPTH,
    MAX_JSON_MEMBERS,
    MAX_LARGE_JSON_DIGITS,
    decode_json,
)
from mockserver.model.http.request import (
    ABSENT,
    ADMIN,
    GRAPHQL,
    HTTP_1_1,
    HTTP_2,
    WEBSOCKET,
    Peer,
    Request,
    Unreadable,
    Via,
)
from mockserver.model.http.response import Response, Shape, StreamReply
from mockserver.model.multipart import Part

__all__ = [
    "ABSENT", "ADMIN", "GRAPHQL", "HTTP_1_1", "HTTP_2", "MAX_FORM_BYTES", "MAX_FORM_FIELDS", "MAX_JSON_DEPTH", "MAX_JSON_MEMBERS",
    "MAX_LARGE_JSON_DIGITS", "WEBSOCKET", "Grouped", "Headers", "Pairs", "Part", "Peer", "Request", "Response", "Shape",
    "StreamReply", "Unreadable", "UnreadableBodyError", "Via", "decode_json", "decode_segment", "grouped", "split_urlencoded",
]  # fmt: skip
