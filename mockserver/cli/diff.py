"""The command line of `mockserver diff`."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli.parameters import HeaderLine


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
    type=HeaderLine(),
    multiple=True,
    metavar="LINE",
    help="Header line for every request, such as 'Authorization: Bearer …'; may be repeated.",
)
@click.option(
    "--upstream-ca", default="", metavar="FILE", help="Additional CA certificates for the service, in PEM."
)
def diff(paths: tuple[str, ...], headers: tuple[tuple[str, str], ...], **options: Any) -> None:
    """
    Send the requests of scenarios to a real service, and show where the answers differ.

    Exit codes: 0 no difference, 1 differences, 2 the service could not be compared.
    """
    from mockserver.cli.diff_session import DiffOptions, run

    sys.exit(run(DiffOptions(paths=paths, headers=headers, **options)))
