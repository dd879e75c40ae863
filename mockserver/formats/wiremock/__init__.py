"""WireMock mappings."""

from mockserver.formats.wiremock.reader import read, write

__all__ = ["read", "write"]
