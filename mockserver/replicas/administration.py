"""The admin API of replicas: calls for a namespace go to its owner, and what changes one is written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from mockserver.admin.api import AdminApi, Answer, Services
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import DEFAULT, Namespace
from mockserver.http.http1_wire import Http1Wire
from mockserver.model.http import Request, Response, StreamReply
from mockserver.outbound.delivery import drop
from mockserver.outbound.webhook_queue import WebhookNamespace
from mockserver.outbound.webhooks import TAKEN_BACK, WebhookService
from mockserver.replicas.committer import StoreTimeoutError
from mockserver.replicas.journal import NamespaceJournal
from mockserver.replicas.problems import NoAnswerError, failure
from mockserver.replicas.replica import Replica
from mockserver.replicas.store import StoreAwayError, StoreIsFullError
from mockserver.store.clock import VirtualClock
from mockserver.store.delivery import Delivery, DeliveryState, Try

log = logging.getLogger("mockserver")

READING = frozenset({"GET", "HEAD", "OPTIONS"})
NO_CHANGE = frozenset(
    {
        ("POST", "/clock"),  # each move of the clock is an entry of its own
        ("POST", "/count"),
        ("POST", "/explain"),
        ("POST", "/scenarios/check"),
        ("POST", "/verify"),
        ("POST", "/webhooks/{id}/redeliver"),  # as is each attempt of a webhook
    }
)
"""Calls that leave nothing to be written down, by method and path."""


class Administration:
    """
    Calls of the admin API at this replica. `api` serves them for the namespaces that are owned here, `again` runs them in
    a replay.
    """

    def __init__(self, api: AdminApi, replay_api: AdminApi) -> None:
        self.api = api
        self._replay_api = replay_api
        self.replica: Replica

    async def answer(self, request: Request, wire: Http1Wire) -> None:
        """Answer a client's call, here or by the owner of its namespace. Raises ConnectionError."""
        name = self._namespace_of(request)
        if name is not None:
            await self.replica.answer(request, name, wire, is_admin=True)
            return
        listener = self.replica.listener
        try:
            answer = await self.api(request)
        except (StoreAwayError, StoreTimeoutError, StoreIsFullError) as error:
            answer = failure(error)
        await listener.send_admin(answer, wire)

    def _namespace_of(self, request: Request) -> str | None:
        """Return the namespace whose owner answers; None where every replica can."""
        located = self.api.locate(request)
        if located is None:
            return None
        endpoint, params, name = located
        if endpoint.path.startswith("/namespaces/{name}"):
            return params["name"]
        return (name or DEFAULT) if endpoint.namespaced else None

    async def run(self, request: Request, journal: NamespaceJournal) -> Answer:
        """
        Answer as the owner of the namespace. What is answered is in the store, and is what no other replica has changed
        meanwhile. Raises OwnerLostError, NoAnswerError, StoreAwayError.
        """
        located = self.api.locate(request)
        changes = (
            located is not None
            and request.method not in READING
            and (request.method, located[0].path) not in NO_CHANGE
        )
        journal.opening.attended += 1
        try:
            await journal.opening.closed()
            if changes and located is not None and located[0].namespaced:
                answer: Answer = await journal.change(request, lambda: self.api(request), _succeeded)
            else:
                answer = await self.api(request)
                if changes and _succeeded(answer) and journal.entries.lost is None:
                    journal.kept()
            if journal.entries.lost is None or not changes:
                await journal.entries.stored()
                if not changes:
                    await self.replica.ownership.confirm(journal)
        except (StoreTimeoutError, StoreIsFullError) as error:
            raise NoAnswerError(failure(error)) from error
        finally:
            journal.opening.attended -= 1
        return answer

    async def run_again(self, request: Request, ns: Namespace) -> None:
        """Run a change of an earlier owner."""
        answer = await self._replay_api(request)
        if not _succeeded(answer):
            log.error(
                "the change %s %s of the namespace %s could not be repeated",
                request.method,
                request.path,
                ns.name,
            )


def _succeeded(answer: Answer) -> bool:
    response: Response = answer.response if isinstance(answer, StreamReply) else answer
    return response.status < 400


class ReplayedWebhooks(WebhookService):
    """In a replay: webhooks are taken back and wait again as they did, and nothing is sent."""

    def __init__(self) -> None:
        """Without anything that could send."""

    async def advance(self, ns: WebhookNamespace, to_s: float, *, wait: bool = True) -> None:
        raise NotImplementedError("each move of the clock is an entry of its own")

    async def advance_by(self, ns: WebhookNamespace, seconds: float, *, wait: bool = True) -> None:
        raise NotImplementedError("each move of the clock is an entry of its own")

    async def change(self, ns: WebhookNamespace, deed: Callable[[VirtualClock], None]) -> None:
        deed(ns.clock)

    async def redeliver(self, ns: WebhookNamespace, delivery: Delivery) -> Try:
        raise NotImplementedError("each attempt of a webhook is an entry of its own")

    def moved(self, ns: WebhookNamespace) -> None:
        """Nothing is armed before the namespace is owned."""

    def restored(self, ns: WebhookNamespace) -> None:
        for attempt in ns.timers:
            attempt.delivery.state = DeliveryState.WAITING
            attempt.delivery.error = None

    def forget(self, ns: WebhookNamespace) -> None:
        for attempt in ns.timers.clear():
            drop(attempt.delivery, TAKEN_BACK)


async def _anywhere(url: str) -> None:
    """The rules for outgoing requests were asked when the change was made."""


def _anybody(request: Request, *, public: bool) -> None:
    """The change was allowed when it was made."""


def replay_api(api: AdminApi, engine: Engine, services: Services) -> AdminApi:
    """Return an admin API that changes namespaces and does nothing else."""
    return AdminApi(
        api.table, engine, replace(services, webhooks=ReplayedWebhooks(), may_forward=_anywhere), _anybody
    )
