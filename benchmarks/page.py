"""
docs/performance.md and benchmarks/README.md: figures and goals stand between two marks, so that the text around them
stays what people wrote. Other tools have marks of their own, since most runs don't measure them.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import pictures, table
from benchmarks.report import Report

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
BEGIN = "<!-- figures: begin, written by scripts/bench --write -->"
END = "<!-- figures: end -->"
PEERS_BEGIN = "<!-- other tools: begin, written by scripts/bench --peers --write -->"
PEERS_END = "<!-- other tools: end -->"


def filled(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with the text between its marks. Raises ValueError where they are not there, once each, in order."""
    before, is_begun, rest = page.partition(begin)
    _, is_ended, after = rest.partition(end)
    if not is_begun or not is_ended or begin in rest or end in after:
        raise ValueError(f"the page must have {begin!r} and then {end!r}, once each")
    return f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"


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
    write_peers(report)
    draw(report, DOCS)


def write_peers(report: Report) -> None:
    """Write the comparison with other tools, if they were measured; else what is there stays."""
    if report.peers:
        page = DOCS / "performance.md"
        page.write_text(filled(page.read_text(), table.others(report, drawn=True), PEERS_BEGIN, PEERS_END))


def draw(report: Report, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, svg in drawings(report).items():
        (folder / name).write_text(svg)
