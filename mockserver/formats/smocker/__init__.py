"""Smocker mocks."""

from mockserver.formats.smocker.reader import read
from mockserver.formats.smocker.writer import write

__all__ = ["read", "write"]
