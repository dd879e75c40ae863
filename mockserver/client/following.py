"""Completed calls from the stream of the admin API, including calls that are dropped from the call log later."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from mockserver.client.connections import BadResponseError, shut
from mockserver.client.errors import Refused
from mockserver.client.link import Link

View = Mapping[str, Any]


class Following:
    """Collect the completed calls of a namespace on a thread, until it is closed. Raises Refused, Unreachable."""

    def __init__(self, link: Link) -> None:
        self._connection, pieces = _opened(link)
        first = next(pieces, b"")  # a word of greeting: from here on nothing is missed
        self._pieces = chain([first], pieces)
        self._calls: dict[int, View] = {}
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._gather, name="mockserver-following", daemon=True)
        self._thread.start()

    def calls(self, holds: Callable[[Mapping[int, View]], bool], wait_s: float) -> dict[int, View]:
        """Return the calls by number, after `holds` is true or `wait_s` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: holds(self._calls), wait_s)
            return dict(self._calls)

    def close(self) -> None:
        shut(self._connection.sock)
        self._thread.join()
        self._connection.close()

    def _gather(self) -> None:
        with contextlib.suppress(OSError, BadResponseError, ValueError):  # closed, by us or with the server
            for name, data in events(self._pieces):
                if name != "call":
                    continue
                with self._arrived:
                    self._calls[data["number"]] = data
                    self._arrived.notify_all()


def _opened(link: Link) -> tuple[Any, Iterator[bytes]]:
    """Open the stream, with secrets if the server allows it."""
    if link.reveals:
        try:
            return link.http.open(f"{link.base}/calls/stream?reveal=true")
        except Refused as error:
            if error.kind != "no-reveal":
                raise
            link.reveals = False
    return link.http.open(f"{link.base}/calls/stream")


def events(pieces: Iterator[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server-sent events (WHATWG HTML, 9.2.6): name and data, which is one line of JSON."""
    waiting = b""
    for piece in pieces:
        *whole, waiting = (waiting + piece).split(b"\n\n")
        for event in whole:
            lines = dict(line.partition(b": ")[::2] for line in event.split(b"\n"))
            if b"data" in lines:
                yield lines.get(b"event", b"").decode(), json.loads(lines[b"data"])
