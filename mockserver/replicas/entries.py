"""
What a namespace was told, as the store keeps it: one entry for each call, each end of one, each change.

An engine that runs the entries of a namespace in their order remembers what the engine remembers that wrote them. An
entry is a kind, a head of plain values and two byte strings, as MessagePack. Nothing of it is ever run or imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from msgpack import packb, unpackb

from mockserver.errors import MockServerError
from mockserver.model.client_cert import ClientCert
from mockserver.model.headers import Headers
from mockserver.model.http import Peer, Request, Response

_TEXTS: Any = {"unicode_errors": "surrogateescape"}


class Kind(IntEnum):
    """What an entry says. Numbers are part of the format."""

    CALL = 1
    """A request that was decided, and, where its reply was whole and ready, that it was completed."""
    ANSWERED = 2
    LEFT = 3
    END = 4
    AMEND = 5
    REPLY = 6
    """What a real service answered to a call that was forwarded."""
    ADMIN = 7
    CLOCK = 8
    SENDING = 9
    """An attempt of a webhook begins."""
    SENT = 10
    """An attempt of a webhook is over."""
    KEPT = 11
    """How long the namespace stays."""


class BadEntryError(MockServerError):
    """Bytes that are no entry of this version."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`at_s` is the store's time at which it was run."""

    kind: Kind
    at_s: float
    head: list[Any] = field(default_factory=list)
    first: bytes = b""
    second: bytes = b""

    def encode(self) -> bytes:
        return encode(self.kind, self.at_s, self.head, self.first, self.second)


def encode(kind: int, at_s: float, head: list[Any], first: bytes = b"", second: bytes = b"") -> bytes:
    """Return the bytes of an entry."""
    data: bytes = packb([int(kind), at_s, head, first, second], **_TEXTS)
    return data


def decode(data: bytes) -> LogEntry:
    """Return the entry that the bytes are. Raises BadEntryError."""
    try:
        kind, at_s, head, first, second = unpackb(data, **_TEXTS)
        return LogEntry(Kind(kind), at_s, head, first, second)
    except (ValueError, TypeError) as error:
        raise BadEntryError(f"these bytes are not an entry: {error}") from error


def request_head(request: Request) -> list[Any]:
    """Return what of a request is neither header lines nor body, as plain JSON."""
    cert = request.client_cert
    return [
        request.method,
        request.target,
        request.path,
        request.prefix,
        request.version[1] if request.version[0] == 1 else request.version[0] * 10,
        request.complete,
        request.arrived_s,
        request.arrived_at_s,
        request.client,
        request.scheme,
        None
        if cert is None
        else [cert.subject, cert.issuer, list(cert.san), cert.serial, cert.fingerprint_sha256],
        request.max_json_members,
    ]


def request_of(head: list[Any], raw_headers: bytes, body: bytes, namespace: str) -> Request:
    """Return the request again."""
    (
        method, target, path, prefix, minor, complete, arrived_s, arrived_at_s, client, scheme, cert, most,
    ) = head  # fmt: skip
    proven = None if cert is None else ClientCert(cert[0], cert[1], tuple(cert[2]), cert[3], cert[4])
    version = (1, minor) if minor < 10 else (minor // 10, 0)
    request = Request.of_head(
        method, target, Headers.of_head(raw_headers), Peer(client, scheme, proven, most), version, arrived_s, arrived_at_s
    )  # fmt: skip
    request.path, request.prefix, request.namespace, request.complete = path, prefix, namespace, complete
    request.body = body
    return request


def response_head(response: Response) -> list[Any]:
    """Return what of a response is not its body, as plain JSON."""
    return [response.status, [list(pair) for pair in response.headers], response.reason]


def response_of(head: list[Any], body: bytes) -> Response:
    status, headers, reason = head
    return Response(status, [(name, value) for name, value in headers], body, reason)
