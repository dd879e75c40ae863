"""Mockoon environments."""

from mockserver.formats.mockoon.reader import read

__all__ = ["read"]
