"""The command line of `mockserver mcp`."""

from __future__ import annotations

import sys

import click


@click.command(name="mcp", short_help="Serve tools for AI assistants on stdin and stdout (MCP).")
@click.argument("paths", nargs=-1)
@click.option(
    "--url",
    envvar="MOCKSERVER_URL",
    show_envvar=True,
    metavar="URL",
    help="URL of a running server, such as http://localhost:8080; /@NAME at its end selects a namespace.",
)
@click.option(
    "--admin-url",
    envvar="MOCKSERVER_ADMIN_URL",
    show_envvar=True,
    metavar="URL",
    help="With --url: URL of the admin API, if it has a separate port.",
)
@click.option(
    "--admin-token",
    envvar="MOCKSERVER_ADMIN_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="With --url: admin token of the server.",
)
@click.option("--namespace", metavar="NAME", help="Default namespace of the tools.  [default: default]")
@click.option(
    "--port",
    default=0,
    show_default="a free one",
    type=click.IntRange(0, 65535),
    help="Without --url: port of the server that is started.",
)
def mcp(
    paths: tuple[str, ...],
    url: str | None,
    admin_url: str | None,
    admin_token: str | None,
    namespace: str | None,
    port: int,
) -> None:
    """
    Serve tools, resources and prompts for AI assistants by the Model Context Protocol, on stdin and stdout.

    An assistant starts this command itself. With --url, the tools control a running server. Without, a server is started
    with the scenario files and folders PATHS (default: scenarios/, if it exists), and stopped at the end. Exit codes: 0
    after the end of stdin, 1 if the port is not available, 2 for an invalid scenario or option.
    """
    from mockserver.cli.mcp_session import own_server, running_server

    if url and paths:
        raise click.UsageError("a running server has scenarios of its own: leave PATHS or --url out")
    if url:
        sys.exit(running_server(url, admin_url, admin_token, namespace))
    if admin_url or namespace:
        raise click.UsageError("--admin-url and --namespace are for a running server: give --url")
    sys.exit(own_server(paths, port))
