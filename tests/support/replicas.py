"""Real replicas on a real store: processes, sockets, signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

WAIT_S = 30.0
NEEDS_REDIS = pytest.mark.skipif(
    shutil.which("redis-server") is None and not os.environ.get("CI"),
    reason="needs redis-server: apt-get install redis-server",
)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class RedisServer:
    """A redis-server of its own, that keeps nothing on disk."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--save",
            "",
            "--appendonly",
            "no",
            *self._options,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(10):
                    return
            assert self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def command(self, *words: str) -> str:
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


class ReplicaProcess:
    """One `mockserver serve`."""

    def __init__(self, folder: Path, store: str, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "mockserver",
            "serve",
            str(folder),
            "--port",
            "0",
            "--log-format",
            "json",
        ]
        self.process = subprocess.Popen(
            [*command, "--store", store, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.url = ""

    def wait(self) -> None:
        """Until it serves."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the replica did not start"
        self.url = json.loads(line)["mock_url"]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextlib.contextmanager
def store(*options: str) -> Iterator[RedisServer]:
    redis = RedisServer(*options)
    redis.start()
    try:
        yield redis
    finally:
        redis.stop()


@contextlib.contextmanager
def replicas(folder: Path, url: str, count: int, *options: str) -> Iterator[list[ReplicaProcess]]:
    started = [ReplicaProcess(folder, url, *options) for _ in range(count)]
    try:
        for replica in started:
            replica.wait()
        yield started
    finally:
        for replica in started:
            replica.stop()


class Clients:
    """Requests to replicas, many at once."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def ask(
        self, replica: ReplicaProcess, line: str, *, key: str | None = None, data: Any = None
    ) -> tuple[int, bytes]:
        """Return status and body; status 0 where the connection broke."""
        method, path = line.split(" ")
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            async with self.session.request(method, replica.url + path, headers=headers, json=data) as reply:
                return reply.status, await reply.read()
        except aiohttp.ClientError:
            return 0, b""

    async def admin(self, replica: ReplicaProcess, line: str, data: Any = None) -> Any:
        method, path = line.split(" ")
        async with self.session.request(method, f"{replica.url}/__admin{path}", json=data) as reply:
            text = await reply.text()
            assert reply.status < 400, text
            return json.loads(text) if text else None

    async def status(self, replica: ReplicaProcess, line: str, data: Any = None) -> int:
        method, path = line.split(" ")
        async with self.session.request(method, f"{replica.url}/__admin{path}", json=data) as reply:
            await reply.read()
            return reply.status

    async def total(self, replica: ReplicaProcess) -> int:
        return int((await self.admin(replica, "GET /counts"))["total"])

    async def relayed(self, replica: ReplicaProcess) -> int:
        """How many requests it has passed on to others."""
        return int((await self.admin(replica, "GET /replicas"))["relayed"])

    async def until_ready(self, replica: ReplicaProcess) -> None:
        async with asyncio.timeout(WAIT_S):
            while await self.status(replica, "GET /health/ready") != 200:
                pass


@contextlib.asynccontextmanager
async def clients() -> AsyncIterator[Clients]:
    timeout = aiohttp.ClientTimeout(total=WAIT_S)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        yield Clients(session)
