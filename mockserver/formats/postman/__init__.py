"""Postman collections 2.1."""

from mockserver.formats.postman.reader import read
from mockserver.formats.postman.writer import write

__all__ = ["read", "write"]
