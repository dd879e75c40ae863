"""Requests that other replicas pass on, since this one owns their namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from mockserver.errors import MockServerError
from mockserver.http.encoder import encode
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.listener import Listener
from mockserver.model.http import HTTP_1_1
from mockserver.replicas.asks import Ask
from mockserver.replicas.journal import NamespaceJournal, OwnerLostError
from mockserver.replicas.link import Frames, LinkServer, RemoteTransport, Sort
from mockserver.replicas.local_answers import LocalAnswers, NamespaceOpenError, close_as_lost, not_received
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.problems import NoAnswerError, failure, send_problem
from mockserver.replicas.store import StoreAwayError, StoreIsFullError, StoreRefusedError

log = logging.getLogger("mockserver")

_CUT_S = 10.0
"""So long the answer to a request of another replica is kept after the connection to it broke."""


class RelayedRequests:
    """`local` answers those whose reply is not whole and ready at once."""

    def __init__(
        self, ownership: Ownership, listener: Listener, server: LinkServer, local: LocalAnswers
    ) -> None:
        self._ownership = ownership
        self._listener = listener
        self._server = server
        self._local = local
        self._tasks: set[asyncio.Task[None]] = set()

    def asked(self, server: LinkServer, frames: Frames, stream: int, received: int, payload: bytes) -> None:
        try:
            ask = Ask.unpack(payload)
        except (ValueError, TypeError) as error:
            frames.send(Sort.FAILED, stream, 0, f"{error}".encode())
            return
        transport = server.transports.get(ask.id)
        if transport is not None:
            server.attach(ask.id, transport, frames, stream, received)
            return
        if received:
            frames.send(Sort.FAILED, stream, 0, b"the rest of the reply is lost")
            return
        request = ask.request
        is_plain = (
            ask.apart is None
            and not ask.is_admin
            and ask.keep_alive
            and not ask.head_only
            and request.version == HTTP_1_1
        )
        if is_plain and self._reply_at_once(ask, frames, stream):
            return
        transport = RemoteTransport(request.client)
        server.attach(ask.id, transport, frames, stream, 0)
        wire = Http1Wire(
            transport,
            transport,
            self._listener.engine,
            version=request.version,
            keep_alive=ask.keep_alive,
            head_only=ask.head_only,
        )
        transport.ended = wire.client_ended
        task = asyncio.get_running_loop().create_task(self._answer(ask, transport, wire))
        transport.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _reply_at_once(self, ask: Ask, frames: Frames, stream: int) -> bool:
        """
        Answer without a task, where the namespace is here and the reply whole and ready. False: nothing was done, or the
        call was begun and goes on by its id.
        """
        request, server = ask.request, self._server
        ready = self._local.begin_ready(request, ask.name, ask.id, ask.header, is_local=False)
        if ready is None:
            return False
        journal, call, response = ready

        def over(*, taken: bool) -> None:
            journal.forget(ask.id)
            if not taken:
                not_received(journal, call)

        def over_failed(*, taken: bool) -> None:  # noqa: ARG001  (it is lost already)
            journal.forget(ask.id)

        def stored(error: MockServerError | None) -> None:
            if error is None:
                self._listener.send_webhooks(journal.ns, journal.take_due(call))
                server.reply(frames, stream, encode(response, request.arrived_s), over)
            elif isinstance(error, OwnerLostError):
                frames.send(Sort.MOVED, stream)
            else:
                close_as_lost(journal, call)
                server.reply(frames, stream, encode(failure(error), request.arrived_s), over_failed)

        journal.entries.when_stored(stored)
        return True

    async def _answer(self, ask: Ask, transport: RemoteTransport, wire: Http1Wire) -> None:
        try:
            journal = await self._ownership.home(ask.name)
            if not isinstance(journal, NamespaceJournal):
                transport.tell(Sort.MOVED)
                return
            await self._local.answer(journal, ask, wire)
            transport.end(keep_alive=wire.keep_alive)
            async with asyncio.timeout(_CUT_S):
                await transport.drained()
            journal.forget(ask.id)
        except NamespaceOpenError as error:
            transport.tell(Sort.OPENED, error.token.encode())
        except (OwnerLostError, StoreAwayError):
            transport.tell(Sort.MOVED)  # it retries, or finds that the store is away
        except (NoAnswerError, StoreRefusedError, StoreIsFullError) as error:
            response = error.response if isinstance(error, NoAnswerError) else failure(error)
            with contextlib.suppress(ConnectionError):
                await send_problem(response, self._listener, wire)
                transport.end(keep_alive=wire.keep_alive)
        except (ConnectionError, asyncio.CancelledError, TimeoutError):
            pass  # the call is closed where the disconnect of the client was noticed
        except Exception as error:
            log.exception("a request of another replica could not be answered")
            transport.tell(Sort.FAILED, f"{type(error).__name__}: its log says more".encode())
        finally:
            self._server.forget(ask.id)

    def tidy(self) -> None:
        """Give up answers whose asker has gone."""
        self._server.drop_cut(_CUT_S)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await self._server.close()
