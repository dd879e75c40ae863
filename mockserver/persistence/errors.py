"""Errors of the state file."""

from __future__ import annotations

from mockserver.errors import MockServerError


class StateFileRefusedError(MockServerError):
    """The content of the file is not used. The text has the file, the reason and the fix."""


class StateFileError(MockServerError):
    """The file can't be read or written, or is used by another server. The text has the reason and the fix."""
