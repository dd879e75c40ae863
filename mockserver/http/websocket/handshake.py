"""Handshakes of WebSocket connections (RFC 6455 4.2.1), before a route is asked."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from mockserver.engine.answers import problem_response
from mockserver.model.http import HTTP_1_1, Request, Response
from mockserver.model.problem import problem

_VERSION = "13"


def handshake_problem(request: Request) -> dict[str, Any] | None:
    """Return why a handshake is not valid, as a problem with the fix; None for a valid one."""
    headers = request.headers
    if request.version is not HTTP_1_1:
        return _bad("It uses HTTP/1.0", "Send it with HTTP/1.1")
    connection = {word.strip().lower() for line in headers.all("connection") for word in line.split(",")}
    if "upgrade" not in connection:
        return _bad("Its Connection header does not list Upgrade", "Send Connection: Upgrade")
    versions = headers.all("sec-websocket-version")
    if versions != [_VERSION]:
        said = f"version {', '.join(versions)[:40]}" if versions else "no version"
        return problem(
            426,
            "bad-handshake",
            "The WebSocket version is not supported",
            f"Its Sec-WebSocket-Version has {said}. Send version {_VERSION}",
        )
    keys = headers.all("sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return _bad(
            "Its Sec-WebSocket-Key is missing" if not keys else "Its Sec-WebSocket-Key is not valid",
            "Send one key: 16 random bytes in Base64",
        )
    return None


def _bad(reason: str, fix: str) -> dict[str, Any]:
    return problem(400, "bad-handshake", "The WebSocket handshake is not valid", f"{reason}. {fix}")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def refused_handshake(document: dict[str, Any]) -> Response:
    """Return the response to an invalid handshake."""
    lines = [("x-mockserver-matched", "false")]
    if document["status"] == 426:
        lines += [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", _VERSION)]
    return problem_response(document, *lines)


NO_REPLICAS = problem(
    501,
    "not-shared",
    "WebSocket connections need a server without --store",
    "A connection belongs to one server, and replicas would not share its messages. Start one server without --store",
)
