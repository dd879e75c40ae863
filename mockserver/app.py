"""Assembles a server from its settings."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver import __version__
from mockserver.admin.api import AdminApi, Endpoint, ProblemError, Services
from mockserver.admin.endpoints.metrics import Metrics
from mockserver.admin.guard import Guard, is_loopback
from mockserver.admin.namespace_service import LocalNamespaces
from mockserver.attempts import KeyNames
from mockserver.compiler.scenario_set import build_scenario_set, warnings_at_load
from mockserver.engine.addressing import Addresser, Homes, UnknownNamespaceError
from mockserver.engine.answers import problem_response
from mockserver.engine.call_listeners import listen_everywhere
from mockserver.engine.engine import Engine, EngineSettings
from mockserver.engine.namespace import NAMESPACE_NAME, Namespace
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.errors import MissingExtraError, MockServerError, WrongValueError, invalid
from mockserver.http.limits import WireLimits
from mockserver.http.listener import AdminHandler, Listener, WireSettings
from mockserver.http.tls.scenario_hosts import ScenarioHosts
from mockserver.http.tls.setup import Secured, cert_reader, secured_by
from mockserver.model.call import Call
from mockserver.model.http import Request, Response, StreamReply
from mockserver.model.instants import instant
from mockserver.model.plural import counted
from mockserver.outbound.egress import Egress
from mockserver.outbound.forwarding import forwarding_rules, may_forward
from mockserver.outbound.scenario_hosts import literal_hosts
from mockserver.outbound.upstream import Upstream
from mockserver.outbound.webhooks import WebhookService
from mockserver.real_time import REAL
from mockserver.recording.naming import name_of
from mockserver.scenarios.loader import folders_without_scenario, load
from mockserver.schema.base import http_url
from mockserver.settings import Settings
from mockserver.store.bounds import Bounds
from mockserver.store.call_log import CallLogLimits
from mockserver.verification.call_lines import call_fields

if TYPE_CHECKING:
    from mockserver.mcp.endpoint import McpEndpoint
    from mockserver.persistence.keeper import Keeper
    from mockserver.replicas.joining import SharedReplica
    from mockserver.telemetry.exporting import Telemetry

log = logging.getLogger("mockserver")
calls_log = logging.getLogger("mockserver.calls")

COLLECT_EVERY_S = 30.0
TELL_EVERY_S = 60.0
"""Minimum interval of the log message that no connection can be accepted."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
GRACE_S = 0.2
"""Time for answers in progress when a server stops."""
_ACCEPTING = 3
"""Turns of the loop from an accepted connection to its `connection_made`, at most."""


ALONE: dict[str, Any] = {
    "store": None, "self": None, "replicas": [], "commits": None, "takeovers": 0, "lost": 0, "relayed": 0,
}  # fmt: skip
"""The answer of `GET /replicas` without a shared store."""


class PortInUseError(MockServerError):
    """The server can't listen on the address; the text has the reason."""


def _endpoints() -> list[Endpoint]:
    """Return the table of the admin API. Its models are imported at the first use."""
    from mockserver.admin.tables import all_endpoints

    return all_endpoints()


