"""
The environments of the clients, below `.gallery/`: made once, brought up to date when a pin has changed.

Python programs share one, as long as their packages get on; the manifest names
another for one that does not. Each Node program has a folder of its own.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path

from gallery.manifest import ROOT, Client

CACHE = ROOT / ".gallery"


def prepare(clients: Sequence[Client], cache: Path = CACHE) -> None:
    """Raises CalledProcessError where pip or npm fails, FileNotFoundError where there is no npm."""
    python = [one for one in clients if not one.is_node]
    for name in dict.fromkeys(one.environment for one in python):
        wanted = (one.folder / "requirements.txt" for one in python if one.environment == name)
        _python(cache / name, list(dict.fromkeys(wanted)))
    for folder in dict.fromkeys(one.folder for one in clients if one.is_node):
        _node(cache / "node" / folder.name, folder)


def command(client: Client, cache: Path = CACHE) -> list[str]:
    """What starts the program in its environment."""
    if client.is_node:
        return ["node", str(cache / "node" / client.program / "main.mjs"), *client.arguments]
    python = cache / client.environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    return [str(python), str(client.folder / "main.py"), *client.arguments]


def _python(folder: Path, files: Sequence[Path]) -> None:
    stamp, wanted = folder / ".installed", [_digest([one]) for one in files]
    known = stamp.read_text("utf-8").split() if stamp.is_file() else []
    if set(wanted) <= set(known):
        return
    if not known:
        venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    named = [word for one in files for word in ("--requirement", str(one))]
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *named], check=True)
    stamp.write_text("\n".join(dict.fromkeys([*known, *wanted])), "utf-8")


def _node(folder: Path, program: Path) -> None:
    """Modules are sought from where a program lies, so it is copied beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("main.mjs", "package.json"):
        shutil.copyfile(program / name, folder / name)
    stamp, wanted = folder / ".installed", _digest([program / "package.json"])
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(f"npm is needed for {program.name}, and is not on this machine")
    subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    stamp.write_text(wanted, "utf-8")


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()[:16]
