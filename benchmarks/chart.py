"""A line chart as SVG, drawn by hand: a few series over minutes, each on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, PANEL, LEFT, RIGHT, GAP = 800, 110, 70, 20, 34
INK, FAINT = "#57606a", "#d0d7de"
"""Greys that can be read on white and on black."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One series. Its axis begins at 0."""

    title: str
    unit: str
    colour: str
    values: Sequence[float]


def svg(title: str, minutes: Sequence[float], panels: Sequence[Panel], marks: Sequence[tuple[float, str]] = ()) -> str:  # fmt: skip
    """The chart; `marks` are vertical lines at a minute, with a word."""
    end = max(minutes[-1], 1e-9)
    height = 40 + len(panels) * (PANEL + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
    ]
    for index, panel in enumerate(panels):
        top = 30 + index * (PANEL + GAP)
        parts += _panel(panel, minutes, end, top)
        parts += [_mark(at, word if not index else "", end, top) for at, word in marks]
    parts += _minutes(end, height - 14)
    return "\n".join([*parts, "</svg>", ""])


def _x(minute: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * minute / end


def _panel(panel: Panel, minutes: Sequence[float], end: float, top: float) -> list[str]:
    most = _round_up(max(panel.values, default=1) or 1)
    points = " ".join(f"{_x(m, end):.1f},{top + PANEL * (1 - v / most):.1f}" for m, v in zip(minutes, panel.values, strict=True))  # fmt: skip
    lines = [f'<text x="{LEFT}" y="{top - 8}" fill="{INK}" font-weight="600">{escape(panel.title)}</text>']
    for share in (0, 0.5, 1):
        y = top + PANEL * (1 - share)
        lines.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{FAINT}" stroke-width="0.7"/>')  # fmt: skip
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" fill="{INK}" text-anchor="end">{most * share:g} {escape(panel.unit)}</text>')  # fmt: skip
    return [*lines, f'<polyline points="{points}" fill="none" stroke="{panel.colour}" stroke-width="1.6"/>']


def _mark(minute: float, word: str, end: float, top: float) -> str:
    x = _x(minute, end)
    line = f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + PANEL}" stroke="{INK}" stroke-dasharray="3 3" stroke-width="0.8"/>'
    return line + (f'<text x="{x + 4:.1f}" y="{top + 12}" fill="{INK}">{escape(word)}</text>' if word else "")


def _minutes(end: float, y: float) -> list[str]:
    step = _round_up(end / 6)
    count = int(end / step + 1e-9)
    return [f'<text x="{_x(step * n, end):.1f}" y="{y}" fill="{INK}" text-anchor="middle">{step * n:g} min</text>' for n in range(count + 1)]  # fmt: skip


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 of its power of ten."""
    power = 10.0 ** len(str(int(value))) / 10 if value >= 1 else 0.1
    return next(power * n for n in (1, 2, 5, 10, 20) if power * n >= value)
