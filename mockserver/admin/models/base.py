"""What all answers are made of, and problems."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, create_model


class AdminView(BaseModel):
    """An answer of the admin API."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class OpenView(BaseModel):
    """An answer that may have more fields."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Problem(OpenView):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FlawView] = []


class FlawView(AdminView):
    """One flaw, with a JSON pointer to its place."""

    pointer: str
    message: str
    hint: str


class Listing(AdminView):
    """A list; `next` is the cursor of the next page, or null."""

    items: list[Any]
    next: str | None


def list_of(name: str, item: Any) -> type[Listing]:
    """Return the model of a list of such items."""
    return create_model(name, __base__=Listing, __module__=__name__, items=(list[item], ...))
