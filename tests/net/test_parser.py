"""Whatever the parser can't read is a malformed request, and nothing else."""

import asyncio
from types import SimpleNamespace

import pytest
from aiohttp.http_exceptions import HttpProcessingError

from mockserver.net.parser import Parser


@pytest.mark.parametrize("target", ["http://[::1]@/", "http://[", "http://a\u2100b/", "http://@[/", "/ok"])
async def test_it_raises_for_what_is_no_http_and_nothing_else(target):
    parser = Parser(SimpleNamespace(), asyncio.get_running_loop(), 65536)
    data = f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    if target == "/ok":
        assert len(parser.feed_data(data)[0]) == 1
    else:
        with pytest.raises(HttpProcessingError):
            parser.feed_data(data)
