"""`/effects`: what really happened at the service."""

from __future__ import annotations

import asyncio
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, listing, table
from mockserver.admin.endpoints.calls import REVEAL
from mockserver.admin.models import EffectList
from mockserver.redaction.redaction import mask_tree


@table.get(
    "/effects",
    "Effects: what really happened at the service, oldest first.",
    answer=EffectList,
    query={"kind": "Only effects of this kind.", **REVEAL},
)
async def list_effects(request: AdminRequest[Any]) -> Answer:
    reveal = request.reveal
    kind = request.query.get("kind")
    effects = [effect for effect in request.ns.effects if kind is None or effect.get("kind") == kind]
    return await asyncio.to_thread(lambda: listing(effects if reveal else mask_tree(effects)))
