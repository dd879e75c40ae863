"""The servers that are measured: nginx as the ceiling, a bare aiohttp handler, and mockserver on several scenarios."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pinned(core: int, command: list[str]) -> list[str]:
    """The command on one core, where that can be said."""
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") else command


@contextmanager
def running(
    command: list[str], port: int, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on core 0, from its first accepted connection to its end."""
    process = subprocess.Popen(
        pinned(0, command),
        stdout=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    try:
        _await_port(port, process)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode} before it served")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"{process.args} did not serve within {START_S} s")


def nginx(folder: Path, port: int) -> list[str] | None:
    """One worker that returns a constant; None where nginx is not installed."""
    if shutil.which("nginx") is None:
        return None
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log /dev/null; events {{ worker_connections 4096; }}\n"
        "http { access_log off; keepalive_requests 100000000; "
        f"client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; "
        f"uwsgi_temp_path {folder}; scgi_temp_path {folder}; "
        f"server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; "
        "return 200 '{\"ok\":true}'; } } }\n"
    )
    return ["nginx", "-c", str(config)]


def bare_aiohttp(port: int) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("bare.py")), str(port)]


def mockserver(scenario: Path, port: int, *flags: str) -> list[str]:
    return [sys.executable, "-m", "mockserver", "serve", str(scenario), "--port", str(port), *flags]


def scenario(folder: Path, name: str, routes: list[dict[str, object]], **keys: object) -> Path:
    """A scenario file; JSON is YAML."""
    path = folder / f"{name}.scenario.json"
    path.write_text(json.dumps({"scenario": name, **keys, "routes": routes}))
    return path


@contextmanager
def work_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mockserver-bench-") as name:
        yield Path(name)
