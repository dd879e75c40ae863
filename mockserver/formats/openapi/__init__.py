"""Scenarios made of documents of OpenAPI 3.0 and 3.1, and Swagger 2.0."""

from mockserver.formats.openapi.reader import read

__all__ = ["read"]
