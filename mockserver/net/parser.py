"""aiohttp's parser, for which everything that it can't read is a malformed request, and no upgrade is ever taken."""

from __future__ import annotations

from typing import Any

from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import HttpRequestParser

Fed = tuple[Any, bool, bytes]


class Parser(HttpRequestParser):
    """
    Raises HttpProcessingError for what is no HTTP, and nothing else.

    The target is made a URL by yarl, which raises IndexError for `http://[::1]@/`:
    out of `data_received` that would end the connection without an answer.

    Whoever offers an upgrade is answered by HTTP/1.1 and may go on by it (RFC 9110
    7.8). aiohttp's loses what comes in one read behind an offer of `h2c`, and a
    head whose chunks are malformed where they come in one read with it. So where
    either may stand, as it is usually written, heads are fed one by one, however they came.
    """

    _rest = b""

    def feed_data(self, data: bytes, *more: Any) -> Fed:
        if not (
            b"pgrade" in data or b"hunked" in data or b"PGRADE" in data or b"HUNKED" in data or self._rest
        ):
            return self._fed(data, *more)
        rest, self._rest = self._rest + data, b""
        while rest:
            end = rest.find(b"\r\n\r\n") + 4
            piece, rest = (rest[:end], rest[end:]) if end >= 4 else (rest, b"")
            messages, upgraded, tail = self._fed(piece, *more)
            if upgraded and messages and messages[-1][0].method == "CONNECT":
                return messages, True, tail + rest
            if upgraded:
                self.set_upgraded(False)
                rest = tail + rest
            if messages:
                if messages[-1][0].upgrade and not upgraded:
                    self._fed(b"")  # here it would lose what is fed next
                self._rest = rest
                return messages, False, b""
        return (), False, b""

    def _fed(self, data: bytes, *more: Any) -> Fed:
        try:
            fed: Fed = super().feed_data(data, *more)
        except (IndexError, ValueError) as why:
            raise BadHttpMessage(f"the request target can't be read: {why}") from why
        return fed
