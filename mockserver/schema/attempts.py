"""Rules on how a client retries, and how its calls are grouped into operations, as authors write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, shown
from mockserver.model.durations import format_duration
from mockserver.model.json_values import is_number
from mockserver.schema.base import OneOrList, SchemaOf, Seconds, Spec, range_keys
from mockserver.schema.expect import Expect


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Selectors = Annotated[list[str], BeforeValidator(_listed), OneOrList]
"""One selector, or a list of them."""


class GroupingSpec(Spec):
    """How calls are grouped into operations."""

    by: str | None = Field(
        default=None,
        description="A selector whose value is equal in all attempts of one operation; `route`: all calls of the route are one operation.",
    )
    ignore: Selectors | None = Field(
        default=None, description="Fields that differ in each attempt: json.line, query.rand, body."
    )

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> GroupingSpec:
        """Return what `by` and `ignore` of a query say; fields are separated by commas."""
        ignored = [field.strip() for field in query.get("ignore", "").split(",")]
        return GroupingSpec(by=query.get("by") or None, ignore=[field for field in ignored if field])


class GapsSpec(Spec):
    """Bounds on a gap between two attempts. A duration alone is the least."""

    gt_s: Seconds | None = Field(default=None, alias="gt")
    min_s: Seconds | None = Field(default=None, alias="min", description="The same as gte.")
    lt_s: Seconds | None = Field(default=None, alias="lt")
    max_s: Seconds | None = Field(default=None, alias="max", description="The same as lte.")

    @model_validator(mode="before")
    @classmethod
    def _from_duration(cls, value: object) -> object:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return {"min": value}
        if not isinstance(value, (dict, cls)):
            raise WrongValueError(
                f"expected bounds on a gap, got {shown(value)}", 'Write "100ms" or {"gte": "400ms"}'
            )
        return range_keys(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.model_fields_set:
            raise WrongValueError("`gaps` has no bound", 'Write {"gte": "400ms"}')
        least = max(self.gt_s or 0.0, self.min_s or 0.0)
        most = [high for high in (self.lt_s, self.max_s) if high is not None]
        if most and least > min(most):
            raise WrongValueError("the least gap is above the longest", "Swap them")
        return self

    def broken(self, gap_s: float) -> str:
        """Return the bound that the gap violates, in words; empty if there is none."""
        for limit_s, words, broken in (
            (self.gt_s, "more than", self.gt_s is not None and gap_s <= self.gt_s),
            (self.min_s, "at least", self.min_s is not None and gap_s < self.min_s),
            (self.lt_s, "less than", self.lt_s is not None and gap_s >= self.lt_s),
            (self.max_s, "at most", self.max_s is not None and gap_s > self.max_s),
        ):
            if broken and limit_s is not None:
                return f"{words} {format_duration(limit_s)}"
        return ""


class GrowingSpec(Spec):
    """Each gap is longer than the one before, for clients with at most 25 % of jitter."""

    factor: Annotated[float, Field(ge=1)] = Field(
        default=1.2, description="Each gap is at least this many times the previous one."
    )
    margin_s: Seconds = Field(
        default=0.02, alias="margin", description="And at least so much longer; default 20ms."
    )
    cap_s: Seconds | None = Field(
        default=None, alias="cap", description="The longest wait of the client; gaps at it need not grow."
    )


def _growing(value: object) -> object:
    if value is True:
        return GrowingSpec()
    return None if value is False else value


_JITTERS: dict[str, tuple[float, float]] = {"none": (1.0, 1.0), "full": (0.0, 1.0)}
DECORRELATED = "decorrelated"


def _jitter(value: object) -> object:
    """Return the range of factors for a nominal gap, or `decorrelated`. Raises WrongValueError."""
    hint = "Write 0.25, [0.5, 1], full, none or decorrelated"
    if isinstance(value, str):
        if value == DECORRELATED:
            return value
        if value in _JITTERS:
            return _JITTERS[value]
        raise WrongValueError(f"{shown(value)} is not a kind of jitter", hint)
    if is_number(value) and 0 <= value <= 1:
        return 1.0 - value, 1.0 + value
    if isinstance(value, (list, tuple)) and len(value) == 2:
        low, high = value
        if all(is_number(end) for end in value) and 0 <= low <= high:
            return float(low), float(high)
    raise WrongValueError(f"{shown(value)} is not a range of jitter", hint)


class BackoffSpec(Spec):
    """The schedule of a client: gap i lies within `jitter` times the least of `cap` and first times factor^(i-1)."""

    first_s: Seconds = Field(alias="first", description="The nominal first gap.")
    factor: Annotated[float, Field(ge=1)] = Field(default=2.0, description="What each gap is multiplied by.")
    jitter: Annotated[
        Any,
        BeforeValidator(_jitter),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "number", "minimum": 0, "maximum": 1},
                    {
                        "type": "array",
                        "items": {"type": "number", "minimum": 0},
                        "minItems": 2,
                        "maxItems": 2,
                    },
                    {"enum": ["none", "full", "decorrelated"]},
                ]
            }
        ),
    ] = Field(
        default=(1.0, 1.0),
        description="0.25 is 75 % to 125 % of the nominal gap, [0.5, 1] a range; full, none or decorrelated.",
    )
    cap_s: Seconds | None = Field(default=None, alias="cap", description="The longest nominal gap.")

    @model_validator(mode="after")
    def _capped(self) -> Self:
        if self.cap_s is not None and self.cap_s < self.first_s:
            raise WrongValueError("`cap` is below `first`", "Write the longest wait of the client")
        return self


def _gaps(value: object) -> object:
    if isinstance(value, list) and not value:
        raise WrongValueError(
            "`gaps` is an empty list", 'Write one bound for each gap, such as ["100ms", "200ms"]'
        )
    return (
        [GapsSpec.model_validate(item) for item in value]
        if isinstance(value, list)
        else GapsSpec.model_validate(value)
    )


Honours = Literal["retry-after", True, False]


class AttemptsSpec(GroupingSpec):
    """Rules on how a client retries. Each fails if it has nothing to check, unless `optional`."""

    max: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Attempts of one operation at most."
    )
    min: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Attempts of each operation at least."
    )
    operations: Expect | None = Field(default=None, description="How many operations the calls belong to.")
    gaps: Annotated[
        Any, BeforeValidator(_gaps), SchemaOf(GapsSpec, {"type": "string"}, {"type": "array", "minItems": 1})
    ] = Field(
        default=None,
        description='"400ms" at least, {"gte": "400ms", "lte": "1s"}, or a list: one for each gap.',
    )
    growing: Annotated[
        GrowingSpec | None, BeforeValidator(_growing), SchemaOf(GrowingSpec, {"type": "boolean"})
    ] = Field(
        default=None, description="Each gap is longer than the one before: true, or {factor, margin, cap}."
    )
    backoff: BackoffSpec | None = Field(
        default=None,
        description="The schedule of the gaps: {first: 500ms, factor: 2, jitter: 0.25, cap: 5s}.",
    )
    same: Selectors | None = Field(
        default=None,
        min_length=1,
        description='Selectors whose value every attempt of an operation shares; "headers.x?" may be absent from all.',
    )
    honours: Honours | None = Field(
        default=None,
        description="No retry before the wait that an answer requires by Retry-After or a rate-limit header.",
    )
    overlap: bool | None = Field(
        default=None, description="false: no attempt begins before the one before has ended."
    )
    after: Literal["retryable"] | None = Field(
        default=None, description="No request is sent again after an answer that is not retryable."
    )
    optional: bool = Field(default=False, description="true: the rules hold where there is nothing to judge.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise WrongValueError("`min` is above `max`", "Swap them")
        return self
