"""
Record a service from the command line: serve until a signal, show progress, write the scenario.

Exit codes: 0 written, 1 nothing to write or port in use, 2 invalid option. If the file cannot be written, the
recording is saved in a temporary folder.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from mockserver import logs
from mockserver.app import App, PortInUseError
from mockserver.cli.progress import Progress
from mockserver.engine.call_listeners import listen_everywhere
from mockserver.errors import InvalidInputError, TlsSettingsError
from mockserver.model.call import Call
from mockserver.outbound.forwarding import rule_of
from mockserver.recording.naming import name_of
from mockserver.recording.scenario import scenario_of
from mockserver.recording.writing import OutputPlace, place_for, rescue, save, show
from mockserver.settings import Settings
from mockserver.store.recordings import Recording

WRITTEN, NOTHING, WRONG = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """What the command line says; `output` None is a file named after the service."""

    to: str
    output: str | None = None
    port: int = 8080
    host: str = "127.0.0.1"
    upstream_ca: str = ""
    force: bool = False


def run(options: RecordOptions) -> int:
    """Records until SIGINT or SIGTERM. The exit code."""
    logs.set_up("text")
    try:
        rule_of(options.to, "--to")
        default = f"scenarios/{name_of(urlsplit(options.to).hostname or '')}.yaml"
        place = place_for(options.output or default, force=options.force)
        return asyncio.run(_run(options, place))
    except (InvalidInputError, TlsSettingsError) as error:
        _say(str(error))
        return WRONG
    except PortInUseError as error:
        _say(str(error))
        return NOTHING


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def _run(options: RecordOptions, place: OutputPlace | None) -> int:
    settings = Settings(
        paths=(),
        host=options.host,
        port=options.port,
        on_unmatched="record",
        forward_to=options.to,
        upstream_ca=options.upstream_ca,
        calls=1000,
    )
    app = App(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    progress = Progress(sys.stderr)

    def passed(call: Call) -> None:
        if call.forwarded is not None:
            progress.passed(call)

    await app.start()
    try:
        listen_everywhere(app.engine, passed)
        where = "stdout" if place is None else str(place.file)
        _say(f"recording {options.to}: use {app.mock_url} instead; Ctrl-C writes {where}")
        await stopped.wait()
        await app.settle()
    finally:
        await app.stop()
        progress.end()
    # On a thread: the loop goes on taking signals, so a second Ctrl-C does not cut the writing short.
    return await asyncio.to_thread(_write, recordings_of(app), place)


def recordings_of(app: App) -> list[Recording]:
    """Those of every namespace."""
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
        _say(f"not recorded: {count} of the calls, for {reason}")
    if not exchanges:
        _say("nothing was recorded, so nothing is written")
        return NOTHING
    name = place.name if place is not None else recordings[0].name
    made = scenario_of(exchanges, name, left_out)
    if place is None:
        show(made, name)
        return WRITTEN
    try:
        save(made, place)
    except OSError as error:
        _say(f"{place.file} can't be written: {error.strerror or error}")
        place = rescue(made, place)
    routes = len(made.scenarios[name]["routes"])
    beside = f", {len(made.files)} files beside" if made.files else ""
    _say(f"wrote {place.file}: {len(exchanges)} calls, {routes} routes{beside}")
    return WRITTEN
