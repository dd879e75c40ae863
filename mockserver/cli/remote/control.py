"""`mockserver reset`, `outage` and `clock`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from mockserver.cli.remote.connection import (
    DurationText,
    ask,
    connected,
    connected_with_json,
    printed_json,
    server,
    yaml_in,
)
from mockserver.model.durations import format_duration
from mockserver.model.plural import counted

View = Mapping[str, Any]


@click.command(short_help="Reset a running server to its initial state.")
@click.argument("what", nargs=-1)
@connected
def reset(what: tuple[str, ...]) -> None:
    """
    Restore the initial state of a running server.

    WHAT are parts: calls, memory, positions, routes, clock, seed. Without WHAT, everything except the seed is reset.
    """
    ask("POST", "/reset", {"what": list(what)} if what else {})
    click.echo(f"reset: {', '.join(what)}" if what else "reset")


# Outage


@click.command(short_help="Take a running server, or some routes, down.")
@click.argument("reply", required=False)
@click.option("--for", "for_", type=DurationText(), help="End after this time, by the clock of the server.")
@click.option("--times", type=click.IntRange(1), help="End after this many calls.")
@click.option("--skip", type=click.IntRange(0), help="The first calls that are not affected.")
@click.option("--route", "routes", multiple=True, metavar="ROUTE", help="Only this route; may be repeated.")
@click.option("--optional", is_flag=True, help="A test does not fail if the outage affects no call.")
@connected_with_json
def outage(
    reply: str | None, for_: str | None, routes: tuple[str, ...], *, optional: bool, **given: Any
) -> None:
    """
    Take the service, or some of its routes, down; without REPLY, show the current outage.

    REPLY is a status such as 503, a reply in YAML such as '{fault: reset}', or `off`, which ends the outage.
    """
    spec = {**given, "for": for_, "routes": list(routes) or None, "optional": optional or None}
    spec = {name: value for name, value in spec.items() if value is not None}
    if reply in (None, "off") and spec:
        raise click.UsageError("an outage has a REPLY, such as 503")
    with server() as link:
        if reply == "off":
            link.send("DELETE", "/outage")
            document = None
        elif reply is None:
            document = link.send("GET", "/outage")
        else:
            document = link.send("PUT", "/outage", {"reply": yaml_in(reply, "REPLY"), **spec})
    if not printed_json(document):
        click.echo("no outage" if document is None else _outage_text(document))


def _outage_text(view: View) -> str:
    own = {name: value for name, value in view.items() if name not in ("reply", "answered", "skipped")}
    details = "".join(f", {name}: {_short(value)}" for name, value in own.items())
    return f"outage: {_short(view['reply'])}{details}; {counted(view['answered'], 'call')} affected"


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Clock


@click.group(invoke_without_command=True, short_help="Show or move the clock of a running server.")
@connected_with_json
@click.pass_context
def clock(ctx: click.Context) -> None:
    """Show the virtual clock of a namespace. The subcommands move it; webhooks that are due are sent first."""
    if ctx.invoked_subcommand is None:
        _print_clock(ask("GET", "/clock"))


def _move(**move: object) -> None:
    _print_clock(ask("POST", "/clock", move, wait_s=None))


def _print_clock(view: View) -> None:
    if printed_json(view):
        return
    state = "stopped" if view["frozen"] else "running"
    offset_s = round(view["offset_s"], 3)
    apart = f"{'+' if offset_s > 0 else ''}{format_duration(offset_s)}" if offset_s else "no time"
    click.echo(f"{view['now']}, {state}, {apart} from real time")


@clock.command()
@click.argument("duration", type=DurationText())
@connected_with_json
def advance(duration: str) -> None:
    """Move the clock forward by DURATION, such as 1h or 3d."""
    _move(advance=duration)


@clock.command(name="set")
@click.argument("time")
@connected_with_json
def set_(time: str) -> None:
    """Set the clock to TIME, such as 2026-01-31T12:00:00Z. It continues to run."""
    _move(at=time)


@clock.command()
@click.argument("time", required=False)
@connected_with_json
def freeze(time: str | None) -> None:
    """Stop the clock now, or at TIME."""
    _move(freeze=time or True)


@clock.command()
@connected_with_json
def resume() -> None:
    """Continue a stopped clock."""
    _move(resume=True)


@clock.command(name="reset")
@connected_with_json
def real_time() -> None:
    """Return to real time."""
    _move(reset=True)
