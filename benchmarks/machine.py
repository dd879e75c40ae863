"""The machine that measures: which core serves, which one asks, and what else a reader has to know to compare figures."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path


def cores() -> list[int]:
    """The core for servers and one or two for load; none where there are not two, or a process can't be put on one."""
    if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
        return []
    free = sorted(os.sched_getaffinity(0))
    return free[:3] if len(free) > 1 else []


# Asked once: this very process is put on the cores for load, and would see only those afterwards.
CORES = cores()
LOAD_THREADS = max(1, len(CORES) - 1)


def for_servers(command: list[str]) -> list[str]:
    return _pinned(CORES[:1], command)


def for_load(command: list[str]) -> list[str]:
    return _pinned(CORES[1:], command)


def _pinned(cores: list[int], command: list[str]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cores)), *command] if cores else command


def move_to_the_load() -> None:
    """Keeps this process off the servers' core."""
    if CORES:
        os.sched_setaffinity(0, CORES[1:])


def load_average() -> float:
    """Of the last minute: how many processes wanted a core. 0 where the system doesn't say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def described() -> str:
    """Processor, cores, memory, system."""
    parts = [_processor(), f"{os.cpu_count()} cores", _memory(), _system()]
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _memory() -> str:
    found = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return f"{int(found[1]) / 1024**2:.0f} GiB" if found else ""


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', _read("/etc/os-release"), re.MULTILINE)
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{found[1]}, {kernel}" if found else kernel


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def versions() -> dict[str, str]:
    """Of everything that has a part in the figures, by name."""
    found = {"Python": platform.python_version()}
    for name in ("mockserver", "aiohttp", "uvloop", "PyYAML", "pydantic"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    found["nginx"] = _said(["nginx", "-v"], r"nginx/([\d.]+)")
    found["wrk"] = _said(["wrk", "-v"], r"wrk \D*([\d.]+)")
    found["commit"] = _said(["git", "describe", "--always", "--dirty"], r"(\S+)")
    return {name: version for name, version in found.items() if version}


def version_of(command: str, pattern: str) -> str:
    return _said(command.split(), pattern)


def _said(command: list[str], pattern: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(pattern, said.stdout + said.stderr)
    return found[1] if found else ""


def warnings() -> list[str]:
    """What makes the figures worth less, in sentences."""
    found = []
    if not CORES:
        found.append("Server and load shared cores, since there were not two to keep them apart.")
    if not sys.platform.startswith("linux"):
        found.append("Processor time and memory are read on Linux only.")
    return found
