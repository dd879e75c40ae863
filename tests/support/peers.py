"""Requests written short, and answers in a form in which another tool's and ours can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from support.http import ask

COMPARED = ("location", "set-cookie")


def exchange(url: str, request: Any) -> dict[str, Any]:
    """
    What a client sees of a request (`GET /x`, or a mapping of line, headers,
    body): `broken`, or status, body and the header lines that a stub wrote.
    """
    request = {"line": request} if isinstance(request, str) else request
    method, target = request["line"].split(" ", 1)
    headers: Mapping[str, str] = request.get("headers", {})
    try:
        answer = ask(url, method, target, request.get("body"), dict(headers))
    except (HTTPException, ConnectionError):
        return {"broken": True}
    if answer.header("x-mockserver-matched") == "false":
        return {"unmatched": True}
    lines = sorted(
        f"{name.lower()}: {value}"
        for name, value in answer.headers
        if name.lower() in COMPARED or name.lower().startswith("x-")
    )
    made: dict[str, Any] = {"status": answer.status, "body": _body(answer.body)}
    if lines:
        made["headers"] = lines
    if kind := answer.header("content-type"):
        made["type"] = kind
    return made


def _body(body: bytes) -> Any:
    """JSON as its value: white space between tokens is each tool's own."""
    text = body.decode("latin-1")
    if text[:1] in ("{", "["):
        try:
            return {"json": json.loads(body)}
        except ValueError:
            return text
    return text


def without_own_type(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Our answer without the Content-Type that we add where the other tool sends none."""
    return {key: value for key, value in ours.items() if key != "type" or "type" in theirs}
