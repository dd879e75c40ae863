"""`mockserver verify` and `mockserver attempts`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.remote.connection import (
    FAILED,
    DurationText,
    connected_with_json,
    document_in,
    mapping_in,
    printed_json,
    server,
)
from mockserver.cli.remote.subjects import subject_of
from mockserver.cli.remote.tables import columns, plain, printable

if TYPE_CHECKING:
    from mockserver.client.link import Link

View = Mapping[str, Any]
LONGEST_WAIT_S = 120.0
"""Limits of `within` and `quiet` together."""


@click.command(short_help="Verify the calls of a running server.")
@click.argument("subject", required=False)
@click.option("--times", type=click.IntRange(0), help="The exact number of calls.")
@click.option("--at-least", "least", type=click.IntRange(0), help="The least number of calls; default: 1.")
@click.option("--at-most", "most", type=click.IntRange(0), help="The largest number of calls.")
@click.option("--match", metavar="YAML", help="Further conditions on the request, such as '{json: {amount: 5}}'.")  # fmt: skip
@click.option("--within", type=DurationText(), help="Wait for the calls, at most so long.")
@click.option("--quiet", type=DurationText(), help="No further calls may arrive for so long afterwards.")
@click.option("--scenario", metavar="NAME", help="Without SUBJECT: only the expectations of this scenario.")
@click.option("--check", metavar="YAML|FILE", help="Instead of SUBJECT: a check of POST /verify, or a list of them; - is stdin.")  # fmt: skip
@connected_with_json
def verify(subject: str | None, scenario: str | None, check: str | None, **words: Any) -> None:
    """
    Verify calls. Without SUBJECT, verify every `expect` of the scenarios, and that no request was unmatched.

    SUBJECT is the id or name of a route, or a request line such as 'POST /data'. Exit codes: 0 the check passed,
    1 it failed, 2 it is invalid, such as an unknown route, or the server can't be reached.
    """
    given = {name: value for name, value in words.items() if value is not None}
    if scenario is not None and (subject is not None or check is not None):
        raise click.UsageError(
            "--scenario is for the expectations of a scenario: leave SUBJECT and --check out"
        )
    if subject is None and given:
        names = {"least": "at-least", "most": "at-most"}
        raise click.UsageError(f"--{names.get(next(iter(given)), next(iter(given)))} needs a SUBJECT")
    if subject is not None and check is not None:
        raise click.UsageError("give a SUBJECT, or --check with a whole check")
    with server() as link:
        if check is not None:
            print_verified(link, document_in(check, "--check"))
        elif subject is not None:
            print_verified(link, {**subject_of(subject), **_check_of(given)})
        else:
            print_verified(link, None, scenario=scenario)


def _check_of(words: dict[str, Any]) -> dict[str, Any]:
    """The keys of a check. Raises UsageError for contradictory options."""
    times, least, most = words.pop("times", None), words.pop("least", None), words.pop("most", None)
    if times is not None and (least is not None or most is not None):
        raise click.UsageError("--times is an exact number: leave --at-least and --at-most out")
    if least is not None and most is not None and least > most:
        raise click.UsageError(f"--at-least {least} is more than --at-most {most}")
    if times is not None:
        words["times"] = times
    elif least is not None or most is not None:
        words["times"] = {name: bound for name, bound in (("min", least), ("max", most)) if bound is not None}
    if "match" in words:
        words["match"] = mapping_in(words["match"], "--match")
    return words


def print_verified(link: Link, check: Any, scenario: str | None = None) -> None:
    """Print the result; exit code 1 if a check failed."""
    from mockserver.client.errors import VerificationFailed

    try:
        if check is None:
            answer = link.send("GET", "/verify", scenario=scenario)
        else:
            answer = link.send("POST", "/verify", check, wait_s=LONGEST_WAIT_S)
    except VerificationFailed as error:
        _print_checks(error.problem)
        sys.exit(FAILED)
    _print_checks(answer)


def _print_checks(answer: View) -> None:
    if printed_json(answer):
        return
    for item in answer["checks"]:
        click.echo(f"{'ok' if item['ok'] else 'failed'}: {printable(item['text'])}")


# Attempts


@click.command(short_help="Show the attempts of each operation.")
@click.argument("route", required=False)
@click.option("--by", metavar="SELECTOR", help="Selector whose value the attempts of one operation share, such as headers.idempotency-key; or route.")  # fmt: skip
@click.option("--ignore", metavar="FIELDS", help="Fields that differ in each attempt, separated by commas, such as json.line,query.rand.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Rules on retries, such as '{max: 4, same: body}': the exit code is 1 if one is broken.")  # fmt: skip
@connected_with_json
def attempts(route: str | None, by: str | None, ignore: str | None, rules: str | None) -> None:
    """
    Group the calls of a running server into operations, and show how the client retried.

    ROUTE is the id or name of a route; default: all routes. With --rules, the attempts of ROUTE are verified. Exit codes:
    0 success, 1 a rule is broken, 2 the route or a rule is invalid, or the server can't be reached.
    """
    if rules is not None and route is None:
        raise click.UsageError("--rules needs a ROUTE")
    with server() as link:
        if rules is not None:
            own = {"by": by, "ignore": ignore.split(",") if ignore else None}
            written = {name: value for name, value in own.items() if value is not None}
            check = {"route": route, "attempts": {**written, **mapping_in(rules, "--rules")}}
            print_verified(link, check)
            return
        pages = list(link.pages("/attempts", masked=True, route=route, by=by, ignore=ignore))
    operations = [item for page in pages for item in page["items"]]
    whole = {**pages[-1], "items": operations}
    if printed_json(whole):
        return
    for line in _told(operations):
        click.echo(line)
    if operations:
        most = whole["most_in_flight"]
        click.echo(f"{whole['amplification']:g} calls per operation, at most {most} at the same time")
    else:
        click.echo("no calls")


def _told(operations: Iterable[View]) -> Iterator[str]:
    for number, operation in enumerate(operations, 1):
        yield f"operation {number}: {plain(operation['route'])}, {'; '.join(_findings(operation))}"
        tries = [["", *_cells(item)] for item in operation["tries"]]
        yield from columns(tries)
        if operation["left_out"]:
            yield f"  not compared: {', '.join(map(plain, operation['left_out']))}"


def _findings(operation: View) -> Iterator[str]:
    yield operation["final"]
    if operation["retry_after"] != "none":
        yield f"Retry-After {operation['retry_after']}"
    if operation["overlap"]:
        yield "attempts overlap"
    if operation["repeats"] is not None:
        yield f"repeats operation {operation['repeats']}"
    if operation["why"]:
        yield plain(operation["why"]) if operation["certain"] else f"uncertain: {plain(operation['why'])}"


def _cells(item: View) -> list[str]:
    """A line for an attempt: the call, its status, the wait before it, and what is remarkable."""
    status = "-" if item["status"] is None else str(item["status"])
    ended = status if item["outcome"] == "done" else f"{status} {item['outcome'].replace('_', ' ')}"
    gap = "" if item["gap_ms"] is None else f"after {item['gap_ms']:g} ms"
    return [item["call"], ended, gap, "; ".join(_remarks(item))]


def _remarks(item: View) -> Iterator[str]:
    if item["retry_after"] is not None:
        yield f"Retry-After {item['retry_after']} (asked for {item['asked_ms']:g} ms)"
    if item["changed"]:
        yield f"changed {', '.join(map(plain, item['changed']))}"
    if item["step"] is not None:
        yield "the next call belongs to this attempt"
    if item["effects"]:
        yield f"effect {', '.join(map(plain, item['effects']))}"
