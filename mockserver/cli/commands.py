"""The command line. The commands for a running server, and `init`, are imported when they are used."""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib import import_module
from typing import Any, TypeVar

import click

from mockserver import __version__
from mockserver.cli.conversion import export, import_
from mockserver.cli.diff import diff
from mockserver.cli.mcp import mcp
from mockserver.cli.parameters import (
    BehindDashes,
    Duration,
    HeaderLine,
    own_url,
    scenario_paths,
    token_in,
    without_proxy,
)
from mockserver.cli.record import record
from mockserver.cli.sweep import sweep
from mockserver.errors import near
from mockserver.settings import Flag, Settings

F = TypeVar("F", bound=Callable[..., Any])


class _Flag(click.Option):
    """A flag whose environment variable may be a Kubernetes service link, which is ignored with a word."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        if value is not None and value.startswith("tcp://"):
            click.echo(
                f"{self.envvar}={value} is a Kubernetes service link, not a setting: ignored", err=True
            )
            return None
        return value


_OTHER_VARIABLES = frozenset({"MOCKSERVER_PATHS", "MOCKSERVER_URL", "MOCKSERVER_ADMIN_URL"})
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP|SCTP)")


def _tell_ignored_variables(command: click.Command) -> None:
    """Print the variables that begin as those of the settings and are none; not the service links of Kubernetes."""
    prefix = "MOCKSERVER_"
    settings = {str(option.envvar) for option in command.params if option.envvar}
    for name, value in sorted(os.environ.items()):
        if not name.startswith(prefix) or name in settings | _OTHER_VARIABLES:
            continue
        if _SERVICE_LINK.search(name) or value.startswith("tcp://"):
            continue
        words = [setting.removeprefix(prefix) for setting in settings]
        hint = near(name.removeprefix(prefix), words).replace("'", f"'{prefix}", 1)
        click.echo(
            f"{name} is not a setting: ignored. {hint or '`mockserver serve --help` lists the settings.'}",
            err=True,
        )


def flag(*names: str, **options: object) -> Callable[[F], F]:
    """An option that can also be set by MOCKSERVER_<FLAG>."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    options.setdefault("envvar", "MOCKSERVER_" + long[2:].upper().replace("-", "_"))
    options.setdefault("show_envvar", True)
    return click.option(*names, cls=_Flag, **options)


