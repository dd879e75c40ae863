"""What a route or a scenario expects by the end: a number of calls, and rules on their load."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from mockserver.schema.base import SchemaOf, Spec
from mockserver.schema.expect import ExpectSpec
from mockserver.schema.load import LoadSpec


class RouteExpectSpec(ExpectSpec):
    """How many calls a route must have got by the end, and the rules that they keep."""

    model_config = ConfigDict(
        json_schema_extra={
            "patternProperties": {"^(gte|lte)$": {"type": "integer", "minimum": 0}},
            "minProperties": 1,
        }
    )

    load: LoadSpec | None = Field(default=None, description="Rules on the calls of many operations.")

    @property
    def counts(self) -> bool:
        """Whether a number of calls is expected."""
        return self.has("min") or self.has("max")


RouteExpect = Annotated[RouteExpectSpec, SchemaOf(RouteExpectSpec, {"type": "integer", "minimum": 0})]


class ScenarioExpectSpec(Spec):
    """What all calls of a scenario keep by the end."""

    load: LoadSpec = Field(description="Rules on the calls of many operations.")
