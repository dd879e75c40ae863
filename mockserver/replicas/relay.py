"""Requests for namespaces of other replicas: passed on to their owners, and the answers passed back."""

from __future__ import annotations

import asyncio

from mockserver.http.http1_wire import Http1Wire, reset, sent_by_kernel
from mockserver.replicas.asks import Ask
from mockserver.replicas.link import LinkLostError, PeerLink, RelayedReply, Sort
from mockserver.replicas.local_answers import NamespaceOpenError
from mockserver.replicas.problems import NoAnswerError, away
from mockserver.replicas.store import Member

_PAUSE_S = 0.05


class Relay:
    """The connections to other replicas, which prove by the secret that they belong together."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._links: dict[str, PeerLink] = {}
        self.count = 0
        """Requests that were passed on."""

    async def answer(self, owner: Member, ask: Ask, wire: Http1Wire) -> bool:
        """
        Have another replica answer. False: the namespace is not there, or the replica can't be reached. Raises
        ConnectionError, NoAnswerError, NamespaceOpenError.
        """
        payload = ask.pack(wire)
        exchange = RelayedReply()
        self.count += 1
        while True:
            link = self._links.get(owner.address)
            if link is None:
                link = self._links[owner.address] = PeerLink(owner.address, self._secret)
            try:
                stream = await link.ask(payload, exchange)
            except LinkLostError:
                if exchange.received:
                    wire.transport.abort()
                    raise ConnectionResetError("the owner has gone in the middle of its reply") from None
                return False
            try:
                return await self._passed_back(link, stream, exchange, wire)
            except LinkLostError:
                await asyncio.sleep(_PAUSE_S)  # the same once more: what has come already is not sent again
            finally:
                link.forget(stream)

    async def _passed_back(
        self, link: PeerLink, stream: int, exchange: RelayedReply, wire: Http1Wire
    ) -> bool:
        """Pass the frames of an answer on to the client. Raises LinkLostError."""
        transport = wire.transport
        wire.client_left = lambda: link.tell(Sort.EOF, stream)
        if wire.has_left:
            link.tell(Sort.EOF, stream)
        try:
            while True:
                sort, payload = await exchange.next()
                if sort is Sort.REPLY:
                    await wire.write(payload)
                    link.tell(Sort.ACK, stream)
                    return True
                if sort is Sort.DATA:
                    await wire.write(payload)
                    link.tell(Sort.ACK, stream, exchange.received)
                elif sort is Sort.END:
                    wire.keep_alive = wire.keep_alive and payload == b"\1"
                    link.tell(Sort.ACK, stream, exchange.received)
                    return True
                elif sort is Sort.CLOSE or sort is Sort.RESET:
                    wire.keep_alive = False
                    link.tell(Sort.ACK, stream, exchange.received)
                    if sort is Sort.CLOSE:
                        transport.close()
                    else:
                        await sent_by_kernel(transport)
                        reset(transport)
                    return True
                elif sort is Sort.MOVED:
                    return False
                elif sort is Sort.OPENED:
                    raise NamespaceOpenError(payload.decode())
                else:
                    raise NoAnswerError(away(payload.decode()))
        except (ConnectionError, asyncio.CancelledError):
            link.tell(Sort.GONE, stream)
            raise
        finally:
            wire.client_left = None

    def keep(self, addresses: set[str]) -> None:
        """Close the connections to other addresses."""
        for address in [address for address in self._links if address not in addresses]:
            self._links.pop(address).close()
