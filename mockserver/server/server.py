"""
A mock server in this process: on a separate thread (`with`), or on the running event loop (`async with`).

It is the same server as `mockserver serve`, with the same client; in addition, functions of the test can answer.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import fields
from typing import Any, TypedDict, TypeVar, Unpack

from mockserver.app import App
from mockserver.client import AsyncClient, Client, Refused, Request, WrongEventLoop
from mockserver.client.own_loop import ON_TRIO, SERVERS, callers_loop, check_runs, running_trio
from mockserver.client.words import check_words
from mockserver.client.writing import Condition, Functions, answer_document
from mockserver.compiler import editing
from mockserver.compiler.callbacks import Function, attach
from mockserver.engine.naming import route_named
from mockserver.errors import InvalidInputError
from mockserver.matching.functions import FunctionCondition
from mockserver.model import http
from mockserver.model.problem import flaw_views, problem
from mockserver.real_time import REAL
from mockserver.schema.scenario import RUNTIME
from mockserver.settings import Settings

T = TypeVar("T")
START_LIMIT_S = 30.0


class SettingWords(TypedDict, total=False):
    """Settings of a server besides paths, host and port; see `mockserver serve --help`."""

    admin_port: int | None
    wiremock_port: int | None
    public_url: str
    calls: int
    calls_bytes: int
    seed: str
    unmatched_status: int
    max_body_bytes: int
    hang_limit_s: float
    on_unmatched: str
    forward_to: str
    upstream_timeout_s: float
    upstream_ca: str | os.PathLike[str]
    namespaces: str
    allow_egress: Sequence[str]
    key_names: Sequence[str]
    admin_token: str
    admin_hosts: Sequence[str]
    tls: bool
    tls_port: int | None
    tls_dir: str | os.PathLike[str]
    tls_cert: str | os.PathLike[str]
    tls_key: str | os.PathLike[str]
    tls_client_ca: str | os.PathLike[str]
    state_file: str | os.PathLike[str]
    otlp: str
    store: str
    store_prefix: str
    store_adopt: bool
    replica_host: str
    replica_port: int


class Server:
    """
    A mock server in this process.

    `with Server("scenarios/") as mock:` returns a Client, `async with` returns an AsyncClient; both are bound to the
    namespace `default`. Port 0 picks a free port. Other settings are keywords with the names of the options of
    `mockserver serve`.

    With `tls=True` it also supports TLS at `tls_url`; clients must trust `ca_pem`. With `state_file`, the next server
    continues from the saved state.

    Raises LoadError for invalid scenario files, PortInUseError, TlsSettingsError, StateFileRefusedError, StateFileError.
    """

    def __init__(
        self,
        *paths: str | os.PathLike[str],
        host: str = "127.0.0.1",
        port: int = 0,
        **settings: Unpack[SettingWords],
    ) -> None:
        check_words("Server()", settings, frozenset(SettingWords.__optional_keys__))
        given: dict[str, Any] = {name: _plain(value) for name, value in settings.items()}
        self.settings = Settings(
            paths=tuple(os.fspath(path) for path in paths), host=host, port=port, **given
        )
        self.running: Running | None = None
        self._client: Client | None = None
        self._async_client: AsyncClient | None = None

    @property
    def tls_url(self) -> str:
        """Base URL over TLS. Raises RuntimeError if the server is not running with `tls`."""
        if self.running is None or not self.running.app.tls_url:
            raise RuntimeError("this server does not support TLS now: start it with tls=True")
        return self.running.app.tls_url

    @property
    def ca_pem(self) -> str:
        """Certificate of the CA in PEM, for `ssl.create_default_context(cadata=...)`. Raises RuntimeError if the server has none."""
        if self.running is None or self.running.app.ca_pem is None:
            raise RuntimeError(
                "this server has no CA of its own now: start it with tls=True, without tls_cert"
            )
        return self.running.app.ca_pem.decode()

    @property
    def wiremock_url(self) -> str:
        """Base URL of the WireMock port. Raises RuntimeError if the server is not running with `wiremock_port`."""
        if self.running is None or not self.running.app.wiremock_url:
            raise RuntimeError("this server does not support WireMock now: start it with wiremock_port=0")
        return self.running.app.wiremock_url

    # On a thread

    def start(self) -> Client:
        """Start the server on a separate thread; it runs until `stop`."""
        if self.running is not None:
            raise RuntimeError("this server runs already")
        loop = _LoopThread()
        try:
            app = loop.run(_started(self.settings))
        except BaseException:
            loop.close()
            raise
        self.running = Running(app, loop.loop, loop)
        self._client = Client(**self._address(app), local=self.running)
        return self._client

    def stop(self) -> None:
        """Stop the server, after a short time for pending answers."""
        running, self.running = self.running, None
        if running is None or running.thread is None:
            return
        if self._client is not None:
            self._client.close()
        running.thread.run(running.app.stop())
        running.thread.close()

    def __enter__(self) -> Client:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # On the running loop

    async def __aenter__(self) -> AsyncClient:
        if self.running is not None:
            raise RuntimeError("this server runs already")
        if running_trio() is not None:
            raise WrongEventLoop(
                "mockserver.Server runs on asyncio, and this is a task of trio. Give it a thread of its own "
                "(`with mockserver.Server() as mock:`), and await mockserver.AsyncClient(mock.url)"
            )
        app = await _started(self.settings)
        self.running = Running(app, asyncio.get_running_loop(), None)
        self._async_client = AsyncClient(**self._address(app), local=self.running)
        return self._async_client

    async def __aexit__(self, *exception: object) -> None:
        if self.running is None:
            return
        if asyncio.get_running_loop() is not self.running.loop:
            check_runs(self.running.loop)
        running, self.running = self.running, None
        if self._async_client is not None:
            await self._async_client.close()
        await running.app.stop()

    def _address(self, app: App) -> dict[str, Any]:
        return {
            "url": app.mock_url,
            "admin_url": app.own_admin_url,
            "token": self.settings.admin_token or None,
        }


def _plain(value: object) -> Any:
    """A setting as Settings has it: tuples for lists, texts for paths."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(value) if isinstance(value, (list, tuple)) else value


