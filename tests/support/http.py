"""A client that shows what came over the wire: header lines in their order and case, bodies as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        return (self.header("content-type") or "").partition(";")[0].strip()

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str,
    method: str,
    target: str,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | list[tuple[str, str]] = (),
    *,
    timeout_s: float = 10,
) -> Answer:
    """
    One request on a connection of its own. `target` goes out as it stands, below the URL's own path.

    Nothing is added but Host, Content-Length and `Connection: close`.
    """
    parts = urlsplit(url)
    data = body.encode() if isinstance(body, str) else body
    lines = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    names = {name.lower() for name, _ in lines}
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.putrequest(
            method, parts.path + target, skip_host="host" in names, skip_accept_encoding=True
        )
        for name, value in lines:
            connection.putheader(name, value)
        if data is not None and not names & {"content-length", "transfer-encoding"}:
            connection.putheader("Content-Length", str(len(data)))
        connection.putheader("Connection", "close")
        connection.endheaders(data)
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()