class _Size(click.ParamType[Any]):
    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        from mockserver.schema.reply import parse_size

        try:
            return parse_size(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a size; write a number of bytes, or 64KB, 16MiB", param, ctx)


def setting_flags(command: F) -> F:
    """Add a flag for each setting that has one, in their order."""
    for setting in reversed(fields(Settings)):
        how = setting.metadata.get("flag")
        if how is None:
            continue
        name = how.name or "--" + setting.name.replace("_", "-")
        if how.file_help:
            path = click.Path(exists=True, dir_okay=False)
            command = flag(f"{name}-file", type=path, help=how.file_help)(command)
        command = flag(
            name, setting.name, help=how.help, metavar=how.metavar, **_typed(setting.default, how)
        )(command)
    return command


def _typed(default: Any, how: Flag) -> dict[str, Any]:
    """The type of a flag and what `--help` shows as its default, by the default itself."""
    if isinstance(default, bool):
        return {"is_flag": True}
    if isinstance(default, tuple):
        return {"multiple": True}
    if default is None:
        return {"type": click.IntRange(how.least, how.most)}
    if how.unit:
        kind: click.ParamType[Any] = _Size() if how.unit == "size" else Duration()
    elif isinstance(default, int):
        kind = click.IntRange(how.least, how.most)
    else:
        kind = click.Choice(how.choices) if how.choices else click.STRING
    return {"default": default, "show_default": how.shown or default != "" or None, "type": kind}


_LATER = {
    "attempts": "remote.checks:attempts",
    "calls": "remote.calls:calls",
    "clock": "remote.control:clock",
    "count": "remote.calls:count",
    "init": "init:init",
    "load": "remote.load:load",
    "namespaces": "remote.contents:namespaces",
    "outage": "remote.control:outage",
    "pact": "pact:pact",
    "reset": "remote.control:reset",
    "routes": "remote.contents:routes",
    "scenarios": "remote.contents:scenarios",
    "verify": "remote.checks:verify",
}
"""Where the commands are that are imported when they are used: a start of `serve` does not need them."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LATER})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LATER and cmd_name not in self.commands:
            module, _, name = _LATER[cmd_name].partition(":")
            self.add_command(getattr(import_module(f"mockserver.cli.{module}"), name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="mockserver")
def main() -> None:
    """A programmable mock server for external services."""


main.add_command(sweep)
main.add_command(record)
main.add_command(diff)
main.add_command(mcp)
main.add_command(import_)
main.add_command(export)


def _with_token(file: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """The options, with the token that the file holds."""
    if file:
        options["admin_token"] = token_in(file)
    return options


@main.command(short_help="Serve scenario files and folders.")
@click.argument("paths", nargs=-1)
@setting_flags
@click.pass_context
def serve(
    ctx: click.Context, /, paths: tuple[str, ...], admin_token_file: str | None, **options: Any
) -> None:
    """Serve scenario files and folders (default: scenarios/, if it exists)."""
    gc.disable()  # what a start makes, stays; `run` has it collect once the server serves
    from mockserver.server.running import run

    _tell_ignored_variables(ctx.command)
    _with_token(admin_token_file, options)
    named = bool(paths or os.environ.get("MOCKSERVER_PATHS"))
    sys.exit(run(Settings(paths=scenario_paths(paths), paths_may_lack=not named, **options)))


@main.command(
    cls=BehindDashes,
    options_metavar="[OPTIONS] [PATHS]... -- COMMAND...",
    short_help="Run COMMAND with the server as its HTTPS proxy.",
)
@click.argument("paths", nargs=-1, metavar="")
@setting_flags
@click.pass_context
def run(ctx: click.Context, /, paths: tuple[str, ...], admin_token_file: str | None, **options: Any) -> None:
    """
    Run COMMAND with a server as its proxy for http and https.

    The options are those of `serve`; TLS is on, and the port is a free one unless it is given. EXTERNAL_API_URL is the URL of
    the server. Exits with the code of COMMAND, or 1 if it is 0 and an `expect` is not met.
    """
    from mockserver.cli.run_session import run_command

    command = ctx.meta.get("command")
    if not command:
        raise click.UsageError("There is no command. Write it after --, as in: mockserver run -- pytest")
    if options["store"]:
        raise click.UsageError("--store is not for `run`: its server is for COMMAND alone. Use `serve`")
    _tell_ignored_variables(ctx.command)
    if ctx.get_parameter_source("port") is click.core.ParameterSource.DEFAULT:
        options["port"] = 0
    named = bool(paths or os.environ.get("MOCKSERVER_PATHS"))
    options |= {"tls": True, "paths": scenario_paths(paths), "paths_may_lack": not named}
    sys.exit(run_command(Settings(**_with_token(admin_token_file, options)), command))


@main.command()
@click.argument("paths", nargs=-1)
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
def check(paths: tuple[str, ...], *, strict: bool) -> None:
    """Validate scenario files without serving them."""
    from mockserver.verification.checking import check_paths

    errors, warnings, summary = check_paths(scenario_paths(paths))
    for line in (*errors, *(f"warning: {line}" for line in warnings)):
        click.echo(line, err=True)
    if errors:
        sys.exit(2)
    click.echo(summary)
    sys.exit(2 if strict and warnings else 0)


@main.command(short_help="Show which route answers a request, and why.")
@click.argument("paths", nargs=-1)
@click.option("--request", "line", required=True, help="A request line, such as 'POST /v1/charges?x=1'.")
@click.option(
    "--header",
    "-H",
    "headers",
    type=HeaderLine(),
    multiple=True,
    help="A header line, such as 'Authorization: Bearer x'.",
)
@click.option("--json", "json_body", help="The body as JSON, or the message of a gRPC call.")
@click.option("--form", "forms", multiple=True, help="A form field, such as amount=5; may be repeated.")
@click.option("--text", help="The body as text.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(
    paths: tuple[str, ...],
    line: str,
    headers: tuple[tuple[str, str], ...],
    json_body: str | None,
    forms: tuple[str, ...],
    text: str | None,
    output: str,
) -> None:
    """Show which route answers a request, and why the others don't match, without a server."""
    from mockserver.errors import InvalidInputError
    from mockserver.model.grpc import METHOD as GRPC
    from mockserver.model.http import GRAPHQL, grouped
    from mockserver.scenarios.source import LoadError
    from mockserver.verification.checking import explain_request, explained_text

    method, _, path = line.strip().partition(" ")
    if method.startswith("/"):
        raise click.BadParameter(f"{line!r} has no method. Write 'GET {line}'", param_hint="--request")
    is_rpc = method in (GRPC, GRAPHQL)
    where = {"request": line} if is_rpc else {"method": method, "path": path.strip() or "/"}
    request: dict[str, Any] = {**where, "headers": grouped(headers)}
    if json_body is not None:
        request["message" if method == GRPC else "json"] = _json_of(json_body)
    if forms:
        request["form"] = grouped(_pairs(forms))
    if text is not None:
        request["text"] = text
    try:
        view = explain_request(scenario_paths(paths), request)
    except LoadError as error:
        click.echo("\n".join(error.lines), err=True)
        sys.exit(2)
    except InvalidInputError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    click.echo(json.dumps(view, indent=2) if output == "json" else explained_text(view))
    sys.exit(0 if view["route"] is not None else 1)


def _pairs(forms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for form in forms:
        name, equals, value = form.partition("=")
        if not equals:
            raise click.BadParameter(f"{form!r} is not a valid field; write name=value", param_hint="--form")
        yield name, value


def _json_of(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is not valid JSON: {error}", param_hint="--json") from error


@main.command(short_help="Print the JSON Schema of scenario files.")
@click.argument("which", type=click.Choice(["scenario", "troubles"]), default="scenario")
def schema(which: str) -> None:
    """Print the JSON Schema of scenario files, or of the trouble file of the sweep."""
    if which == "troubles":
        from mockserver.sweep.kinds import schema_document
    else:
        from mockserver.schema.scenario import schema_document

    click.echo(json.dumps(schema_document(), indent=2))


@main.command(short_help="Exit with 0 if a server is healthy.")
@click.argument("url", required=False)
def healthcheck(url: str | None) -> None:
    """Exit with 0 if a server is healthy, for containers without curl (default URL: from the MOCKSERVER_ variables)."""
    from http.client import HTTPException
    from urllib.error import HTTPError

    target = url or own_url()
    if "/__admin" not in target:
        target = target.rstrip("/") + "/__admin/health"
    try:
        with without_proxy().open(target, timeout=3) as answer:
            document = json.load(answer)
        scenarios, routes = document["scenarios"], document["routes"]
    except (OSError, ValueError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        click.echo(f"{target} is not healthy: {error}", err=True)
        sys.exit(1)
    except (KeyError, TypeError):
        click.echo(f"{target} is not healthy: the server there is not a mockserver", err=True)
        sys.exit(1)
    click.echo(f"{target} is healthy: {scenarios} scenarios, {routes} routes")
