"""The only place where things are put together: settings in, a running server out."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import Any

from mockserver import __version__
from mockserver.admin import openapi
from mockserver.admin.api import AdminApi, Services
from mockserver.admin.guard import Guard
from mockserver.admin.namespaces import NAMESPACE_NAME
from mockserver.admin.tables import all_endpoints
from mockserver.admin.views import instant
from mockserver.engine.addressing import Addresser, UnknownNamespace
from mockserver.engine.engine import Engine, EngineSettings
from mockserver.engine.literal import webhook_urls
from mockserver.engine.namespace import Namespace
from mockserver.engine.world import World, build_world
from mockserver.errors import MockServerError
from mockserver.files.loader import load
from mockserver.model.http import Request
from mockserver.net.arrival import WireLimits
from mockserver.net.egress import Egress
from mockserver.net.listener import Listener, WireSettings
from mockserver.net.literal_hosts import literal_host
from mockserver.net.webhooks import Courier
from mockserver.settings import Settings
from mockserver.store.record import RecordLimits

log = logging.getLogger("mockserver")

COLLECT_EVERY_S = 30.0
GRACE_S = 0.2
"""How long a stopping server lets answers that are under way come to their end."""


class PortTaken(MockServerError):
    """The address can't be listened on; the text says which and why."""


