"""
A server in this process, its connection fed by hand: the real protocol and everything behind it, without a socket, a
kernel or a client. For counts and profiles of what Python does for a request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from benchmarks import processes, servers
from benchmarks.crowd import answer_length
from mockserver.app import App
from mockserver.settings import Settings

Factory = Callable[[], asyncio.Protocol]


class Loop(asyncio.SelectorEventLoop):
    """Keeps what makes the connections of the last port that was listened on."""

    factory: Factory

    async def create_server(self, protocol_factory: Any, *arguments: Any, **keywords: Any) -> Any:
        self.factory = protocol_factory
        return await super().create_server(protocol_factory, *arguments, **keywords)


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 40_000), "sockname": ("127.0.0.1", 8080)})
        self._protocol = protocol
        self._closing = False
        self.written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    abort = close

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Inside:
    """One connection to a server of this process."""

    def __init__(self, factory: Factory) -> None:
        self._protocol = factory()
        self._wire = Wire(self._protocol)
        self._protocol.connection_made(self._wire)

    async def ask(self, request: bytes) -> bytes:
        """The whole answer. Raises SystemExit where the connection is closed before."""
        written = self._wire.written
        del written[:]
        self._protocol.data_received(request)
        while (length := answer_length(written)) is None or len(written) < length:
            if self._wire.is_closing():
                raise SystemExit(f"the connection was closed after {bytes(written)!r}")
            await asyncio.sleep(0)
        return bytes(written)

    async def expect(self, status: int, request: bytes) -> None:
        """The same; an answer with another status is a mistake of the benchmark. Raises SystemExit."""
        answer = await self.ask(request)
        if not answer.startswith(b"HTTP/1.1 %d " % status):
            raise SystemExit(f"expected {status}, got {answer[:200]!r}")

    def hang_up(self) -> None:
        self._wire.close()
        self._protocol.connection_lost(None)


@asynccontextmanager
async def served(document: dict[str, Any], files: dict[str, Any] | None = None) -> AsyncIterator[Inside]:
    """A connection to a server of this process with that scenario; `files` are JSON documents beside it."""
    with processes.scratch() as folder:
        for name, content in (files or {}).items():
            (folder / name).write_text(json.dumps(content))
        path = servers.scenario(folder, "inside", document)
        room = {"max_entries": 10**9, "max_entries_bytes": 10**12}
        app = App(Settings(paths=(str(path),), port=0, **room))
        await app.start()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        connection = Inside(loop.factory)
        try:
            yield connection
        finally:
            connection.hang_up()
            await app.stop()


def run(main: Callable[[], Awaitable[Any]]) -> Any:
    """Runs it on the loop that `served` needs."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main())  # type: ignore[arg-type]
