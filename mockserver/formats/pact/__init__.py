"""Pact contracts, v3 and v4."""

from mockserver.formats.pact.calls import from_calls
from mockserver.formats.pact.reader import read
from mockserver.formats.pact.writer import write

__all__ = ["from_calls", "read", "write"]