async def _started(settings: Settings) -> App:
    app = App(settings)
    await app.start()
    return app


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """Runs while a test has frozen the clock."""

    def time(self) -> float:
        return REAL.monotonic()


class _LoopThread:
    """An event loop on a separate thread."""

    def __init__(self) -> None:
        self.loop = _RealTimeLoop()
        self._thread = threading.Thread(target=self._serve, name="mockserver", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_LIMIT_S)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Running:
    """A server that runs in this process, and the functions that answer for it."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop, thread: _LoopThread | None) -> None:
        self.app = app
        self.thread = thread
        self.loop = loop
        self._serial = itertools.count(1)
        self._failures: dict[str, list[Exception]] = {}
        SERVERS.add(self)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Those that it listens on."""
        return self.app.addresses

    def on_loop(self, work: Callable[[], T]) -> T:
        """Run `work` on the loop of the server from another thread. Raises WrongEventLoop."""
        check_runs(self.loop)
        result: Future[T] = Future()

        def job() -> None:
            try:
                result.set_result(work())
            except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
                result.set_exception(error)

        self.loop.call_soon_threadsafe(job)
        return result.result(START_LIMIT_S)

    def place(
        self,
        namespace: str,
        route: str | None,
        document: dict[str, Any],
        functions: Functions,
        where: Condition | None,
    ) -> dict[str, Any]:
        """Add a route, or change keys of one; functions answer for their steps, and `where` is a condition of it."""
        if self.app.settings.store:
            what, instead = ("match", "conditions") if where is not None else ("answer", "the reply")
            title = f"A function can't {what} on a shared store"
            detail = f"Other replicas don't have it. Write {instead} as a scenario does, or start the server without store="
            raise Refused(problem(422, "invalid", title, detail))
        if where is not None and self.app.settings.state_file:
            title = "A function can't match on a server with a state file"
            detail = "The next server doesn't have it. Write conditions as a scenario does, or start the server without state_file="
            raise Refused(problem(422, "invalid", title, detail))
        condition = None if where is None else _condition(where)
        loop = callers_loop()
        made = {i: self._function(namespace, function, loop) for i, function in functions.items()}
        return self.on_loop(lambda: self._place(namespace, route, document, made, condition))

    def _place(
        self,
        namespace: str,
        route: str | None,
        document: dict[str, Any],
        functions: dict[int, Function],
        where: FunctionCondition | None,
    ) -> dict[str, Any]:
        ns = self.app.engine.namespaces.get(namespace)
        if ns is None:
            raise Refused(problem(404, "no-such-namespace", f"There is no namespace {namespace!r}"))
        if functions:
            document = {**document, "reply": self._marked(document["reply"], functions)}
        try:
            known = None if route is None else route_named(ns, route)
            if where is not None and known is not None and known.scenario.name != RUNTIME:
                title = f"A function can't match for {known.id}, a route of a scenario file"
                raise Refused(
                    problem(422, "invalid", title, "Add a route with on(), which is matched before it")
                )
            if known is None:
                placed = editing.add_route(ns, document)
            else:
                placed = editing.merge_route(ns, known, document)
        except editing.EditConflictError as error:
            raise Refused(problem(409, "conflict", str(error), error.hint)) from None
        except InvalidInputError as error:
            title = "The request is invalid; nothing was changed"
            raise Refused(
                problem(422, "invalid", title, str(error), errors=flaw_views(error.flaws))
            ) from None
        if functions:
            attach(placed, functions)
        if where is not None:
            placed.require(where)
        return {"id": placed.id}

    def _marked(self, reply: object, functions: dict[int, Function]) -> list[Any]:
        """Return the sequence with a text for each function; the number makes it unique."""
        steps = reply if isinstance(reply, list) else [reply]
        return [
            {**step, "text": f"the function {functions[i].label}, given as number {next(self._serial)}"}
            if i in functions
            else step
            for i, step in enumerate(steps)
        ]

    def _function(
        self, namespace: str, function: Callable[[Any], Any], loop: asyncio.AbstractEventLoop | None
    ) -> Function:
        """Wrap a function of the test for the engine. An async function runs on the loop of the test."""
        home = loop if loop is not None and loop is not self.loop else None
        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004  (an object with an async __call__)
        )

        if is_async and (ON_TRIO.get() or running_trio() is not None):
            raise TypeError(
                f"{_label(function)} is async, and a function that answers can't run on trio. Write a plain function"
            )

        def noted(error: Exception) -> None:
            self._failures.setdefault(namespace, []).append(error)

        async def ask_async(raw: http.Request, params: dict[str, str]) -> Any:
            try:
                work = function(Request(raw, params))
                return answer_document(await _on(home, work))
            except Exception as error:
                noted(error)
                raise

        def ask(raw: http.Request, params: dict[str, str]) -> Any:
            try:
                return answer_document(function(Request(raw, params)))
            except Exception as error:
                noted(error)
                raise

        return Function(ask_async if is_async else ask, _label(function), not is_async)

    def failures(self, namespace: str) -> list[Exception]:
        """Return the exceptions of functions in a namespace, once."""
        return self._failures.pop(namespace, [])


async def _on(loop: asyncio.AbstractEventLoop | None, work: Awaitable[T]) -> T:
    """Await on that loop; None is the current one."""
    if loop is None or loop.is_closed():
        return await work

    async def whole() -> T:
        return await work

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(whole(), loop))


def _condition(function: Condition) -> FunctionCondition:
    """Wrap a function of the test that decides whether a request matches."""
    return FunctionCondition(lambda raw, params: function(Request(raw, params)), _label(function))


def _label(function: Callable[..., Any]) -> str:
    """Return a name with the location: `charge (test_pay.py:12)`."""
    inner = function.func if isinstance(function, functools.partial) else function
    name = getattr(inner, "__name__", type(inner).__name__)
    code = getattr(inner, "__code__", None)
    return name if code is None else f"{name} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"  # noqa: PTH119


assert SettingWords.__optional_keys__ <= {one.name for one in fields(Settings)}
