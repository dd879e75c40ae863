"""The command line of `mockserver record`."""

from __future__ import annotations

import sys
from typing import Any

import click
from click.core import ParameterSource

from mockserver.cli.parameters import BehindDashes


@click.command(
    cls=BehindDashes,
    options_metavar="[OPTIONS] [-- COMMAND...]",
    short_help="Forward requests to a real service and write a scenario.",
)
@click.option(
    "--to", required=True, metavar="URL", help="URL of the real service, such as https://api.example."
)
@click.option(
    "-o", "--output", metavar="FILE", help="Output file; - is stdout. Default: scenarios/HOST.yaml."
)
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one, as COMMAND does by default.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--upstream-ca", default="", metavar="FILE", help="Additional CA certificates for the service, in PEM."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.pass_context
def record(ctx: click.Context, /, **options: Any) -> None:
    """
    Forward requests to a real service and write its answers as a scenario.

    Point your application or its tests at the printed address, then stop with Ctrl-C. Or give COMMAND: it runs with the
    environment of `mockserver run`, so that EXTERNAL_API_URL is the recorder, and the recorder is the HTTPS proxy for the
    host of the service. The scenario is written when COMMAND ends. Exits with the code of COMMAND, or 1 if it is 0 and
    nothing was recorded.
    """
    from mockserver.cli.record_session import RecordOptions, run

    command = ctx.meta.get("command")
    if command == []:
        raise click.UsageError("There is no command after --. Write it there, as in: -- pytest")
    if command and ctx.get_parameter_source("port") is ParameterSource.DEFAULT:
        options["port"] = 0
    sys.exit(run(RecordOptions(**options, command=tuple(command or ()))))
