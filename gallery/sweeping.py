"""Sweeps one client by `mockserver sweep`, and keeps of its report what the page shows."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gallery.manifest import CLIENTS, Client

TROUBLES = CLIENTS / "troubles.yaml"
RESULTS = CLIENTS / "results"
_MOST_SAID = 140
"""Characters that are kept of what a client said when it failed."""


def sweep(
    client: Client, words: Sequence[str], folder: Path, *, jobs: int, only: Iterable[str] = ()
) -> dict[str, Any]:
    """
    The result of one row, its program started by `words`; the sweep's report is
    left in `folder`. `only` are cells, as `*/503-twice`. Raises RuntimeError
    with what the sweep said where it could not be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweeping = [sys.executable, "-m", "mockserver", "sweep", str(client.scenario_file)]
    options = ["--troubles", str(TROUBLES), "--jobs", str(jobs), "--limit", "90s"]
    options += [word for cell in only for word in ("--only", cell)]
    done = subprocess.run(
        [*sweeping, *options, "--", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{client.name}: {done.stderr.strip() or done.stdout.strip()}")
    report = json.loads((folder / "mock-server-sweep" / "report.json").read_text("utf-8"))
    return result(client, report)


def result(client: Client, report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "client": client.name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(client),
        "versions": versions(client),
        "troubles": [one["name"] for one in report["troubles"]],
        "cells": [_cell(one) for one in report["cells"]],
        "unreached": [f"{one['call']}/{one['trouble']}" for one in report["unreached"]],
    }


def machine(client: Client) -> str:
    """`Node 20.20.2 on Linux`."""
    if client.is_node:
        asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        return f"Node {asked.stdout.strip().removeprefix('v')} on {platform.system()}"
    return f"Python {platform.python_version()} on {platform.system()}"


def versions(client: Client) -> dict[str, str]:
    """The pins, by package; none where a program needs nothing but Node."""
    if client.is_node:
        pins: dict[str, str] = json.loads((client.folder / "package.json").read_text("utf-8"))["dependencies"]
        return pins
    lines = (client.folder / "requirements.txt").read_text("utf-8").split()
    return dict(line.split("==") for line in lines)


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    route = cell["call"].rpartition("#")[0]
    calls = [one for one in cell["timeline"]["calls"] if one["route"] == route]
    return {
        "call": cell["call"],
        "trouble": cell["trouble"],
        "verdict": cell["verdict"],
        "why": cell["reasons"],
        "remarks": cell["remarks"],
        "said": _said(cell["error"]),
        "calls": [_call(one) for one in calls],
    }


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds after the first call of the run; what was answered; the kinds of its effects."""
    what = str(call["status"] or "") if call["outcome"] == "done" else call["outcome"]
    return {
        "from": round(call["arrived_ms"] / 1000, 2),
        "to": round((call["end_ms"] or call["arrived_ms"]) / 1000, 2),
        "what": what + (", replayed" if call["replayed"] else ""),
        "effects": [one["kind"] for one in call["effects"]],
    }


def _said(error: str) -> str:
    """The client's one line, without what differs from run to run."""
    lines = [line for line in error.splitlines() if not line.startswith("(exit code")]
    text = re.sub(r"127\.0\.0\.1:\d+|port=\d+|0x[0-9a-f]+|req_\w+", "…", lines[-1]) if lines else ""
    text = re.sub(r"/@sweep-[\w.-]+", "/…", text)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= _MOST_SAID else text[: _MOST_SAID - 1].rstrip() + "…"


def save(found: Mapping[str, Any]) -> None:
    """One line a cell, so that a change is readable as a difference."""
    RESULTS.mkdir(exist_ok=True)
    head = {name: value for name, value in found.items() if name != "cells"}
    cells = ",\n".join(json.dumps(one, ensure_ascii=False) for one in found["cells"])
    text = json.dumps(head, ensure_ascii=False)[:-1] + f', "cells": [\n{cells}\n]}}\n'
    (RESULTS / f"{found['client']}.json").write_text(text, "utf-8")


def saved(client: Client) -> dict[str, Any] | None:
    """None where it was never swept."""
    path = RESULTS / f"{client.name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None
