"""Hoverfly simulations."""

from mockserver.formats.hoverfly.reader import read
from mockserver.formats.hoverfly.writer import write

__all__ = ["read", "write"]
