"""The report as Markdown: goals, speed, peers, and what they were measured on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks import figures
from benchmarks.exactness import Exact
from benchmarks.figures import Ratio, Result, median
from benchmarks.report import Report
from benchmarks.rounds import MOCKSERVER, WITHOUT_UVLOOP, Sample
from benchmarks.works import BARE, NGINX, PEER_WORKS, Against, Work, works

_NONE = "–"
# A load average below this is what an idle machine has.
_QUIET = 0.5


def expected(report: Report, *, drawn: bool = False) -> str:
    """What users can expect, as it stands in docs/performance.md; `drawn`: with the pictures."""
    parts = [
        "\n".join(_beside_references(report, "unique")),
        "![Requests a second, by work](performance-speed.svg)" if drawn and report.samples else "",
        "\n".join(_beside_works(report)),
        "\n".join(_rows(("beside speed", "found"), ((one.title, one.said) for one in report.results)))
        if report.results
        else "",
        _measured_on(report),
        "### The references",
        "\n".join(_references(report)),
        "### Byte for byte the same",
        "\n".join(_beside_references(report, "alike")),
        "### Without uvloop",
        "\n".join(_without_uvloop(report)),
    ]
    return "\n\n".join(_without_empty(parts)) + "\n"


def others(report: Report, *, drawn: bool = False) -> str:
    """The comparison with other tools, as it stands in docs/performance.md."""
    parts = [
        "![Requests a second of each tool, at three works](performance-peers.svg)" if drawn else "",
        "\n".join(_peers_speed(report)),
        "\n".join(_peers_beside(report)),
        "\n".join(_peers_left_out(report)),
        _measured_on(report),
    ]
    return "\n\n".join(_without_empty(parts)) + "\n"


def judged(report: Report) -> str:
    """Every goal, met or missed, as it stands in benchmarks/README.md."""
    found = goals(report)
    rows = _rows(("what", "found", "goal", ""), map(_goal, (one for one in found if one.goal)))
    return "\n\n".join((_measured_on(report), "\n".join(rows), in_words(found))).strip() + "\n"


def _without_empty(parts: Sequence[str]) -> list[str]:
    """No heading stands over nothing."""
    full = [part for part in parts if part]
    following = [*full[1:], "#"]
    return [
        part for part, after in zip(full, following, strict=True) if not (part[0] == "#" and after[0] == "#")
    ]


def _measured_on(report: Report) -> str:
    scale = report.scale
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    rounds = "1 round" if scale.rounds == 1 else f"{scale.rounds} rounds"
    lines = [
        (
            f"{report.date}, on {report.machine}. {versions}. "
            f"{rounds}, {scale.seconds} s of load for each work after {scale.warm_up_s} s to warm up."
        ),
        *report.warnings,
    ]
    if report.load > _QUIET:
        lines.append(
            f"**Others used the machine when this began (load average {report.load:.1f}): don't rely on it.**"
        )
    return "\n".join(lines)


def goals(report: Report) -> list[Result]:
    """Everything that has a goal, and the ratios beside."""
    found = []
    titles = {work.key: work.title for work in works(report.scale)}
    for work in works(report.scale):
        ours = report.samples.get(MOCKSERVER, {}).get(work.key, [])
        for against in work.against:
            theirs = figures.samples_against(report.samples, MOCKSERVER, work, against)
            if ratio := figures.ratio(ours, theirs):
                found.append(figures.judged(work, against, ratio, titles.get(against.key, against.key)))
        if result := figures.judged_us(work, ours):
            found.append(result)
    return found + report.results


def _goal(result: Result) -> tuple[str, ...]:
    word = {True: "met", False: "**missed**", None: ""}[result.met]
    return result.title, result.said, result.goal, word


def in_words(results: Iterable[Result]) -> str:
    """Which goals are missed, by how much."""
    judged = [result for result in results if result.met is not None]
    missed = [result for result in judged if not result.met]
    if not judged:
        return ""
    if not missed:
        return f"Goals missed: none of {len(judged)}."
    lines = [f"- {result.title}: {result.said}; the goal is {result.goal}." for result in missed]
    return "\n".join([f"Goals missed: {len(missed)} of {len(judged)}.", "", *lines])


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _beside_references(report: Report, which: str) -> list[str]:
    """The works of a table beside what nginx and a bare aiohttp handler make of the same requests."""
    rows = [
        (work.title, *_figures(each), *(_times(report, work, key) for key in (NGINX, BARE)))
        for work in works(report.scale)
        if work.table == which and (each := report.samples.get(MOCKSERVER, {}).get(work.key))
    ]
    what = "no two requests alike" if which == "unique" else "all requests alike"
    return _rows((what, *_FIGURES, f"× {NGINX}", f"× {BARE}"), rows) if rows else []


def _beside_works(report: Report) -> list[str]:
    titles = {work.key: work.title for work in works(report.scale)}
    rows = []
    for work in works(report.scale):
        each = report.samples.get(MOCKSERVER, {}).get(work.key)
        if work.table == "many" and each:
            other = work.against[0].key if work.against else ""
            times = f"{_times(report, work, other)} × {titles[other]}" if other else ""
            rows.append((work.title, *_figures(each), times))
    return _rows(("many routes, many namespaces", *_FIGURES, "beside"), rows) if rows else []


def _references(report: Report) -> list[str]:
    rows = [
        (f"{server}: {work.title}", *_figures(each))
        for work in works(report.scale)
        for server in (NGINX, BARE)
        if work.has_references and (each := report.samples.get(server, {}).get(work.key))
    ]
    return _rows(("asked the same", *_FIGURES), rows) if rows else []


def _times(report: Report, work: Work, key: str) -> str:
    ours = report.samples.get(MOCKSERVER, {}).get(work.key, [])
    theirs = figures.samples_against(report.samples, MOCKSERVER, work, Against(key))
    return _middle(figures.ratio(ours, theirs))


_FIGURES = ("requests/s", "CPU µs a request", "core busy", "p99, ms")


def _figures(each: Sequence[Sample]) -> tuple[str, ...]:
    return (
        _rate(median(each, "rate")),
        f"{median(each, 'cpu_us'):.1f}",
        f"{median(each, 'busy'):.0%}",
        f"{median(each, 'p99_ms'):.1f}",
    )


def _rate(rate: float) -> str:
    """Three digits say all that a measurement knows."""
    if rate < 10:
        return f"{rate:.1f}"
    digits = max(0, len(str(int(rate))) - 3)
    return f"{round(rate, -digits):,.0f}"


def _without_uvloop(report: Report) -> list[str]:
    rows = []
    for work in works(report.scale):
        if each := report.samples.get(WITHOUT_UVLOOP, {}).get(work.key):
            ratio = figures.ratio(each, report.samples.get(MOCKSERVER, {}).get(work.key, []))
            rows.append((work.title, *_figures(each), _middle(ratio)))
    return _rows(("on asyncio's own loop", *_FIGURES, "× with uvloop"), rows) if rows else []


def _middle(ratio: Ratio | None) -> str:
    return f"{ratio.middle:.2f}" if ratio else _NONE


def _named(report: Report) -> list[tuple[str, str]]:
    """The servers of the peers' tables, each with how it is called there."""
    found = [(MOCKSERVER, f"**{MOCKSERVER}**")] if MOCKSERVER in report.samples else []
    present = sorted(
        (name for name, peer in report.peers.items() if not peer.absent and name in report.samples),
        key=lambda name: -_median_or_0(report, name, "get", "rate"),
    )
    return found + [(name, f"{name} {report.peers[name].version}") for name in present]


