"""
A real browser, one for the session, and pages of other sites in it. Skipped where there is none.

Debian's headless shell is Chromium without its windows: the same engine for less than half of the processor time.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from support.server import Loop

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page
    from playwright.sync_api import Browser as SyncBrowser
    from playwright.sync_api import Page as SyncPage

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # evil.example leads here, as a rebound name does, and every other name nowhere.
    "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP *.evil.example 127.0.0.1, EXCLUDE localhost, EXCLUDE 127.0.0.1, MAP * ~NOTFOUND",
    # The browser's own wall between public pages and this machine is not what is tested.
    "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessForNavigations",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.slow)
            item.add_marker(
                pytest.mark.skipif(
                    CHROMIUM is None, reason="needs a browser: apt-get install chromium-headless-shell"
                )
            )


class Visit:
    """A page in the browser, driven from a thread beside the tests: playwright and the tests' loops don't mix."""

    def __init__(self, loop: Loop, page: Page) -> None:
        self._loop = loop
        self.page = page

    def opens(self, url: str) -> int:
        """The status with which a page answers that somebody goes to by typing its URL."""
        answer = self._loop.run(self.page.goto(url, timeout=10_000))
        assert answer is not None
        return answer.status

    def runs(self, script: str, *values: Any) -> Any:
        """What an async function of JavaScript gives; what it throws as a text that begins with `thrown: `."""
        whole = f"async (given) => {{ try {{ return await ({script})(...given) }} catch (why) {{ return 'thrown: ' + why }} }}"
        return self._loop.run(self.page.evaluate(whole, list(values)))

    def closes(self) -> None:
        self._loop.run(self.page.context.close())

    def text(self) -> str:
        return str(self._loop.run(self.page.inner_text("body")))

    def frames(self) -> list[str]:
        """The texts of the frames in it."""

        async def texts() -> list[str]:
            return [await frame.inner_text("body") for frame in self.page.frames[1:]]

        return self._loop.run(texts())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[[], Visit]]:
    """Opens a page in a context of its own, until the end of the session."""
    from playwright.async_api import async_playwright

    loop = Loop()
    playwright = loop.run(async_playwright().start())
    started: Browser = loop.run(playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS))

    async def opened() -> Page:
        context = await started.new_context()
        return await context.new_page()

    yield lambda: Visit(loop, loop.run(opened()))
    loop.run(started.close())
    loop.run(playwright.stop())
    loop.close()


@pytest.fixture
def browser(chromium: Callable[[], Visit]) -> Iterator[Callable[[], Visit]]:
    """Opens a page in a context of its own, until the end of the test: a dashboard goes on asking for its server."""
    visits: list[Visit] = []

    def opened() -> Visit:
        visits.append(chromium())
        return visits[-1]

    yield opened
    for visit in visits:
        visit.closes()


@pytest.fixture(scope="module")
def chromium_for_files() -> Iterator[SyncBrowser]:
    """A browser for the tests of a module: while it is open, an event loop runs on the thread of all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield started
        started.close()


@pytest.fixture
def show(chromium_for_files: SyncBrowser) -> Iterator[Callable[..., SyncPage]]:
    """Opens the page of a file, which may log no error and ask for nothing but itself."""
    opened, wrong, asked = [], [], []

    def shown(
        url: str, *, width: int = 1280, height: int = 800, scheme: Literal["light", "dark"] = "light"
    ) -> SyncPage:
        context = chromium_for_files.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}
        )
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda why: wrong.append(str(why)))
        page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
        page.goto(url)
        return page

    yield shown
    for context in opened:
        context.close()
    assert wrong == []
    assert {url.partition(":")[0] for url in asked} == {"file"}
    assert len(set(asked)) == 1


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>a page</title><body>hello</body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if self.path == "/private":
            self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="session")
def site() -> Iterator[int]:
    """The port of somebody else's web server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()
