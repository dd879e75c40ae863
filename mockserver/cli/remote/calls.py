"""`mockserver calls` and `mockserver count`."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from mockserver.cli.remote.connection import (
    connected_with_json,
    mapping_in,
    print_json,
    printed_json,
    refuse,
    server,
    wants_json,
)
from mockserver.cli.remote.subjects import HELP, subject_of
from mockserver.cli.remote.tables import plain, print_table

if TYPE_CHECKING:
    from mockserver.client.link import Link

View = Mapping[str, Any]
HEADS = ("call", "time", "request", "status", "ms", "route")
_WIDTHS = (8, 12, 30, 6, 8)
"""Widths of the columns for `--follow`, since the cells are not known in advance."""


@click.command(short_help="List the calls of a running server.")
@click.argument("subject", required=False)
@click.option("--tag", help="Only calls of routes with this tag.")
@click.option("--status", metavar="STATUS", help="Only calls with this status: 503, 5xx, or UNAVAILABLE.")
@click.option("--matched/--unmatched", default=None, help="Only matched calls, or only unmatched requests, with the reason.")  # fmt: skip
@click.option("--since", metavar="CALL|TIME", help="Only calls after this call (c-000017), or from this time on (RFC 3339).")  # fmt: skip
@click.option("--until", metavar="CALL|TIME", help="Only calls up to this call, or before this time.")
@click.option("--search", "q", metavar="TEXT", help="Only calls with this text in the target, the headers or a body; masked values are not found.")  # fmt: skip
@click.option("--limit", type=click.IntRange(0), help="Only the newest calls, at most this many.")
@click.option("--follow", "-f", is_flag=True, help="Continue with new calls as they complete, until Ctrl-C.")
@click.option("--reveal", is_flag=True, help="Do not mask secrets.")
@connected_with_json
def calls(
    subject: str | None, limit: int | None, *, matched: bool | None, follow: bool, reveal: bool, **given: Any
) -> None:
    """
    List the calls of a running server, newest last.

    SUBJECT is the id or name of a route, or a request line such as 'POST /data'. With --json, the output is that of
    GET /calls; with --follow as well, it is one call per line.
    """
    query = {name: value for name, value in given.items() if value is not None}
    if subject is not None:
        query |= subject_of(subject)
    if matched is not None:
        query["matched"] = str(matched).lower()
    if reveal:
        query["reveal"] = "true"
    with server() as link:
        if follow:
            _follow(link, query, limit)
            return
        items = _newest(link, query, limit)
        if printed_json({"items": items, "next": None}):
            return
        reasons = _reasons(link) if matched is False else {}
        print_table(HEADS, (row_of(call, reasons) for call in items), "no calls")


def _newest(link: Link, query: dict[str, str], limit: int | None) -> list[View]:
    brief = None if wants_json() else "true"
    items = link.items("/calls", masked=True, brief=brief, **query)
    return list(items if limit is None else deque(items, limit))


def _reasons(link: Link) -> dict[str, str]:
    """Why unmatched requests are unmatched, by the id of the call."""
    return {item["id"]: _reason(item["nearest"]) for item in link.items("/unmatched", masked=True)}


def _reason(nearest: list[View]) -> str:
    if not nearest:
        return "unmatched"
    said = "; ".join(difference["text"] for difference in nearest[0]["differences"][:1])
    return f"unmatched, nearest {nearest[0]['route']}: {said}"


def row_of(call: View, reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Return the cells of a brief call."""
    route = ", ".join(call["routes"]) or reasons.get(
        call["id"], "automatic" if call["automatic"] else "unmatched"
    )
    took = call["duration_ms"]
    return (
        call["id"],
        datetime.fromisoformat(call["arrived"]).astimezone().strftime("%H:%M:%S.%f")[:-3],
        f"{call['method']} {call['target']}",
        status_of(call),
        "-" if took is None else f"{took:.1f}",
        route,
    )


def status_of(call: View) -> str:
    """Return the status, and how the answer ended if it was not sent completely."""
    status = "-" if call["status"] is None else str(call["grpc_status"] or call["status"])
    return status if call["outcome"] == "done" else f"{status} {call['outcome'].replace('_', ' ')}"


# Follow


def _follow(link: Link, query: dict[str, str], limit: int | None) -> None:
    """Print the calls so far, then every call when it completes."""
    from mockserver.client.connections import BadResponseError
    from mockserver.client.following import events

    own = query if wants_json() else {**query, "brief": "true"}
    connection, pieces = link.http.open(f"{link.base}/calls/stream?{urlencode(own)}")
    with contextlib.closing(connection), contextlib.suppress(KeyboardInterrupt):
        first = next(pieces, b"")  # from here on, the stream has every call
        seen = set()
        if not wants_json():
            _print_followed(HEADS)
        for call in _newest(link, query, limit):
            if call["outcome"] != "open":
                seen.add(call["number"])
                _print_call(call)
        try:
            _print_events(events(_chained(first, pieces)), seen)
        except (OSError, BadResponseError) as error:
            refuse(f"The server ended the stream of calls: {error}")
        refuse("The server ended the stream of calls.")


def _chained(first: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _print_events(stream: Iterable[tuple[str, dict[str, Any]]], seen: set[int]) -> None:
    for name, data in stream:
        if name == "dropped":
            click.echo(f"{data['dropped']} calls are not shown: there are too many", err=True)
        elif name == "call" and data["number"] not in seen:
            _print_call(data)


def _print_call(call: View) -> None:
    if wants_json():
        print_json(call, indent=None)
    else:
        _print_followed(row_of(call, {}))


def _print_followed(cells: Iterable[str]) -> None:
    padded = [plain(cell).ljust(width) for cell, width in zip(cells, (*_WIDTHS, 0), strict=True)]
    click.echo("  ".join(padded).rstrip())


# Count


@click.command(short_help="Count the calls of a route or a request.")
@click.argument("subject", required=False)
@click.option("--match", metavar="YAML", help="Further conditions on the request, such as '{json: {amount: 5}}'.")  # fmt: skip
@connected_with_json
def count(subject: str | None, match: str | None) -> None:
    """
    Count the calls of a route or a request. Without SUBJECT, list the counts of all routes.

    SUBJECT is the id or name of a route, or a request line such as 'POST /data'. Counts include calls that are not in the
    call log any more.
    """
    if subject is None and match is not None:
        raise click.UsageError("--match needs a SUBJECT. " + HELP)
    with server() as link:
        if subject is None:
            _print_counts(link.send("GET", "/counts"))
            return
        check: dict[str, Any] = dict(subject_of(subject))
        if match is not None:
            check["match"] = mapping_in(match, "--match")
        answer = link.send("POST", "/count", check)
        if printed_json(answer):
            return
        click.echo(answer["count"])
        if not answer["exact"]:
            click.echo("The call log has dropped calls that may belong to it: the count is a lower bound.", err=True)  # fmt: skip


def _print_counts(counts: View) -> None:
    if printed_json(counts):
        return
    rows = [
        (route, count["calls"], ", ".join(f"{number} x {status}" for status, number in count["statuses"].items()))
        for route, count in counts["routes"].items()
    ]  # fmt: skip
    if counts["unmatched"]:
        rows.append(("unmatched", counts["unmatched"], ""))
    print_table(("route", "calls", "statuses"), rows, "no calls")
