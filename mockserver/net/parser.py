"""aiohttp's parser, for which everything that it can't read is a malformed request."""

from __future__ import annotations

from typing import Any

from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import HttpRequestParser


class Parser(HttpRequestParser):
    """
    Raises HttpProcessingError for what is no HTTP, and nothing else.

    The target is made a URL by yarl, which raises IndexError for `http://[::1]@/`:
    out of `data_received` that would end the connection without an answer.
    """

    def feed_data(self, data: bytes, *more: Any) -> Any:
        try:
            return super().feed_data(data, *more)
        except (IndexError, ValueError) as why:
            raise BadHttpMessage(f"the request target can't be read: {why}") from why
