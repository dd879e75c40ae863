"""`/webhooks`: the deliveries of webhooks."""

from __future__ import annotations

import base64
from typing import Any

from mockserver.admin.api import (
    AdminRequest,
    Answer,
    json_answer,
    listing,
    not_found,
    number_in,
    table,
)
from mockserver.admin.endpoints.calls import REVEAL
from mockserver.admin.models import DeliveryList, DeliveryView
from mockserver.redaction.redaction import mask_bytes, mask_header, mask_tree
from mockserver.store.delivery import Delivery


def delivery_view(delivery: Delivery, *, reveal: bool = False) -> dict[str, Any]:
    """Return a delivery as JSON, with secrets masked."""
    view = delivery.view()
    if reveal:
        return view
    masked: dict[str, Any] = mask_tree(view)
    masked["headers"] = [[name, mask_header(name, value)] for name, value in delivery.headers]
    if view["body"]["base64"] is not None:
        masked["body"]["base64"] = base64.b64encode(mask_bytes(delivery.body)).decode()
    return masked


@table.get(
    "/webhooks",
    "Webhook deliveries, oldest first, with all attempts and answers.",
    answer=DeliveryList,
    query={"route": "Only those of this route.", **REVEAL},
)
async def list_webhooks(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    wanted = request.route_id
    deliveries = [
        delivery for delivery in request.ns.deliveries if wanted is None or delivery.route == wanted
    ]
    return listing([delivery_view(delivery, reveal=reveal) for delivery in deliveries])


@table.post(
    "/webhooks/{id}/redeliver", "Send a webhook again, immediately.", answer=DeliveryView, errors=(404,)
)
async def redeliver(request: AdminRequest[Any]) -> Answer:
    text = request.params["id"]
    number = number_in(text if text.startswith("w-") else f"w-{text}", "w-")
    delivery = None if number is None else request.ns.deliveries.get(number)
    if delivery is None:
        raise not_found("webhook", text, hint="See GET /__admin/webhooks")
    await request.services.webhooks.redeliver(request.ns, delivery)
    return json_answer(delivery_view(delivery))
