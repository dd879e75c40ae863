"""The command line of `mockserver record`."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command(short_help="Forward requests to a real service and write a scenario.")
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
    help="Port to listen on; 0 picks a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--upstream-ca", default="", metavar="FILE", help="Additional CA certificates for the service, in PEM."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def record(**options: Any) -> None:
    """
    Forward requests to a real service and write its answers as a scenario.

    Point your application or its tests at the printed address, then stop with Ctrl-C.
    """
    from mockserver.cli.record_session import RecordOptions, run

    sys.exit(run(RecordOptions(**options)))
