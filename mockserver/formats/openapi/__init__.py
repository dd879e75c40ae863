"""Scenarios made of OpenAPI 3.0 and 3.1 documents."""

from mockserver.formats.openapi.reader import read

__all__ = ["read"]
