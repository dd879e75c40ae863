"""`mockserver load`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from mockserver.cli.remote.checks import print_verified
from mockserver.cli.remote.connection import (
    DurationText,
    connected,
    json_option,
    mapping_in,
    print_json,
    server,
    wants_json,
)
from mockserver.cli.remote.tables import columns
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted

View = Mapping[str, Any]
_WIDTH = 40


@click.command(short_help="Show the calls over time, by their answers.")
@click.argument("route", required=False)
@click.option("--interval", type=DurationText(), help="Length of a row, such as 100ms. Default: at most 40 rows.")  # fmt: skip
@click.option("--by", metavar="SELECTOR", help="Selector whose value the attempts of one operation share, such as headers.idempotency-key; or route.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Rules on load, such as '{in_flight: {max: 10}}': the exit code is 1 if one is broken.")  # fmt: skip
@json_option
@connected
def load(route: str | None, interval: str | None, by: str | None, rules: str | None) -> None:
    """
    Show the calls of a running server over time, by their answers.

    ROUTE is the id or name of a route; default: all routes. With --rules, the calls are verified. Exit codes: 0 success,
    1 a rule is broken, 2 the route or a rule is invalid, or the server can't be reached.
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
        for line in columns([["time", "calls", "retries", "at once", "answers", ""], *_rows(view)]):
            click.echo(line)
        click.echo(_total(view))


def _rows(view: View) -> Iterator[list[str]]:
    most = max(each["calls"] for each in view["intervals"])
    for each in view["intervals"]:
        answers = "  ".join(f"{count} x {answer}" for answer, count in each["answers"].items())
        at = f"+{each['at_ms'] / 1000:.3f}"
        numbers = [str(each[name]) for name in ("calls", "retries", "in_flight")]
        yield [at, *numbers, answers, _bar(each, most)]


def _bar(interval: View, most: int) -> str:
    """A bar of the calls: `#` those with a status below 400, `!` the others; one character at least for each kind."""
    good = sum(
        count for answer, count in interval["answers"].items() if answer.isdigit() and int(answer) < 400
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
