"""Serves the rules of a JSON file by pytest-httpserver, from its own environment. Arguments: FILE PORT."""

from __future__ import annotations

import itertools
import json
import re
import sys
import threading
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

JSON = "application/json"


def add(server: HTTPServer, rule: dict[str, Any]) -> None:
    if rule["echo"]:
        server.expect_request(
            re.compile(f"^{rule['path']}[^/]+$"), method=rule["method"]
        ).respond_with_handler(echo)
        return
    if rule["action"] is None:
        asked = server.expect_request(rule["path"], method=rule["method"])
    else:
        asked = server.expect_request(rule["path"], method=rule["method"], json=json.loads(rule["body"]))
    if len(rule["answers"]) > 1:
        steps = itertools.cycle(rule["answers"])
        asked.respond_with_handler(lambda _: response(*next(steps)))
    else:
        status, answer = rule["answers"][0]
        asked.respond_with_json(answer, status=status)


def response(status: int, answer: Any) -> Response:
    return Response("" if answer is None else json.dumps(answer), status, content_type=JSON)


def echo(request: Request) -> Response:
    return response(200, {"id": request.path.rpartition("/")[2]})


server = HTTPServer("127.0.0.1", int(sys.argv[2]))
for each in json.loads(Path(sys.argv[1]).read_text()):
    add(server, each)
server.start()
threading.Event().wait()
