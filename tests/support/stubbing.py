"""
One suite of requests for two servers that speak WireMock: the real one, and ours.

A case adds stubs and sends requests; what comes back is made plain, so that
only what a client could tell apart is left, and compared.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPConnection, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

HERE = Path(__file__).parents[1] / "dialect"
CASES, RECORDED, DIFFERENCES = HERE / "cases", HERE / "recorded.json", HERE / "differences.yaml"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GIVEN = "11111111-1111-1111-1111-1111111111"
_VARIES = frozenset({
    "loggedDate", "loggedDateString", "clientIp", "port", "timing", "subEvents", "diffDescriptions", "distance",
    "timestamp", "uptimeInSeconds", "insertionIndex", "proxyPassThrough",
})  # fmt: skip
_LINES = frozenset({"host", "connection", "accept-encoding", "user-agent", "content-length", "matched-stub-id", "matched-stub-name"})  # fmt: skip
_OUR_TYPES = frozenset({"application/json", "text/plain; charset=utf-8", "application/octet-stream"})
_ORDERS = "POST /orders/7?q=a&q=b"
_BODY = {
    "name": "Zoe", "n": 5, "yes": True, "a": {"b": ["x", "y"]}, "l": [{"k": 1}, {"k": 2}], "zero": 0, "no": False,
    "nil": None, "html": "<b>&amp;", "price": 1.5, "amount": 10,
}  # fmt: skip


def cases() -> dict[str, dict[str, Any]]:
    """Every case by its name, its short forms written out."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.load(path.read_text(), Loader=yaml.CSafeLoader):
            name = f"{path.stem}: {case['name']}"
            assert name not in found, name
            found[name] = _whole(case)
    return found


def _whole(case: dict[str, Any]) -> dict[str, Any]:
    steps = [
        {"ask": one} if isinstance(one, str) else one for one in case.get("asks") or case.get("steps") or []
    ]
    stubs = case.get("stubs", [])
    if "request" in case:
        stubs = [{"request": case["request"], "response": {"body": "taken"}}]
    if "response" in case:
        stubs = [{"request": {"method": "GET", "urlPath": "/a"}, "response": case["response"]}]
    if "template" in case:
        stubs = [
            {"request": {}, "response": {"body": case["template"], "transformers": ["response-template"]}}
        ]
        headers = {"X-A": "one", "Cookie": "sid=s1"}
        steps = [{"ask": _ORDERS, "json": _BODY, "headers": headers, "shape": case.get("shape")}]
    return {"stubs": stubs, "steps": steps, "files": case.get("files", {})}


