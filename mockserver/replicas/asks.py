"""A request for a namespace, as it goes to the replica that owns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgpack import packb, unpackb

from mockserver.http.http1_wire import Http1Wire
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome
from mockserver.replicas.constant import Added
from mockserver.replicas.entries import request_head, request_of, response_head, response_of

_TEXTS: Any = {"unicode_errors": "surrogateescape"}


@dataclass(slots=True)
class Apart:
    """
    A request that claims no route: its body never came whole, or it can't be answered. With `amended` it is not a request at
    all, but the outcome of a call that a replica has added.
    """

    response: Response | None
    document: dict[str, Any] | None = None
    amended: tuple[Added, Outcome] | None = None

    def plain(self) -> list[Any]:
        """Return it as plain values."""
        response = self.response
        return [
            None if response is None else [*response_head(response), response.body],
            self.document,
            None if self.amended is None else [list(self.amended[0]), self.amended[1].value],
        ]

    @classmethod
    def of(cls, plain: list[Any]) -> Apart:
        response, document, amended = plain
        return cls(
            None if response is None else response_of(response[:-1], response[-1]),
            document,
            None if amended is None else (tuple(amended[0]), Outcome(amended[1])),
        )


@dataclass(slots=True)
class Ask:
    """
    A request for the namespace `name`. What it does under its `id` is done once. `header` is one more line of the reply.
    `keep_alive` and `head_only` are those of the reply of a request that another replica passes on.
    """

    request: Request
    name: str
    id: str
    header: tuple[str, str] | None = None
    apart: Apart | None = None
    is_admin: bool = False
    keep_alive: bool = True
    head_only: bool = False

    def pack(self, wire: Http1Wire) -> bytes:
        """Return the payload for the replica that answers in the place of that connection."""
        request = self.request
        data: bytes = packb(
            [
                self.id,
                self.name,
                request_head(request),
                request.headers.as_bytes(),
                request.body,
                self.header,
                None if self.apart is None else self.apart.plain(),
                self.is_admin,
                wire.keep_alive,
                wire.head_only,
            ],
            **_TEXTS,
        )
        return data

    @classmethod
    def unpack(cls, payload: bytes) -> Ask:
        """Return what was packed. Raises ValueError, TypeError."""
        request_id, name, head, raw, body, header, apart, is_admin, keep_alive, head_only = unpackb(
            payload, **_TEXTS
        )
        return cls(
            request_of(head, raw, body, name),
            name,
            request_id,
            None if header is None else (header[0], header[1]),
            None if apart is None else Apart.of(apart),
            is_admin,
            keep_alive,
            head_only,
        )
