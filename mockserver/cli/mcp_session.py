"""
MCP on stdin and stdout, for a running server or for one that is started and stopped here: `mockserver mcp`.

Exit codes: 0 after the end of stdin, 1 if the port is not available, 2 for an invalid scenario or option.
"""

from __future__ import annotations

import asyncio
import os
import signal
from importlib.util import find_spec
from pathlib import Path

from mockserver import logs
from mockserver.app import PortInUseError
from mockserver.cli.output import say
from mockserver.cli.parameters import scenario_paths
from mockserver.client.clients import link_to
from mockserver.client.link import Link
from mockserver.errors import MissingExtraError
from mockserver.scenarios.source import LoadError
from mockserver.server import Server
from mockserver.sweep.writing import FOLDER

DONE, FAILED, WRONG = 0, 1, 2
_REPORT = f"{FOLDER}/report.json"


def running_server(url: str, admin_url: str | None, token: str | None, namespace: str | None) -> int:
    """Serve tools for a server that runs already. Return the exit code."""
    try:
        link = link_to(url if "://" in url else f"http://{url}", token, admin_url=admin_url)
    except ValueError as error:
        say(str(error))
        return WRONG
    return _serve(link.to(namespace) if namespace else link)


def own_server(paths: tuple[str, ...], port: int) -> int:
    """Serve tools for a server that is started here and stopped at the end. Return the exit code."""
    logs.set_up("text")
    if find_spec("mcp") is None:
        return _refuse_without_extra()
    named = bool(paths or os.environ.get("MOCKSERVER_PATHS"))
    found = [path for path in scenario_paths(paths) if named or Path(path).exists()]
    server = Server(*found, port=port)
    try:
        server.start()
    except LoadError as error:
        say(*error.lines)
        return WRONG
    except PortInUseError as error:
        say(str(error))
        return FAILED
    try:
        assert server.running is not None
        app = server.running.app
        say(app.describe())
        return _serve(link_to(app.mock_url, admin_url=app.own_admin_url))
    finally:
        server.stop()


def _serve(link: Link) -> int:
    try:
        from mockserver.mcp.serving import serve_stdio
        from mockserver.mcp.tools import AdminSession
    except ImportError:
        return _refuse_without_extra()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing else ends a thread that reads stdin
    try:
        asyncio.run(serve_stdio(AdminSession(link, _REPORT)))
    finally:
        link.http.close()
    return DONE


def _refuse_without_extra() -> int:
    say(str(MissingExtraError((), "`mockserver mcp`", "mcp")))
    return WRONG
