"""Requests for open namespaces: any replica decides a call with a constant reply, and answers once it is added."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from mockserver.engine.routes import Route
from mockserver.errors import MockServerError
from mockserver.http.encoder import encode
from mockserver.http.http1_wire import Http1Wire
from mockserver.http.listener import Listener
from mockserver.http.performer import ready_response
from mockserver.http.stored_replies import PendingReply
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.replicas.committer import StoreTimeoutError
from mockserver.replicas.constant import (
    Added,
    ClosedError,
    ConstantWriter,
    constant_response,
    constant_route,
)
from mockserver.replicas.local_answers import raise_where_left
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.problems import failure, send_problem
from mockserver.replicas.store import StoreIsFullError, StoreRefusedError


class ConstantAnswers:
    """`writers` has one for each namespace that was found open. `amend` tells the owner what became of a call."""

    def __init__(
        self, ownership: Ownership, listener: Listener, amend: Callable[[str, Outcome, Added], None]
    ) -> None:
        self.writers: dict[str, ConstantWriter] = {}
        self._ownership = ownership
        self._listener = listener
        self._amend = amend

    def add(self, request: Request, name: str, pending: PendingReply) -> bool:
        """Decide a call whose reply is constant, if the namespace is known to be open."""
        ownership = self._ownership
        writer = self.writers.get(name)
        if writer is None or not writer.token or ownership.committer.is_away or ownership.error:
            return False
        route = constant_route(self._listener.engine.shared.scenario_set, request)
        if route is None:
            return False
        writer.add(request, route, partial(self._added, name, request, route, pending))
        return True

    def _added(
        self,
        name: str,
        request: Request,
        route: Route,
        pending: PendingReply,
        error: MockServerError | None,
        added: Added,
    ) -> None:
        if error is None:
            left = partial(self._amend, name, Outcome.CLIENT_LEFT, added)
            pending.take(encode(constant_response(route), request.arrived_s), left)
        elif isinstance(error, ClosedError):
            pending.ask_again()
        else:
            pending.take(encode(failure(error), request.arrived_s), lambda: None)

    async def answer(self, name: str, token: str, request: Request, wire: Http1Wire) -> bool:
        """
        Answer a call of a namespace that is open by that token. False: it is closed by now, and the call was not added.
        Raises ConnectionError.
        """
        listener = self._listener
        route = constant_route(listener.engine.shared.scenario_set, request)
        assert route is not None  # the owner has the same files, and has found one
        writer = self.writers.get(name)
        if writer is None:
            lost = partial(self._amend, name, Outcome.LOST)
            writer = ConstantWriter(name, self._ownership.clock, self._ownership.committer, lost)
            self.writers[name] = writer
        writer.token = token
        place: asyncio.Future[Added] = asyncio.get_running_loop().create_future()

        def then(error: MockServerError | None, added: Added) -> None:
            if place.cancelled():
                if error is None:
                    self._amend(name, Outcome.CLIENT_LEFT, added)
            elif error is None:
                place.set_result(added)
            else:
                place.set_exception(error)

        writer.add(request, route, then)
        try:
            await place
            await listener.performer.perform(ready_response(constant_response(route)), wire, raise_where_left)
        except ClosedError:
            return False
        except (StoreTimeoutError, StoreIsFullError, StoreRefusedError) as error:
            await send_problem(failure(error), listener, wire)
        except (ConnectionError, asyncio.CancelledError):
            is_added = place.done() and not place.cancelled() and place.exception() is None
            if is_added and not wire.interrupted():
                self._amend(name, Outcome.CLIENT_LEFT, place.result())
            raise
        return True

    def drop_unused(self) -> None:
        now_s = self._ownership.clock.live()
        for name in [name for name, writer in self.writers.items() if writer.is_unused(now_s)]:
            del self.writers[name]
