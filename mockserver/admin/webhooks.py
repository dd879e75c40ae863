"""`/webhooks` and `/attempts`: what the service sent by itself, and how clients tried again."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from mockserver.admin.api import Answer, Asked, Refused, Table, json_answer, listing
from mockserver.admin.calls import MOST, PAGE, PAGING, REVEAL, SLICE, cursor, may_reveal
from mockserver.admin.models import DeliveryList, DeliveryView, OperationList
from mockserver.admin.views import instant
from mockserver.engine.attempts import Operation, operation_view, operations
from mockserver.engine.finding import candidates
from mockserver.engine.naming import route_named
from mockserver.engine.selectors import Selector, compile_selector
from mockserver.engine.words import BEFORE_CLAIM
from mockserver.errors import Flaw, InvalidInput
from mockserver.model.call import Call
from mockserver.model.delivery import Delivery
from mockserver.model.redaction import mask_bytes, mask_header, mask_part, mask_tree

table = Table()


def delivery_view(delivery: Delivery, *, reveal: bool = False) -> dict[str, Any]:
    """A delivery as JSON; secrets masked."""
    view = delivery.view()
    if reveal:
        return view
    masked: dict[str, Any] = mask_tree(view)
    masked["headers"] = [[name, mask_header(name, value)] for name, value in delivery.headers]
    if view["body"]["base64"] is not None:
        masked["body"]["base64"] = base64.b64encode(mask_bytes(delivery.body)).decode()
    return masked


@table.add(
    "GET",
    "/webhooks",
    "Deliveries, oldest first, with each try and what the receiver answered.",
    answer=DeliveryList,
    query={"route": "Only those of this route.", **REVEAL},
)
async def list_webhooks(asked: Asked[Any]) -> Answer:
    reveal = may_reveal(asked)
    wanted = route_named(asked.ns, asked.query["route"]).id if asked.query.get("route") else None
    found = [one for one in asked.ns.deliveries if wanted is None or one.route == wanted]
    return listing([delivery_view(one, reveal=reveal) for one in found])


@table.add(
    "POST",
    "/webhooks/{id}/redeliver",
    "Sends a webhook once more, at once.",
    answer=DeliveryView,
    errors=(404,),
)
async def redeliver(asked: Asked[Any]) -> Answer:
    text = asked.params["id"]
    digits = text.removeprefix("w-")
    delivery = (
        asked.ns.deliveries.get(int(digits))
        if digits.isascii() and digits.isdigit() and len(digits) < 16
        else None
    )
    if delivery is None:
        raise Refused(404, "no-such-webhook", f"There is no webhook {text!r}", "See GET /__admin/webhooks")
    await asked.services.courier.redeliver(asked.ns, delivery)
    return json_answer(delivery_view(delivery))


@table.add(
    "GET",
    "/attempts",
    "Operations: which calls are tries of one thing, and how the client waited.",
    answer=OperationList,
    query={
        "route": "Only calls of this route.",
        "by": "A selector: tries of one operation share its value.",
        **PAGING,
        **REVEAL,
    },
    errors=(422,),
)
async def list_attempts(asked: Asked[Any]) -> Answer:
    reveal = may_reveal(asked)
    limit, after = asked.number("limit", PAGE, MOST), cursor(asked.query.get("cursor"))
    wanted = route_named(asked.ns, asked.query["route"]).id if asked.query.get("route") else None
    by = _by(asked, asked.query["by"]) if asked.query.get("by") else None
    calls = [call for call in asked.ns.record if call.matched and (wanted is None or call.route_id == wanted)]
    found = operations(calls, by)
    rest = [one for one in found if one.tries[0].call.number > after]
    views = []
    for one in rest[:limit]:
        views.append(_operation_view(one, asked.query.get("by", ""), reveal=reveal))
        if not len(views) % SLICE:
            await asyncio.sleep(0)
    most = [
        one.most_in_flight
        for route, one in asked.ns.counts.routes.items()
        if wanted is None or route == wanted
    ]
    tries = sum(len(one.tries) for one in found)
    return json_answer({
        "items": views,
        "next": rest[limit - 1].tries[0].call.id if len(rest) > limit else None,
        "amplification": round(tries / len(found), 3) if found else None,
        "most_in_flight": max(most, default=0),
    })  # fmt: skip


def _operation_view(operation: Operation, by: str, *, reveal: bool) -> dict[str, Any]:
    view = operation_view(operation, instant)
    if not reveal:
        for keyed in (view, *view["tries"]):
            if keyed["key"] is not None:
                keyed["key"] = mask_part(by, keyed["key"])
    return view


def _by(asked: Asked[Any], text: str) -> Any:
    if text.startswith("{{"):
        raise InvalidInput(
            Flaw(
                ("by",),
                "a template can't be asked of calls that are over",
                "Write a selector such as headers.idempotency-key",
            )
        )
    selector = compile_selector(text, ("by",), BEFORE_CLAIM)
    return lambda call: _value(asked, selector, call)


def _value(asked: Asked[Any], selector: Selector, call: Call) -> str | None:
    params = next(
        (
            params
            for entry, params in candidates(asked.ns, call.request.method, call.request.path)
            if entry.target.id == call.route_id
        ),
        {},
    )
    return selector.key(call.request, params)
