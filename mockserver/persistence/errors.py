"""Why a server does not start with its state file, or does not write it."""

from __future__ import annotations

from mockserver.errors import MockServerError


class StateFileRefusedError(MockServerError):
    """What is in it is not used. The text names the file, the reason and the remedy."""


class StateFileError(MockServerError):
    """It can't be read or written here, or another server has it. The text says which, why, and what to do."""
