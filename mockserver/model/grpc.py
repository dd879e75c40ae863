"""
gRPC: its statuses, their HTTP equivalents, and requests whose bodies are messages.

The status of a gRPC response is in its trailers, or in its headers if it has no message (Trailers-Only).
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any, Protocol
from urllib.parse import quote, unquote

from mockserver.model.coding import UnreadableBodyError
from mockserver.model.http import Request, Response

METHOD = "GRPC"
"""The method of a gRPC request in routes, checks and the call log; on the wire it is POST."""
CONTENT_TYPE = "application/grpc"
PUSHBACK = "grpc-retry-pushback-ms"
"""The trailer by which a server asks for a wait before a retry, or for none at all."""


class GrpcStatus(IntEnum):
    """The statuses of gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


GRPC_STATUSES = tuple(status.name for status in GrpcStatus)

HTTP_STATUS = {
    GrpcStatus.OK: 200,
    GrpcStatus.CANCELLED: 499,
    GrpcStatus.UNKNOWN: 500,
    GrpcStatus.INVALID_ARGUMENT: 400,
    GrpcStatus.DEADLINE_EXCEEDED: 504,
    GrpcStatus.NOT_FOUND: 404,
    GrpcStatus.ALREADY_EXISTS: 409,
    GrpcStatus.PERMISSION_DENIED: 403,
    GrpcStatus.RESOURCE_EXHAUSTED: 429,
    GrpcStatus.FAILED_PRECONDITION: 400,
    GrpcStatus.ABORTED: 409,
    GrpcStatus.OUT_OF_RANGE: 400,
    GrpcStatus.UNIMPLEMENTED: 501,
    GrpcStatus.INTERNAL: 500,
    GrpcStatus.UNAVAILABLE: 503,
    GrpcStatus.DATA_LOSS: 500,
    GrpcStatus.UNAUTHENTICATED: 401,
}
"""The HTTP status of the same meaning, by google/rpc/code.proto."""

_GRPC_STATUS = {
    400: GrpcStatus.INVALID_ARGUMENT,
    401: GrpcStatus.UNAUTHENTICATED,
    403: GrpcStatus.PERMISSION_DENIED,
    404: GrpcStatus.NOT_FOUND,
    405: GrpcStatus.UNIMPLEMENTED,
    408: GrpcStatus.DEADLINE_EXCEEDED,
    409: GrpcStatus.ABORTED,
    412: GrpcStatus.FAILED_PRECONDITION,
    413: GrpcStatus.RESOURCE_EXHAUSTED,
    422: GrpcStatus.INVALID_ARGUMENT,
    429: GrpcStatus.RESOURCE_EXHAUSTED,
    431: GrpcStatus.RESOURCE_EXHAUSTED,
    499: GrpcStatus.CANCELLED,
    500: GrpcStatus.INTERNAL,
    501: GrpcStatus.UNIMPLEMENTED,
    502: GrpcStatus.UNAVAILABLE,
    503: GrpcStatus.UNAVAILABLE,
    504: GrpcStatus.DEADLINE_EXCEEDED,
    507: GrpcStatus.RESOURCE_EXHAUSTED,
}


def grpc_status_of(http_status: int) -> GrpcStatus:
    """
    Return the gRPC status that means the same as an HTTP status.

    >>> grpc_status_of(503).name, grpc_status_of(429).name, grpc_status_of(302).name
    ('UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'UNKNOWN')
    """
    return _GRPC_STATUS.get(http_status, GrpcStatus.UNKNOWN)


def is_grpc(content_type: str) -> bool:
    """
    Whether a content type is that of gRPC; gRPC-Web is another protocol.

    >>> is_grpc("application/grpc+proto"), is_grpc("application/grpc"), is_grpc("application/grpc-web")
    (True, True, False)
    """
    kind = content_type.partition(";")[0].strip().lower()
    return kind == CONTENT_TYPE or kind.startswith(CONTENT_TYPE + "+")


