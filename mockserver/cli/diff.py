"""The command line of `mockserver diff`."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command(short_help="Say where a real service and scenarios have drifted apart.")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--against", required=True, metavar="URL", help="The real service, such as https://api.example."
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--unsafe", is_flag=True, help="Ask what changes things too: POST, PUT, PATCH, DELETE.")
@click.option("--values", is_flag=True, help="Compare values too, but for those that change by nature.")
@click.option(
    "--header",
    "-H",
    "headers",
    multiple=True,
    metavar="LINE",
    help="Sent with every request, such as 'Authorization: Bearer …'.",
)
@click.option(
    "--upstream-ca", default="", metavar="FILE", help="CAs in PEM that the service is trusted by too."
)
def diff(paths: tuple[str, ...], headers: tuple[str, ...], **options: Any) -> None:
    """
    Ask a real service what scenarios answer, and show where they have drifted apart.

    Exit code 0: nowhere; 1: somewhere; 2: it could not be asked.
    """
    from mockserver.cli.diff_session import DiffOptions, run

    sys.exit(run(DiffOptions(paths=paths, headers=tuple(map(_line, headers)), **options)))


def _line(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r} is no header line; write 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()
