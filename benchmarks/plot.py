"""Bar charts as SVG, readable on light and dark pages; nothing but text, so that they can be looked at in a diff."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 860
# About what a letter takes, beside the bars.
_LETTER = 7.0
_RIGHT = 90
_TOP = 64
_BAR = 14
_GAP = 3
_BETWEEN = 14
_FOOT = 34

STYLE = """\
  svg { background: #ffffff; font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  text { fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .faint { fill: #59636e; font-size: 12px; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .goal { stroke: #bc4c00; stroke-width: 2.5; }
  .own0 { fill: #0969da; } .own1 { fill: #1a7f37; } .own2 { fill: #8250df; }
  .other0 { fill: #9ec5f3; } .other1 { fill: #9fd3ac; } .other2 { fill: #cfb6f3; }
  .plain { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    text { fill: #f0f6fc; }
    .faint { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .goal { stroke: #f0883e; }
    .own0 { fill: #4493f8; } .own1 { fill: #3fb950; } .own2 { fill: #ab7df8; }
    .other0 { fill: #1f4f8f; } .other1 { fill: #1f6b33; } .other2 { fill: #5c3f96; }
    .plain { fill: #656c76; }
  }
"""


@dataclass(frozen=True)
class Bar:
    """`kind` is a class of `STYLE`; `goal` draws a mark where the bar should reach. A value of None: no bar."""

    value: float | None
    kind: str
    label: str
    goal: float | None = None


@dataclass(frozen=True)
class Group:
    """Bars that belong together, under one name."""

    name: str
    bars: Sequence[Bar]


def chart(
    title: str, groups: Sequence[Group], *, legend: Sequence[tuple[str, str]] = (), log: bool = False
) -> str:
    """
    Horizontal bars. `legend` are pairs of class and word. With `log` the axis is
    logarithmic and begins at a power of ten below the least value.
    """
    values = [bar.value for group in groups for bar in group.bars if bar.value]
    values += [bar.goal for group in groups for bar in group.bars if bar.goal]
    axis = Axis.over(
        values, log=log, left=24 + _LETTER * max((len(group.name) for group in groups), default=0)
    )
    heights = [len(group.bars) * (_BAR + _GAP) + _BETWEEN for group in groups]
    bottom = _TOP + sum(heights)
    parts = [f'<text class="title" x="12" y="24">{escape(title)}</text>', *_legend(legend)]
    parts += _grid(axis, bottom)
    top = float(_TOP)
    for group, height in zip(groups, heights, strict=True):
        parts += _group(group, axis, top)
        top += height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + _FOOT}" '
        f'width="{WIDTH}" height="{bottom + _FOOT}" role="img" aria-label="{escape(title)}">\n'
        f"<style>\n{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


@dataclass(frozen=True)
class Axis:
    """From `least` to `most`, both of them ticks; `left` is where it begins, in pixels."""

    least: float
    most: float
    log: bool
    left: float = 0.0

    @classmethod
    def over(cls, values: Sequence[float], *, log: bool, left: float = 0.0) -> Axis:
        """An axis on which all the values, above 0, have their place."""
        if not values:
            return cls(1 if log else 0, 10, log, left)
        if log:
            # A decade more where the least value would have no length at all.
            least = 10 ** math.floor(math.log10(min(values)) - 0.05)
            return cls(least, max(10 ** math.ceil(math.log10(max(values))), least * 10), log, left)
        step = nice_step(max(values))
        return cls(0, step * math.ceil(max(values) / step), log, left)

    def x(self, value: float) -> float:
        if self.log:
            part = math.log10(max(value, self.least) / self.least) / math.log10(self.most / self.least)
        else:
            part = value / self.most
        return self.left + part * (WIDTH - self.left - _RIGHT)

    def ticks(self) -> list[float]:
        if self.log:
            decades = round(math.log10(self.most / self.least))
            return [self.least * 10**i for i in range(decades + 1)]
        step = nice_step(self.most)
        return [step * i for i in range(round(self.most / step) + 1)]


def nice_step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that four to ten of them reach `most`."""
    power = 10.0 ** math.floor(math.log10(most / 4))
    return next(power * factor for factor in (1, 2, 5, 10) if most / (power * factor) <= 10)


def number(value: float) -> str:
    """Short, for an axis or the end of a bar: 950, 12,300, 0.5."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def _legend(legend: Sequence[tuple[str, str]]) -> list[str]:
    parts, x = [], 12.0
    for kind, word in legend:
        if kind == "goal":
            parts.append(f'<line class="goal" x1="{x + 6:.0f}" x2="{x + 6:.0f}" y1="37" y2="51"/>')
        else:
            parts.append(f'<rect class="{kind}" x="{x:.0f}" y="38" width="12" height="12" rx="2"/>')
        parts.append(f'<text class="faint" x="{x + 18:.0f}" y="48">{escape(word)}</text>')
        x += 18 + 7 * len(word) + 20
    return parts


def _grid(axis: Axis, bottom: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        x = axis.x(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{bottom}"/>')
        parts.append(
            f'<text class="faint" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{number(tick)}</text>'
        )
    return parts


def _group(group: Group, axis: Axis, top: float) -> list[str]:
    height = len(group.bars) * (_BAR + _GAP) - _GAP
    parts = [
        f'<text x="{axis.left - 10:.1f}" y="{top + height / 2 + 4.5:.1f}" text-anchor="end">{escape(group.name)}</text>'
    ]
    for i, bar in enumerate(group.bars):
        parts += _bar(bar, axis, top + i * (_BAR + _GAP))
    return parts


def _bar(bar: Bar, axis: Axis, top: float) -> list[str]:
    text = f'<text class="faint" x="{{x:.1f}}" y="{top + _BAR - 3:.1f}">{escape(bar.label)}</text>'
    if bar.value is None:
        return [text.format(x=axis.left + 6)]
    x = axis.x(bar.value)
    parts = [
        f'<rect class="{bar.kind}" x="{axis.left:.1f}" y="{top:.1f}" width="{max(1.0, x - axis.left):.1f}" height="{_BAR}" rx="2"/>'
    ]
    end = x
    if bar.goal is not None:
        mark = axis.x(bar.goal)
        parts.append(
            f'<line class="goal" x1="{mark:.1f}" x2="{mark:.1f}" y1="{top - 2:.1f}" y2="{top + _BAR + 2:.1f}"/>'
        )
        # The words stand beyond a mark that they would run into.
        if x - 4 < mark < x + 60:
            end = mark
    return [*parts, text.format(x=end + 6)]
