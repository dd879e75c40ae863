"""The servers that are measured, as commands: mockserver, nginx as the ceiling, and a bare aiohttp handler."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT = HERE.parent
HAS_UVLOOP = importlib.util.find_spec("uvloop") is not None


# Debian keeps it where only root looks.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def nginx(folder: Path, port: int) -> list[str]:
    """One worker that returns a constant. Asked only where `NGINX` is not None."""
    temporary = "".join(
        f"{name}_temp_path {folder}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr;\n"
        "events { worker_connections 16384; }\n"
        f"http {{ access_log off; keepalive_requests 100000000; {temporary}\n"
        f"server {{ listen 127.0.0.1:{port} backlog=4096; default_type application/json;\n"
        "location / { return 200 '{\"ok\":true}'; } } }\n"
    )
    return [NGINX or "nginx", "-e", "stderr", "-p", str(folder), "-c", str(config)]


def bare_aiohttp(port: int) -> list[str]:
    return [sys.executable, str(HERE / "bare.py"), str(port), "uvloop" if HAS_UVLOOP else "asyncio"]


def mockserver(path: Path, port: int, *flags: str, uvloop: bool = True) -> list[str]:
    """On uvloop where that is installed, as everybody gets it; else, or without, on asyncio's own loop."""
    start = ["-m", "mockserver"] if uvloop else [str(HERE / "without_uvloop.py")]
    return [sys.executable, *start, "serve", str(path), "--port", str(port), *flags]


def scenario(folder: Path, name: str, document: dict[str, Any]) -> Path:
    """A scenario file; JSON is YAML."""
    path = folder / f"{name.replace(' ', '-')}.scenario.json"
    path.write_text(json.dumps({"scenario": name.replace(" ", "-"), **document}))
    return path
