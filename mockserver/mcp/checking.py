"""Tools that check calls, and that read the report of a sweep."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from pydantic import Field

from mockserver.client.errors import VerificationFailed
from mockserver.client.link import wait_s
from mockserver.errors import invalid
from mockserver.mcp.tools import AdminSession, NamespaceInput, ToolAnswer, ToolInput, tool
from mockserver.model.plural import counted
from mockserver.schema.base import UNSET


class VerifyInput(NamespaceInput):
    checks: list[dict[str, Any]] = Field(
        default=[],
        description="Checks that must all hold. Each has one subject: `route` or `request` (with an optional `match`), "
        "`in_order`, `effects`, `webhooks`, `unused`, `unmatched`, `leaks` or `violations`; and optionally `times` (a number, "
        "or {min, max}), `attempts` (rules on retries) or `load` (rules on the calls of many operations), `within` and `quiet` (seconds). Default: every `expect` of the "
        "scenarios, and no unmatched request.",
        examples=[
            [
                {"route": "create-charge", "times": 3, "attempts": {"operations": 1, "same": ["body"]}},
                {"request": "POST /refunds", "times": 0},
                {"effects": {"kind": "charge"}, "times": 1},
            ]
        ],
    )


@tool(VerifyInput, "Verify calls")
async def verify_calls(session: AdminSession, spec: VerifyInput) -> ToolAnswer:
    """
    Check what was called, such as the number of calls, retries, order and effects. The result says for each check what
    was expected and seen; `ok` is false if one failed. A check that could never fail is an error.
    """
    try:
        if spec.checks:
            waits = max(wait_s(check.get("within"), check.get("quiet")) for check in spec.checks)
            view = await session.send(spec, "POST", "/verify", spec.checks, wait_s=waits)
        else:
            view = await session.send(spec, "GET", "/verify")
    except VerificationFailed as error:
        view = {"ok": False, "checks": error.checks}
    lines = [f"{'ok' if check['ok'] else 'FAILED'}: {check['text']}" for check in view["checks"]]
    return ToolAnswer("\n".join(lines), view)


class SweepInput(ToolInput):
    report: str = Field(
        default=UNSET, description="Path of the report. Default: mock-server-sweep/report.json."
    )
    verdict: str = Field(
        default=UNSET, description="Only results with this verdict: survived, failed_cleanly or harmed."
    )


@tool(SweepInput, "Read the results of a sweep", reads_files=True)
async def sweep_results(session: AdminSession, spec: SweepInput) -> ToolAnswer:
    """
    Read the report of the last resilience sweep (`pytest --mock-server-sweep`, or `mockserver sweep`): for each test, call
    and kind of failure whether the test survived, failed cleanly or did harm, with the reasons, and the command that runs it
    again.
    """
    path = Path(spec.report or session.sweep_report or "")
    report = await asyncio.to_thread(_read_report, path)
    judged = [*report["cells"], *report.get("pairs", ())]
    cells = [cell for cell in judged if spec.verdict in (None, cell["verdict"])]
    cells.sort(key=lambda cell: (cell["verdict"] != "harmed", not cell["fails"]))
    lines = [
        ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in report["verdicts"].items())
    ]
    for cell in cells:
        if cell["reasons"] or cell["remarks"]:
            lines.append(f"{cell['id']}: {cell['verdict'].replace('_', ' ')}")
            lines += [f"  {reason}" for reason in (*cell["reasons"], *cell["remarks"])]
            lines.append(f"  again: {cell['command']}")
    for missed in report["unreached"]:
        lines.append(f"not reached: {missed['id']}: {missed['why']}")
    told = (
        "id",
        "test",
        "call",
        "trouble",
        "verdict",
        "reasons",
        "remarks",
        "broken_rules",
        "fails",
        "error",
        "command",
    )
    data = {
        "failed": report["failed"],
        "verdicts": report["verdicts"],
        "cells": [{name: cell[name] for name in told} for cell in cells],
        "unreached": report["unreached"],
    }
    lines.insert(1, f"{counted(len(cells), 'result')} of {path}")
    return ToolAnswer("\n".join(lines), data)


def _read_report(path: Path) -> dict[str, Any]:
    """Return the report of a sweep. Raises InvalidInputError."""
    try:
        report = json.loads(path.read_bytes())
        if {"cells", "verdicts", "unreached", "failed"} <= report.keys():
            return dict(report)
    except OSError as error:
        hint = "Run `pytest --mock-server-sweep` or `mockserver sweep -- COMMAND` first, or give its path"
        raise invalid(("report",), f"{path} can't be read: {error.strerror or error}", hint) from error
    except (ValueError, AttributeError):
        pass
    raise invalid(("report",), f"{path} is not the report of a sweep", "Give the path of its report.json")
