"""The result of a soak as files: figures, plot, and the part of docs/reliability.md that is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.chart import Panel, svg

if TYPE_CHECKING:
    from benchmarks.soak import Result

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "reliability.md"
BEGIN, END = "<!-- soak -->\n", "<!-- end of soak -->"


def write(result: Result, document: dict[str, Any], folder: Path | None) -> None:
    """Into the folder, or into docs/ with its page."""
    into = folder or DOCS
    into.mkdir(parents=True, exist_ok=True)
    (into / "soak.json").write_text(json.dumps(document, indent=1) + "\n")
    (into / "soak.svg").write_text(plot(result))
    if folder is None:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + text(result) + END + rest.partition(END)[2])


def plot(result: Result) -> str:
    samples = result.samples
    panels = [
        Panel("Memory, resident", "MiB", "#1f6feb", [one.memory_mib for one in samples]),
        Panel("Requests a second", "", "#2da44e", [one.rate for one in samples]),
        Panel("99th percentile of answers, as the clients see it", "ms", "#bf8700", [one.p99_ms for one in samples]),
        Panel("Descriptors", "", "#8250df", [float(one.descriptors) for one in samples]),
        Panel("Tasks", "", "#cf222e", [float(one.tasks) for one in samples]),
    ]  # fmt: skip
    marks = [(5.0, "5 min")] if result.minutes > 10 else []
    title = f"A soak of {result.minutes:g} minutes"
    return svg(title, [one.minute for one in samples], panels, marks)


def text(result: Result) -> str:
    verdict = "No errors." if not result.wrong else "Errors: " + "; ".join(result.wrong[:5])
    before, after = result.before, result.after
    return f"""
{result.minutes:g} minutes at {result.rate:,} requests a second, half of the {result.most_rate:,} that this client and server can do together ({result.machine}):

| | |
| --- | --- |
| requests | {result.requests:,}, each counted exactly |
| webhooks | {result.webhooks:,} attempts received |
| namespaces created and removed | {result.short_namespaces:,} |
| memory after the warm-up, and at the end | {result.warm_mib:g} MiB, {result.end_mib:g} MiB |
| descriptors before the load, and after it | {before.get("descriptors")}, {after.get("descriptors")} |
| tasks of the loop before the load, and after it | {before.get("tasks")}, {after.get("tasks")} |

{verdict}

"""
