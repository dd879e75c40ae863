"""Serves the rules of a JSON file by async-pytest-httpserver, from its own environment. Arguments: FILE PORT."""

from __future__ import annotations

import itertools
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from async_pytest_httpserver import HTTPServerMock


def add(mock: HTTPServerMock, rule: dict[str, Any]) -> None:
    told = {} if rule["kind"] is None else {"json_contains": {"kind": rule["kind"]}}
    asked = mock.expect_request(rule["path"], rule["method"], **told)
    if len(rule["answers"]) > 1:
        steps = itertools.cycle(rule["answers"])
        asked.respond_with_handler(lambda _: response(*next(steps)))
    else:
        status, answer = rule["answers"][0]
        if rule["amount"]:
            asked.respond_with_handler(partial(with_amount, status, answer))
        else:
            asked.respond_with_json(answer, status=status)


def response(status: int, answer: Any) -> web.Response:
    return web.Response(status=status) if answer is None else web.json_response(answer, status=status)


async def with_amount(status: int, answer: Any, request: web.Request) -> web.Response:
    return response(status, {**answer, "amount": int((await request.post())["amount"])})


mock = HTTPServerMock()
for each in json.loads(Path(sys.argv[1]).read_text()):
    add(mock, each)
app = web.Application()
app.router.add_route("*", "/{tail:.*}", mock.handle)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None, backlog=4096)
