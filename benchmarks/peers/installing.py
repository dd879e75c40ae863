"""Other tools' packages, pinned, each tool in a folder of its own below `.bench/`, by npm or pip as they come."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.peer import Peer

_LONG_S = 900
_STAMP = "installed.txt"


class ToolAbsentError(Exception):
    """A tool can't be had here; the text says why."""


def install(peer: Peer, cache: Path) -> Path:
    """The tool's folder, made at the first time. Raises ToolAbsentError."""
    for program in ("npm", "node") if peer.kind == "npm" else ():
        _ask_for(program)
    for program in peer.needs:
        _ask_for(program)
    place = cache.resolve() / peer.name
    stamp = place / _STAMP
    wanted = "\n".join(peer.packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return place
    sys.stderr.write(f"installing {peer.title} {peer.version}\n")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if peer.kind == "npm":
        _run(
            [
                "npm",
                "install",
                "--prefix",
                str(place),
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                *peer.packages,
            ]
        )
    else:
        _run([sys.executable, "-m", "venv", str(place)])
        python = str(place / "bin" / "python")
        _run([python, "-m", "pip", "-qq", "--disable-pip-version-check", "install", *peer.packages])
    stamp.write_text(wanted)
    return place


def _ask_for(program: str) -> None:
    if shutil.which(program) is None:
        raise ToolAbsentError(f"{program} is not installed")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LONG_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as why:
        raise ToolAbsentError(f"{command[0]} took more than {_LONG_S} s") from why
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ToolAbsentError(" ".join(lines[-3:]) or f"{command[0]} ended with {done.returncode}")
