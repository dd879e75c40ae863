"""Checks for `verify` and `count`, as written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mockserver.errors import WrongValueError
from mockserver.schema.attempts import AttemptsSpec
from mockserver.schema.base import RequestLineText, Seconds, Spec, exactly_one
from mockserver.schema.expect import Expect, ExpectSpec
from mockserver.schema.load import LoadSpec
from mockserver.schema.match import Condition, MatchSpec
from mockserver.schema.websocket import MessageMatchSpec

LONGEST_WAIT_S = 60.0


def _bounded(value_s: float | None, name: str) -> None:
    if value_s is not None and value_s > LONGEST_WAIT_S:
        raise WrongValueError(f"{name} is above {LONGEST_WAIT_S:.0f} s", "Ask again, or wait in the test")


class SubjectSpec(Spec):
    """Calls of one route, or calls by their request."""

    route: str | None = Field(default=None, description="A route's id, or its name where only one has it.")
    request: RequestLineText | None = Field(
        default=None, description="A request line, such as POST /charges."
    )
    match: MatchSpec | None = Field(default=None, description="Further conditions on the request.")

    @model_validator(mode="after")
    def _match_has_subject(self) -> SubjectSpec:
        if self.match is not None and self.request is None and self.route is None:
            raise WrongValueError(
                "`match` needs `route` or `request`", "Add route: NAME, or request: 'POST /path'"
            )
        return self


def _one_of_two(spec: SubjectSpec, what: str) -> None:
    hint = 'Write {"route": "NAME"} or {"request": "POST /path"}'
    exactly_one(spec, ("route", "request"), f"{what} needs one of `route` and `request`", hint)


class CountSpec(SubjectSpec):
    """What `POST /count` asks."""

    @model_validator(mode="after")
    def _one(self) -> CountSpec:
        _one_of_two(self, "a count")
        return self


class OrderedSpec(SubjectSpec):
    """One link of `in_order`: a number of calls of it, before the next."""

    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _one(self) -> OrderedSpec:
        _one_of_two(self, "a link of in_order")
        return self


class EffectsSpec(Spec):
    """Effects of one kind, with conditions on their fields."""

    kind: str | None = None
    where: dict[str, Condition] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _fields_under_where(cls, value: object) -> object:
        names = [name for name in value if name not in ("kind", "where")] if isinstance(value, dict) else []
        if names:
            raise WrongValueError(
                f"{names[0]!r} is not a key here",
                f'Fields of an effect go under where: {{"where": {{"{names[0]}": …}}}}',
            )
        return value


class WebhooksSpec(Spec):
    """Deliveries of one route, or of all, that came to one outcome."""

    route: str | None = None
    outcome: Literal["delivered", "refused", "failed", "dropped"] = Field(
        default="delivered",
        description="refused: the last answer was not 2xx; failed: no answer; dropped: cancelled by a reset.",
    )


SUBJECTS = (
    "route", "request", "in_order", "effects", "webhooks", "unused", "unmatched", "leaks", "violations",
)  # fmt: skip
_WITHOUT_TIMES = frozenset({"in_order", "unused", "unmatched", "leaks", "violations"})
_Count = Annotated[int, Field(ge=0)]


class CheckSpec(SubjectSpec):
    """One check: one subject, and beside it how often, how soon, and what must not follow."""

    in_order: Annotated[list[OrderedSpec], Field(min_length=1)] | None = Field(
        default=None, description="These calls in this order; other calls between them are allowed."
    )
    effects: EffectsSpec | None = Field(
        default=None, description="Effects: what really happened at the service."
    )
    webhooks: WebhooksSpec | None = Field(
        default=None, description="Webhooks by `outcome`; default: delivered."
    )
    unused: _Count | None = Field(default=None, description="Maximum number of active routes without a call.")
    unmatched: _Count | None = Field(default=None, description="Maximum number of unmatched requests.")
    leaks: _Count | None = Field(default=None, description="Maximum number of secrets in sent requests.")
    violations: _Count | None = Field(
        default=None, description="Maximum number of violations of a scenario's `openapi`."
    )
    times: Expect = Field(default=ExpectSpec(min=1), description="A number, {min: 1}, {max: 2} or both.")
    attempts: AttemptsSpec | None = Field(default=None, description="Rules on retries of the client.")
    received: MessageMatchSpec | None = Field(
        default=None,
        description="With route or request: `times` counts the WebSocket messages of the client that match; {} for any.",
    )
    load: LoadSpec | None = Field(
        default=None,
        description="Rules on the calls of many operations; without `route` or `request`, on all matched calls.",
    )
    within_s: Seconds | None = Field(
        default=None, alias="within", description="Time to wait for the lower bound; at most 60s."
    )
    quiet_s: Seconds | None = Field(
        default=None, alias="quiet", description="Time without further calls afterwards; at most 60s."
    )

    @model_validator(mode="after")
    def _one_subject(self) -> CheckSpec:
        hint = f"Write one of {', '.join(SUBJECTS)}"
        if self.load is not None and all(getattr(self, key) is None for key in SUBJECTS):
            subject = "load"
        else:
            subject = exactly_one(self, SUBJECTS, "a check has one subject, this one has {written}", hint)
        if self.attempts is not None and self.load is not None:
            raise WrongValueError("a check has `attempts` or `load`, not both", "Write two checks")
        for rules in ("attempts", "load"):
            if getattr(self, rules) is not None and subject not in ("route", "request", "load"):
                raise WrongValueError(
                    f"`{rules}` does not apply to {subject}", "Use it with route or request"
                )
        if self.received is not None:
            beside = next((key for key in ("attempts", "load") if getattr(self, key) is not None), subject)
            if beside not in ("route", "request"):
                raise WrongValueError(
                    f"`received` does not apply to {beside}",
                    "Use it with route or request, without attempts or load",
                )
        if self.has("times") and subject in _WITHOUT_TIMES:
            raise WrongValueError(f"`times` does not apply to {subject}", "Leave it out")
        _bounded(self.within_s, "within")
        _bounded(self.quiet_s, "quiet")
        return self
