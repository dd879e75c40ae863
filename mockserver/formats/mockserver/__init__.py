"""MockServer expectations (mock-server.com)."""

from mockserver.formats.mockserver.reader import read
from mockserver.formats.mockserver.writer import write

__all__ = ["read", "write"]
