"""mountebank imposters."""

from mockserver.formats.mountebank.reader import read
from mockserver.formats.mountebank.writer import write

__all__ = ["read", "write"]
