"""
Tunnels: what a client of this proxy gets for a CONNECT.

A tunnel to a host that a scenario names ends here: the client is shown a certificate for that host, and its requests are
mocked. Others are refused, or passed on by the rules of egress.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from mockserver.engine.answers import problem_response
from mockserver.engine.namespace import Namespace
from mockserver.http.protocol_detection import ProtocolDetector
from mockserver.model.http import Request, Response, Via
from mockserver.model.problem import problem
from mockserver.outbound.addresses import read_host
from mockserver.outbound.egress import Egress, EgressRefusedError, UnresolvedHostError

if TYPE_CHECKING:
    from mockserver.http.listener import Listener

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_TARGET = "Name host and port, as in: CONNECT api.example.com:443 HTTP/1.1"


class Tunnels:
    """
    The tunnels of one port. `context_for` has the certificate for a host, `is_mocked` says whether a scenario names it.
    Others are passed on by `egress`, where there is one: they must be connected within `timeout_s`.
    """

    def __init__(
        self,
        door: ProtocolDetector,
        context_for: Callable[[str], ssl.SSLContext],
        is_mocked: Callable[[str], bool],
        egress: Egress | None,
        timeout_s: float,
    ) -> None:
        self.door = door
        self.context_for = context_for
        self.is_mocked = is_mocked
        self.egress = egress
        self.timeout_s = timeout_s
        self.passed: set[asyncio.Transport] = set()
        """Of tunnels that are passed on: the transports to their clients."""

    def cut(self) -> None:
        """Ends the tunnels that are passed on."""
        for transport in tuple(self.passed):
            transport.abort()


async def tunnel_for(listener: Listener, request: Request) -> asyncio.Protocol | Response:
    """What goes on in the tunnel that a CONNECT asks for, or the answer where there is none."""
    tunnels = listener.tunnels
    ns = listener.engine.default if tunnels is None else listener.namespace_of(request)
    if not isinstance(ns, Namespace):
        assert ns is not None  # a CONNECT has no path, so that it is none of the admin API
        ns.reason = "There is no namespace of that name"
        return ns
    made = await _protocol(listener, tunnels, request, ns)
    if isinstance(made, asyncio.Protocol):
        return made
    listener.record_refused(request, ns, made)
    response = problem_response(made, ("x-mockserver-matched", "false"))
    response.reason = made["title"]  # all that most clients show of it
    return response


async def _protocol(
    listener: Listener, tunnels: Tunnels | None, request: Request, ns: Namespace
) -> asyncio.Protocol | dict[str, Any]:
    """What goes on in the tunnel, or the problem because of which there is none."""
    if tunnels is None:
        detail = "Start the server with --tls, and use its mock port as the proxy"
        return problem(501, "no-tls", "This port opens no tunnels", detail)
    name, _, port = request.target.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535):
        return problem(400, "bad-request", "The target of CONNECT has no port from 1 to 65535", _TARGET)
    try:
        host = str(read_host(name[1:-1] if name.startswith("[") and name.endswith("]") else name))
    except ValueError:
        return problem(400, "bad-request", "The target of CONNECT has no valid host", _TARGET)
    if tunnels.is_mocked(host):
        via = Via(ns.name, tunnel=True)
        limit_s = listener.limits.read_timeout_s
        return tunnels.door.inside(tunnels.context_for(host), partial(listener.connection, via), limit_s)
    if tunnels.egress is None:
        detail = (
            f"Write `host: {host}` into a scenario, or list the host in NO_PROXY of the client. To reach the real service, "
            f"start the server with --on-unmatched forward and --allow-egress {host}"
        )
        return problem(502, "no-scenario", f"No scenario has the host {host}", detail)
    if len(tunnels.passed) >= listener.limits.connections:
        listener.refused["connections"] += 1
        detail = "Close some, or start the server with a larger --max-connections"
        return problem(503, "too-many", "Too many tunnels", detail)
    return await _pass_on(tunnels, tunnels.egress, host, int(port))


async def _pass_on(tunnels: Tunnels, egress: Egress, host: str, port: int) -> _Side | dict[str, Any]:
    """Connects to the real service. The client's side of the tunnel, or the problem because of which there is none."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    title = f"{place} could not be reached"
    loop = asyncio.get_running_loop()
    client, service = _Side(tunnels.passed), _Side(set())
    client.other, service.other = service, client
    why: OSError | None = None
    try:
        async with asyncio.timeout(tunnels.timeout_s):
            target = await egress.resolve(f"https://{place}/")
            for address in target.addresses:
                try:
                    await loop.create_connection(lambda: service, address, port)
                except OSError as error:
                    why = error
                else:
                    return client
    except EgressRefusedError as error:
        return problem(
            502, "egress", f"A tunnel to {place} is not allowed", f"{error.reason}. {error.remedy}"
        )
    except UnresolvedHostError as error:
        return problem(502, "upstream", title, f"{error}. See that it is spelt right and known here")
    except TimeoutError:
        return problem(504, "upstream-timeout", title, "Start the server with a longer --upstream-timeout")
    return problem(502, "upstream", title, f"{why}. See that it runs, and that this server can reach it")


class _Side(asyncio.Protocol):
    """One side of a tunnel that is passed on: what comes there goes to the other. `open_` has its transport meanwhile."""

    transport: asyncio.Transport
    other: _Side

    def __init__(self, open_: set[asyncio.Transport]) -> None:
        self._open = open_
        self.has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits()
        self._open.add(self.transport)
        other = getattr(self.other, "transport", None)
        if other is None:  # the service's side; the client does not know yet
            self.transport.pause_reading()
        elif other.is_closing():
            self.transport.close()
        else:
            other.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def eof_received(self) -> bool:
        """The other is told so; the tunnel ends once both have said it."""
        self.has_ended = True
        other = self.other
        if other.has_ended or other.transport.is_closing() or not other.transport.can_write_eof():
            return False
        other.transport.write_eof()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self._open.discard(self.transport)
        other = getattr(self.other, "transport", None)
        if other is not None:
            other.close()
