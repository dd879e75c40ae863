"""Checks of calls and requests: expectations, mismatches, dry runs, and violations of an OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mockserver.admin.models.base import AdminView, list_of


class DifferenceView(AdminView):
    where: str
    pointer: str
    expected: Any
    actual: Any = None
    hint: str
    text: str


class NearestView(AdminView):
    route: str
    request: str
    differences: list[DifferenceView]


class VerdictView(AdminView):
    ok: bool
    expected: str
    saw: str
    text: str
    exact: bool = Field(
        default=True,
        description="false if the answer would need removed data; then the check fails.",
    )


class VerifiedView(AdminView):
    ok: Literal[True]
    checks: list[VerdictView]


class CandidateView(AdminView):
    route: str
    request: str
    matched: bool
    differences: list[DifferenceView]


class ExplainView(AdminView):
    """
    A dry run: the route that would answer, its step from 1, and the reply as it would be. `routes` are all that would
    take part: several only for GraphQL.
    """

    route: str | None
    routes: list[str]
    step: int | None
    reply: dict[str, Any] | None
    candidates: list[CandidateView]


class ViolationView(AdminView):
    """`operation` is null if the document has none; `got` is missing if there was no value."""

    id: str
    at: str
    call: str
    route: str | None
    scenario: str | None
    operation: str | None
    request: str
    part: str
    where: str
    pointer: str
    expected: str
    got: Any = None
    text: str


ViolationList = list_of("ViolationList", ViolationView)
