"""
The calls of a state file, in an SQLite file beside it.

The state file decides which of them count: it names the call log of each namespace and its last call. A call log has a
random name, so that calls that were reset, or are those of another namespace of the same name, are never mistaken for
its calls.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mockserver.errors import MockServerError

_MODE = 0o600
"""The file may contain tokens, keys and secrets, as the state file."""
_APPLICATION = 0x6D6F636B
VERSION = 1
_CREATE = f"""
BEGIN;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE calls (log TEXT, number INTEGER, document BLOB, PRIMARY KEY (log, number));
COMMIT;
"""
_UNUSED = ".unused"


class CallFileError(MockServerError):
    """The file can't be used. The text has the reason."""


class LogChange(NamedTuple):
    """
    A change of a call log: its new documents by number, which are made while they are written. All before the number
    `first` is removed, and with `numbers` all other calls too.
    """

    log: str
    first: int
    documents: Iterable[tuple[int, bytes]]
    numbers: Collection[int] | None


class CallFile:
    """
    The file of `path`, created when the first call is written. It is used by one server: the lock of the state file
    covers it. After an error it is opened again; an invalid one is renamed, and replaced by a new one.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._path = Path(path)
        self._db: sqlite3.Connection | None = None
        self._logs: set[str] = set()
        """The call logs with calls in the file."""

    def read(self, last_numbers: Mapping[str, int]) -> dict[str, list[bytes]]:
        """
        Return the documents of these call logs, in order, up to the last number of each. Later ones are deleted: the
        state file does not know them. Raises CallFileError.
        """
        if not os.path.lexists(self._path):
            if last_numbers:
                raise CallFileError("it is missing")
            return {}
        try:
            db = self._opened()
            with db:
                for log, last in last_numbers.items():
                    db.execute("DELETE FROM calls WHERE log = ? AND number > ?", (log, last))
            return {
                log: [row[0] for row in db.execute("SELECT document FROM calls WHERE log = ? ORDER BY number", (log,))]
                for log in last_numbers
            }  # fmt: skip
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise CallFileError(str(error)) from error

    def write(self, logs: Collection[str], changes: Iterable[LogChange]) -> None:
        """Write the changes in one transaction, and delete the calls of other logs than these. Raises CallFileError."""
        if not logs and not self._logs:
            return
        try:
            db = self._opened()
            with db:
                for change in changes:
                    self._logs.add(change.log)
                    _write(db, change)
                for log in self._logs.difference(logs):
                    db.execute("DELETE FROM calls WHERE log = ?", (log,))
            self._logs.intersection_update(logs)
        except (sqlite3.Error, OSError, CallFileError) as error:
            self.close()
            if not isinstance(error, (sqlite3.OperationalError, OSError)):
                self.set_aside()
            raise CallFileError(str(error)) from error

    def close(self) -> None:
        """Close the file. What SQLite keeps beside it is written into it, and removed."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def set_aside(self) -> str | None:
        """Rename the file. Return its new name; None if there is no file."""
        self.close()
        unused = f"{self.name}{_UNUSED}"
        with contextlib.suppress(OSError):
            self._path.replace(unused)
            return unused
        return None

    def _opened(self) -> sqlite3.Connection:
        """Return the connection; the file is created if necessary. Raises sqlite3.Error, OSError, CallFileError."""
        if self._db is not None:
            return self._db
        self._make_if_missing()
        if not stat.S_ISREG(self._path.lstat().st_mode):
            raise CallFileError("it is not a regular file")
        for suffix in ("-wal", "-journal"):  # SQLite would follow a link
            beside = Path(f"{self._path}{suffix}")
            if beside.is_symlink():
                beside.unlink()
        # Its threads take turns.
        db = sqlite3.connect(self._path, timeout=1, check_same_thread=False)
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            _check(db)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            self._logs = {log for (log,) in db.execute("SELECT DISTINCT log FROM calls")}
        except BaseException:
            db.close()
            raise
        self._db = db
        return db

    def _make_if_missing(self) -> None:
        """Create an empty file for its owner only. Raises OSError."""
        if os.path.lexists(self._path):
            return
        os.close(
            os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
        )


def _check(db: sqlite3.Connection) -> None:
    """Raise CallFileError if it is another program's, or of another version. An empty file becomes a new one."""
    if _pragma(db, "page_count") == 0:
        db.executescript(_CREATE)
        return
    if _pragma(db, "application_id") != _APPLICATION:
        raise CallFileError("it is not a file of mockserver")
    version = _pragma(db, "user_version")
    if version != VERSION:
        raise CallFileError(f"its version is {version}, and this mockserver reads version {VERSION}")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    ((value,),) = db.execute(f"PRAGMA {name}")
    return int(value)


def _write(db: sqlite3.Connection, change: LogChange) -> None:
    log = change.log
    rows = ((log, number, document) for number, document in change.documents)
    db.executemany("INSERT OR REPLACE INTO calls VALUES (?, ?, ?)", rows)
    db.execute("DELETE FROM calls WHERE log = ? AND number < ?", (log, change.first))
    if change.numbers is not None:
        found = {number for (number,) in db.execute("SELECT number FROM calls WHERE log = ?", (log,))}
        gone = [(log, number) for number in found.difference(change.numbers)]
        db.executemany("DELETE FROM calls WHERE log = ? AND number = ?", gone)
