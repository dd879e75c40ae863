"""`mockserver routes`, `scenarios` and `namespaces`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from mockserver.cli.remote.connection import (
    DurationText,
    ask,
    connected,
    connected_with_json,
    document_in,
    printed_json,
    server,
)
from mockserver.cli.remote.tables import print_table
from mockserver.client.errors import Refused
from mockserver.client.link import Link, segment
from mockserver.model.plural import counted

View = Mapping[str, Any]


# Routes


@click.group(invoke_without_command=True, short_help="List, add or remove routes of a running server.")
@click.option("--tag", help="Only routes with this tag.")
@connected_with_json
@click.pass_context
def routes(ctx: click.Context, tag: str | None) -> None:
    """List the routes of a running server. The subcommands add and remove routes; files are never changed."""
    if ctx.invoked_subcommand is not None:
        if tag is not None:
            raise click.UsageError("--tag is for the list of routes")
        return
    document = ask("GET", "/routes", tag=tag)
    if printed_json(document):
        return
    rows = ((route["id"], route["request"], route["calls"], _step(route)) for route in document["items"])
    print_table(("route", "request", "calls", "step"), rows, "no routes")


def _step(route: View) -> str:
    return "exhausted" if route["exhausted"] else f"{route['step']} of {route['steps']}"


@routes.command()
@click.argument("source", metavar="YAML|FILE")
@connected_with_json
def add(source: str) -> None:
    """
    Add a route, or a list of routes, in YAML or JSON: as text, in a file, or from stdin (-).

    A new route is matched before all others of its priority. If one of several is invalid, none is added.
    """
    given = document_in(source, "YAML|FILE")
    with server() as link:
        views = _added(link, given if isinstance(given, list) else [given])
    if printed_json(views if isinstance(given, list) else views[0]):
        return
    for view in views:
        click.echo(view["id"])


def _added(link: Link, documents: list[Any]) -> list[View]:
    """Add all routes, or none. Raises Refused."""
    views: list[View] = []
    try:
        # The newest is matched first, so the first of the list is added last.
        for document in reversed(documents):
            views.insert(0, link.send("POST", "/routes", document))
    except Refused:
        for view in views:
            link.send("DELETE", f"/routes/{segment(view['id'])}")
        raise
    return views


@routes.command()
@click.argument("route", required=False)
@click.option("--all", "every", is_flag=True, help="All routes that were added at runtime.")
@connected
def remove(route: str | None, *, every: bool) -> None:
    """Remove ROUTE, the id or name of a route, from the running server. A reset restores routes of files."""
    if (route is None) != every:
        raise click.UsageError("give a ROUTE, or --all for all routes that were added at runtime")
    ask("DELETE", "/routes" if route is None else f"/routes/{segment(route)}")
    click.echo("removed all routes that were added at runtime" if route is None else f"removed {route}")


# Scenarios


@click.group(invoke_without_command=True, short_help="List, load or switch scenarios of a running server.")
@connected_with_json
@click.pass_context
def scenarios(ctx: click.Context) -> None:
    """List the scenarios of a running server. The subcommands change them in one namespace; files are never changed."""
    if ctx.invoked_subcommand is None:
        _print_scenarios(ask("GET", "/scenarios"))


def _print_scenarios(document: View) -> None:
    if printed_json(document):
        return
    rows = (
        (item["name"], item["active"], len(item["routes"]), item["file"] or item["origin"])
        for item in document["items"]
    )
    print_table(("scenario", "active", "routes", "origin"), rows, "no scenarios")


def _print_scenario(view: View) -> None:
    if not printed_json(view):
        click.echo(f"{view['name']}: {'active' if view['active'] else 'not active'}")


def _switch(name: str, *, active: bool) -> None:
    _print_scenario(ask("PATCH", f"/scenarios/{segment(name)}", {"active": active}))


@scenarios.command()
@click.argument("name")
@connected_with_json
def on(name: str) -> None:
    """Activate a scenario."""
    _switch(name, active=True)


@scenarios.command()
@click.argument("name")
@connected_with_json
def off(name: str) -> None:
    """Deactivate a scenario: its routes match no request."""
    _switch(name, active=False)


@scenarios.command()
@click.argument("names", nargs=-1, required=True)
@connected_with_json
def use(names: tuple[str, ...]) -> None:
    """Activate exactly these scenarios, and deactivate all others."""
    _print_scenarios(ask("POST", "/scenarios/use", {"names": list(names)}))


@scenarios.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@connected_with_json
def load(file: str) -> None:
    """Add the scenario in FILE, with the files that it refers to. A scenario of the same name is replaced."""
    from mockserver.client.bundles import read_scenario

    try:
        scenario = read_scenario(file)
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{file} can't be read: {error}", param_hint="FILE") from error
    _print_scenario(ask("PUT", f"/scenarios/{segment(scenario.name)}", scenario.document))


@scenarios.command(name="remove")
@click.argument("name")
@connected
def remove_scenario(name: str) -> None:
    """Remove a scenario from the namespace. A reset restores scenarios of files."""
    ask("DELETE", f"/scenarios/{segment(name)}")
    click.echo(f"removed {name}")


@scenarios.command(name="reload")
@connected_with_json
def reload_files() -> None:
    """Read the scenario files of the server again. If one is invalid, nothing changes."""
    with server() as link:
        view = link.at_root("POST", "/reload")
    if printed_json(view):
        return
    for warning in view["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{counted(view['scenarios'], 'scenario')}, {counted(view['routes'], 'route')}")


# Namespaces


@click.group(invoke_without_command=True, short_help="List, create or remove namespaces of a running server.")
@connected_with_json
@click.pass_context
def namespaces(ctx: click.Context) -> None:
    """List the namespaces of a running server. Each has its own calls, state, sequences and clock."""
    if ctx.invoked_subcommand is not None:
        return
    with server() as link:
        document = link.at_root("GET", "/namespaces")
    if printed_json(document):
        return
    rows = ((item["name"], item["url"], item["ttl"], item["seed"]) for item in document["items"])
    print_table(("namespace", "url", "ttl", "seed"), rows, "no namespaces")


@namespaces.command()
@click.argument("name", required=False)
@click.option("--ttl", type=DurationText(), help="Idle time after which it is removed. Default: 1h.")
@click.option("--seed", help="Seed for random values. Default: the name.")
@click.option("--scenario", "chosen", multiple=True, metavar="NAME", help="Only this scenario is active; may be repeated.")  # fmt: skip
@connected_with_json
def create(name: str | None, ttl: str | None, seed: str | None, chosen: tuple[str, ...]) -> None:
    """Create an isolated namespace, and print its URL. Without NAME, a name is generated."""
    given = {"name": name, "ttl": ttl, "seed": seed, "scenarios": list(chosen) or None}
    body = {key: value for key, value in given.items() if value is not None}
    with server() as link:
        view = link.at_root("POST", "/namespaces", body)
    if not printed_json(view):
        click.echo(view["url"])


@namespaces.command(name="remove")
@click.argument("name")
@connected
def remove_namespace(name: str) -> None:
    """Remove a namespace and its data."""
    with server() as link:
        link.at_root("DELETE", f"/namespaces/{segment(name)}")
    click.echo(f"removed {name}")
