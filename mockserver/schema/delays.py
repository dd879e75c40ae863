"""Delays, as written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from mockserver.errors import WrongValueError
from mockserver.schema.base import DurationS, SchemaOf, Spec, duration_s, is_template, range_keys


class DelayRangeSpec(Spec):
    """A random delay by the seed: uniform from `min` to `max`, or log-normal by `median` and `sigma`, limited by `max`."""

    min_s: DurationS | None = Field(default=None, alias="min")
    max_s: DurationS = Field(alias="max")
    median_s: DurationS | None = Field(default=None, alias="median")
    sigma: float | None = Field(default=None, gt=0, le=10)

    @model_validator(mode="after")
    def _one_kind(self) -> DelayRangeSpec:
        if (self.median_s is None) != (self.sigma is None):
            raise WrongValueError(
                "a lognormal delay needs both median and sigma", "Write {median: 90ms, sigma: 0.4, max: 2s}"
            )
        if (self.median_s is None) == (self.min_s is None):
            raise WrongValueError(
                "a delay range is {min, max} or {median, sigma, max}", "Write one of the two"
            )
        if self.min_s is not None and self.min_s > self.max_s:
            raise WrongValueError("min is above max", "Swap them")
        return self


def _delay_spec(value: object) -> object:
    if isinstance(value, dict):
        return DelayRangeSpec.model_validate(range_keys(value))
    return value if is_template(value) else duration_s(value)


Delay = Annotated[
    Any,
    BeforeValidator(_delay_spec),
    SchemaOf(
        DelayRangeSpec,
        {"type": "string"},
        {
            "type": "object",
            "properties": {"gte": {"type": "string"}, "lte": {"type": "string"}},
            "required": ["gte", "lte"],
            "additionalProperties": False,
        },
    ),
]
"""Seconds, a template, or a DelayRangeSpec."""
