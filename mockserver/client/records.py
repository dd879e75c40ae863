"""Calls, attempts and deliveries as values. Each is a snapshot."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, Self, TypeVar, overload

from mockserver.model import http
from mockserver.model.client_cert import ClientCert
from mockserver.model.headers import Headers, Pairs


class Values(Mapping[str, str]):
    """Names with values: `[name]` is the first value, `all(name)` is a list of all values."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[Iterable[str]]) -> None:
        self.pairs: Pairs = tuple((name, value) for name, value in pairs)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def __getitem__(self, name: str) -> str:
        for key, value in self.pairs:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"Values({list(self.pairs)!r})"


def body_bytes(view: Mapping[str, Any]) -> bytes:
    """Return the body of a view; a truncated body as far as it was kept."""
    if view.get("base64"):
        return base64.b64decode(view["base64"])
    return str(view.get("text") or "").encode()


class Request:
    """
    A received request.

    `path` has no namespace prefix. `target` is the target of the request line. `body` is the raw body.
    `params` are the path parameters; only functions of the test get them.
    """

    def __init__(self, raw: http.Request, params: Mapping[str, str] | None = None) -> None:
        self._raw = raw
        self.method = raw.method
        self.target = raw.target
        self.path = raw.path
        self.headers: Headers = raw.headers
        self.body = raw.body
        self.complete = raw.complete
        self.client = raw.client
        self.params = dict(params or {})
        self.truncated = False

    @classmethod
    def of_view(cls, view: Mapping[str, Any]) -> Self:
        """Create from a call of the admin API. Bodies over 64 KiB are truncated; see `truncated`."""
        cert = view.get("client_cert")
        request = cls(
            http.Request(
                view["method"],
                view["target"],
                headers=[(name, value) for name, value in view["headers"]],
                body=body_bytes(view["body"]),
                path=view["path"],
                complete=view["complete"],
                client=view["client"],
                client_cert=None if cert is None else ClientCert(**{**cert, "san": tuple(cert["san"])}),
            )
        )
        request.truncated = bool(view["body"]["truncated"])
        return request

    @property
    def query(self) -> Values:
        return Values(self._raw.query_pairs)

    @property
    def cookies(self) -> Values:
        return Values(self._raw.cookie_pairs)

    @property
    def form(self) -> Values:
        """Fields of a urlencoded or multipart form. Raises ValueError if the body is not a form."""
        self._check_whole()
        return Values(self._raw.form_pairs)

    @property
    def text(self) -> str:
        return self._raw.text

    @property
    def client_cert(self) -> ClientCert | None:
        """Verified client certificate of a TLS connection."""
        return self._raw.client_cert

    def json(self) -> Any:
        """Return the decoded body. Raises ValueError if it is not valid JSON."""
        self._check_whole()
        return self._raw.json

    def _check_whole(self) -> None:
        if self.truncated:
            raise ValueError(
                f"only the first {len(self.body)} bytes of this body were kept: it can't be read whole"
            )

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"


class Response:
    """A sent response. `body` is the raw body, truncated to 64 KiB."""

    def __init__(self, view: Mapping[str, Any]) -> None:
        self.status: int = view["status"]
        self.headers = Headers((name, value) for name, value in view["headers"])
        self.trailers = Headers((name, value) for name, value in view.get("trailers", ()))
        self.body = body_bytes(view["body"])
        self.truncated = bool(view["body"]["truncated"])

    @property
    def status_code(self) -> int:
        return self.status

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class Call:
    """
    One call. `data` is the complete record of the admin API; `websocket` is the connection after its handshake. `routes`
    are all routes that took part, `route` the first: several only for GraphQL.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.id: str = data["id"]
        self.number: int = data["number"]
        self.route: str | None = data["route"]
        self.routes: list[str] = data["routes"]
        self.scenario: str | None = data["scenario"]
        self.step: int | None = data["step"]
        self.matched: bool = data["matched"]
        self.automatic: bool = data["automatic"]
        self.replayed: bool = data["replayed"]
        self.forwarded: str | None = data["forwarded"]
        self.fault: str | None = data["fault"]
        self.outcome: str = data["outcome"]
        self.error: Mapping[str, Any] | None = data["error"]
        self.effects: list[Any] = data["effects"]
        self.webhooks: list[str] = data["webhooks"]
        self.times: Mapping[str, Any] = data["times"]
        self.request = Request.of_view(data["request"])
        self.response: Response | None = None if data["reply"] is None else Response(data["reply"])
        websocket = data.get("websocket")
        self.websocket: WebSocketConnection | None = (
            None if websocket is None else WebSocketConnection.of(websocket)
        )

    @property
    def status(self) -> int | None:
        """Status that was sent; None if nothing was sent."""
        is_sent = self.response is not None and self.times["first_byte_ms"] is not None
        return self.response.status if is_sent and self.response is not None else None

    @property
    def grpc(self) -> Mapping[str, Any] | None:
        """
        The gRPC part of the call, None for any other: `messages` and `replies` as JSON, `status`, `text`, `details` and
        `timeout_ms`.
        """
        part: Mapping[str, Any] | None = self.data.get("grpc")
        return part

    @property
    def grpc_status(self) -> str | None:
        """Name of the gRPC status, such as UNAVAILABLE; None if there is none."""
        return None if self.grpc is None else self.grpc["status"]

    @property
    def arrived(self) -> datetime:
        return datetime.fromisoformat(self.times["arrived"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.request.method} {self.request.path} {self.grpc_status or self.status}>"


class Unmatched(Call):
    """
    An unmatched request.

    `nearest` lists the nearest routes, each as `{route, request, differences}`. `suggestion` is a route in YAML that
    would match.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.nearest: list[Mapping[str, Any]] = data["nearest"]
        self.suggestion: str = data["suggestion"]


