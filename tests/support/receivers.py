"""Receivers of webhooks on loopback, and a namespace as the courier sees one."""

import asyncio
import contextlib
import time
from types import SimpleNamespace

from aiohttp import web

from mockserver.outbound.egress import Egress
from mockserver.outbound.webhooks import WebhookService
from mockserver.store.clock import VirtualClock
from mockserver.store.delivery import Delivery
from mockserver.store.timers import Timers

ANYWHERE = ("0.0.0.0/0", "::/0")


class Home:
    """A namespace: a clock, timers, and how to wait until something holds, without polling."""

    def __init__(self, wall=time.time):
        self.clock = VirtualClock(wall)
        self.timers = Timers()
        self._told = asyncio.Event()

    def tell(self):
        self._told.set()

    async def until(self, holds):
        async with asyncio.timeout(5):
            while not holds():
                self._told.clear()
                await self._told.wait()


class Receiver:
    """
    Answers with `statuses`, the last repeating. `got` are the requests; `seen` is
    called with each and may be a coroutine function.
    """

    def __init__(self, *statuses, headers=None, body=b"thanks", seen=None):
        self.statuses = list(statuses) or [200]
        self.headers = headers or {}
        self.body = body
        self.seen = seen
        self.got = []
        self._more = asyncio.Event()

    async def _answer(self, request):
        got = SimpleNamespace(
            method=request.method,
            path=request.path_qs,
            headers=request.headers,
            raw=request.raw_headers,
            body=await request.content.read(),
        )
        self.got.append(got)
        self._more.set()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if self.seen is not None and (made := self.seen(got)) is not None:
            await made
        return web.Response(status=status, headers=self.headers, body=self.body)

    async def until_got(self, count):
        async with asyncio.timeout(5):
            while len(self.got) < count:
                self._more.clear()
                await self._more.wait()

    @contextlib.asynccontextmanager
    async def open(self, host="127.0.0.1", tls=None):
        runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, 0, ssl_context=tls)
        await site.start()
        self.port = runner.addresses[0][1]
        self.url = f"http://[{host}]:{self.port}/hooks" if ":" in host else f"http://{host}:{self.port}/hooks"
        try:
            yield self
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def a_courier(egress=None, **more):
    courier = WebhookService(egress or Egress(ANYWHERE), wall=time.time, mono=time.monotonic, **more)
    try:
        yield courier
    finally:
        await courier.close()


class Deliveries:
    """Makes deliveries of a namespace, numbered."""

    def __init__(self, home):
        self.home = home
        self.made = []

    def make(self, url, *, delay_s=0.0, call=None, body=b"{}", **more):
        now_s = self.home.clock.now_s()
        number = len(self.made) + 1
        fixed = {"namespace": "default", "route": "pay/charge", "message_id": f"msg_{number}"}
        delivery = Delivery(
            number,
            url=url,
            body=body,
            call=call or f"c-{number:06d}",
            created_s=now_s,
            due_s=now_s + delay_s,
            **{**fixed, **more},
        )
        self.made.append(delivery)
        return delivery