class App:
    """
    One server: its engine and its listeners. Made on the loop that it runs on.

    `load` raises LoadFailed before anything listens.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._started_at_s = time.monotonic()
        self._started = instant(time.time())
        self._servers: list[asyncio.Server] = []
        self._listeners: list[Listener] = []
        self._settled = False
        self._documents: dict[str, Any] = {}
        self._hosts: tuple[World, frozenset[str]] | None = None
        self._collector: asyncio.Task[None] | None = None
        self.courier = Courier(
            Egress(settings.allow_egress, self._literal_hosts),
            wall=time.time,
            mono=time.monotonic,
            limit=settings.max_webhooks,
            refused=lambda: self.engine.shared.refused.update(webhooks=1),
        )
        self.mock_url = ""
        self.admin_url = ""
        self.own_admin_url = ""
        """The same by the address that is listened on, for this process; a public URL may lead nowhere from here."""
        self.engine = Engine(
            self._read(),
            wall=time.time,
            mono=time.monotonic,
            settings=EngineSettings(
                seed=settings.seed,
                unmatched_status=settings.unmatched_status,
                limits=RecordLimits(settings.calls, settings.calls_bytes),
            ),
        )

    def _read(self) -> World:
        return build_world(load(self.settings.paths)) if self.settings.paths else World()

    def reload(self) -> dict[str, Any]:
        """Reads the files again, all or nothing. Raises LoadFailed; then the old ones go on answering."""
        world = self._read()
        self.engine.publish(world)
        return {"scenarios": len(world.scenarios), "routes": len(world.routes), "warnings": []}

    def health(self) -> dict[str, Any]:
        world = self.engine.shared.world
        return {
            "status": "ok",
            "version": __version__,
            "started": self._started,
            "uptime_s": round(time.monotonic() - self._started_at_s, 3),
            "scenarios": len(world.scenarios),
            "routes": len(world.routes),
            "lane": any(listener.has_lane for listener in self._listeners),
            "refused": dict(self.engine.shared.refused),
        }

    def _openapi(self) -> dict[str, Any]:
        if "openapi" not in self._documents:
            self._documents["openapi"] = openapi.document(all_endpoints())
        document: dict[str, Any] = self._documents["openapi"]
        return document

    def _literal_hosts(self) -> frozenset[str]:
        """The hosts that stand literally in scenario files; worked out once for each world."""
        world = self.engine.shared.world
        if self._hosts is None or self._hosts[0] is not world:
            found = {literal_host(url, constants) for url, constants in webhook_urls(world)}
            self._hosts = (world, frozenset(host for host in found if host is not None))
        return self._hosts[1]

    def _base_url(self, request: Request) -> str:
        """How clients reach the mocked service: as they asked, unless the settings say it."""
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
            raise UnknownNamespace(name)
        if len(self.engine.namespaces) >= self.settings.max_namespaces:
            self.engine.shared.refused["namespaces"] += 1
            raise UnknownNamespace(name)
        return self.engine.make_namespace(name)

    async def _collect(self) -> None:
        """Removes namespaces that nobody uses any more, as long as the server runs."""
        while True:
            await asyncio.sleep(COLLECT_EVERY_S)
            self.collect_idle()

    def collect_idle(self) -> int:
        """Removes idle namespaces now. How many there were."""
        idle = self.engine.idle_namespaces()
        for ns in idle:
            self.courier.forget(ns)
            self.engine.remove_namespace(ns)
        return len(idle)

    async def start(self) -> None:
        """Listens. Raises PortTaken."""
        settings = self.settings
        guard = Guard(settings.admin_token, settings.admin_hosts)
        services = Services(
            reload=self.reload,
            health=self.health,
            openapi=self._openapi,
            may_reveal=guard.may_reveal,
            public_url=self._base_url,
            admin_url=self._admin_base,
            courier=self.courier,
            settings=settings,
        )
        admin = AdminApi(all_endpoints(), self.engine, services, guard.check)
        wire = WireSettings(
            max_body_bytes=settings.max_body_bytes,
            hang_limit_s=settings.hang_limit_s,
            lane=settings.lane,
            limits=WireLimits(
                read_timeout_s=settings.read_timeout_s,
                headers=settings.max_headers,
                head_bytes=settings.max_head_bytes,
                requests=settings.max_requests,
                connections=settings.max_connections,
            ),
        )
        make = self._auto_namespace if settings.namespaces == "auto" else None
        addresser = Addresser(self.engine.namespaces, self.engine.default, make)
        apart = settings.admin_port is not None
        mock = Listener(self.engine, addresser, wire, self.courier, admin=None if apart else admin)
        port = await self._listen(mock, settings.port)
        self.mock_url = settings.public_url.rstrip("/") or _url(settings.host, port)
        self.admin_url = f"{self.mock_url}/__admin"
        self.own_admin_url = f"{_url(settings.host, port)}/__admin"
        if settings.admin_port is not None:
            separate = Listener(self.engine, addresser, wire, self.courier, admin=admin, mock=False)
            port = await self._listen(separate, settings.admin_port, "--admin-port")
            self.admin_url = self.own_admin_url = f"{_url(settings.host, port)}/__admin"
        self._collector = asyncio.create_task(self._collect())

    async def _listen(self, listener: Listener, port: int, flag: str = "--port") -> int:
        loop = asyncio.get_running_loop()
        host = self.settings.host
        try:
            server = await loop.create_server(listener.server, host, port, backlog=4096, reuse_address=True)
        except (OSError, OverflowError) as why:
            await self.stop()
            raise PortTaken(f"can't listen on {host}:{port}: {_reason(why, flag)}") from why
        self._servers.append(server)
        self._listeners.append(listener)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Takes no more, gives answers under way a moment (once), and cuts what then still hangs."""
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
        """Takes no more, and gives answers under way a moment. How many are still not over."""
        self._settled = True
        if self._collector is not None:
            self._collector.cancel()
        for server in self._servers:
            server.close()
        self._servers.clear()
        await self.courier.close()
        return sum(await asyncio.gather(*(listener.settle(GRACE_S) for listener in self._listeners)))

    def describe(self) -> str:
        """The one line that says it serves."""
        world = self.engine.shared.world
        scenarios, routes = len(world.scenarios), len(world.routes)
        return (
            f"mockserver {__version__} serves {_some(scenarios, 'scenario')} with {_some(routes, 'route')}: "
            f"mock {self.mock_url} · admin {self.admin_url}"
        )


def _reason(why: BaseException, flag: str) -> str:
    text = str(getattr(why, "strerror", None) or why)
    if "in use" in text:
        return f"the port is taken. Choose another with {flag}; 0 picks a free one"
    return f"{text}. Choose another address with --host, or another port with {flag}"


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _url(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  (compared, not listened on)
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
