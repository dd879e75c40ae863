"""
A real-looking API of a small shop: bearer tokens and a login, pages with Link headers, redirects, gzip,
server-sent events, pictures with ETags, uploads, a service that is down twice. It forgets all when it is stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN = "shop_live_4fJ2kQ9xZ7"
USER = {"user": "ann", "password": "correct horse"}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PER_PAGE = 2


def _problem(status: int, title: str) -> web.Response:
    return web.json_response({"title": title, "status": status}, status=status)


@web.middleware
async def _authorized(request: web.Request, handler: Any) -> web.StreamResponse:
    public = request.path in ("/v1/health", "/v1/login")
    if not public and request.headers.get("authorization") != f"Bearer {TOKEN}":
        answer = _problem(401, "Who are you?")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="shop"'
    else:
        answer = await handler(request)
    if isinstance(answer, web.Response):
        answer.headers["X-Request-Id"] = secrets.token_hex(8)
        answer.headers["X-RateLimit-Remaining"] = str(secrets.randbelow(5000))
    return answer


class Shop:
    """Its items and how often it was asked."""

    def __init__(self) -> None:
        self.items: dict[int, dict[str, Any]] = {}
        self.asked = 0
        self.calls = 0
        self.item_fields: dict[str, Any] = {}
        """More fields of every item: what a new version of the API might bring."""
        for name in ("hammer", "saw", "nails", "plane", "file"):
            self._add(name, 1)

    def _add(self, name: str, stock: int) -> dict[str, Any]:
        number = 1000 + len(self.items) + 1
        item = {
            "id": number,
            "name": name,
            "stock": stock,
            "created_at": _now(),
            "price": {"amount": 995, "currency": "eur"},
        }
        self.items[number] = item
        return item

    def _view(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, **self.item_fields, "url": f"/v1/items/{item['id']}"}

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "at": _now()})

    async def login(self, request: web.Request) -> web.Response:
        if await request.json() != USER:
            return _problem(403, "Wrong user or password")
        return web.json_response({"access_token": TOKEN, "token_type": "Bearer", "user": USER["user"]})

    async def listed(self, request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        items = [self._view(item) for item in self.items.values()]
        shown = items[(page - 1) * PER_PAGE : page * PER_PAGE]
        answer = web.json_response({"data": shown, "page": page, "total": len(items)})
        if page * PER_PAGE < len(items):
            answer.headers["Link"] = f'<{request.url.with_query(page=page + 1)}>; rel="next"'
        return answer

    async def create(self, request: web.Request) -> web.Response:
        sent = await request.json()
        if not sent.get("name"):
            return web.json_response({"errors": [{"field": "name", "message": "missing"}]}, status=422)
        item = self._add(sent["name"], sent.get("stock", 0))
        return web.json_response(
            self._view(item), status=201, headers={"Location": f"/v1/items/{item['id']}"}
        )

    def _item(self, request: web.Request) -> dict[str, Any] | None:
        return self.items.get(int(request.match_info["id"]))

    async def read(self, request: web.Request) -> web.Response:
        item = self._item(request)
        return _problem(404, "No such item") if item is None else web.json_response(self._view(item))

    async def change(self, request: web.Request) -> web.Response:
        item = self._item(request)
        if item is None:
            return _problem(404, "No such item")
        item.update(await request.json())
        return web.json_response(self._view(item))

    async def remove(self, request: web.Request) -> web.Response:
        item = self._item(request)
        if item is None:
            return _problem(404, "No such item")
        del self.items[item["id"]]
        return web.Response(status=204)

    async def old(self, request: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": str(request.url.with_path("/v1/items"))})

    async def report(self, _: web.Request) -> web.Response:
        answer = web.json_response({"rows": [{"day": day, "sold": day * 3} for day in range(200)]})
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async def events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for number in range(3):
            await answer.write(f'id: {number}\nevent: sale\ndata: {{"number": {number}}}\n\n'.encode())
            await asyncio.sleep(0)
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def picture(self, request: web.Request) -> web.Response:
        etag = f'"{hashlib.sha256(PICTURE).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=PICTURE, headers={"Content-Type": "image/png", "ETag": etag})

    async def flaky(self, _: web.Request) -> web.Response:
        self.asked += 1
        return _problem(503, "Try again") if self.asked < 3 else web.json_response({"done": True})

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        return web.json_response({"name": file.filename, "bytes": len(file.file.read())}, status=201)

    async def search(self, request: web.Request) -> web.Response:
        form = await request.post()
        found = [item["name"] for item in self.items.values() if str(form["q"]) in item["name"]]
        return web.json_response({"found": found})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class RealApi:
    """The API on a port of loopback, on a loop of the tests. `calls` counts what reached it."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self.shop = Shop()
        self._runner: web.AppRunner | None = None
        self.url = ""

    def start(self) -> RealApi:
        self._loop.run(self._start())
        return self

    async def _start(self) -> None:
        shop = self.shop

        @web.middleware
        async def counted(request: web.Request, handler: Any) -> web.StreamResponse:
            shop.calls += 1
            answer: web.StreamResponse = await handler(request)
            return answer

        app = web.Application(middlewares=[counted, _authorized])
        app.add_routes([
            web.get("/v1/health", shop.health), web.post("/v1/login", shop.login), web.get("/v1/items", shop.listed),
            web.post("/v1/items", shop.create), web.get("/v1/items/{id}", shop.read), web.patch("/v1/items/{id}", shop.change),
            web.delete("/v1/items/{id}", shop.remove), web.get("/v1/old-items", shop.old), web.get("/v1/report", shop.report),
            web.get("/v1/events", shop.events), web.get("/v1/logo.png", shop.picture), web.get("/v1/flaky", shop.flaky),
            web.post("/v1/uploads", shop.upload), web.post("/v1/search", shop.search),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def stop(self) -> None:
        if self._runner is not None:
            self._loop.run(self._runner.cleanup())
            self._runner = None


def _client(url: str, token: str | None) -> Any:
    from support.http import ask

    def client(method: str, target: str, document: Any = None, **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        body = options.pop("body", None)
        if document is not None:
            body, headers["Content-Type"] = json.dumps(document), "application/json"
        return ask(url, method, target, body, headers)

    return client


# The tests of the shop's own client library


def _tests_login(url: str) -> None:
    anybody = _client(url, None)
    assert anybody("GET", "/v1/health").json()["ok"] is True
    refused = anybody("POST", "/v1/login", {"user": "ann", "password": "wrong"})
    assert (refused.status, refused.json()["title"]) == (403, "Wrong user or password")
    let_in = anybody("POST", "/v1/login", USER).json()
    assert (let_in["token_type"], let_in["user"]) == ("Bearer", "ann")
    assert let_in["access_token"].endswith(TOKEN[-4:])


def _tests_auth(url: str) -> None:
    for token in (None, "not-this-one-12345"):
        answer = _client(url, token)("GET", "/v1/items")
        assert (answer.status, answer.header("www-authenticate")) == (401, 'Bearer realm="shop"')


def _tests_pages(url: str) -> None:
    client = _client(url, TOKEN)
    names: list[str] = []
    target: str | None = "/v1/items"
    while target is not None:
        answer = client("GET", target)
        assert answer.header("content-type").startswith("application/json")
        names += [item["name"] for item in answer.json()["data"]]
        link = answer.header("link")
        target = None if link is None else link.partition(">")[0].removeprefix("<").removeprefix(url)
    assert names == ["hammer", "saw", "nails", "plane", "file"]


def _tests_items(url: str) -> None:
    client = _client(url, TOKEN)
    wrong = client("POST", "/v1/items", {"stock": 3})
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "name")
    made = client("POST", "/v1/items", {"name": "drill", "stock": 7})
    assert (made.status, made.json()["name"], made.json()["stock"]) == (201, "drill", 7)
    place = made.header("location")
    assert place == f"/v1/items/{made.json()['id']}" == made.json()["url"]
    assert client("GET", place).json() == made.json()
    assert client("PATCH", place, {"stock": 6}).json()["stock"] == 6
    assert client("GET", place).json()["stock"] == 6
    assert client("DELETE", place).status == 204
    assert client("GET", place).status == 404
    assert client("GET", "/v1/items/999").json() == {"title": "No such item", "status": 404}
    assert client("HEAD", "/v1/items").body == b""


def _tests_redirects(url: str) -> None:
    client = _client(url, TOKEN)
    answer = client("GET", "/v1/old-items")
    assert answer.status == 301
    assert answer.header("location") == f"{url}/v1/items"
    assert client("GET", answer.header("location").removeprefix(url)).json()["total"] == 5


def _tests_gzip(url: str) -> None:
    import gzip

    answer = _client(url, TOKEN)("GET", "/v1/report", headers={"Accept-Encoding": "gzip"})
    body = gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
    assert json.loads(body)["rows"][199] == {"day": 199, "sold": 597}


def _tests_events(url: str) -> None:
    answer = _client(url, TOKEN)("GET", "/v1/events")
    assert answer.header("content-type").startswith("text/event-stream")
    events = [
        dict(line.split(": ", 1) for line in block.split("\n")) for block in answer.text.strip().split("\n\n")
    ]
    assert [event.get("id") for event in events] == ["0", "1", "2", None]
    assert [json.loads(event["data"])["number"] for event in events[:3]] == [0, 1, 2]
    assert events[3] == {"data": "[DONE]"}


def _tests_pictures(url: str) -> None:
    client = _client(url, TOKEN)
    answer = client("GET", "/v1/logo.png")
    assert (answer.header("content-type"), answer.body) == ("image/png", PICTURE)
    known = client("GET", "/v1/logo.png", headers={"If-None-Match": answer.header("etag")})
    assert (known.status, known.body) == (304, b"")


def _tests_retries(url: str) -> None:
    client = _client(url, TOKEN)
    assert [client("GET", "/v1/flaky").status for _ in range(3)] == [503, 503, 200]


def _tests_forms(url: str) -> None:
    client = _client(url, TOKEN)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client("POST", "/v1/search", body="q=a", headers=form).json()["found"] == [
        "hammer",
        "saw",
        "nails",
        "plane",
    ]
    assert client("POST", "/v1/search", body="q=file", headers=form).json()["found"] == ["file"]
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\x00\x01\xff\r\n--x--\r\n'
    sent = client(
        "POST", "/v1/uploads", body=part, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (sent.status, sent.json()) == (201, {"name": "a.bin", "bytes": 3})


CLIENTS_OWN_TESTS = [
    _tests_login, _tests_auth, _tests_pages, _tests_items, _tests_redirects, _tests_gzip, _tests_events, _tests_pictures, _tests_retries,
    _tests_forms,
]  # fmt: skip


def run_the_clients_own_tests(url: str) -> None:
    """All of them, one after the other, as a developer would."""
    for test in CLIENTS_OWN_TESTS:
        test(url)