def _median_or_0(report: Report, server: str, key: str, name: str) -> float:
    each = report.samples.get(server, {}).get(key)
    return median(each, name) if each else 0.0


def compared(report: Report) -> list[Work]:
    """The works that other tools are asked to do, too."""
    return [work for work in works(report.scale) if work.key in PEER_WORKS]


def _peers_speed(report: Report) -> list[str]:
    rows = [
        [title, *(_cell(report.samples.get(server, {}).get(work.key)) for work in compared(report))]
        for server, title in _named(report)
    ]
    return _rows(["requests/s on one core", *(work.title for work in compared(report))], rows) if rows else []


def _cell(each: Sequence[Sample] | None) -> str:
    return _rate(median(each, "rate")) if each else _NONE


def _peers_beside(report: Report) -> list[str]:
    rows = []
    for server, title in _named(report):
        by_work = report.samples.get(server, {})
        one, many = by_work.get("get"), by_work.get("many")
        exact = report.exact.get(server)
        rows.append(
            (
                title,
                f"{median(one, 'start_s'):.2f}" if one else _NONE,
                f"{median(one, 'rss_bytes') / 1e6:.0f}" if one else _NONE,
                f"{max(0.0, median(one, 'grown_bytes')) / 1000:.1f}" if one else _NONE,
                f"{median(many, 'start_s'):.2f}" if many else _NONE,
                _steps(exact),
            )
        )
    head = (
        "beside",
        "start to first answer, s",
        "memory then, MB",
        "grows by, KB a call",
        f"start with {report.scale.many:,} routes, s",
        "200s of the sequence under 64 connections",
    )
    return _rows(head, rows) if rows else []


def _steps(exact: Exact | None) -> str:
    if exact is None:
        return _NONE
    strange = f", {exact.strange:,} neither 200 nor 503" if exact.strange else ""
    return f"{exact.ok:,} of {exact.expected:,}{strange}"


def _peers_left_out(report: Report) -> list[str]:
    titles = {work.key: work.title for work in works(report.scale)}
    lines = []
    for name, peer in report.peers.items():
        if peer.absent:
            lines.append(f"- {name} {peer.version} is not in the tables: {_shortened(peer.absent)}")
        by_reason: dict[str, list[str]] = {}
        for key, why in {**peer.skipped, **report.failures.get(name, {})}.items():
            by_reason.setdefault(_shortened(why), []).append(titles.get(key, key))
        lines += [f"- {name}, {'; '.join(each)}: {why}" for why, each in by_reason.items()]
    return ["What is left out, and why:", "", *lines] if lines else []


def _shortened(why: str) -> str:
    line = " ".join(why.split())
    return line if len(line) < 200 else line[:200] + "…"
