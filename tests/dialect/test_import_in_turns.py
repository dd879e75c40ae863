"""Many mappings that are imported at once let others have their turn between two."""

from __future__ import annotations

import asyncio
import json
import time

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.model.http import Request
from mockserver.wiremock.dialect import Dialect


def test_between_two_mappings_of_an_import_others_have_their_turn():
    engine = Engine(build_scenario_set([]), wall=time.time, mono=time.monotonic)
    dialect = Dialect(
        engine, most_routes=1000, refused=lambda _: None, may_reveal=lambda _: True, uptime_s=lambda: 0.0
    )
    mappings = [
        {
            "id": f"00000000-0000-4000-8000-{n:012}",
            "request": {"method": "GET", "url": f"/{n}"},
            "response": {},
        }
        for n in range(200)
    ]
    body = json.dumps({"mappings": mappings, "importOptions": {"deleteAllNotInImport": True}}).encode()
    lines = [("Content-Type", "application/json")]

    async def asked():
        turns = 0
        importing = asyncio.create_task(dialect(Request("POST", "/__admin/mappings/import", lines, body)))
        while not importing.done():
            turns += 1
            await asyncio.sleep(0)
        return turns, (await importing).status

    assert asyncio.run(asked()) == (201, 200)
    assert len(list(engine.default.active_routes())) == 200
    assert asyncio.run(asked())[1] == 200
    assert len(list(engine.default.active_routes())) == 200