C = TypeVar("C", bound=Call)


class Calls(Sequence[C], Generic[C]):
    """Calls, oldest first."""

    def __init__(self, calls: Iterable[C]) -> None:
        self._calls = tuple(calls)

    @property
    def last(self) -> C:
        """Newest call. Raises IndexError if there is no call."""
        return self._end(-1)

    @property
    def first(self) -> C:
        return self._end(0)

    def _end(self, index: int) -> C:
        __tracebackhide__ = True
        if not self._calls:
            raise IndexError("there was no call")
        return self._calls[index]

    @property
    def called(self) -> bool:
        return bool(self._calls)

    @property
    def call_count(self) -> int:
        return len(self._calls)

    @property
    def statuses(self) -> list[int | str | None]:
        """Status of each call; that of a gRPC call is its name."""
        return [call.grpc_status or call.status for call in self._calls]

    def where(self, **wanted: object) -> Calls[C]:
        """
        Return the calls with these values, such as `where(status=503, method="POST")`.

        Names are attributes of the call or of its request.
        """
        return Calls(
            call for call in self._calls if all(_fact(call, name) == wanted[name] for name in wanted)
        )

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> Calls[C]: ...
    def __getitem__(self, index: int | slice) -> C | Calls[C]:
        __tracebackhide__ = True
        if isinstance(index, slice):
            return Calls(self._calls[index])
        if not -len(self._calls) <= index < len(self._calls):
            raise IndexError(f"there is no call {index}: there were {len(self._calls)}")
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"Calls({list(self._calls)!r})"


def _fact(call: Call, name: str) -> Any:
    for holder in (call, call.request):
        if hasattr(holder, name):
            return getattr(holder, name)
    raise TypeError(f"a call has no {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A document of the admin API as a value; `data` is the complete document."""

    data: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        known = {
            item.name: data[item.name] for item in fields(cls) if item.name in data and item.name != "data"
        }
        return cls(data=data, **known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload(View):
    """A document with a body."""

    @property
    def body(self) -> bytes:
        """Raw body, truncated to 64 KiB."""
        return body_bytes(self.data.get("body") or {})

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(View):
    """
    One attempt of an operation.

    `gap_ms` is the time since the end of the previous attempt, `asked_ms` the wait that its answer requested.
    `changed` lists the parts that differ from the previous attempt, `fields` the fields, each with the previous and
    the new value as JSON text. With `step` (`unauthorized`, `redirect`), the next call belongs to the same attempt.
    """

    call: str
    status: int | str | None
    outcome: str
    gap_ms: float | None = None
    asked_ms: float | None = None
    changed: list[str] = field(default_factory=list)
    fields: dict[str, list[str | None]] = field(default_factory=dict)
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(View):
    """
    Calls that are attempts of one operation.

    `retry_after` is kept, broken or none; `final` is succeeded, failed or open. `why` is the evidence for the
    grouping or, if it is not `certain`, the doubt; `by` is the selector that removes the doubt. `repeats` is the
    number, from 1, of an earlier operation that failed with an equal request. `left_out` lists fields that differ
    in each attempt and were not compared.
    """

    key: str | None
    route: str | None
    certain: bool
    why: str | None
    by: str | None
    repeats: int | None
    left_out: list[str]
    statuses: list[int | str | None]
    overlap: bool
    retry_after: str
    final: str

    @property
    def tries(self) -> list[Try]:
        return [Try.of(item) for item in self.data["tries"]]

    @property
    def gaps_ms(self) -> list[float]:
        return [item.gap_ms for item in self.tries if item.gap_ms is not None]


class Operations(list[Operation]):
    """
    Operations, oldest first.

    `amplification` is the number of calls per operation, None without operations. `most_in_flight` is the maximum
    number of concurrent calls.
    """

    amplification: float | None
    most_in_flight: int

    @classmethod
    def of(cls, pages: Iterable[Mapping[str, Any]]) -> Self:
        """Return the operations of all pages; each page has both numbers."""
        result = cls()
        for page in pages:
            result.extend(Operation.of(item) for item in page["items"])
            result.amplification, result.most_in_flight = page["amplification"], page["most_in_flight"]
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Payload):
    """A webhook delivery. `state` is waiting, sending, delivered, failed or dropped."""

    id: str
    call: str
    route: str
    state: str
    url: str
    method: str = "POST"
    error: str | None = None
    attempts: int = 1
    tries: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def headers(self) -> Headers:
        return Headers((name, value) for name, value in self.data.get("headers", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketFrame(Payload):
    """
    A frame of a WebSocket connection. `direction` is `received` or `sent` by the mock server, `type` is `text`, `binary`,
    `ping`, `pong` or `close`. `at_ms` is counted from the handshake.
    """

    direction: str
    type: str
    at_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketConnection(View):
    """
    A WebSocket connection. `received` and `sent` count its messages; `dropped` frames are not in `frames`. `closed` is
    `{by, code, reason}`, None while it is open.
    """

    subprotocol: str | None
    received: int
    sent: int
    dropped: int
    closed: Mapping[str, Any] | None

    @property
    def frames(self) -> list[WebSocketFrame]:
        return [WebSocketFrame.of(item) for item in self.data["frames"]]

    @property
    def messages(self) -> list[WebSocketFrame]:
        """Messages of the client."""
        return [
            frame
            for frame in self.frames
            if frame.direction == "received" and frame.type in ("text", "binary")
        ]
