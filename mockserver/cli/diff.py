"""The command line of `mockserver diff`."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command(short_help="Compare scenarios with a real service.")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--against", required=True, metavar="URL", help="URL of the real service, such as https://api.example."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--unsafe", is_flag=True, help="Also send requests that change data: POST, PUT, PATCH, DELETE.")
@click.option(
    "--values", is_flag=True, help="Also compare values, except volatile ones such as ids and times."
)
@click.option(
    "--header",
    "-H",
    "headers",
    multiple=True,
    metavar="LINE",
    help="Header line for every request, such as 'Authorization: Bearer …'; may be repeated.",
)
@click.option(
    "--upstream-ca", default="", metavar="FILE", help="Additional CA certificates for the service, in PEM."
)
def diff(paths: tuple[str, ...], headers: tuple[str, ...], **options: Any) -> None:
    """
    Send the requests of scenarios to a real service, and show where the answers differ.

    Exit codes: 0 no difference, 1 differences, 2 the service could not be compared.
    """
    from mockserver.cli.diff_session import DiffOptions, run

    sys.exit(run(DiffOptions(paths=paths, headers=tuple(map(_line, headers)), **options)))


def _line(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is no header line; write 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()
