"""The report as charts: what each work reaches beside its goal, and the other tools beside it."""

from __future__ import annotations

from benchmarks import figures, plot
from benchmarks.figures import median
from benchmarks.plot import Bar, Group
from benchmarks.report import Report
from benchmarks.rounds import MOCKSERVER
from benchmarks.works import BARE, NGINX, Work, works

PEER_KEYS = ("get", "sdk", "bodies")


def speed(report: Report) -> str:
    """Of each work with references the three bars, with a mark where the goal beside nginx is."""
    groups = []
    for work in works(report.scale):
        rate = _rate(report, MOCKSERVER, work.key)
        if work.table == "unique" and rate is not None:
            bars = [Bar(rate, "own0", plot.number(rate), _goal(report, work, rate))]
            for server, kind in ((BARE, "other0"), (NGINX, "plain")):
                if (theirs := _rate(report, server, work.reference)) is not None:
                    bars.append(Bar(theirs, kind, plot.number(theirs)))
            groups.append(Group(work.title, bars))
    legend = [("own0", MOCKSERVER), ("other0", BARE), ("plain", NGINX), ("goal", "goal")]
    title = "Requests a second on one core, no two alike; logarithmic"
    return plot.chart(title, groups, legend=legend, log=True)


def _rate(report: Report, server: str, key: str) -> float | None:
    each = report.samples.get(server, {}).get(key)
    return median(each, "rate") if each else None


def _goal(report: Report, work: Work, rate: float) -> float | None:
    """The rate at which the ratio would be the goal; of several goals the highest."""
    marks = []
    for against in work.against:
        theirs = figures.samples_against(report.samples, MOCKSERVER, work, against)
        found = figures.ratio(report.samples[MOCKSERVER][work.key], theirs)
        if against.least is not None and found is not None:
            marks.append(rate / found.middle * against.least)
    return max(marks, default=None)


def peers(report: Report) -> str:
    """Three bars a tool, on a logarithmic axis; the fastest tool first, mockserver above all."""
    compared = [work for work in works(report.scale) if work.key in PEER_KEYS]
    others = [name for name in report.peers if name in report.samples]
    others.sort(key=lambda name: -(_rate(report, name, "get") or 0))
    groups = [
        Group(name, [_peer_bar(report, name, work.key, i, own=own) for i, work in enumerate(compared)])
        for name, own in [(MOCKSERVER, True), *((name, False) for name in others)]
    ]
    legend = [(f"own{i}", work.title) for i, work in enumerate(compared)]
    return plot.chart("Requests a second on one core, logarithmic", groups, legend=legend, log=True)


def _peer_bar(report: Report, server: str, key: str, number: int, *, own: bool) -> Bar:
    rate = _rate(report, server, key)
    kind = f"{'own' if own else 'other'}{number}"
    return Bar(rate, kind, "–" if rate is None else plot.number(rate))
