"""Reads server-sent events as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Event:
    kind: str
    id: str | None
    data: Any


class Events:
    """An open stream. `next` waits for an event, and fails at the time-out."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.status = answer.status
        self.media_type = answer.headers.get_content_type()
        self._answer = answer

    def next(self) -> Event:
        fields: dict[str, str] = {}
        while True:
            line = self._answer.fp.readline().decode()
            if not line:
                raise EOFError("the stream has ended")
            line = line.rstrip("\n")
            if not line and "data" in fields:
                return Event(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value

    def call(self) -> dict[str, Any]:
        """The next event, which is to be a call."""
        event = self.next()
        assert event.kind == "call", event
        call: dict[str, Any] = event.data
        assert call["id"] == event.data["id"]
        return call

    def ready(self) -> None:
        """Returns once the server follows the calls: its first line says so."""
        assert self._answer.fp.readline().startswith(b":")
        assert self._answer.fp.readline() == b"\n"


@contextmanager
def following(
    admin_url: str,
    query: str = "",
    after: str | None = None,
    timeout_s: float = 5,
    path: str = "/calls/stream",
) -> Iterator[Events]:
    """The stream of calls, from now on or after the event with an id."""
    parts = urlsplit(admin_url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request(
            "GET",
            f"{parts.path}{path}{query}",
            headers={} if after is None else {"Last-Event-ID": after},
        )
        answer = connection.getresponse()
        events = Events(answer)
        if events.status == 200:
            events.ready()
        yield events
        answer.close()
    finally:
        connection.close()
