"""Compiled webhooks, and the deliveries made from them when their call is answered. `outbound/` sends them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from mockserver.errors import Flaw, InvalidInputError, ReadFile
from mockserver.model.call import Call
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.grpc import GrpcRequest, status_of
from mockserver.model.headers import Headers, Pairs
from mockserver.model.http import Response
from mockserver.model.written import as_text
from mockserver.responses.bodies import Body, compile_body
from mockserver.schema.base import is_template
from mockserver.schema.webhook import SignSpec, WebhookSpec
from mockserver.store.clock import VirtualClock
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import Delivery, DeliveryState
from mockserver.templating.templates import Scope, Template, TemplateError, compile_text


class Sender(Protocol):
    """The part of its namespace that a webhook uses."""

    name: str

    @property
    def clock(self) -> VirtualClock: ...

    @property
    def deliveries(self) -> Deliveries: ...


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery and when it is sent: `delay_s` after the end of the call, or before its response."""

    delivery: Delivery
    delay_s: float
    before: bool


class Webhook:
    """One compiled webhook."""

    __slots__ = ("_body", "_headers", "_secret", "_url", "spec")

    def __init__(
        self, spec: WebhookSpec, url: Template, headers: tuple[tuple[str, Template], ...], body: Body | None
    ) -> None:
        self.spec = spec
        self._url = url
        self._headers = headers
        self._body = body
        self._secret: Template | None = None
        if spec.sign is not None and is_template(spec.sign.secret):
            self._secret = compile_text(spec.sign.secret, ("sign", "secret"), names=None)

    def make(self, ns: Sender, call: Call, scope: Scope, route_id: str | None = None) -> list[Due]:
        """
        Make the deliveries of one call: one, or `repeat` of the same message. A failed template makes a failed one. They are
        those of that route, by default of the call's.

        `now` is the time at which it is due.
        """
        spec = self.spec
        if spec.delay_s:
            scope = scope.later(spec.delay_s)
        now_s = ns.clock.now_s()
        first = ns.deliveries.last_number + 1
        message_id = f"msg_{ns.name}_{first:06d}"
        made = []
        error = None
        url, body, sign = "", b"", spec.sign
        headers: Pairs = ()
        try:
            url = self._url.render(scope)
            headers, body = self._rendered(scope)
            sign = self._signer(scope)
        except TemplateError as failure:
            error = f"the webhook could not be made: {failure}"
        for _ in range(spec.repeat if error is None else 1):
            delivery = Delivery(
                ns.deliveries.next_number(),
                namespace=ns.name,
                call=call.id,
                route=route_id or call.route_id or "",
                url=url,
                method=spec.method,
                headers=headers,
                body=body,
                sign=sign,
                message_id=message_id,
                created_s=now_s,
                due_s=now_s + spec.delay_s,
                attempts=spec.attempts,
                backoff_s=spec.backoff_s,
            )
            if error is not None:
                delivery.state, delivery.error = DeliveryState.FAILED, error
            ns.deliveries.add(delivery)
            made.append(Due(delivery, spec.delay_s, spec.before))
        return made

    def _rendered(self, scope: Scope) -> tuple[tuple[tuple[str, str], ...], bytes]:
        headers = [(name, value.render(scope)) for name, value in self._headers]
        for name, value in headers:
            if any(c in value for c in "\r\n\0"):
                raise TemplateError("a header value can't hold a line break", place=f"headers.{name}")
        if self._body is None:
            return tuple(headers), b""
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", self._body.content_type))
        return tuple(headers), self._body.bytes_of(scope)

    def _signer(self, scope: Scope) -> SignSpec | None:
        sign = self.spec.sign
        if sign is None or self._secret is None:
            return sign
        return sign.model_copy(update={"secret": self._secret.render(scope)})


def compile_webhooks(
    specs: list[WebhookSpec], read_file: ReadFile, names: frozenset[str], *, listed: bool
) -> tuple[Webhook, ...]:
    """Raises InvalidInputError with every flaw, paths relative to the parent of `webhook`."""
    flaws: list[Flaw] = []
    made = []
    for i, spec in enumerate(specs):
        parents = ("webhook", i) if listed else ("webhook",)
        try:
            made.append(_compile(spec, read_file, names))
        except InvalidInputError as error:
            flaws += [flaw.under(*parents) for flaw in error.flaws]
    if flaws:
        raise InvalidInputError(flaws)
    return tuple(made)


def _compile(spec: WebhookSpec, read_file: ReadFile, names: frozenset[str]) -> Webhook:
    url = compile_text(spec.url, ("url",), names=names)
    headers = tuple(
        (name, compile_text(as_text(item), ("headers", name), names=names))
        for name, value in spec.headers.items()
        for item in (value if isinstance(value, list) else [value])
    )
    return Webhook(spec, url, headers, compile_body(spec, read_file, names))


def reply_words(response: Response) -> dict[str, Any]:
    """Return the variable `reply` of a webhook: status, headers, and, for a JSON body, `json`."""
    words: dict[str, Any] = {"status": response.status, "headers": Headers(response.headers)}
    try:
        words["json"] = json.loads(response.body)
    except (ValueError, RecursionError):
        return words
    return words


def _grpc_words(call: Call, response: Response) -> dict[str, Any]:
    """Return the variable `reply` of a gRPC call: the name of the status, the headers, and the message as `json`."""
    status = status_of(response)
    words: dict[str, Any] = {
        "status": "" if status is None else status.name,
        "headers": Headers(response.headers),
    }
    reader = call.request.reader if isinstance(call.request, GrpcRequest) else None
    messages = reader.replies(response.body) if reader is not None else []
    return {**words, "json": messages[-1]} if messages else words


def due_of(
    ns: Sender, call: Call, webhooks: tuple[Webhook, ...], scope: Scope, response: Response
) -> list[Due]:
    """Make the deliveries of a call, in the order written."""
    words = _grpc_words(call, response) if call.request.method == GRPC else reply_words(response)
    inner = scope.with_("reply", words)
    return [due for webhook in webhooks for due in webhook.make(ns, call, inner)]
