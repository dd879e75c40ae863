"""
What a namespace was told, as the store keeps it: one entry for each call, each end of one, each change.

An engine that runs the entries of a namespace in their order remembers what the engine remembers that wrote them. An
entry is a kind, a head of plain values and two byte strings, as MessagePack. Nothing of it is ever run or imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from msgpack import Packer, Unpacker, UnpackException

from mockserver.errors import MockServerError
from mockserver.model.client_cert import ClientCert
from mockserver.model.headers import Headers
from mockserver.model.http import Peer, Request, Response

_TEXTS: Any = {"unicode_errors": "surrogateescape"}
_pack: Callable[[Any], bytes] = Packer(
    **_TEXTS
).pack  # a new one for each entry would cost more than the entry


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
    """An attempt of a webhook has ended."""
    KEPT = 11
    """How long the namespace stays."""
    ADDED = 12
    """The first entry of a block that a replica has added to an open namespace: what its calls count."""
    CONSTANT = 13
    """A call in such a block: it was answered with a constant reply."""


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
    return _pack([kind, at_s, head, first, second])


def first_of(block: bytes) -> LogEntry:
    """Return the first entry of a block, which is a part of the list in the store. Raises BadEntryError."""
    try:
        return _entry(_unpacker(block).unpack())
    except (ValueError, UnpackException) as error:
        raise BadEntryError(f"these bytes are not an entry: {error}") from error


def entries_of(block: bytes) -> list[LogEntry]:
    """Return the entries of a block. Raises BadEntryError."""
    unpacker = _unpacker(block)
    unpacker.feed(_NIL)
    try:
        *entries, end = unpacker
    except ValueError as error:
        raise BadEntryError(f"these bytes are not entries: {error}") from error
    if end is not None or not entries:
        raise BadEntryError("these bytes are not whole entries")
    return [_entry(plain) for plain in entries]


_NIL = b"\xc0"
"""Comes after a whole entry, and is swallowed by one that is not."""


def _unpacker(block: bytes) -> Unpacker:
    unpacker = Unpacker(max_buffer_size=0, **_TEXTS)
    unpacker.feed(block)
    return unpacker


def _entry(plain: Any) -> LogEntry:  # noqa: ANN401  (whatever the bytes are)
    try:
        kind, at_s, head, first, second = plain
        return LogEntry(Kind(kind), at_s, head, first, second)
    except (ValueError, TypeError) as error:
        raise BadEntryError(f"these bytes are not an entry: {error}") from error


def request_head(request: Request) -> list[Any]:
    """Return what of a request is neither header lines nor body, as plain JSON."""
    peer = request.peer
    cert = peer.client_cert
    return [
        request.method,
        request.target,
        request.path,
        request.prefix,
        request.version[1] if request.version[0] == 1 else request.version[0] * 10,
        request.complete,
        request.arrived_s,
        request.arrived_at_s,
        peer.client,
        peer.scheme,
        None
        if cert is None
        else [cert.subject, cert.issuer, list(cert.san), cert.serial, cert.fingerprint_sha256],
        peer.max_json_members,
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
