"""Checks on what was called, as the admin API and the Python face take them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from mockserver.errors import Wrong
from mockserver.model.base import DurationS, RequestLineText, Spec
from mockserver.model.match import MatchSpec
from mockserver.model.scenario import Expect, ExpectSpec

LONGEST_WAIT_S = 60.0


def _bounded(value_s: float | None, name: str) -> None:
    if value_s is not None and value_s > LONGEST_WAIT_S:
        raise Wrong(f"{name} is above {LONGEST_WAIT_S:.0f} s", "Ask again, or wait in the test")


class SubjectSpec(Spec):
    """Calls of one route, or calls by their request."""

    route: str | None = Field(default=None, description="A route's id, or its name where only one has it.")
    request: RequestLineText | None = Field(
        default=None, description="A request line, such as POST /charges."
    )
    match: MatchSpec | None = Field(default=None, description="Further conditions on the request.")

    @model_validator(mode="after")
    def _match_has_request(self) -> SubjectSpec:
        if self.match is not None and self.request is None:
            raise Wrong("`match` stands without `request`", "Add request: 'POST /path'")
        return self


class CountSpec(SubjectSpec):
    """What `POST /count` asks."""

    @model_validator(mode="after")
    def _one(self) -> CountSpec:
        if (self.route is None) == (self.request is None):
            raise Wrong("a count asks for one thing", 'Write {"route": "NAME"} or {"request": "POST /path"}')
        return self


SUBJECTS = ("route", "request", "unmatched")


class CheckSpec(SubjectSpec):
    """One check: one subject, and beside it how often, how soon, and what must not follow."""

    unmatched: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Calls that no route took."
    )
    times: Expect = Field(default=ExpectSpec(min=1), description="A number, {min: 1}, {max: 2} or both.")
    within_s: DurationS | None = Field(
        default=None, alias="within", description="Waits so long for the lower bound; at most 60s."
    )
    quiet_s: DurationS | None = Field(
        default=None, alias="quiet", description="Nothing more may come for so long after; at most 60s."
    )

    @model_validator(mode="after")
    def _one_subject(self) -> CheckSpec:
        written = [name for name in SUBJECTS if getattr(self, name) is not None]
        if len(written) != 1:
            saw = " and ".join(written) or "none"
            raise Wrong(f"a check has one subject, this one has {saw}", f"Write one of {', '.join(SUBJECTS)}")
        _bounded(self.within_s, "within")
        _bounded(self.quiet_s, "quiet")
        return self


def as_checks(value: Any) -> list[Any]:
    """A check or a list of them, as a list."""
    return value if isinstance(value, list) else [value]
