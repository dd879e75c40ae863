"""The server that a command talks to: its options, the requests, and errors that say what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from click.core import ParameterSource

from mockserver.cli.parameters import own_url, token_in
from mockserver.cli.remote.tables import printable

if TYPE_CHECKING:
    from mockserver.client.errors import Refused
    from mockserver.client.link import Link

F = TypeVar("F", bound=Callable[..., Any])
FAILED, WRONG = 1, 2
"""Exit codes: a check failed; the question is wrong, or the server can't be asked."""
_KEPT = "mockserver.connection"
_REMEDIES = {
    "no-token": "Give the token with --admin-token, or set MOCKSERVER_ADMIN_TOKEN.",
    "no-such-namespace": "`mockserver namespaces` lists the namespaces, `mockserver namespaces create NAME` creates one.",
    "unmatched": "The admin API has a separate port: give its URL with --admin-url or MOCKSERVER_ADMIN_URL.",
    "no-reveal": "Leave --reveal out, run the command on the machine of the server, or start the server with --admin-token.",
}
"""Hints for the command line, by the kind of problem."""


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Keep the value of an option. A command and its subcommands share them, so that the place does not matter."""
    assert param.name is not None
    kept = ctx.meta.setdefault(_KEPT, {})
    if param.name not in kept or ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
        kept[param.name] = value


def connected(command: F) -> F:
    """Add the options that say which server, and which of its namespaces."""
    for option in (
        click.option("--admin-token-file", envvar="MOCKSERVER_ADMIN_TOKEN_FILE", show_envvar=True, type=click.Path(exists=True, dir_okay=False), expose_value=False, callback=_keep, help="File that contains the admin token."),
        click.option("--admin-token", envvar="MOCKSERVER_ADMIN_TOKEN", show_envvar=True, expose_value=False, callback=_keep, help="Admin token of the server."),
        click.option("--admin-url", envvar="MOCKSERVER_ADMIN_URL", show_envvar=True, metavar="URL", expose_value=False, callback=_keep, help="URL of the admin API, if it has a separate port."),
        click.option("--namespace", "-n", metavar="NAME", expose_value=False, callback=_keep, help="Namespace. Default: that of the URL (/@NAME), or default."),
        click.option("--url", envvar="MOCKSERVER_URL", show_envvar=True, metavar="URL", expose_value=False, callback=_keep, help="URL of the server. Default: http://127.0.0.1:8080, or by the variables of `serve`."),
    ):  # fmt: skip
        command = option(command)
    return command


def json_option(command: F) -> F:
    """Add --json."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Print the answer of the admin API as JSON.",
    )(command)


def connected_with_json(command: F) -> F:
    """Add --json, and the options that say which server, and which of its namespaces."""
    return json_option(connected(command))


def wants_json() -> bool:
    return bool(_kept().get("as_json"))


def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = click.get_current_context().meta[_KEPT]
    return kept


@contextmanager
def server() -> Iterator[Link]:
    """
    The admin API of the namespace that the options name.

    A problem is printed with what to do about it, and ends the command with exit code 2. A failed check is raised.
    """
    from mockserver.client.errors import Refused, Unreachable, VerificationFailed

    kept = _kept()
    url = kept["url"]
    try:
        link = _link(kept)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    try:
        yield link
    except VerificationFailed:
        raise
    except Refused as error:
        refuse(_said(error))
    except Unreachable as error:
        where = "" if url else " with --url or MOCKSERVER_URL"
        refuse(f"{error}{where}.")
    finally:
        link.http.close()


def ask(method: str, path: str, document: object = ..., **options: Any) -> Any:
    """Return the answer of the namespace to one request; see `server` for errors, `Link.send` for `options`."""
    with server() as link:
        return link.send(method, path, document, **options)


def _link(kept: Mapping[str, Any]) -> Link:
    """Raises ValueError for an invalid URL."""
    from mockserver.client.clients import link_to

    token = token_in(kept["admin_token_file"]) if kept["admin_token_file"] else kept["admin_token"]
    link = link_to(kept["url"] or own_url(), token, admin_url=kept["admin_url"])
    return link if kept["namespace"] is None else link.to(kept["namespace"])


def _said(error: Refused) -> str:
    """The problem, with what to do about it on the command line instead of the server's words for HTTP clients."""
    remedy = _REMEDIES.get(error.kind)
    if remedy is None:
        return str(error)
    return f"{error.problem['title'].rstrip('.')}. {remedy}"


def refuse(text: str) -> NoReturn:
    """Print why the command can't be executed, and end it."""
    click.echo(printable(text), err=True)
    sys.exit(WRONG)


def print_json(document: object, indent: int | None = 2) -> None:
    """Print JSON. Lone surrogates, which no output can encode, stay escaped as in the answer."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def printed_json(document: object) -> bool:
    """Print an answer as JSON if --json is given. Return whether it is."""
    if wants_json():
        print_json(document)
    return wants_json()


def mapping_in(text: str, option: str) -> dict[str, Any]:
    """Return the mapping that an option has in YAML or JSON. Raises BadParameter."""
    data = yaml_in(text, option)
    if not isinstance(data, dict):
        raise click.BadParameter(
            f"{text!r} is not a mapping; write it in YAML or JSON, such as '{{name: value}}'",
            param_hint=option,
        )
    return data


def yaml_in(text: str, option: str) -> Any:
    """Return the value of a text in YAML or JSON. Raises BadParameter."""
    from mockserver.errors import InvalidInputError
    from mockserver.scenarios.yaml.yaml12 import parse

    try:
        return parse(text)
    except InvalidInputError as error:
        raise click.BadParameter(f"it is not valid YAML: {error}", param_hint=option) from error


def document_in(source: str, what: str) -> Any:
    """Return what a file, stdin (-) or the text itself has in YAML or JSON. Raises BadParameter, UsageError."""
    from pathlib import Path

    if source == "-":
        return yaml_in(sys.stdin.read(), what)
    path = Path(source)
    if len(source) < 1000 and "\n" not in source and path.is_file():
        try:
            return yaml_in(path.read_text("utf-8"), what)
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{source} can't be read: {error}", param_hint=what) from error
    data = yaml_in(source, what)
    if isinstance(data, (dict, list)):
        return data
    raise click.BadParameter(f"{source!r} is neither a file nor a mapping in YAML or JSON", param_hint=what)


class DurationText(click.ParamType[str]):
    """A duration for the server, as the scenario language writes it. A number is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from mockserver.model.durations import HINT, format_duration, parse_duration_s

        try:
            return format_duration(float(value))
        except (ValueError, OverflowError):
            pass
        try:
            parse_duration_s(value)
        except ValueError:
            self.fail(f"{value!r} is not a valid duration. {HINT}", param, ctx)
        return str(value)
