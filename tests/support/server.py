"""Servers for tests: one on a loop that runs beside the tests, and one in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mockserver.app import App
from mockserver.settings import Settings
from support import suites
from support.admin import Admin
from support.cost import allowed_s
from support.events import following
from support.http import Answer, ask

T = TypeVar("T")
PROJECT = Path(__file__).parents[2]
CLEAN_ENV = {
    name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")
} | suites.CHILD


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Server:
    """A server that runs; `url` is the mock's."""

    def __init__(self, url: str, admin_url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.admin = Admin(admin_url)
        self.address = _address(url)

    def ask(self, method: str, target: str, body: bytes | str | None = None, **options: Any) -> Answer:
        return ask(self.url, method, target, body, **options)

    def calls(self, query: str = "?reveal=true") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.admin.get(f"/calls{query}")["items"]
        return items

    def closed_call(self, number: int = 1) -> dict[str, Any]:
        """The call of that number once it is over; waits for it, without polling."""
        with following(self.admin.url, "?reveal=true", after="c-000000") as events:
            while (call := events.call())["number"] != number:
                pass
        return call


def _shared(settings: Settings) -> Settings:
    """The same on a store, where the suite is to run so: MOCKSERVER_TEST_STORE is its URL."""
    url = os.environ.get("MOCKSERVER_TEST_STORE")
    if not url or settings.state_file or settings.wiremock_port is not None:
        return settings
    return replace(settings, store=url, store_prefix=f"{uuid.uuid4().hex}:")


class InProcess(Server):
    """An App on a loop of the test process. `app` belongs to that loop."""

    def __init__(self, loop: Loop, settings: Settings, folder: Path) -> None:
        self.loop = loop
        self.app = loop.run(_started(_shared(settings)))
        super().__init__(self.app.mock_url, self.app.admin_url, folder)

    @property
    def waits(self) -> bool:
        """Whether a check waits for calls to come."""
        return bool(self.app.engine.default.watchers)

    @property
    def tls_address(self) -> tuple[str, int]:
        """Where it listens for TLS, whatever its URL says."""
        server = self.app._servers[0 if self.app.settings.tls_port is None else 1]
        host, port = server.sockets[0].getsockname()[:2]
        return host, port

    def stop(self) -> None:
        self.loop.run(self.app.stop())


async def _started(settings: Settings) -> App:
    app = App(settings)
    await app.start()
    return app


class Process(Server):
    """`mockserver serve` as users start it. What it says is kept for the report of a failure."""

    def __init__(
        self,
        args: Iterable[str],
        *,
        folder: Path,
        env: dict[str, str] | None = None,
        module: bool = True,
        command: list[str] | None = None,
    ) -> None:
        script = str(Path(sys.executable).parent / "mockserver")
        command = command or [*([sys.executable, "-m", "mockserver"] if module else [script]), "serve"]
        self._stderr = (folder / f"stderr-{time.monotonic_ns()}").open("w+b")
        self.process = subprocess.Popen(
            [*command, *args],
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=folder,
            env={**CLEAN_ENV, **(env or {})},
        )
        self.announced = self._first_line(30)
        found = re.search(r"mock (\S+) (?:·|\\u00b7) admin ([^\s\"]+)", self.announced)
        if not found:
            self.stop()
            raise AssertionError(f"it did not serve: {self.announced!r}\n{self.stderr()}")
        super().__init__(found[1], found[2], folder)

    def _first_line(self, within_s: float) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], within_s)
        return self.process.stdout.readline().decode() if ready else ""

    def stderr(self) -> str:
        return Path(self._stderr.name).read_text(errors="replace")

    def wait_for_log(self, text: str, within_s: float = 10) -> None:
        """Returns once it has said so on stderr."""
        until(lambda: text in self.stderr(), within_s)

    def end(self, number: signal.Signals, within_s: float = 1) -> int:
        """Its exit code after a signal. It ends within that time, of the machine of `slowness`."""
        began_s = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(30)
        took_s = time.monotonic() - began_s
        assert took_s < allowed_s(within_s, took_s)
        return code

    def stop(self) -> None:
        """Kills it, if it still runs, and says what it said: pytest shows that where a test fails."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        sys.stdout.write(self.process.stdout.read().decode(errors="replace"))
        self.process.stdout.close()
        self._stderr.close()
        sys.stderr.write(self.stderr())


def until(condition: Callable[[], object], within_s: float = 10) -> None:
    """Returns once it holds in another thread: nothing tells, so it is looked at."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.001)


def run_cli(
    *args: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`python -m mockserver …`, which is to end by itself."""
    command = [sys.executable, "-m", "mockserver", *args]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        env={**CLEAN_ENV, **(env or {})},
        cwd=cwd,
        check=False,
    )


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
