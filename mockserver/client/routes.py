"""A route as a test uses it: set its reply, then inspect and verify its calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from mockserver.client.link import Link, segment
from mockserver.client.plain import NamedValue, plain
from mockserver.client.records import Call, Calls, Operations, WebSocketFrame
from mockserver.client.sync_async import Awaiting, Blocking, does, does_here, tells
from mockserver.client.words import (
    MATCH,
    ROUTE,
    AttemptWords,
    Duration,
    LoadWords,
    MatchWords,
    MessageWords,
    ReplyWords,
    RouteWords,
    Step,
    Times,
    check_words,
)
from mockserver.client.writing import (
    Condition,
    Functions,
    attempts_document,
    function_of,
    load_document,
    match_document,
    message_document,
    pushed_document,
    route_document,
    steps_of,
)


class RouteSurface(NamedValue):
    """
    A route of one namespace. It is active after the first call of `reply`.

    `id` is `scenario/name`, as in the admin API and in reports.
    """

    def __init__(
        self,
        link: Link,
        *,
        name: str | None = None,
        document: dict[str, Any] | None = None,
        where: Condition | None = None,
    ) -> None:
        self._link = link
        self._name = name
        self._document = document or {}
        self._where = where

    def __mockserver_name__(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        __tracebackhide__ = True
        if self._name is None:
            line = self._document["request"]
            raise TypeError(f"the route {line} doesn't answer yet: call .reply(…) first, such as .reply(200)")
        return self._name

    @property
    def _path(self) -> str:
        return f"/routes/{segment(self.id)}"

    @does_here
    def reply(self, *steps: Step, **last: Unpack[ReplyWords]) -> None:
        """
        Set what the route answers.

        `reply(503, 503, json={...})` is a sequence of three steps; the keywords are the last step. A further call
        starts a new sequence.
        """
        __tracebackhide__ = True
        sequence, functions = steps_of(steps, last)
        line = str(self._document.get("request", ""))
        if functions and line.startswith("GRAPHQL"):
            raise TypeError("a function can't answer a field of GraphQL: write json=…, with templates")
        if functions and line.startswith("GRPC"):
            for i in functions:
                sequence[i] = {"status": "UNKNOWN", **sequence[i]}  # no reply that the function gives
        reply = sequence[0] if len(sequence) == 1 else sequence
        self._write({**self._document, "reply": reply} if self._name is None else {"reply": reply}, functions)

    @does_here
    def proxy(self, to: str) -> None:
        """
        Forward requests to the real service at this URL instead of replying.

        Its host must be allowed: by a scenario file that names it, or by `allow_egress`.
        """
        __tracebackhide__ = True
        own = {**self._document, "proxy": to} if self._name is None else {"proxy": to, "reply": None}
        self._write(own, {})

    def _write(self, document: dict[str, Any], functions: Functions) -> None:
        __tracebackhide__ = True
        if functions or self._where is not None:
            view = self._place(document, functions, self._where)
        elif self._name is None:
            view = self._link.send("POST", "/routes", document)
        else:
            view = self._link.send("PATCH", self._path, document)
        self._name = view["id"]
        self._where = None  # the server keeps it

    def _place(
        self, document: dict[str, Any], functions: Functions, where: Condition | None
    ) -> dict[str, Any]:
        __tracebackhide__ = True
        if self._link.local is None:
            does, instead = (
                (
                    "match",
                    'Write conditions on the request as data (json={"amount": {"$gte": 500}}), or `if_` with an expression',
                )
                if where is not None
                else (
                    "answer",
                    'Write the reply as data, with templates where it varies (json={"id": "{{ request.json.id }}"})',
                )
            )
            raise TypeError(
                f"a function can {does} only in the process that defines it, and the server at {self._link.http.url} "
                f"runs in another. {instead}, or run this test on mockserver.Server"
            )
        return self._link.local.place(self._link.namespace, self._name, document, functions, where)

    @does_here
    def update(self, **words: Unpack[RouteWords]) -> None:
        """Change other keys of the route, such as `priority` or `expect`; None removes a key."""
        __tracebackhide__ = True
        check_words("update()", words, ROUTE)
        document = route_document("", words)
        del document["request"]
        self._where = function_of(words)
        self._write(document, {})

    @does
    def remove(self) -> None:
        """Remove the route from this namespace."""
        self._link.send("DELETE", self._path)

    # Calls

    @tells
    def called(self) -> bool:
        """Whether the route was called."""
        return self._count() > 0

    @tells
    def call_count(self) -> int:
        """Number of calls. It is exact even if calls were dropped from the call log."""
        return self._count()

    def _count(self) -> int:
        return int(self._link.send("POST", "/count", {"route": self.id})["count"])

    @tells
    def calls(self) -> Calls[Call]:
        """Calls of the route, oldest first: `route.calls.last.request.json()`."""
        return Calls(Call(call) for call in self._link.items("/calls", route=self.id))

    @does
    def attempts(self, *, by: str | None = None, ignore: str | Sequence[str] = ()) -> Operations:
        """Return the calls of the route grouped into operations; see `Namespace.attempts`."""
        return operations_of(self._link, self.id, by, ignore)

    @tells
    def exhausted(self) -> bool:
        """Whether the sequence is used up, with `then="stop"`."""
        return bool(self._link.send("GET", self._path)["exhausted"])

    # Checks

    @does
    def assert_called(
        self, times: Times | None = None, *, within: Duration | None = None, quiet: Duration | None = None
    ) -> None:
        """
        Raise VerificationFailed unless the route was called this often (default: at least once).

        `within` waits for the calls. `quiet` requires that no more calls arrive for this duration afterwards.
        """
        self._verify({} if times is None else {"times": plain(times)}, within, quiet)

    @does
    def assert_called_once(self, *, within: Duration | None = None, quiet: Duration | None = None) -> None:
        """Raise VerificationFailed unless the route was called exactly once."""
        self._verify({"times": 1}, within, quiet)

    @does
    def assert_not_called(self, *, quiet: Duration | None = None) -> None:
        """Raise VerificationFailed if the route was called."""
        self._verify({"times": 0}, None, quiet)

    @does
    def assert_called_with(
        self,
        *,
        times: Times | None = None,
        within: Duration | None = None,
        quiet: Duration | None = None,
        **match: Unpack[MatchWords],
    ) -> None:
        """
        Raise VerificationFailed unless the route was called this often (default: at least once) with such a request.

        Example: `assert_called_with(json={"amount": 5000}, headers={"idempotency-key": ANY})`. The error shows the
        differences from the nearest call. `json` compares the named fields only, as in `match`; `json_exact` allows
        no other fields.
        """
        __tracebackhide__ = True
        check_words("assert_called_with()", match, MATCH)
        if not match:
            raise TypeError(
                "assert_called_with() compares nothing: give json=, headers=, query=, form= or text="
            )
        check = {"match": match_document(match)}
        self._verify(check if times is None else {**check, "times": plain(times)}, within, quiet)

    # WebSocket connections

    @does
    def send(self, text: str | None = None, *, json: object = ..., base64: str | bytes | None = None) -> int:
        """
        Send a message to the open WebSocket connections of the route. Return their number.

        Example: `feed.send(json={"price": 42})`. It is an error if no connection is open.
        """
        __tracebackhide__ = True
        document = {"route": self.id, **pushed_document(text, json, base64)}
        return len(self._link.send("POST", "/websockets/send", document)["calls"])

    @does
    def close(self, code: int = 1000, reason: str = "") -> int:
        """Close the open WebSocket connections of the route. Return their number; it is an error if none is open."""
        document = {"route": self.id, "code": code, "reason": reason}
        return len(self._link.send("POST", "/websockets/close", document)["calls"])

    @tells
    def messages(self) -> list[WebSocketFrame]:
        """Messages that clients sent over the WebSocket connections of the route, oldest connection first."""
        calls = [Call(call) for call in self._link.items("/calls", route=self.id)]
        return [
            message for call in calls if call.websocket is not None for message in call.websocket.messages
        ]

    @does
    def assert_received(
        self,
        times: Times | None = None,
        *,
        within: Duration | None = None,
        quiet: Duration | None = None,
        **message: Unpack[MessageWords],
    ) -> None:
        """
        Raise VerificationFailed unless clients sent this number of such WebSocket messages (default: at least one).

        Example: `feed.assert_received(2, json={"type": "ping"})`. Without conditions, every message counts.
        """
        __tracebackhide__ = True
        check = {"received": message_document(message)}
        self._verify(check if times is None else {**check, "times": plain(times)}, within, quiet)

    @does
    def assert_attempts(self, times: Times | None = None, **attempts: Unpack[AttemptWords]) -> None:
        """
        Raise VerificationFailed unless the route was called this often and all attempts keep the rules.

        Example: `assert_attempts(3, gaps="400ms", same=["headers.idempotency-key", "body"])`.
        """
        __tracebackhide__ = True
        rules = {} if times is None else {"times": plain(times)}
        rules |= attempts_document(attempts)
        self._verify(rules, attempts.get("within"), attempts.get("quiet"))

    @does
    def assert_load(self, **load: Unpack[LoadWords]) -> None:
        """
        Raise VerificationFailed unless the calls of the route together keep the rules.

        Example: `assert_load(amplification={"max": 1.2}, in_flight={"max": 10})`.
        """
        __tracebackhide__ = True
        self._verify(load_document(load), load.get("within"), load.get("quiet"))

    def _verify(self, check: dict[str, Any], within: Duration | None, quiet: Duration | None) -> None:
        self._link.verify({"route": self.id, **check}, within, quiet)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name or self._document['request'] + ', without a reply'}>"


def operations_of(link: Link, route: str | None, by: str | None, ignore: str | Sequence[str]) -> Operations:
    """Return the operations of `GET /attempts`."""
    fields = ignore if isinstance(ignore, str) else ",".join(ignore)
    return Operations.of(link.pages("/attempts", route=route, by=by, ignore=fields or None))


class Route(RouteSurface, Blocking):
    """A route with blocking methods. It is active after the first call of `reply`."""


class AsyncRoute(RouteSurface, Awaiting):
    """A route with methods and properties to be awaited: `assert await route.call_count == 3`."""
