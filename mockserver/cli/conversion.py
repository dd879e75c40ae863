"""The command lines of `mockserver import` and `mockserver export`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click


class _Format(click.ParamType[str]):
    """A format whose module is there; for an export, one that scenarios can be written in."""

    name = "format"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from mockserver.errors import near
        from mockserver.formats import offered

        if value not in offered():
            hint = near(str(value), offered()) or f"There are: {', '.join(offered())}."
            self.fail(f"there is no format {value!r}. {hint}", param, ctx)
        return str(value)


class _WithFormats(click.Command):
    """Lists the formats below its help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from mockserver.cli.exporting import writable
        from mockserver.formats import offered

        formats = writable() if self.name == "export" else offered()
        with formatter.section("Formats"):
            formatter.write_dl(list(formats.items()))
        super().format_epilog(ctx, formatter)


_FORCE = click.option("--force", is_flag=True, help="Write over files that are there.")
_STRICT = click.option("--strict", is_flag=True, help="Write nothing where something would be lost: exit code 1.")  # fmt: skip


@click.command(name="import", cls=_WithFormats)
@click.argument("format_", metavar="FORMAT", type=_Format())
@click.argument("source", type=click.Path(exists=True))
@click.option("-o", "--output", metavar="FILE-OR-FOLDER", help="Where scenarios go; default: to stdout.")
@click.option("--name", help="The scenario's name, if it is one.")
@_STRICT
@_FORCE
def import_(format_: str, **options: Any) -> None:
    """
    Make scenarios of another tool's file or folder.

    What can't be carried over is listed on stderr, with its place. Exit codes: 0 done,
    1 something was lost and --strict is given, 2 the source or an argument is wrong,
    3 the scenario that was made doesn't load, which is a bug of the importer.
    """
    from mockserver.cli.importing import import_scenarios

    sys.exit(import_scenarios(format_, **options))


@click.command(name="export", cls=_WithFormats, short_help="Write scenarios as another tool's files.")
@click.argument("format_", metavar="FORMAT", type=_Format())
@click.argument("scenarios", nargs=-1)
@click.option("-o", "--output", metavar="FILE-OR-FOLDER", help="Where the files go; default: to stdout.")
@click.option("--from", "url", metavar="URL", help="In place of scenarios, the calls that a server recorded, such as http://localhost:8080/@checkout: for har, vcr, pact.")  # fmt: skip
@click.option("--reveal", is_flag=True, help="With --from: secrets as they came, not masked.")
@click.option("--admin-token", envvar="MOCKSERVER_ADMIN_TOKEN", show_envvar=True, help="With --from: the server's token.")  # fmt: skip
@click.option("--consumer", help="pact: who asks. Default: consumer.")
@click.option("--provider", help="pact: who answers. Default: the scenario's name.")
@click.option("--pact-version", type=click.Choice(["3", "4"]), help="pact: the version of the format. Default: 4.")  # fmt: skip
@_STRICT
@_FORCE
def export(format_: str, scenarios: tuple[str, ...], **options: Any) -> None:
    """
    Write scenario files and folders (default: scenarios/) as another tool's files.

    What can't be carried over is listed on stderr, with its place. Exit codes: 0 done,
    1 something was lost and --strict is given, 2 a scenario, the server or an argument is wrong.
    """
    from mockserver.cli.exporting import export_calls, export_scenarios

    url = options.pop("url")
    if url and scenarios:
        raise click.UsageError("a server has scenarios of its own: leave SCENARIOS or --from out")
    if url:
        sys.exit(export_calls(format_, url, **options))
    if options.pop("reveal"):
        raise click.UsageError("--reveal is for the calls of a server: give --from")
    options.pop("admin_token")
    named = os.environ.get("MOCKSERVER_PATHS", "")
    default = tuple(named.split(os.pathsep)) if named else ("scenarios/",)
    sys.exit(export_scenarios(format_, scenarios or default, **options))
