"""
Record a service from the command line: serve until a signal, show progress, write the scenario.

Exit codes: 0 written, 1 nothing to write or port in use, 2 invalid option; with a command, that of the
command if it is not 0. If the file cannot be written, the recording is saved in a temporary folder.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from mockserver import logs
from mockserver.app import App, PortInUseError
from mockserver.cli.output import say
from mockserver.cli.progress import Progress
from mockserver.cli.run_session import with_proxy
from mockserver.engine.call_listeners import listen_everywhere
from mockserver.errors import InvalidInputError, TlsSettingsError
from mockserver.model.call import Call
from mockserver.model.plural import counted
from mockserver.outbound.forwarding import rule_of
from mockserver.recording.naming import name_of
from mockserver.recording.scenario import scenario_of
from mockserver.recording.writing import OutputPlace, place_for, rescue, save, show
from mockserver.scenarios.source import LoadError
from mockserver.server.running import stop_signal
from mockserver.settings import Settings
from mockserver.store.recordings import Recording

WRITTEN, NOTHING, WRONG = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """The options of the command line. `output` None: a file named after the service. The end of `command` ends the recording."""

    to: str
    output: str | None = None
    port: int = 8080
    host: str = "127.0.0.1"
    upstream_ca: str = ""
    force: bool = False
    command: tuple[str, ...] = ()


def run(options: RecordOptions) -> int:
    """Records until SIGINT or SIGTERM. The exit code."""
    logs.set_up("text")
    try:
        rule_of(options.to, "--to")
        default = f"scenarios/{name_of(urlsplit(options.to).hostname or '')}.yaml"
        place = place_for(options.output or default, force=options.force)
        with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
            return asyncio.run(_run(options, place, Path(folder)))
    except LoadError as error:
        say(*error.lines)
        return WRONG
    except (InvalidInputError, TlsSettingsError) as error:
        say(str(error))
        return WRONG
    except PortInUseError as error:
        say(str(error))
        return NOTHING


async def _run(options: RecordOptions, place: OutputPlace | None, folder: Path) -> int:
    app = App(_settings(options, folder))
    code = 0
    await app.start()
    try:
        if options.command:
            code = await with_proxy(app, options.command, folder)
        else:
            await _interrupted(app, options.to, place)
    finally:
        await app.stop()
    # On a thread: the loop goes on taking signals, so a second Ctrl-C does not cut the writing short.
    written = await asyncio.to_thread(_write, recordings_of(app), place)
    return code or written


def _settings(options: RecordOptions, folder: Path) -> Settings:
    """With a command, the recorder is also the proxy for the host of the service, which a scenario must name."""
    paths: tuple[str, ...] = ()
    host = urlsplit(options.to).hostname or ""
    if options.command and not _is_address(host):
        (folder / "host.yaml").write_text(f"host: {host}\nroutes: []\n", "utf-8")
        paths = (str(folder / "host.yaml"),)
    return Settings(
        paths=paths,
        host=options.host,
        port=options.port,
        on_unmatched="record",
        forward_to=options.to,
        upstream_ca=options.upstream_ca,
        calls=1000,
        tls=bool(options.command),
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


async def _interrupted(app: App, to: str, place: OutputPlace | None) -> None:
    """Record until SIGINT or SIGTERM, and show the progress."""
    stopped = stop_signal()
    progress = Progress(sys.stderr)

    def passed(call: Call) -> None:
        if call.forwarded is not None:
            progress.passed(call)

    listen_everywhere(app.engine, passed)
    where = "stdout" if place is None else str(place.file)
    say(f"recording {to}: use {app.mock_url} instead; Ctrl-C writes {where}")
    try:
        await stopped.wait()
        await app.settle()
    finally:
        progress.end()


def recordings_of(app: App) -> list[Recording]:
    """Return the recordings of all namespaces."""
    return [
        recording
        for ns in app.engine.namespaces.values()
        if ns.recordings is not None
        for recording in ns.recordings.kept.values()
    ]


def _write(recordings: list[Recording], place: OutputPlace | None) -> int:
    exchanges = sorted((exchange for recording in recordings for exchange in recording.exchanges), key=lambda item: item.request.arrived_at_s)  # fmt: skip
    left_out: dict[str, int] = {}
    for recording in recordings:
        for reason, count in recording.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + count
    for reason, count in left_out.items():
        say(f"not recorded: {counted(count, 'call')}, because {reason}")
    if not exchanges:
        say("nothing was recorded, so nothing is written")
        return NOTHING
    name = place.name if place is not None else recordings[0].name
    made = scenario_of(exchanges, name, left_out)
    if place is None:
        show(made, name)
        return WRITTEN
    try:
        save(made, place)
    except OSError as error:
        say(f"{place.file} can't be written: {error.strerror or error}")
        place = rescue(made, place)
    routes = len(made.scenarios[name]["routes"])
    beside = f", {counted(len(made.files), 'file')} beside" if made.files else ""
    say(f"wrote {place.file}: {counted(len(exchanges), 'call')}, {counted(routes, 'route')}{beside}")
    return WRITTEN