class Talk:
    """A conversation with one server, about one case after another."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._ids: dict[str, str] = {}

    def answers(self, case: dict[str, Any]) -> list[Any]:
        """What came back at each step, made plain."""
        self._ids.clear()
        self._begin()
        for name, text in case["files"].items():
            self._admin("PUT", f"/files/{name}", text.encode())
        for stub in case["stubs"]:
            status, _, body = self._admin("POST", "/mappings", json.dumps({"response": {}, **stub}).encode())
            if status != 201:
                return [{"refused": status}]
            self._plain(json.loads(body))
        found = [self._step(step) for step in case["steps"]]
        for name in case["files"]:
            self._admin("DELETE", f"/files/{name}")
        return found

    def _begin(self) -> None:
        self._admin("POST", "/reset")
        self._admin("DELETE", "/mappings")
        self._admin("POST", "/settings", b"{}")

    def _step(self, step: dict[str, Any]) -> Any:
        body = _body(step)
        if "admin" in step:
            method, _, path = step["admin"].partition(" ")
            status, _, data = self._admin(method, path, body)
            return self._told(status, data, step.get("only"))
        return self._asked(step, body)

    def _told(self, status: int, data: bytes, only: list[str] | None) -> Any:
        try:
            document = self._plain(json.loads(data)) if data else None
        except ValueError:
            document = data.decode()
        if only is None:
            return {"status": status, "body": document}
        shown = {one: list(_below(document, one.split("."))) for one in only if one != "status"}
        return {"status": status, **shown}

    def _asked(self, step: dict[str, Any], body: bytes | None) -> Any:
        method, _, target = step["ask"].partition(" ")
        lines = [*(step.get("headers") or {}).items(), *map(tuple, step.get("lines") or [])]
        began_s = time.monotonic()
        try:
            status, headers, data = self._sent(method, target, lines, body)
        except _BROKEN as why:
            answer: dict[str, Any] = {"broken": _kind(why)}
        else:
            answer = self._answer(step, status, headers, data)
        if "slow" in step:
            answer["slow"] = (time.monotonic() - began_s) * 1000 >= step["slow"]
        return answer

    def _answer(
        self, step: dict[str, Any], status: int, headers: list[tuple[str, str]], data: bytes
    ) -> dict[str, Any]:
        if not any(name.lower() == "matched-stub-id" for name, _ in headers):
            # Theirs writes bytes that are no chunk and closes; this client then takes them for a body.
            return {"unmatched": status} if status >= 400 else {"broken": "broken body"}
        shown = {name.lower() for name in step.get("show", [])}
        lines = sorted(
            (name.lower(), value)
            for name, value in headers
            if name.lower() in shown or name.lower().startswith("x-")
        )
        text = data.decode("utf-8", "replace")
        if step.get("shape"):
            return {"status": status, "shape": re.fullmatch(step["shape"], text) is not None}
        try:
            body: Any = {"json": json.loads(text)} if text[:1] in ("{", "[") else text
        except ValueError:
            body = text
        return {"status": status, "headers": [list(one) for one in lines], "body": self._plain(body)}

    def _admin(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        lines = [("Content-Type", "application/json")] if body else []
        return self._sent(method, f"/__admin{path}", lines, body)

    def _sent(
        self, method: str, target: str, lines: list[tuple[str, str]], body: bytes | None
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection(self._address, timeout=10)
        try:
            has_host = any(name.lower() == "host" for name, _ in lines)
            connection.putrequest(method, target, skip_host=has_host, skip_accept_encoding=True)
            for name, value in lines:
                connection.putheader(name, value)
            connection.putheader("Connection", "close")
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    # Making plain

    def _plain(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            if key == "headers":
                return self._lines_of(value)
            return {
                name: self._plain(one, name) for name, one in sorted(value.items()) if name not in _VARIES
            }
        if isinstance(value, list):
            found = [self._plain(one, key) for one in value]
            return sorted(found) if key == "possibleStates" else found
        return self._plain_text(value) if isinstance(value, str) else value

    def _lines_of(self, lines: dict[str, Any]) -> dict[str, Any]:
        """Header lines that a stub or a request of the case names."""
        return {
            name: self._plain(value)
            for name, value in sorted(lines.items())
            if name.lower() not in _LINES and not (name.lower() == "content-type" and value in _OUR_TYPES)
        }

    def _plain_text(self, text: str) -> str:
        text = text.replace(self._address, "SERVER")
        return _UUID.sub(lambda found: self._id(found[0]), text)

    def _id(self, text: str) -> str:
        """Ids that the case gives stay; others are known by the order in which they came."""
        if text.startswith(_GIVEN):
            return text
        return self._ids.setdefault(text, f"id {len(self._ids) + 1}")


_BROKEN = (ConnectionError, BadStatusLine, IncompleteRead, ValueError)


def _kind(why: BaseException) -> str:
    if isinstance(why, RemoteDisconnected):
        return "closed without an answer"
    if isinstance(why, ConnectionError):
        return "reset"
    if isinstance(why, BadStatusLine):
        return "no HTTP"
    return "broken body"


def _body(step: dict[str, Any]) -> bytes | None:
    if "json" in step:
        return json.dumps(step["json"]).encode()
    if "base64" in step:
        return base64.b64decode(step["base64"])
    return step["body"].encode() if "body" in step else None


def _below(document: Any, path: list[str]) -> Iterator[Any]:
    """What stands at a path, in every item of the lists on its way."""
    if isinstance(document, list):
        for one in document:
            yield from _below(one, path)
    elif not path:
        yield document
    elif isinstance(document, dict) and path[0] in document:
        yield from _below(document[path[0]], path[1:])
