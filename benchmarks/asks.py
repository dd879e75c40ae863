"""One request and the answer it must get: each server proves that it does the work before it is timed."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any

ANSWER_S = 60.0
_AGAIN_S = 0.002


class ServerFailedError(Exception):
    """A server didn't start, or didn't do the work; the text says which and how."""


@dataclass(frozen=True)
class Ask:
    """`json` is what the answer's body must be once it is parsed; None asks for nothing."""

    path: str
    method: str = "GET"
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    json: Any = None

    def slip(self, port: int) -> str:
        """What is wrong with the answer; empty where nothing is. Raises OSError where there is none."""
        status, body = send(port, self.method, self.path, self.body, self.headers)
        if status != self.status:
            return f"{self.method} {self.path}: expected {self.status}, got {status} {body[:200]!r}"
        if self.json is not None and parsed(body) != self.json:
            return f"{self.method} {self.path}: expected {json.dumps(self.json)}, got {body[:200]!r}"
        return ""


def parsed(body: bytes) -> Any:
    """The body as JSON, or as it is. An SDK says that it takes gzip, and some tools send it."""
    try:
        return json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    except ValueError:
        return body


def send(
    port: int, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body, over a connection of its own. Raises OSError where the server can't be reached."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as why:
        raise OSError(f"{method} {path}: {why!r}") from why
    finally:
        connection.close()


def await_first(port: int, ask: Ask, until_s: float, died: Any) -> None:
    """
    Returns once the answer is right. Raises ServerFailedError at `until_s` (monotonic), or when
    `died()` says why the server is gone.
    """
    slip = "no connection"
    while time.monotonic() < until_s:
        if why := died():
            raise ServerFailedError(why)
        try:
            slip = ask.slip(port)
        except OSError as error:
            slip = str(error)
        if not slip:
            return
        time.sleep(_AGAIN_S)
    raise ServerFailedError(f"not ready in time: {slip}")


def prove(port: int, asks: list[Ask]) -> None:
    """Raises ServerFailedError at the first answer that is wrong."""
    for ask in asks:
        try:
            slip = ask.slip(port)
        except OSError as error:
            slip = str(error)
        if slip:
            raise ServerFailedError(slip)
