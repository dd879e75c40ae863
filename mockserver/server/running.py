"""
Run one server in this process: signals, exit codes and terminal output.

Exit codes: 0 after SIGTERM or SIGINT, 1 if the port or the state file is not available, 2 for an invalid scenario,
setting, state file or TLS setting. SIGHUP reloads the scenario files.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from importlib.util import find_spec

from mockserver import logs
from mockserver.admin.api import ProblemError
from mockserver.app import App, PortInUseError
from mockserver.errors import InvalidInputError, SharedStoreError, TlsSettingsError
from mockserver.persistence.errors import StateFileError, StateFileRefusedError
from mockserver.scenarios.source import LoadError
from mockserver.scenarios.watching import fingerprint
from mockserver.settings import Settings, without_password

log = logging.getLogger("mockserver")
_LOOK_EVERY_S = 0.5
_WORTH_COLLECTING = 500
"""Routes. With fewer, loading leaves some MiB in circles behind, and finding them takes as long as a tenth of the start."""


def run(settings: Settings) -> int:
    """Serves until a signal comes. The exit code."""
    logs.set_up(settings.log_format)
    settings = _with_collector(settings)
    _allow_many_files()
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(_run(settings))
    except LoadError as error:
        _complain(settings, *error.lines)
        return 2
    except (TlsSettingsError, InvalidInputError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except SharedStoreError as error:
        _complain(settings, f"--store {without_password(settings.store)}: {error}")
        return 2
    except StateFileRefusedError as error:
        _complain(settings, str(error))
        return 2
    except (PortInUseError, StateFileError) as error:
        _complain(settings, str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _with_collector(settings: Settings) -> Settings:
    """Return the settings with the collector of the standard variable, if no other is given."""
    url = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if settings.otlp or not url:
        return settings
    if not _has_exporter():
        log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is ignored: install 'mockserver[otel]' to export telemetry")
        return settings
    return replace(settings, otlp=url)


def _has_exporter() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # one of its parents
        return False


def _complain(settings: Settings, *lines: str) -> None:
    """Print errors as plain lines, or as JSON objects if the log has only these."""
    for line in lines:
        if settings.log_format == "json":
            log.error("%s", line)
        else:
            sys.stderr.write(f"{line}\n")


def _announce(app: App) -> None:
    """Print the addresses as one line on stdout."""
    line = app.describe()
    if app.settings.log_format == "json":
        record = log.makeRecord(log.name, logging.INFO, "", 0, line, (), None)
        record.fields = {"mock_url": app.mock_url, "admin_url": app.admin_url}
        line = logs.formatter("json").format(record)
    print(line, flush=True)  # noqa: T201


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where the extra `fast` is installed; None for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _allow_many_files() -> None:
    """Raise the limit of open files to the maximum: the usual soft limit is 1,024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 65_536)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def stop_signal() -> asyncio.Event:
    """Return an event of the running loop that SIGTERM and SIGINT set."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def _run(settings: Settings) -> None:
    stopped, loop = stop_signal(), asyncio.get_running_loop()
    # Looked at before the files are read: what changes in between is a change.
    seen = fingerprint(settings.paths) if settings.watch else None
    app = App(settings)
    loop.add_signal_handler(signal.SIGHUP, _on_hangup(app, stopped))
    await app.start()
    if len(app.engine.shared.scenario_set.routes) > _WORTH_COLLECTING:
        gc.collect()
    tune_collector()
    try:
        _announce(app)
        async with _watched(app, seen):
            await stopped.wait()
        if await app.settle():
            _leave()
    finally:
        await app.stop()


def tune_collector() -> None:
    """
    Freeze the loaded objects, so that the collector ignores them. Calls are freed by reference counts, so collections
    need not be frequent. Each object that is kept is visited once in each of the first two generations, however large
    they are: small ones cost the same time in all and hold the loop for a shorter time.
    """
    gc.freeze()
    gc.set_threshold(500, 3, 30_000)
    gc.enable()


def _leave() -> None:
    """End the process at once if connections hang: closing thousands of them one by one takes seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(0)


@contextlib.asynccontextmanager
async def _watched(app: App, seen: int | None) -> AsyncIterator[None]:
    """Reload the files when they change, while the context is open; `seen` None does nothing."""
    if seen is None:
        yield
        return
    task = asyncio.create_task(_watch(app, seen))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(app: App, seen: int) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        now = await asyncio.to_thread(fingerprint, app.settings.paths)
        if now == seen:
            continue
        seen = now
        _reload(app)


def _reload(app: App) -> None:
    """Reload the scenario files, and log the result."""
    try:
        result = app.reload()
        log.info("reloaded: %s scenarios with %s routes", result["scenarios"], result["routes"])
    except LoadError as error:
        log.error("not reloaded, the old scenarios stay active:\n%s", "\n".join(error.lines))  # noqa: TRY400
    except ProblemError as error:
        log.error("not reloaded, the old scenarios stay active: %s", error.document["detail"])  # noqa: TRY400


def _on_hangup(app: App, stopped: asyncio.Event) -> Callable[[], None]:
    """Return the handler of SIGHUP: reload, or stop if the terminal was closed."""
    from_terminal = _has_terminal()

    def hung_up() -> None:
        if from_terminal and not _has_terminal():
            stopped.set()
        else:
            _reload(app)

    return hung_up


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
