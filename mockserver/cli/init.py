"""The command line of `mockserver init`."""

from __future__ import annotations

import sys

import click

from mockserver.cli.conversion import FormatName, WithFormats


@click.command(cls=WithFormats, short_help="Create a first scenario, a test and a compose file.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option("--from", "source", type=(FormatName(), click.Path(exists=True)), metavar="FORMAT FILE", help="Start from a file of another tool, as `mockserver import` reads it, such as: openapi spec.yaml.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def init(folder: str, source: tuple[str, str] | None, *, force: bool) -> None:
    """
    Create a scenario in DIR/scenarios, a test for pytest that uses it, and a compose file that serves it.

    The test needs only pytest and the standard library. Exit codes: 0 success, 2 nothing was written, because a file
    exists or the source is invalid.
    """
    from mockserver.cli.init_session import create

    sys.exit(create(folder, source, force=force))
