"""
Forwarding to the real service: a route's `proxy`, and unmatched requests if configured.

The claim takes the step and the call is recorded; then `http/` sends the request to the real service. Its response
becomes the call's: the status counts, and `set`, `effect` and `webhook` of the route are executed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mockserver.engine.namespace import Namespace
from mockserver.engine.routes import Behaviour, Route
from mockserver.engine.side_effects import NO_WORK
from mockserver.engine.transaction import Transaction
from mockserver.engine.webhooks import Due, due_of
from mockserver.model.call import Call
from mockserver.model.exchange import relinked
from mockserver.model.http import Response
from mockserver.model.plan import Forward
from mockserver.responses.planner import Planned
from mockserver.store.call_log import KEPT_BODY_BYTES

WHOLE_BYTES = 16 * 1024 * 1024
"""Limit for responses that are read whole before the first byte is forwarded, or that are recorded."""


class Proxy(Behaviour):
    """The response of a route that forwards its requests."""

    __slots__ = ("_placeholder", "to")

    def __init__(self, to: str) -> None:
        self.to = to
        self._placeholder = placeholder(to)

    def decide(self, transaction: Transaction) -> None:
        transaction.make_let()
        transaction.planned = self._placeholder
        transaction.later = self.to


def placeholder(to: str) -> Planned:
    """Return a placeholder for the response of the real service."""
    text = f"what {to} answers".encode()
    return Planned((), Response(200, [("Content-Type", "text/plain")], text))


def forward(
    ns: Namespace, call: Call, to: str, on_response: Callable[[Response], bool], *, whole: bool
) -> Planned:
    """Return the plan that forwards a call. A running recording gets the call when it completes."""
    call.forwarded = to
    recording = ns.recording
    keep_bytes = KEPT_BODY_BYTES
    observed = on_response
    if recording is not None:
        keep_bytes = WHOLE_BYTES
        recording.expect(call)

        def observed(response: Response) -> bool:
            return on_response(_with_local_links(response, to, call.request.base_url))

    step = Forward(
        to,
        observed,
        whole_bytes=WHOLE_BYTES if whole else 0,
        keep_bytes=keep_bytes,
        is_recorded=recording is not None,
    )
    return Planned((step,), placeholder(to).response)


_LINKS = frozenset({"location", "content-location", "link"})


def _with_local_links(response: Response, to: str, base_url: str) -> Response:
    """Rewrite links to the service to this server, so that clients don't bypass the recording."""
    if not any(name.lower() in _LINKS and to in value for name, value in response.headers):
        return response
    lines = [
        (name, relinked(value, to, base_url) if name.lower() in _LINKS else value)
        for name, value in response.headers
    ]
    return Response(response.status, lines, response.body, response.reason)


def needs_whole(ns: Namespace, call: Call, route: Route, *, is_kept: bool) -> bool:
    """Whether the whole response is needed first: for an idempotency key, a webhook, a fault."""
    troubles = ns.troubles
    return is_kept or bool(route.work.webhooks) or (troubles is not None and troubles.affects_answer(call))


def apply_side_effects(call: Call, transaction: Transaction, response: Response) -> None:
    """Execute the route's side effects, below 400. Raises TemplateError; then nothing is done."""
    ns, work = transaction.ns, transaction.route.work
    if work is NO_WORK or response.status >= 400:
        return
    transaction.do(work)
    transaction.write(call)
    if transaction.webhooks:
        due = due_of(ns, call, transaction.webhooks, transaction.scope(), response)
        if ns.troubles is not None:
            due = ns.troubles.due(call, due, ns)
        call.due = [_after_response(item) for item in due]
        call.webhooks = [item.delivery.id for item in due]


def _after_response(due: Due) -> Due:
    """Send a webhook after the response, also if it is configured to be sent before: the response is not known earlier."""
    return replace(due, before=False) if due.before else due
