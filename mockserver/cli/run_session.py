"""
Run a command with a server as its proxy: `mockserver run`.

Exit codes: that of the command, 128 plus the signal that ended it, 127 if it can't be started; 1 if an `expect` is not
met; 2 for an invalid scenario or setting.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mockserver import logs
from mockserver.app import App, PortInUseError
from mockserver.cli.output import say
from mockserver.errors import InvalidInputError, MissingExtraError, TlsSettingsError
from mockserver.persistence.errors import StateFileError, StateFileRefusedError
from mockserver.scenarios.source import LoadError
from mockserver.server.proxying import proxy_environment, write_bundle
from mockserver.settings import Settings
from mockserver.verification.verify import expected_calls, load_evaluators, of_unmatched


def run_command(settings: Settings, command: list[str]) -> int:
    """Runs the command. The exit code."""
    logs.set_up(settings.log_format)
    try:
        with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
            return asyncio.run(_run(settings, command, Path(folder)))
    except LoadError as error:
        say(*error.lines)
        return 2
    except (TlsSettingsError, InvalidInputError, StateFileRefusedError, MissingExtraError) as error:
        say(str(error))
        return 2
    except (PortInUseError, StateFileError) as error:
        say(str(error))
        return 1


async def _run(settings: Settings, command: list[str], folder: Path) -> int:
    app = App(settings)
    await app.start()
    try:
        code = await with_proxy(app, command, folder)
        failed = _evaluate(app)
        return code or failed
    finally:
        await app.stop()


async def with_proxy(app: App, command: Sequence[str], folder: Path) -> int:
    """Run a command with the server as its proxy, and pass signals on to it. Return its exit code."""
    bundle = None if app.ca_pem is None else write_bundle(app.ca_pem, folder)
    environment = proxy_environment(app.mock_url, bundle, os.environ)
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except OSError as error:
        say(f"{command[0]} can't be started: {error.strerror or error}")
        return 127
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, process.send_signal, number)
    loop.add_signal_handler(signal.SIGINT, _ignore)  # a terminal sends it to the command too
    code = await process.wait()
    await app.settle()
    return 128 - code if code < 0 else code


def _ignore() -> None: ...


def _evaluate(app: App) -> int:
    """Print the verdict of every `expect`, and unmatched requests as a warning. Return 1 if an `expect` is not met."""
    failed = False
    for ns in app.engine.namespaces.values():
        for verdict in (*expected_calls(ns), *(evaluator(ns) for evaluator in load_evaluators(ns))):
            where = "" if ns.name == "default" else f"{ns.name}: "
            say(f"{'ok' if verdict.ok else 'failed'}: {where}{verdict.text}")
            failed = failed or not verdict.ok
        if ns.counts.unmatched and not failed:  # else the verdicts list them
            say(f"warning: {of_unmatched(ns, 0).text}")
    return int(failed)