def status_of(response: Response | None) -> GrpcStatus | None:
    """Return the gRPC status of a response; None if it has none."""
    if response is None:
        return None
    value = trailer(response, "grpc-status")
    if value is None or not value.isascii() or not value.isdigit() or int(value) >= len(GRPC_STATUSES):
        return None
    return GrpcStatus(int(value))


def trailer(response: Response, name: str) -> str | None:
    """Return the first value of that trailer, which a response without messages has among its headers."""
    value = next((value for key, value in response.trailers if key.lower() == name), None)
    return response.header(name) if value is None else value


def meaning(response: Response) -> int:
    """Return the HTTP status that says what a response means: its own, or the equivalent of its gRPC status."""
    if response.status != 200:  # every gRPC response has 200
        return response.status
    status = status_of(response)
    return 200 if status is None else HTTP_STATUS[status]


def encode_text(text: str) -> str:
    r"""
    Percent-encode the text of a status (`grpc-message`).

    >>> encode_text("card: 100% declined\n")
    'card: 100%25 declined%0A'
    """
    return quote(text, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")


def decode_text(text: str) -> str:
    """Decode the text of a status."""
    return unquote(text)


_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS_S = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def timeout_s(value: str | None) -> float | None:
    """
    Return the seconds of `grpc-timeout`; None if there is none, or it is invalid.

    >>> timeout_s("250m"), timeout_s("2S"), timeout_s("soon")
    (0.25, 2.0, None)
    """
    match = _TIMEOUT.fullmatch(value or "")
    return None if match is None else round(int(match[1]) * _UNITS_S[match[2]], 9)


class MessageReader(Protocol):
    """Reads the messages of one method."""

    is_stream: bool
    """Whether the client may send several messages."""

    def messages(self, request: Request) -> list[Any]:
        """Return the messages of a request as JSON. Raises UnreadableBodyError."""

    def replies(self, body: bytes) -> list[Any]:
        """Return the messages of a response as JSON, as far as they can be read."""


class GrpcRequest(Request):
    """
    A gRPC request. Its JSON is that of its message, or the list of its messages if its method takes a stream.

    `reader` knows the types of its method; it is None if no scenario has the schema of that method.
    """

    __slots__ = ("reader",)

    reader: MessageReader | None

    @classmethod
    def of_head(cls, *parts: Any) -> GrpcRequest:
        """Create a request whose body has not been read."""
        self = super().of_head(*parts)
        assert isinstance(self, GrpcRequest)
        self.reader = None
        return self

    @classmethod
    def of(cls, request: Request) -> GrpcRequest:
        """Return a request, received as a POST, as a gRPC request."""
        self = cls.__new__(cls)
        for name in Request.__slots__:
            setattr(self, name, getattr(request, name))
        self.method = METHOD
        self.reader = None
        return self

    @property
    def messages(self) -> list[Any]:
        """The messages as JSON. Raises UnreadableBodyError."""
        return self.once("messages", self._read_messages)

    def take(self, messages: list[Any]) -> None:
        """Set the messages that have come so far, in a conversation."""
        parsed = self.parsed()
        parsed.clear()
        parsed["messages"] = messages

    def _read_messages(self) -> list[Any]:
        if self.reader is None:
            raise UnreadableBodyError("no scenario has the schema of this gRPC method")
        return self.reader.messages(self)

    @property
    def message(self) -> Any:
        """The last message as JSON: the only one, unless the client sends a stream. Raises UnreadableBodyError."""
        messages = self.messages
        if not messages:
            raise UnreadableBodyError("the client has sent no message")
        return messages[-1]

    @property
    def json(self) -> Any:
        """The message as JSON, or all messages of a stream. Raises UnreadableBodyError."""
        return self.messages if self.reader is not None and self.reader.is_stream else self.message

    @property
    def json_as_written(self) -> Any:
        return self.json
