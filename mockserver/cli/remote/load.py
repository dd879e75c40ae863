"""`mockserver load`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from mockserver.cli.remote.checks import print_verified
from mockserver.cli.remote.connection import (
    DurationText,
    connected_with_json,
    mapping_in,
    print_json,
    server,
    wants_json,
)
from mockserver.cli.remote.tables import columns, plain
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted

View = Mapping[str, Any]
_WIDTH = 40
_MOST_MARKS = 20


@click.command(short_help="Show the calls over time, by their answers.")
@click.argument("route", required=False)
@click.option("--interval", type=DurationText(), help="Length of a row, such as 100ms. Default: at most 40 rows.")  # fmt: skip
@click.option("--by", metavar="SELECTOR", help="Selector whose value the attempts of one operation share, such as headers.idempotency-key; or route.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Rules on load, such as '{in_flight: {max: 10}}': the exit code is 1 if one is broken.")  # fmt: skip
@connected_with_json
def load(route: str | None, interval: str | None, by: str | None, rules: str | None) -> None:
    """
    Show the calls of a running server over time, by their answers, with outages and the broken rules of `expect`.

    ROUTE is the id or name of a route; default: all routes. With --rules, the calls are verified instead. Exit codes: 0
    success, 1 a rule of --rules is broken, 2 the route or a rule is invalid, or the server can't be reached.
    """
    with server() as link:
        if rules is not None:
            if interval is not None:
                raise click.UsageError("--interval is for the table: leave --rules out")
            written = {**({} if by is None else {"by": by}), **mapping_in(rules, "--rules")}
            print_verified(link, {**({} if route is None else {"route": route}), "load": written})
            return
        view = link.send("GET", "/load", route=route, interval=interval, by=by)
    if wants_json():
        print_json(view)
    elif not view["intervals"]:
        click.echo("no calls")
    else:
        for line in _lines(view):
            click.echo(line)


def _lines(view: View) -> Iterator[str]:
    marks = list(_marks(view))
    heads = ["time", "calls", "retries", "at once", "answers", *(["marks"] if marks else []), ""]
    yield from columns([heads, *_rows(view, marks)])
    yield _total(view)
    for name, text, mark in marks[:_MOST_MARKS]:
        yield f"{name}: {plain(text)}{_span(mark)}"
    if len(marks) > _MOST_MARKS:
        yield f"and {len(marks) - _MOST_MARKS} more: --json has all"


def _marks(view: View) -> Iterator[tuple[str, str, View]]:
    """Yield each outage and each rule that does not hold: its mark, what it is, and its times."""
    for number, outage in enumerate(view["outages"], 1):
        yield f"O{number}", outage["what"], outage
    for number, rule in enumerate((rule for rule in view["rules"] if not rule["ok"]), 1):
        yield f"R{number}", rule["text"], rule


def _span(mark: View) -> str:
    """Return the times of an outage or of the window of a rule."""
    began_ms, ended_ms = mark["began_ms"], mark["ended_ms"]
    if began_ms is None:
        return ""
    return f", from {_time(began_ms)}" + ("" if ended_ms is None else f" to {_time(ended_ms)}")


def _time(at_ms: float) -> str:
    return f"{at_ms / 1000:+.3f}"


def _rows(view: View, marks: list[tuple[str, str, View]]) -> Iterator[list[str]]:
    most = max(each["calls"] for each in view["intervals"])
    for each in view["intervals"]:
        answers = "  ".join(f"{count} x {answer}" for answer, count in each["answers"].items())
        numbers = [str(each[name]) for name in ("calls", "retries", "in_flight")]
        until_ms = each["at_ms"] + view["interval_ms"]
        marked = [name for name, _, mark in marks if _is_within(mark, each["at_ms"], until_ms)]
        yield [
            _time(each["at_ms"]),
            *numbers,
            answers,
            *([" ".join(marked)] if marks else []),
            _bar(each, most),
        ]


def _is_within(mark: View, at_ms: float, until_ms: float) -> bool:
    """Whether the times have a part in common."""
    began_ms, ended_ms = mark["began_ms"], mark["ended_ms"]
    return began_ms is not None and began_ms < until_ms and (ended_ms is None or ended_ms >= at_ms)


def _bar(interval: View, most: int) -> str:
    """A bar of the calls: `#` those with a status below 400, `!` the others; one character at least for each kind."""
    good = sum(
        count
        for answer, count in interval["answers"].items()
        if answer == "OK" or (answer.isdigit() and int(answer) < 400)
    )
    scale = min(1.0, _WIDTH / most)
    return "".join(
        mark * max(1, round(count * scale)) if count else ""
        for mark, count in (("#", good), ("!", interval["calls"] - good))
    )


def _total(view: View) -> str:
    return (
        f"{counted(view['calls'], 'call')} for {counted(view['operations'], 'operation')}, {view['amplification']:g} for each; "
        f"at most {view['most_in_flight']} at the same time; a row is {format_duration(view['interval_ms'] / 1000)}"
    )
