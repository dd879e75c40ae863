"""The command lines of `mockserver import` and `mockserver export`."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli.parameters import scenario_paths


class FormatName(click.ParamType[str]):
    """A format whose module is there; for an export, one that scenarios can be written in."""

    name = "format"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from mockserver.errors import near
        from mockserver.formats import offered

        if value not in offered():
            hint = near(str(value), offered()) or f"There are: {', '.join(offered())}."
            self.fail(f"there is no format {value!r}. {hint}", param, ctx)
        return str(value)


class WithFormats(click.Command):
    """Lists the formats below its help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from mockserver.cli.exporting import writable
        from mockserver.formats import offered

        formats = writable() if self.name == "export" else offered()
        with formatter.section("Formats"):
            formatter.write_dl(list(formats.items()))
        super().format_epilog(ctx, formatter)


_FORCE = click.option("--force", is_flag=True, help="Overwrite existing files.")
_STRICT = click.option("--strict", is_flag=True, help="If something would be lost, write nothing and exit with 1.")  # fmt: skip


@click.command(name="import", cls=WithFormats)
@click.argument("format_", metavar="FORMAT", type=FormatName())
@click.argument("source", type=click.Path(exists=True))
@click.option("-o", "--output", metavar="FILE-OR-FOLDER", help="Output file or folder; default: stdout.")
@click.option("--name", help="Name of the scenario, if there is only one.")
@_STRICT
@_FORCE
def import_(format_: str, **options: Any) -> None:
    """
    Convert a file or folder of another tool to scenarios.

    What can't be converted is listed on stderr, with its location. Exit codes: 0 success,
    1 something was lost and --strict is given, 2 the source or an argument is invalid,
    3 the created scenario doesn't load, which is a bug of the importer.
    """
    from mockserver.cli.importing import import_scenarios

    sys.exit(import_scenarios(format_, **options))


@click.command(name="export", cls=WithFormats, short_help="Convert scenarios to the format of another tool.")
@click.argument("format_", metavar="FORMAT", type=FormatName())
@click.argument("scenarios", nargs=-1)
@click.option("-o", "--output", metavar="FILE-OR-FOLDER", help="Output file or folder; default: stdout.")
@click.option("--from", "url", metavar="URL", help="Export the call log of a server instead, such as http://localhost:8080/@checkout; for har, vcr, pact.")  # fmt: skip
@click.option("--reveal", is_flag=True, help="With --from: do not mask secrets.")
@click.option("--admin-token", envvar="MOCKSERVER_ADMIN_TOKEN", show_envvar=True, help="With --from: admin token of the server.")  # fmt: skip
@click.option("--consumer", help="pact: name of the consumer. Default: consumer.")
@click.option("--provider", help="pact: name of the provider. Default: name of the scenario.")
@click.option("--pact-version", type=click.Choice(["3", "4"]), help="pact: version of the format. Default: 4.")  # fmt: skip
@_STRICT
@_FORCE
def export(format_: str, scenarios: tuple[str, ...], **options: Any) -> None:
    """
    Convert scenario files and folders (default: scenarios/) to the format of another tool.

    What can't be converted is listed on stderr, with its location. Exit codes: 0 success,
    1 something was lost and --strict is given, 2 a scenario, the server or an argument is invalid.
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
    sys.exit(export_scenarios(format_, scenario_paths(scenarios), **options))
