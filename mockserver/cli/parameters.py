"""Values of options that several commands have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from mockserver.settings import Settings

if TYPE_CHECKING:
    from urllib.request import OpenerDirector


class BehindDashes(click.Command):
    """A command that takes the arguments after `--` unchanged: a command with its own options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["command"] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


class Duration(click.ParamType[Any]):
    """A duration as the scenario language writes it, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from mockserver.model.durations import HINT, parse_duration_s

        try:
            return parse_duration_s(value)
        except ValueError:
            self.fail(f"{value!r} is not a valid duration. {HINT}", param, ctx)


class HeaderLine(click.ParamType[Any]):
    """A header line as name and value."""

    name = "text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, colon, text = value.partition(":")
        if not colon or not name.strip():
            self.fail(f"{value!r} is not a valid header line; write 'Name: value'", param, ctx)
        return name.strip(), text.strip()


def scenario_paths(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the given paths; without any, those of MOCKSERVER_PATHS or the default."""
    named = os.environ.get("MOCKSERVER_PATHS", "")
    return given or (tuple(named.split(os.pathsep)) if named else Settings().paths)


def without_proxy() -> OpenerDirector:
    """Return an opener that ignores the proxies of the environment: they are not for a server nearby."""
    from urllib.request import ProxyHandler, build_opener  # here, since `serve` needs none

    return build_opener(ProxyHandler({}))


def token_in(file: str) -> str:
    """Return the admin token that a file has. Raises BadParameter if it has none."""
    with open(file, encoding="utf-8") as stream:  # noqa: PTH123  (a path that click has checked)
        token = stream.read().strip()
    if not token:
        raise click.BadParameter(f"{file} holds no token", param_hint="--admin-token-file")
    return token


def own_url() -> str:
    """Return the URL at which a server that was started with this environment has its admin API."""
    default = Settings()
    host = os.environ.get("MOCKSERVER_HOST", default.host)
    if host.startswith("tcp://"):
        host = default.host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  (compared, not listened on)
        host = "127.0.0.1"
    ports = (os.environ.get(name, "") for name in ("MOCKSERVER_ADMIN_PORT", "MOCKSERVER_PORT"))
    port = next((port for port in ports if port and not port.startswith("tcp://")), str(default.port))
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
