"""
One namespace of a mock server, as a test uses it.

`Namespace` blocks, `AsyncNamespace` is awaited; both have the same methods.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from os import PathLike
from typing import Any, Generic, Literal, Self, TypeVar, Unpack

from mockserver.client.bundles import read_scenario
from mockserver.client.clock import AsyncClock, Clock
from mockserver.client.context_managers import AsyncPause, Pause
from mockserver.client.link import Link, segment, wait_s
from mockserver.client.plain import plain, with_units
from mockserver.client.records import Call, Calls, Delivery, Operations, Unmatched
from mockserver.client.routes import AsyncRoute, Route, RouteSurface, operations_of
from mockserver.client.state import AsyncState, State
from mockserver.client.sync_async import Awaiting, Blocking, does, run, run_aside, tells
from mockserver.client.words import (
    MATCH,
    OUTAGE,
    TROUBLE,
    AnswerWords,
    CheckWords,
    Duration,
    LoadWords,
    MatchWords,
    RouteWords,
    Step,
    Times,
    TroubleWords,
    check_words,
    key_of,
)
from mockserver.client.writing import (
    check_document,
    function_of,
    load_document,
    request_line,
    route_document,
    steps_of,
)

RouteT = TypeVar("RouteT", bound=RouteSurface)
PauseT = TypeVar("PauseT", bound="Pause[Any] | AsyncPause[Any]")


class NamespaceSurface(Generic[RouteT, PauseT]):
    """
    One namespace.

    `url` is the base URL for the application under test. `seed` is the seed for random values, if it is known.
    """

    _route_type: type[RouteT]
    _pause_type: Callable[[str, Callable[[], Any], Callable[[Any], object]], PauseT]

    def __init__(self, link: Link, url: str, seed: str | None = None) -> None:
        self._link = link
        self.url = url
        self.seed = seed

    @property
    def name(self) -> str:
        return self._link.namespace

    @property
    def admin_url(self) -> str:
        """URL of the admin API of this namespace, for other tools."""
        return f"{self._link.http.url}{self._link.base}"

    # What answers

    def get(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        """Return a route for GET and HEAD. It is active after the first call of `.reply(…)`."""
        return self.on(request_line("GET", path), **match)

    def post(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        """Return a route for POST; `put`, `patch`, `delete`, `head` and `options` work alike."""
        return self.on(request_line("POST", path), **match)

    def put(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        return self.on(request_line("PUT", path), **match)

    def patch(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        return self.on(request_line("PATCH", path), **match)

    def delete(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        return self.on(request_line("DELETE", path), **match)

    def head(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        return self.on(request_line("HEAD", path), **match)

    def options(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        return self.on(request_line("OPTIONS", path), **match)

    def any(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        """Return a route for every method."""
        return self.on(request_line("ANY", path), **match)

    def ws(self, path: str, **match: Unpack[RouteWords]) -> RouteT:
        """Return a route for WebSocket connections: `ws("/feed").reply(websocket=[{"send": {"text": "hello"}}])`."""
        return self.on(request_line("WS", path), **match)

    def on(self, request: str, **match: Unpack[RouteWords]) -> RouteT:
        """Return a route for a request line, such as `on("GET,PUT /items/{id}")`."""
        __tracebackhide__ = True
        return self._route_type(self._link, document=route_document(request, match), where=function_of(match))

    def route(self, name: str) -> RouteT:
        """Return the route with this id, or with this name if it is unique. It is looked up at first use."""
        return self._route_type(self._link, name=name)

    @tells
    def routes(self) -> list[RouteT]:
        """All routes, active or not."""
        return [
            self._route_type(self._link, name=route["id"])
            for route in self._link.send("GET", "/routes")["items"]
        ]

    @does
    def use(self, *names: str) -> None:
        """Activate exactly these scenarios. Runtime routes stay active."""
        self._link.send("POST", "/scenarios/use", {"names": list(names)})

    @does
    def load(self, path: str | PathLike[str]) -> str:
        """
        Add a scenario file to this namespace, with the files it refers to, and return the scenario's name.

        A scenario of the same name is replaced.
        """
        result = read_scenario(path)
        self._link.send("PUT", f"/scenarios/{segment(result.name)}", result.document)
        return result.name

    @tells
    def scenarios(self) -> list[Mapping[str, Any]]:
        """All scenarios, each as `{name, active, routes, …}`."""
        return list(self._link.send("GET", "/scenarios")["items"])

    # What went on

    @tells
    def calls(self) -> Calls[Call]:
        """All calls, oldest first."""
        return Calls(Call(call) for call in self._link.items("/calls"))

    @does
    def find_calls(self, text: str) -> Calls[Call]:
        """Return the calls with this text, in any case, in the target, the headers or the body of the request or its reply."""
        return Calls(Call(call) for call in self._link.items("/calls", q=text))

    @does
    def delete_call(self, call: Call | str) -> None:
        """
        Delete one completed call, or the call of this id, from the call log and the counts.

        What it did stays: state, steps of sequences, effects and webhooks.
        """
        id_ = call if isinstance(call, str) else call.id
        self._link.send("DELETE", f"/calls/{segment(id_)}")

    @tells
    def websockets(self) -> list[Mapping[str, Any]]:
        """Open WebSocket connections, each as `{call, route, opened, client, subprotocol, received, sent}`."""
        return list(self._link.send("GET", "/websockets")["items"])

    @tells
    def unmatched(self) -> Calls[Unmatched]:
        """Unmatched requests, each with the nearest routes and a `suggestion`."""
        return Calls(Unmatched(item) for item in self._link.items("/unmatched"))

    @tells
    def violations(self) -> list[Mapping[str, Any]]:
        """Violations of the scenario's OpenAPI document, each as `{call, part, where, pointer, expected, got, text, …}`."""
        return list(self._link.items("/violations"))

    @does
    def attempts(
        self, route: object = None, *, by: str | None = None, ignore: str | Sequence[str] = ()
    ) -> Operations:
        """
        Return the calls grouped into operations.

        `by` is a selector whose value is equal in all attempts of one operation, or `route`.
        `ignore` names fields that differ in each attempt: `json.line`, `query.rand`.
        """
        return operations_of(self._link, plain(route), by, ignore)

    @does
    def effects(self, /, kind: str | None = None, **fields: object) -> list[Mapping[str, Any]]:
        """Return the effects: all, those of one kind, or those with these fields."""
        wanted = plain(fields)
        result = self._link.look("/effects", kind=kind)["items"]
        return [item for item in result if wanted.items() <= {key: item.get(key) for key in wanted}.items()]

    @tells
    def webhooks(self) -> list[Delivery]:
        """All webhook deliveries, each with its attempts."""
        return [Delivery.of(webhook) for webhook in self._link.look("/webhooks")["items"]]

    @does
    def redeliver(self, delivery: Delivery | str) -> None:
        """Send a webhook again."""
        name = delivery if isinstance(delivery, str) else delivery.id
        self._link.send("POST", f"/webhooks/{segment(name)}/redeliver", wait_s=None)

    @does
    def count(self, request: object, **match: Unpack[MatchWords]) -> int:
        """Return how often a request was sent, such as `count("POST /refunds", json={"amount": 5})`, or a route called."""
        __tracebackhide__ = True
        check_words("count()", match, MATCH)
        return int(self._link.send("POST", "/count", check_document(request, match))["count"])

    @tells
    def counts(self) -> Mapping[str, Any]:
        """All counts. They are exact even if calls were dropped from the call log."""
        return dict(self._link.send("GET", "/counts"))

    @does
    def explain(self, /, request: str, **parts: object) -> Mapping[str, Any]:
        """Return which route would answer a request, and why others would not: `explain("POST /charges", json={...})`."""
        return dict(self._link.send("POST", "/explain", {"request": request, **plain(parts)}))

    # Checks

    @does
    def verify(self, *subjects: object, scenario: str | None = None, **check: Unpack[CheckWords]) -> None:
        """
        Raise VerificationFailed, with the relevant calls, unless all checks pass.

        Give one check as keywords, optionally after a route or request line:
        `verify("POST /refunds", json={"amount": 5}, times=0)`, `verify(in_order=[created, captured])`.
        Give several checks as mappings. Without arguments, check every `expect` (of one `scenario`),
        that no request was unmatched, and that no webhook failed.
        """
        __tracebackhide__ = True
        if not subjects and not check:
            self._link.send("GET", "/verify", scenario=scenario)
            return
        if check and len(subjects) > 1:
            raise TypeError("verify() takes keywords beside one subject; give several checks as mappings")
        checks = [check_document(subject, check) for subject in subjects] or [check_document(None, check)]
        waits = [wait_s(item.get("within"), item.get("quiet")) for item in checks]
        document = checks[0] if len(checks) == 1 else checks
        self._link.send("POST", "/verify", document, wait_s=max(waits))

    @does
    def assert_effects(
        self,
        /,
        kind: str | None = None,
        times: Times | None = None,
        *,
        within: Duration | None = None,
        quiet: Duration | None = None,
        **where: object,
    ) -> None:
        """
        Raise VerificationFailed unless there are this many effects (default: at least one).

        Example: `assert_effects("charge", 1, order="42")`. A kind or field that no scenario can produce is an error.
        """
        effects = _given({"kind": kind, "where": where or None})
        self._link.verify(_given({"effects": effects, "times": times}), within, quiet)

    @does
    def assert_webhooks(
        self,
        route: object = None,
        times: Times | None = None,
        *,
        outcome: Literal["delivered", "refused", "failed", "dropped"] | None = None,
        within: Duration | None = None,
        quiet: Duration | None = None,
    ) -> None:
        """
        Raise VerificationFailed unless this number of webhooks (default: at least one) has this outcome.

        Outcomes are `delivered` (default), `refused` (the last answer was not 2xx), `failed` (no answer) and `dropped`.
        Without `route`, webhooks of all routes count.
        """
        webhooks = _given({"route": route, "outcome": outcome})
        self._link.verify(_given({"webhooks": webhooks, "times": times}), within, quiet)

    @does
    def assert_load(self, route: object = None, **load: Unpack[LoadWords]) -> None:
        """
        Raise VerificationFailed unless the calls of a route, or all calls, together keep the rules.

        Example: `assert_load(breaker={"opens_after": 5, "stays_open": "10s"})`.
        """
        __tracebackhide__ = True
        check = _given({"route": plain(route), **load_document(load)})
        self._link.verify(check, load.get("within"), load.get("quiet"))

    # Putting back

    @does
    def reset(self, *what: str) -> None:
        """Reset `calls`, `memory`, `positions`, `routes`, `clock` or `seed`; without arguments, all except `seed`."""
        self._link.send("POST", "/reset", {"what": list(what)} if what else {})

    def rollback(self) -> PauseT:
        """
        Restore memory, sequence state, routes and clock at the end of a `with` block.

        Calls, counts and effects are kept.
        """
        return self._pause_type(
            "rollback()",
            lambda: self._link.send("POST", "/snapshot")["id"],
            lambda snapshot: self._link.send("POST", "/restore", {"id": snapshot}),
        )

    def outage(
        self,
        *reply: Step,
        routes: list[Any] | None = None,
        skip: int | None = None,
        times: int | None = None,
        for_: Duration | None = None,
        probability: float | None = None,
        ramp: Duration | None = None,
        optional: bool | None = None,
        **words: Unpack[AnswerWords],
    ) -> PauseT:
        """
        Take the service, or some routes, down for a `with` block: `with mock_server.outage(status=503):`.

        The first `skip` calls are not affected. The outage ends early after `times` calls, or after the
        duration `for_` by the virtual clock. With `probability=0.5`, it affects a share of the calls, selected by
        the seed of the namespace; with `ramp`, the probability grows from 0 during that time. If it affects no call,
        the test fails, unless it is `optional`.
        """
        __tracebackhide__ = True
        if len(reply) == 1 and isinstance(reply[0], int) and words and "status" not in words:
            words["status"], reply = reply[0], ()  # one reply: an outage has no second one
        check_words("outage()", words, OUTAGE)
        steps, functions = steps_of(reply, words)
        if functions or len(steps) != 1:
            raise TypeError("an outage has one reply: a status, or keywords such as status=503, json={...}")
        share = {"probability": probability, "ramp": ramp}
        given = {"routes": routes, "skip": skip, "times": times, "for": for_, **share, "optional": optional}
        spec = with_units(_given(given))
        return self._pause_type(
            "outage()",
            lambda: self._link.send("PUT", "/outage", {"reply": steps[0], **spec}),
            lambda _: self._link.send("DELETE", "/outage"),
        )

    def trouble(self, *troubles: Mapping[str, Any], **words: Unpack[TroubleWords]) -> PauseT:
        """
        Inject a failure into selected calls for a `with` block.

        `with mock_server.trouble(route=charges, call=2, after={"fault": "reset"}):` affects the second call of
        that route. The failure happens `before` the service processes the request, instead of it, or `after` it,
        when only the answer is lost. `probability`, `ramp` and `for_` are as in `outage`. Give one failure as
        keywords, several as mappings. If one affects no call, the test fails, unless it is `optional`.
        """
        __tracebackhide__ = True
        check_words("trouble()", words, TROUBLE)
        if bool(troubles) == bool(words):
            raise TypeError("trouble() takes one trouble by keywords, or several as mappings")
        placed = with_units(plain(troubles or [{key_of(word): value for word, value in words.items()}]))
        return self._pause_type(
            "trouble()",
            lambda: self._link.send("PUT", "/troubles", placed),
            lambda _: self._link.send("DELETE", "/troubles"),
        )

    @tells
    def troubles(self) -> list[Mapping[str, Any]]:
        """The configured failures, each with the affected calls under `hits`."""
        return list(self._link.send("GET", "/troubles")["items"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    # Other namespaces

    @tells
    def namespaces(self) -> list[Mapping[str, Any]]:
        """All namespaces of the server, each as `{name, url, admin_url, seed, ttl}`."""
        return list(self._link.at_root("GET", "/namespaces")["items"])

    @tells
    def health(self) -> Mapping[str, Any]:
        """Health of the server: `{status, version, uptime_s, scenarios, routes}`."""
        return dict(self._link.at_root("GET", "/health"))

    @does
    def remove(self) -> None:
        """Remove this namespace and its data."""
        self._remove()

    def _remove(self) -> None:
        self._link.at_root("DELETE", f"/namespaces/{segment(self.name)}")

    def _made(
        self, name: str | None, ttl: Duration | None, seed: str | int | None, scenarios: Sequence[str] | None
    ) -> tuple[Link, str, str]:
        """A new namespace: the link to it, its URL and its seed."""
        given = {"name": name, "ttl": ttl, "seed": seed, "scenarios": scenarios}
        document = with_units(_given(given))
        view = self._link.at_root("POST", "/namespaces", document)
        return self._link.to(view["name"]), view["url"], view["seed"]


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not None as JSON."""
    return {name: plain(value) for name, value in arguments.items() if value is not None}


class Namespace(NamespaceSurface[Route, Pause[Any]], Blocking):
    """One namespace, with blocking methods. As a context manager, it is removed at the end."""

    _route_type = Route
    _pause_type = Pause

    @property
    def state(self) -> State:
        """Key-value state, as a mapping."""
        return State(self._link)

    @property
    def clock(self) -> Clock:
        """Virtual clock."""
        return Clock(self._link)

    def namespace(
        self,
        name: str | None = None,
        *,
        ttl: Duration | None = None,
        seed: str | int | None = None,
        scenarios: Sequence[str] | None = None,
    ) -> Namespace:
        """
        Create an isolated namespace; without a name, one is generated.

        It has the scenario files of the server, or only `scenarios`. It is removed after it was idle for `ttl`.
        """
        __tracebackhide__ = True
        return Namespace(*run(self._made, name, ttl, seed, scenarios))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        run(self._remove)


class AsyncNamespace(NamespaceSurface[AsyncRoute, AsyncPause[Any]], Awaiting):
    """One namespace, with methods and properties to be awaited. As a context manager, it is removed at the end."""

    _route_type = AsyncRoute
    _pause_type = AsyncPause

    @property
    def state(self) -> AsyncState:
        """The key-value state."""
        return AsyncState(self._link)

    @property
    def clock(self) -> AsyncClock:
        """The virtual clock."""
        return AsyncClock(self._link)

    def namespace(
        self,
        name: str | None = None,
        *,
        ttl: Duration | None = None,
        seed: str | int | None = None,
        scenarios: Sequence[str] | None = None,
    ) -> Opening:
        """Create an isolated namespace: `await` it, or use `async with`, which removes it at the end."""
        return Opening(lambda: AsyncNamespace(*self._made(name, ttl, seed, scenarios)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await run_aside(self._remove)


class Opening:
    """A namespace that is being made."""

    def __init__(self, make: Callable[[], AsyncNamespace]) -> None:
        self._make = make
        self._made: AsyncNamespace | None = None

    def __await__(self) -> Generator[Any, None, AsyncNamespace]:
        return run_aside(self._make).__await__()

    async def __aenter__(self) -> AsyncNamespace:
        self._made = await self
        return self._made

    async def __aexit__(self, *exception: object) -> None:
        if self._made is not None:
            await self._made.remove()
