"""How many calls are expected, as authors write it: `3`, `{min: 1}`, `{max: 2}`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, shown
from mockserver.model.plural import counted
from mockserver.schema.base import Spec, range_keys


class ExpectSpec(Spec):
    """How many calls a route must have got by the end. `gte` and `lte` stand for `min` and `max`."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"min": value, "max": value}
        if not isinstance(value, (dict, cls)):
            raise WrongValueError(
                f"expected a number of calls, got {shown(value)}", "Write 3, {min: 1}, {max: 2} or both"
            )
        return range_keys(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _ordered(self) -> ExpectSpec:
        if self.max is not None and self.min > self.max:
            raise WrongValueError(f"min {self.min} is above max {self.max}", "Swap them")
        return self

    def holds(self, count: int) -> bool:
        return self.min <= count and (self.max is None or count <= self.max)

    def __str__(self) -> str:
        calls = counted(self.min, "call")
        if self.max is None:
            return f"at least {calls}"
        if self.min == self.max:
            return calls
        if self.min:
            return f"{self.min} to {self.max} calls"
        return f"at most {counted(self.max, 'call')}"


Expect = Annotated[
    ExpectSpec,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {
                    "type": "object",
                    "properties": {
                        "min": {"type": "integer", "minimum": 0},
                        "max": {"type": "integer", "minimum": 0},
                    },
                    "patternProperties": {"^(gte|lte)$": {"type": "integer", "minimum": 0}},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]
