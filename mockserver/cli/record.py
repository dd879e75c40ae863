"""The command line of `mockserver record`."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command(short_help="Pass requests on to a real service, and write a scenario.")
@click.option("--to", required=True, metavar="URL", help="The real service, such as https://api.example.")
@click.option(
    "-o", "--output", metavar="FILE", help="The scenario; - is stdout. Default: scenarios/HOST.yaml."
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
    "--upstream-ca", default="", metavar="FILE", help="CAs in PEM that the service is trusted by too."
)
@click.option("--force", is_flag=True, help="Write over a scenario that is there already.")
def record(**options: Any) -> None:
    """
    Pass requests on to a real service, and write what it answers as a scenario.

    Have your application or its tests use the address that is printed, then end it with Ctrl-C.
    """
    from mockserver.cli.record_session import RecordOptions, run

    sys.exit(run(RecordOptions(**options)))
