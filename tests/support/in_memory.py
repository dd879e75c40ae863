"""A connection without a socket: what is fed comes in exactly these reads, and nothing of it depends on time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable
from typing import Any

from mockserver.admin.views import call_view
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.addressing import Addresser
from mockserver.engine.engine import Engine, EngineSettings
from mockserver.engine.namespace import Namespace
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.http.listener import Listener, WireSettings
from mockserver.outbound.webhooks import WebhookService
from mockserver.real_time import REAL
from mockserver.scenarios.loader import from_text


class ClosedSocket:
    """One that is closed, as uvloop shows it."""

    def fileno(self) -> int:
        raise ValueError("negative file descriptor")

    def setsockopt(self, *_: object) -> None:
        raise ValueError("negative file descriptor")


class Transport(asyncio.Transport):
    """Keeps what is written. `closed`: the protocol has been told that the connection is lost."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.sent = bytearray()
        self.closed = asyncio.Event()
        self.socket: ClosedSocket | None = None
        self._closing = False
        self.reading = asyncio.Event()
        self.reading.set()
        self.breaks_at: int | None = None
        """The connection breaks at the write that would go past so many bytes, as at a client that has sent an RST."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        known = {"peername": ("127.0.0.1", 1), "socket": self.socket}
        return known.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed.is_set():
            raise RuntimeError("the transport is closed")  # as uvloop's
        if self._closing:
            return
        if self.breaks_at is not None and len(self.sent) + len(data) > self.breaks_at:
            self.lose(ConnectionResetError("the client has disconnected"))
        else:
            self.sent += data

    def writelines(self, data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(data))

    def lose(self, why: Exception | None = None) -> None:
        """The connection is gone."""
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._lost, why)

    def _lost(self, why: Exception | None) -> None:
        self.reading.set()
        self.protocol.connection_lost(why)
        self.closed.set()

    def close(self) -> None:
        self.lose()

    def abort(self) -> None:
        self.lose()

    def is_closing(self) -> bool:
        return self._closing

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def is_reading(self) -> bool:
        return self.reading.is_set()

    def pause_reading(self) -> None:
        self.reading.clear()

    def resume_reading(self) -> None:
        self.reading.set()


def connected(protocol: asyncio.Protocol) -> Transport:
    transport = Transport(protocol)
    protocol.connection_made(transport)
    return transport


async def feed(transport: Transport, pieces: Iterable[bytes], *, turns: int = 0) -> None:
    """Each piece in a read of its own; so many turns of the loop between two, in which tasks go on."""
    for piece in pieces:
        await transport.reading.wait()
        if transport.is_closing():
            return
        if piece:
            transport.protocol.data_received(piece)
        for _ in range(turns):
            await asyncio.sleep(0)


async def converse(
    protocol: asyncio.Protocol, pieces: Iterable[bytes], *, turns: int = 0, within_s: float = 20
) -> bytes:
    """All that comes back until the server closes; the client sends nothing more after the pieces."""
    transport = connected(protocol)
    await feed(transport, pieces, turns=turns)
    async with asyncio.timeout(within_s):
        await transport.closed.wait()
    return bytes(transport.sent)


def listener(scenario: str, *names: str, seed: str = "same", **settings: Any) -> Listener:
    """A listener of the scenario `shop` that listens nowhere. It has namespaces of these names beside its default."""
    engine = Engine(
        _world(scenario),
        wall=REAL.time,
        mono=REAL.monotonic,
        settings=EngineSettings(seed=seed),
    )
    for name in names:
        engine.make_namespace(name, seed=seed)
    courier = WebhookService(None, wall=REAL.time, mono=REAL.monotonic)  # type: ignore[arg-type]  # no webhooks
    addresser = Addresser(engine.namespaces)
    return Listener(engine, addresser, WireSettings(**settings), courier, admin=None)


@functools.cache
def _world(scenario: str) -> ScenarioSet:
    return build_scenario_set([from_text(scenario, "shop")])


def left_behind(engine: Engine) -> dict[str, Any]:
    """What record and counts of every namespace say, without times and dates."""
    return {ns.name: (_calls(ns), _counts(ns)) for ns in engine.namespaces.values()}


def _calls(ns: Namespace) -> list[dict[str, Any]]:
    calls = [call_view(call, reveal=True) for call in ns.call_log]
    for call in calls:
        call["times"] = sorted(name for name, value in call["times"].items() if value is not None)
    return calls


def _counts(ns: Namespace) -> dict[str, Any]:
    counts = ns.counts
    routes = {
        id_: (one.calls, one.in_flight, dict(one.statuses)) for id_, one in sorted(counts.routes.items())
    }
    return {
        "total": counts.total, "unmatched": counts.unmatched, "incomplete": counts.incomplete,
        "automatic": counts.automatic, "lines": dict(counts.lines), "routes": routes,
    }  # fmt: skip
