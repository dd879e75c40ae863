"""The command line of `mockserver sweep`."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli.parameters import BehindDashes, Duration, scenario_paths


def _fail_on(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    from mockserver.sweep.failing import parse_fail_on

    try:
        return parse_fail_on(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@click.command(
    cls=BehindDashes,
    options_metavar="[OPTIONS] [PATHS]... -- COMMAND...",
    short_help="Run COMMAND once for each call and each kind of failure.",
)
@click.argument("paths", nargs=-1, metavar="")
@click.option(
    "--only",
    multiple=True,
    metavar="CELL",
    help="Run only these cells, such as 'create-charge#2/reset-after-effect'; * matches anything; may be repeated.",
)
@click.option(
    "--troubles",
    type=click.Path(exists=True, dir_okay=False),
    help="File that adds or restricts kinds of failure.",
)
@click.option("--max-cells", type=click.IntRange(1), help="Maximum number of cells, sampled evenly.")
@click.option("--pairs", type=click.IntRange(0), default=0, metavar="N", help="Also run N pairs of failures: two in one run, selected by the seed.")  # fmt: skip
@click.option("--seed", default="", help="Seed for random values and the sample of cells.")
@click.option("--limit", "limit_s", type=Duration(), metavar="DURATION", help="Maximum duration of a cell. Default: 30 s plus five times the clean run.")  # fmt: skip
@click.option("--fail-on", callback=_fail_on, default="harmed,rules", show_default=True, metavar="WHAT", help="What fails the sweep: harmed, rules (a retry rule that is certainly broken), or both.")  # fmt: skip
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Number of cells that run in parallel.",
)
@click.option(
    "--url",
    envvar="MOCKSERVER_URL",
    show_envvar=True,
    help="Use the mock server at this URL, with its scenarios.",
)
@click.pass_context
def sweep(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> None:
    """
    Run COMMAND once for each call that it makes and each kind of failure.

    COMMAND gets the URL of the service as EXTERNAL_API_URL, with a new namespace for each
    run. Exit code 0 of COMMAND means that it survived. PATHS are scenario files and folders
    (default: scenarios/). The report is written to mock-server-sweep/.
    """
    command: list[str] = ctx.meta.get("command", [])
    if not command:
        raise click.UsageError(
            "no command. Write it behind two dashes: mockserver sweep scenarios/ -- npm test", ctx
        )
    if options["url"] and paths:
        raise click.UsageError(
            "a server that runs already has scenarios of its own: leave PATHS or --url out", ctx
        )
    from mockserver.cli.sweep_session import SweepOptions, run

    sys.exit(
        run(SweepOptions(paths=scenario_paths(paths), command=tuple(command), written_paths=paths, **options))
    )
