"""The reference: aiohttp's low-level server with a handler that answers a constant. Arguments: PORT, uvloop | asyncio."""

import asyncio
import sys

from aiohttp import web


async def handler(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(body=b'{"ok":true}', content_type="application/json")


async def main(port: int) -> None:
    server = web.Server(handler, access_log=None)
    loop = asyncio.get_running_loop()
    await loop.create_server(server, "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[2] == "uvloop":
        import uvloop

        uvloop.run(main(int(sys.argv[1])))
    else:
        asyncio.run(main(int(sys.argv[1])))
