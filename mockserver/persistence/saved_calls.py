"""
The calls of all namespaces, saved beside the state file.

Each completed call is encoded once. The event loop only lists the calls that have completed since the last save; the
keeper's thread encodes and writes them.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.written import written_float
from mockserver.persistence.call_file import CallFile, CallFileError, LogChange
from mockserver.persistence.call_rows import call_of, call_row
from mockserver.persistence.encoding import json_bytes, plain_json_bytes
from mockserver.persistence.errors import StateFileError
from mockserver.store.call_log import CallLog

log = logging.getLogger("mockserver")

_LOG = "log"
"""The field of a namespace in the state file with the name of its call log."""


@dataclass(slots=True)
class _SavedLog:
    """
    A call log as it was last listed: all its calls up to the number `upto`, but those that were `open`. `removed` is
    the number of calls that had been removed one by one.
    """

    call_log: CallLog
    name: str
    upto: int = 0
    first: int = 0
    removed: int = 0
    open: list[Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CallsCopy:
    """What has changed in a call log since it was last listed: completed calls, and what was dropped or removed."""

    log: str
    first: int
    calls: list[Call]
    numbers: frozenset[int] | None


class SavedCalls:
    """The saved calls of the state file `path`."""

    def __init__(self, path: str) -> None:
        self._file = CallFile(f"{path}.calls")
        self._logs: dict[str, _SavedLog] = {}
        self._clock_s = 0.0

    # Restoring

    def restore(self, engine: Engine, kept: dict[str, Any]) -> None:
        """
        Restore the call logs of namespaces that were restored from the state file. If the file of the calls is missing
        or invalid, log a warning, and restore no call.
        """
        self._clock_s = clock_s = engine.shared.mono() - engine.shared.wall()
        named = {
            name: (about[_LOG], about["last_number"])
            for name, about in ((name, document["about"]) for name, document in kept.items())
            if _LOG in about
        }
        try:
            documents = self._file.read(dict(named.values()))
            calls = {
                name: [_call(document, engine.namespaces[name], clock_s) for document in documents[log_name]]
                for name, (log_name, _) in named.items()
            }
        except (CallFileError, LookupError, TypeError, ValueError, AttributeError) as error:
            unused = self._file.set_aside()
            log.warning(
                "the calls in %s are not restored: %s%s",
                self._file.name,
                error
                if isinstance(error, CallFileError)
                else f"they can't be read ({type(error).__name__}: {error})",
                "" if unused is None else f". The file is now {unused}",
            )
            return
        for name, (log_name, last_number) in named.items():
            call_log = engine.namespaces[name].call_log
            call_log.put_back(calls[name])
            self._logs[name] = _SavedLog(call_log, log_name, last_number)

    # Saving

    def list_changes(self, ns: Namespace, about: dict[str, Any]) -> CallsCopy | None:
        """List what has changed in the call log of a namespace, and add the name of the log to `about`."""
        call_log = ns.call_log
        saved = self._logs.get(ns.name)
        if saved is not None and saved.call_log is not call_log:  # a reset, or another namespace
            del self._logs[ns.name]
            saved = None
        if saved is None and not len(call_log):
            return None
        if saved is None:
            saved = self._logs[ns.name] = _SavedLog(call_log, secrets.token_hex(8))
        about[_LOG] = saved.name
        return _changes(saved, ns.last_number)

    def has_changed(self, ns: Namespace) -> bool:
        """Whether a call has completed that was in progress when the calls were listed."""
        saved = self._logs.get(ns.name)
        return saved is not None and any(call.home is None for call in saved.open)

    def forget(self, name: str) -> None:
        """Forget the calls of a namespace that was removed."""
        self._logs.pop(name, None)

    def write(self, copies: Iterable[CallsCopy], yield_to_loop: Callable[[], None]) -> None:
        """Write what was listed. Raises StateFileError; then everything is listed again."""
        changes = (
            LogChange(
                copy.log, copy.first, _documents(copy.calls, self._clock_s, yield_to_loop), copy.numbers
            )
            for copy in copies
        )
        try:
            self._file.write({saved.name for saved in self._logs.values()}, changes)
        except CallFileError as error:
            for saved in self._logs.values():
                saved.upto, saved.first, saved.removed, saved.open = 0, 0, -1, []
            raise StateFileError(
                f"can't save calls in {self._file.name}: {error}. Make room, or name another state file with --state-file"
            ) from error

    def close(self) -> None:
        self._file.close()


def _changes(saved: _SavedLog, last_number: int) -> CallsCopy | None:
    call_log = saved.call_log
    found = [call for call in (*saved.open, *call_log.after(saved.upto)) if call.cost]
    saved.open = [call for call in found if call.home is not None]
    completed = [call for call in found if call.home is None]
    first = next((call.number for call in call_log), last_number + 1)
    numbers = None if call_log.removed == saved.removed else frozenset(call.number for call in call_log)
    unchanged = not completed and first == saved.first and numbers is None
    saved.upto, saved.first, saved.removed = last_number, first, call_log.removed
    return None if unchanged else CallsCopy(saved.name, first, completed, numbers)


def _documents(
    calls: list[Call], clock_s: float, yield_to_loop: Callable[[], None]
) -> Iterator[tuple[int, bytes]]:
    for call in calls:
        if call.cost:
            row = call_row(call, clock_s)
            has_values = row["few"] or "nearest" in row  # of scenarios and bodies
            yield call.number, json_bytes(row) if has_values else plain_json_bytes(row)
            yield_to_loop()


def _call(document: bytes, ns: Namespace, clock_s: float) -> Call:
    return call_of(json.loads(document, parse_float=written_float), ns, clock_s)
