"""
docs/performance.md and benchmarks/README.md: figures and goals stand between two marks, so that the text around them
stays what people wrote.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import pictures, table
from benchmarks.report import Report

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
BEGIN = "<!-- figures: begin, written by scripts/bench --write -->"
END = "<!-- figures: end -->"


def filled(page: str, text: str) -> str:
    """The page with the text between its marks. Raises ValueError where they are not there, once each, in order."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"the page must have {BEGIN!r} and then {END!r}, once each")
    return f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}"


def drawings(report: Report) -> dict[str, str]:
    """By file name."""
    found = {"performance-speed.svg": pictures.speed(report)}
    if report.peers:
        found["performance-peers.svg"] = pictures.peers(report)
    return found


def write(report: Report) -> None:
    for path, text in (
        (DOCS / "performance.md", table.expected(report, drawn=True)),
        (HERE / "README.md", table.judged(report)),
    ):
        path.write_text(filled(path.read_text(), text))
    draw(report, DOCS)


def draw(report: Report, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, svg in drawings(report).items():
        (folder / name).write_text(svg)