class App:
    """
    One server: its engine and its listeners. Create it on the event loop that it runs on.

    Raises LoadError for scenarios, InvalidInputError for settings, and TlsSettingsError, before anything listens.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._started_at_s = REAL.monotonic()
        self._started = instant(REAL.time())
        self._servers: list[asyncio.Server] = []
        self._listeners: list[Listener] = []
        self._settled = False
        self._documents: dict[str, Any] = {}
        self._hosts: tuple[ScenarioSet, frozenset[str]] | None = None
        self._guard = Guard(settings.admin_token, settings.admin_hosts)
        self._watching: list[asyncio.Task[None]] = []
        self._keeper: Keeper | None = None
        self._shared: SharedReplica | None = None
        self._mcp: McpEndpoint | None = None
        self._telemetry: Telemetry | None = None
        egress = Egress((*settings.allow_egress, *forwarding_rules(settings)), self._literal_hosts)
        self._egress = egress
        self._upstream = Upstream(
            egress,
            own_id=secrets.token_hex(8),
            timeout_s=settings.upstream_timeout_s,
            idle_s=settings.hang_limit_s,
            ca_file=settings.upstream_ca,
        )
        self.webhooks = WebhookService(
            egress,
            wall=REAL.time,
            mono=REAL.monotonic,
            limit=settings.max_webhooks,
            refused=lambda: self.engine.shared.refused.update(webhooks=1),
        )
        self.mock_url = ""
        self.tls_url = ""
        """URL of the mock over TLS; empty without TLS."""
        self.admin_url = ""
        self.wiremock_url = ""
        """URL of WireMock's admin API; empty without it."""
        self.own_admin_url = ""
        """
        URL of the admin API at the address that is listened on, for this process: a public URL may not be reachable.
        """
        self.engine = Engine(
            self._read(),
            wall=REAL.time,
            mono=REAL.monotonic,
            settings=EngineSettings(
                seed=settings.seed,
                unmatched_status=settings.unmatched_status,
                forward_to=settings.forward_to or None,
                record_unmatched=settings.on_unmatched == "record",
                recorded_as=name_of(urlsplit(settings.forward_to).hostname or ""),
                limits=CallLogLimits(settings.calls, settings.calls_bytes),
                key_names=KeyNames().changed(settings.key_names, ("key_names",)),
                bounds=Bounds(settings.max_entries, settings.max_entries_bytes, self._bound_reached),
            ),
        )

        self._tls_hosts = ScenarioHosts(self.engine)
        self._secured = secured_by(settings, self._tls_hosts)
        if settings.log_calls:
            listen_everywhere(self.engine, _log_call)

    @property
    def ca_pem(self) -> bytes | None:
        """The CA certificate of this server; None if it has no CA of its own."""
        return None if self._secured is None else self._secured.ca_pem

    def _ca_pem(self) -> bytes:
        """Return the CA certificate for the admin API. Raises ProblemError."""
        if self.ca_pem is not None:
            return self.ca_pem
        title = "This server has no CA of its own"
        hint = "Start it with --tls"
        if self._secured is not None:
            hint = "Its certificate was given with --tls-cert: trust the CA that signed that one"
        raise ProblemError(404, "no-ca", title, hint)

    def _read(self) -> ScenarioSet:
        paths = [
            path for path in self.settings.paths if not self.settings.paths_may_lack or Path(path).exists()
        ]
        scenario_set = build_scenario_set(load(paths)) if paths else ScenarioSet()
        for line in (*folders_without_scenario(paths), *warnings_at_load(scenario_set)):
            log.warning("%s", line)
        return scenario_set

    def reload(self) -> dict[str, Any]:
        """
        Read the files again, all or none. Raises LoadError, and ProblemError if other replicas have other files; then
        the old scenarios stay active.
        """
        scenario_set = self._read()
        if self._shared is not None:
            _check_same(self._shared.check_reload(scenario_set))
        self.engine.publish(scenario_set)
        return {
            "scenarios": len(scenario_set.scenarios),
            "routes": len(scenario_set.routes),
            "warnings": list(warnings_at_load(scenario_set)),
        }

    def health(self) -> dict[str, Any]:
        scenario_set = self.engine.shared.scenario_set
        return {
            "status": "ok",
            "version": __version__,
            "started": self._started,
            "uptime_s": round(REAL.monotonic() - self._started_at_s, 3),
            "scenarios": len(scenario_set.scenarios),
            "routes": len(scenario_set.routes),
            "refused": dict(self.engine.shared.refused),
            "state_file": None if self._keeper is None else self._keeper.view(),
            "tls_url": self.tls_url or None,
        }

    def _bound_reached(self, kind: str) -> None:
        """Log a limit that was reached for the first time; `/health` and the metrics count it."""
        log.warning(
            "a namespace keeps no more than %s entries or %s bytes of %s: %s. See --max-entries and "
            "--max-entries-bytes; `refused` of GET /__admin/health counts it from now on",
            f"{self.settings.max_entries:,}",
            f"{self.settings.max_entries_bytes:,}",
            kind,
            "more are refused with 507" if kind in ("state", "resources") else "the oldest are dropped",
        )

    async def _watch_descriptors(self) -> None:
        """
        Count and log if no file descriptor is free.

        asyncio would report that a connection can't be accepted, but uvloop closes it silently, so one descriptor is
        tried each second.
        """
        told_at_s = -TELL_EVERY_S
        while True:
            await asyncio.sleep(1)
            error = _descriptor_error()
            if error is None:
                continue
            self.engine.shared.refused["descriptors"] += 1
            if REAL.monotonic() >= told_at_s + TELL_EVERY_S:
                told_at_s = REAL.monotonic()
                log.error(
                    "no connection can be accepted: %s. Raise the limit of open files (ulimit -n), or lower "
                    "--max-connections; `refused.descriptors` of GET /__admin/health counts the seconds",
                    error.strerror,
                )

    def _faults(self) -> dict[str, int]:
        """Return the number of injected faults by kind, since the start of the server."""
        return dict(sum((listener.faults for listener in self._listeners), Counter()))

    def _openapi(self) -> dict[str, Any]:
        if "openapi" not in self._documents:
            from mockserver.admin import openapi

            self._documents["openapi"] = openapi.document(_endpoints())
        document: dict[str, Any] = self._documents["openapi"]
        return document

    async def _answer_mcp(self, request: Request, namespace: str) -> Response:
        """Answer an MCP client. Raises ProblemError(501) without the extra."""
        if self._mcp is None:
            endpoint = await asyncio.to_thread(_mcp_endpoint)
            self._mcp = self._mcp or endpoint(self.own_admin_url, self.settings.admin_token)
        return await self._mcp(request, namespace)

    def _literal_hosts(self) -> frozenset[str]:
        """Return the hosts that are literally in scenario files; cached for each scenario set."""
        scenario_set = self.engine.shared.scenario_set
        if self._hosts is None or self._hosts[0] is not scenario_set:
            self._hosts = (scenario_set, literal_hosts(scenario_set))
        return self._hosts[1]

    def _base_url(self, request: Request) -> str:
        """Return the URL of the mock for clients: from the request, or from the settings."""
        if self.settings.public_url or self.settings.admin_port is not None:
            return self.mock_url
        return f"{request.scheme}://{request.host}" if request.host else self.mock_url

    def _admin_base(self, request: Request) -> str:
        base = f"{request.scheme}://{request.host}" if request.host else self.mock_url
        if self.settings.admin_port is None:
            base = self._base_url(request)
        return f"{base}/__admin"

    def _auto_namespace(self, name: str) -> Namespace:
        if not NAMESPACE_NAME.fullmatch(name):
            raise UnknownNamespaceError(name)
        if len(self.engine.namespaces) >= self.settings.max_namespaces:
            self.engine.shared.refused["namespaces"] += 1
            raise UnknownNamespaceError(name)
        return self.engine.make_namespace(name)

    async def _open_store(self) -> None:
        """Raises InvalidInputError, and MissingExtraError without the extra."""
        if not self.settings.store:
            return
        try:
            from mockserver.replicas.joining import SharedReplica

            self._shared = SharedReplica(self.settings, self.engine, self.webhooks)
        except ImportError:
            raise MissingExtraError((), "--store", "redis") from None

    def _open_telemetry(self) -> None:
        """Raises InvalidInputError for the URL, and MissingExtraError without the extra."""
        url = self.settings.otlp
        if not url:
            return
        try:
            http_url(url, "Write it as http://localhost:4318")
        except WrongValueError as error:
            raise invalid((), f"--otlp: {error}", error.hint) from error
        try:
            from mockserver.telemetry.exporting import Telemetry
        except ImportError:
            raise MissingExtraError((), "--otlp", "otel") from None
        self._telemetry = Telemetry(url, self.engine, self._faults, self.webhooks.tries)

    async def _collect(self) -> None:
        """Remove idle namespaces and connections, as long as the server runs."""
        while True:
            await asyncio.sleep(COLLECT_EVERY_S)
            if self._shared is not None:
                await self._shared.collect(self.engine.idle_namespaces())
            else:
                self.collect_idle()
            for listener in self._listeners:
                listener.close_idle(REAL.monotonic())

    def collect_idle(self) -> int:
        """Remove idle namespaces now. Return their number."""
        idle = self.engine.idle_namespaces()
        for ns in idle:
            self.webhooks.forget(ns)
            self.engine.remove_namespace(ns)
        return len(idle)

    async def start(self) -> None:
        """Restore the state file, and listen. Raises StateFileRefusedError, StateFileError, PortInUseError."""
        settings = self.settings
        await self._open_state()
        await self._open_store()
        self._open_telemetry()
        services = Services(
            reload=self.reload,
            health=self.health,
            openapi=self._openapi,
            may_reveal=self._guard.may_reveal,
            public_url=self._base_url,
            admin_url=self._admin_base,
            webhooks=self.webhooks,
            settings=settings,
            metrics=Metrics(
                self.engine,
                self._faults,
                self.webhooks.tries,
                shared=lambda: () if self._shared is None else self._shared.metrics(),
            ),
            ca_pem=self._ca_pem,
            may_forward=lambda url: may_forward(self._egress, url),
            namespaces=self._shared or LocalNamespaces(self.engine, self.webhooks.forget),
            ready=lambda: None if self._shared is None else self._shared.ready(),
            replicas=lambda: ALONE if self._shared is None else self._shared.view(),
            mcp=self._answer_mcp,
        )
        api = AdminApi(_endpoints, self.engine, services, self._guard.check)
        admin = self._kept(api)
        if self._shared is not None:
            await self._shared.start(api, services)
        wire = WireSettings(
            max_body_bytes=settings.max_body_bytes,
            max_json_members=settings.max_json_members,
            hang_limit_s=settings.hang_limit_s,
            limits=WireLimits(
                read_timeout_s=settings.read_timeout_s,
                headers=settings.max_headers,
                head_bytes=settings.max_head_bytes,
                requests=settings.max_requests,
                connections=settings.max_connections,
            ),
        )
        make = self._auto_namespace if settings.namespaces == "auto" else None
        namespaces = self.engine.namespaces if self._shared is None else Homes(self.engine)
        addresser = Addresser(namespaces, None if self._shared is not None else make)
        apart = settings.admin_port is not None
        mock = Listener(
            self.engine,
            addresser,
            wire,
            self.webhooks,
            admin=None if apart else admin,
            upstream=self._upstream,
        )
        if self._shared is not None:
            self._shared.serve(mock)
        if self._secured is not None:
            self._open_tunnels(mock, self._secured)
        port = await self._listen(mock, settings.port, factory=self._door(mock, plain=True))
        self.mock_url = settings.public_url.rstrip("/") or _url(settings.host, port)
        self.admin_url = f"{self.mock_url}/__admin"
        self.own_admin_url = f"{_url(settings.host, port)}/__admin"
        await self._listen_for_tls(mock, port)
        if settings.admin_port is not None:
            separate = Listener(self.engine, addresser, wire, self.webhooks, admin=admin, mock=False)
            separate.replica = mock.replica
            port = await self._listen(separate, settings.admin_port, "--admin-port")
            self.admin_url = self.own_admin_url = f"{_url(settings.host, port)}/__admin"
        await self._listen_for_wiremock(addresser, wire)
        self._warn_if_open()
        self._watching = [
            asyncio.create_task(self._collect()),
            asyncio.create_task(self._watch_descriptors()),
        ]

    def _warn_if_open(self) -> None:
        """Log a warning if other hosts can reach the admin API without a token."""
        address = self._servers[-1].sockets[0].getsockname()[0]  # the last listener serves the admin API
        if not self._guard.has_token and not is_loopback(address):
            log.warning(
                "the admin API listens on %s without a token: everyone who can reach it can change every answer. "
                "Set --admin-token, or let only your tests reach this port",
                address,
            )

    async def _open_state(self) -> None:
        if not self.settings.state_file:
            return
        from mockserver.persistence.keeper import Keeper

        keeper = Keeper(self.settings.state_file, self.engine, REAL.time, self.settings.seed)
        await keeper.open()
        self._keeper = keeper
        for ns in self.engine.namespaces.values():
            if ns.made("timers"):
                self.webhooks.moved(ns)

    def _kept(self, admin: AdminHandler) -> AdminHandler:
        """Return the handler; it reports requests that may change something to the state file."""
        keeper = self._keeper
        if keeper is None:
            return admin

        async def handler(request: Request) -> Response | StreamReply:
            try:
                return await admin(request)
            finally:
                if request.method not in _READING:
                    keeper.changed(request.arrived_at_s)

        return handler

    async def _listen_for_tls(self, mock: Listener, port: int) -> None:
        """Listen on the TLS port, if there is one; otherwise, the mock port already supports TLS."""
        if self._secured is None:
            return
        if self.settings.tls_port is not None:
            door = self._door(mock, plain=False)
            port = await self._listen(mock, self.settings.tls_port, "--tls-port", factory=door)
        public = self.settings.public_url.rstrip("/")
        self.tls_url = public if public.startswith("https:") else _url(self.settings.host, port, "https")

    async def _listen_for_wiremock(self, addresser: Addresser, wire: WireSettings) -> None:
        """Listen on a separate port for mock traffic and WireMock's admin API."""
        if self.settings.wiremock_port is None:
            return
        from mockserver.wiremock.dialect import Dialect

        dialect = Dialect(
            self.engine,
            most_routes=self.settings.max_routes,
            refused=self._refused,
            may_reveal=self._guard.may_reveal,
            uptime_s=lambda: REAL.monotonic() - self._started_at_s,
        )
        listener = Listener(
            dialect.engine, addresser, wire, self.webhooks, admin=self._kept(dialect), upstream=self._upstream
        )
        port = await self._listen(listener, self.settings.wiremock_port, "--wiremock-port")
        self.wiremock_url = _url(self.settings.host, port)

    def _refused(self, request: Request) -> Response | None:
        """Return the answer to a request that is not allowed; None if it is."""
        try:
            self._guard.check(request)
        except ProblemError as error:
            return problem_response(error.document, *error.lines)
        return None

    def _open_tunnels(self, mock: Listener, secured: Secured) -> None:
        """Let clients use the mock port as a proxy for https."""
        from mockserver.http.tunnel import Tunnels

        passes = self.settings.on_unmatched == "forward"
        mock.tunnels = Tunnels(
            mock.door(secured.context, cert_reader(), plain=True),
            secured.context_for,
            self._tls_hosts.names,
            self._egress if passes else None,
            self.settings.upstream_timeout_s,
        )

    def _door(self, mock: Listener, *, plain: bool) -> Callable[[], asyncio.Protocol] | None:
        """Return the factory of connections with TLS; None for a mock port without TLS."""
        if self._secured is None or (plain and self.settings.tls_port is not None):
            return None
        return mock.door(self._secured.context, cert_reader(), plain=plain)

    async def _listen(
        self,
        listener: Listener,
        port: int,
        flag: str = "--port",
        *,
        factory: Callable[[], asyncio.Protocol] | None = None,
    ) -> int:
        loop = asyncio.get_running_loop()
        host = self.settings.host
        try:
            server = await loop.create_server(
                factory or listener.connection, host, port, backlog=4096, reuse_address=True
            )
        except (OSError, OverflowError) as error:
            await self.stop()
            raise PortInUseError(f"can't listen on {host}:{port}: {_reason(error, flag)}") from error
        for sock in server.sockets:  # accepted connections inherit it: a client that has vanished is noticed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._servers.append(server)
        if listener not in self._listeners:
            self._listeners.append(listener)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of every listening socket."""
        return [sock.getsockname()[:2] for server in self._servers for sock in server.sockets]

    async def stop(self) -> None:
        """Stop accepting, give answers in progress a moment (once), and close all connections."""
        if not self._settled:
            await self.settle()
        # Thousands of cut connections are garbage all at once; nobody needs it back now.
        gc.disable()
        try:
            for listener in self._listeners:
                await listener.cut()
        finally:
            gc.enable()
        self._listeners.clear()

    async def settle(self) -> int:
        """Stop accepting, and give answers in progress a moment. Return how many are not completed."""
        self._settled = True
        for task in self._watching:
            task.cancel()
        await _close_servers(self._servers)
        if self._mcp is not None:
            self._mcp.close()
        await self.webhooks.close()
        busy = sum(await asyncio.gather(*(listener.settle(GRACE_S) for listener in self._listeners)))
        if self._keeper is not None:
            await self._keeper.close()
        if self._shared is not None:
            await self._shared.close()
        if self._telemetry is not None:
            await self._telemetry.close()
        return busy

    def describe(self) -> str:
        """Return the line that is printed when the server is ready."""
        scenario_set = self.engine.shared.scenario_set
        scenarios, routes = len(scenario_set.scenarios), len(scenario_set.routes)
        return (
            f"mockserver {__version__} serves {counted(scenarios, 'scenario')} with {counted(routes, 'route')}: "
            f"mock {self.mock_url} · admin {self.admin_url}"
            f" · dashboard {self.admin_url}/ui/"
            + (f" · TLS {self.tls_url}" if self.tls_url else "")
            + (f" · WireMock {self.wiremock_url}" if self.wiremock_url else "")
        )


def _mcp_endpoint() -> type[McpEndpoint]:
    """Import the endpoint, which takes half a second. Raises ProblemError(501) without the extra."""
    try:
        from mockserver.mcp.endpoint import McpEndpoint
    except ImportError:
        hint = "Install the extra mockserver[mcp]"
        title = "POST /__admin/mcp needs a library that is not installed"
        raise ProblemError(501, "missing-extra", title, hint) from None
    return McpEndpoint


def _check_same(names: list[str]) -> None:
    """Raises ProblemError where files differ from those of other replicas."""
    if names:
        detail = (
            f"These differ from what the other replicas have: {', '.join(names)}. Start all replicas anew with the new "
            "files, one of them with --store-adopt"
        )
        raise ProblemError(409, "files-differ", "The files are not those of the other replicas", detail)


async def _close_servers(servers: list[asyncio.Server]) -> None:
    """
    Stop accepting connections. asyncio never closes one that was accepted in the turn of the loop in which its server
    is closed, so what was accepted is made first.
    """
    loop = asyncio.get_running_loop()
    for server in servers:
        for sock in server.sockets:
            loop.remove_reader(sock.fileno())
    for _ in range(_ACCEPTING):
        await asyncio.sleep(0)
    for server in servers:
        server.close()
    servers.clear()


def _descriptor_error() -> OSError | None:
    """Return why no file descriptor is free; None if one is."""
    try:
        os.close(os.dup(0))
    except OSError as error:
        return error if error.errno in (errno.EMFILE, errno.ENFILE) else None
    return None


def _log_call(call: Call) -> None:
    if calls_log.isEnabledFor(logging.INFO):
        calls_log.info("call", extra={"fields": call_fields(call)})


def _reason(error: BaseException, flag: str) -> str:
    text = str(getattr(error, "strerror", None) or error)
    if "in use" in text:
        return f"the port is taken. Choose another with {flag}; 0 picks a free one"
    return f"{text}. Choose another address with --host, or another port with {flag}"


def _url(host: str, port: int, scheme: str = "http") -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  (compared, not listened on)
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
