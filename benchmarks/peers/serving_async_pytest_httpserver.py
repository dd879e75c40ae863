"""Serves the rules of a JSON file by async-pytest-httpserver, from its own environment. Arguments: FILE PORT."""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path
from typing import Any

from aiohttp import web
from async_pytest_httpserver import HTTPServerMock


def add(mock: HTTPServerMock, rule: dict[str, Any]) -> None:
    if rule["echo"]:
        mock.expect_request(re.compile(f"^{rule['path']}[^/]+$"), rule["method"]).respond_with_handler(echo)
        return
    told = {} if rule["action"] is None else {"json_contains": {"action": rule["action"]}}
    asked = mock.expect_request(rule["path"], rule["method"], **told)
    if len(rule["answers"]) > 1:
        steps = itertools.cycle(rule["answers"])
        asked.respond_with_handler(lambda _: response(*next(steps)))
    else:
        status, answer = rule["answers"][0]
        asked.respond_with_json(answer, status=status)


def response(status: int, answer: Any) -> web.Response:
    return web.Response(status=status) if answer is None else web.json_response(answer, status=status)


def echo(request: web.Request) -> web.Response:
    return response(200, {"id": request.path.rpartition("/")[2]})


mock = HTTPServerMock()
for each in json.loads(Path(sys.argv[1]).read_text()):
    add(mock, each)
app = web.Application()
app.router.add_route("*", "/{tail:.*}", mock.handle)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None, backlog=4096)
