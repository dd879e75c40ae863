"""Requests as seen by the route of one field."""

from __future__ import annotations

from typing import Any

from mockserver.model.http import Request


class FieldRequest(Request):
    """A request with the arguments of one field of its operation."""

    __slots__ = ("_arguments",)

    _arguments: dict[str, Any]

    @classmethod
    def of(cls, request: Request, arguments: dict[str, Any]) -> FieldRequest:
        """Return the request as the route of a field sees it."""
        self = cls.__new__(cls)
        for name in Request.__slots__:
            setattr(self, name, getattr(request, name))
        self._arguments = arguments
        return self

    @property
    def arguments(self) -> Any:
        """The arguments of the field, coerced, with their defaults."""
        return self._arguments
