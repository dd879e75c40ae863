"""
A state file on disk: used by one server, and at every moment either the old document or the new one.

The new document is written to a file beside it, which then replaces it atomically. File and folder are synced, so that
this also holds after a power cut. The lock is an flock on a file beside it, which the kernel releases when the process
ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from mockserver.persistence.errors import StateFileError

_MODE = 0o600
"""The file may contain tokens, keys and secrets of webhooks."""


class Disk:
    """The file at `path`. If that is a symbolic link, its target is replaced, not the link."""

    def __init__(self, path: str) -> None:
        self.name = path
        self.path = os.path.realpath(path)
        self._path = Path(self.path)
        self._new = self._path.with_name(self._path.name + ".new")
        self._lock: int | None = None

    def lock(self) -> None:
        """Lock the file for this server. Raises StateFileError."""
        import fcntl  # not everywhere, and only needed here

        try:
            with contextlib.suppress(FileNotFoundError):
                _check_regular(self._path.stat())
            lock = self._open_lock()
        except OSError as error:
            raise StateFileError(self._unusable(error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 20).decode(errors="replace").strip()
            os.close(lock)
            raise StateFileError(
                f"the state file {self.name} is in use by another mockserver"
                f"{f', process {owner}' if owner else ''}. Give each server its own --state-file"
            ) from None
        except OSError as error:
            os.close(lock)
            raise StateFileError(self._unusable(error)) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        self._lock = lock

    def _open_lock(self) -> int:
        """
        Open the lock file, but not through a link: a user of the folder could have another file emptied.

        Raises OSError.
        """
        name = f"{self._path}.lock"
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            lock = os.open(name, flags, _MODE)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise OSError(errno.ELOOP, f"{name} is a symbolic link. Remove it") from error
            raise
        try:
            _check_regular(os.fstat(lock), f"{name} ")
        except OSError:
            os.close(lock)
            raise
        return lock

    def unlock(self) -> None:
        """Release the lock. The lock file stays, because another server may wait for it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self) -> bytes | None:
        """Return the content; None if there is no file. Raises StateFileError."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateFileError(self._unusable(error)) from error

    def write(self, pieces: Iterable[bytes]) -> None:
        """Replace the document. Raises StateFileError; then the old document is still there."""
        try:
            self._write(pieces)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._new.unlink()
            raise StateFileError(self._unusable(error)) from error

    def _write(self, pieces: Iterable[bytes]) -> None:
        self._new.unlink(missing_ok=True)  # of a server that crashed, or what somebody put there
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self._new, flags, _MODE), "wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        self._new.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # some file systems sync no folder
                os.fsync(folder)
        finally:
            os.close(folder)

    def _unusable(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0, "It needs a folder that this user may write to; name another")
        return f"can't use the state file {self.name}: {reason}. {hint} with --state-file"


_REGULAR = "Name a regular file, or one that is not there yet,"
_ROOM = "Make room, or name one elsewhere"
_HINTS = {
    errno.EINVAL: _REGULAR,
    errno.EISDIR: _REGULAR,
    errno.ELOOP: "Or name another",
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.ENAMETOOLONG: "Name a shorter one",
}


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def _check_regular(status: os.stat_result, name: str = "it ") -> None:
    """Raise OSError if it is not a regular file: reading it may never end, and replacing it would lose it."""
    kind = next((kind for holds, kind in _KINDS if holds(status.st_mode)), None)
    if kind is not None:
        raise OSError(errno.EINVAL, f"{name}is {kind}, and not a regular file")
