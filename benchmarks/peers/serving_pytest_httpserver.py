"""Serves the rules of a JSON file by pytest-httpserver, from its own environment. Arguments: FILE PORT."""

from __future__ import annotations

import itertools
import json
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

JSON = "application/json"


def add(server: HTTPServer, rule: dict[str, Any]) -> None:
    asked = server.expect_request(rule["path"], method=rule["method"])
    if len(rule["answers"]) > 1:
        steps = itertools.cycle(rule["answers"])
        asked.respond_with_handler(lambda _: response(*next(steps)))
    else:
        status, answer = rule["answers"][0]
        if rule["amount"]:
            asked.respond_with_handler(partial(with_amount, status, answer))
        else:
            asked.respond_with_json(answer, status=status)


def response(status: int, answer: Any) -> Response:
    return Response("" if answer is None else json.dumps(answer), status, content_type=JSON)


def with_amount(status: int, answer: Any, request: Request) -> Response:
    return response(status, {**answer, "amount": int(request.form["amount"])})


server = HTTPServer("127.0.0.1", int(sys.argv[2]))
for each in json.loads(Path(sys.argv[1]).read_text()):
    add(server, each)
server.start()
threading.Event().wait()
