"""Rules on the calls of many operations together, as authors write them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from mockserver.errors import WrongValueError, shown
from mockserver.model.json_values import is_number
from mockserver.schema.attempts import GroupingSpec
from mockserver.schema.base import Seconds, Spec
from mockserver.schema.policies import RateText

RULES = ("amplification", "budget", "breaker", "in_flight", "spread", "rate")
SHORTEST_S = 0.1
"""Shorter times without a call, and shorter windows of retries, can't be told from the delays of a network."""


def _check_length(name: str, length_s: float) -> None:
    """Raise WrongValueError for a time that is too short."""
    if length_s < SHORTEST_S:
        raise WrongValueError(f"`{name}` is below 100ms", "Write at least 100ms")


class AmplificationSpec(Spec):
    """How many calls there may be for each operation, on average."""

    max: Annotated[float, Field(ge=1)] = Field(description="Calls for each operation at most, such as 1.2.")


def _share(value: object) -> object:
    """Return a share of 1. Raises WrongValueError."""
    hint = "Write 20% or 0.2"
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = float(value.strip()[:-1]) / 100
        except ValueError:
            raise WrongValueError(f"{shown(value)} is not a valid share", hint) from None
    elif is_number(value):
        share = float(value)
    else:
        raise WrongValueError(f"{shown(value)} is not a valid share", hint)
    if not 0 <= share <= 1:
        raise WrongValueError(f"{shown(value)} is not a share between 0% and 100%", hint)
    return share


class BudgetSpec(Spec):
    """How many retries there may be in any window, as a share of the first attempts in it."""

    retries: Annotated[
        float,
        BeforeValidator(_share),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "number", "minimum": 0, "maximum": 1},
                    {"type": "string", "pattern": r"^\s*\d+(\.\d+)?%\s*$"},
                ],
                "examples": ["20%"],
            }
        ),
    ] = Field(description="Retries at most, as a share of the first attempts: 20% or 0.2.")
    window_s: Annotated[Seconds, Field(gt=0)] = Field(
        default=10.0, alias="window", description="Length of the window; default: 10s."
    )
    min: Annotated[int, Field(ge=0)] = Field(
        default=3, description="Retries that are always allowed in a window."
    )


class BreakerSpec(Spec):
    """A circuit breaker: after a number of failures in a row, the client makes no call for some time."""

    opens_after: Annotated[int, Field(ge=1)] = Field(description="Failures in a row that open it.")
    stays_open_s: Seconds = Field(alias="stays_open", description="Time without a call; at least 100ms.")
    probes: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Calls at most after that time, until one of them succeeds."
    )

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        _check_length("stays_open", self.stays_open_s)
        return self


class InFlightSpec(Spec):
    """How many calls may be in progress at the same time."""

    max: Annotated[int, Field(ge=1)]


class SpreadSpec(Spec):
    """Clients that failed at the same time don't return at the same time."""

    window_s: Seconds = Field(
        alias="window",
        description="The time over which the clients distribute their retries; at least 100ms.",
    )
    clients: Annotated[int, Field(ge=5)] = Field(
        default=10, description="Operations that fail at the same time, at least; default: 10."
    )

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        _check_length("window", self.window_s)
        return self


class CallRateSpec(Spec):
    """How many calls may arrive in any second, minute, hour or day."""

    max: RateText = Field(description="Calls at most: 50/s, 100/m.")


class LoadSpec(GroupingSpec):
    """Rules on the calls of many operations. Each fails if it does not apply, unless it is `optional`."""

    amplification: AmplificationSpec | None = Field(
        default=None, description="Calls for each operation: {max: 1.2}."
    )
    budget: BudgetSpec | None = Field(
        default=None, description="Retries in any window: {retries: 20%, window: 10s}."
    )
    breaker: BreakerSpec | None = Field(
        default=None, description="A circuit breaker: {opens_after: 5, stays_open: 10s, probes: 1}."
    )
    in_flight: InFlightSpec | None = Field(default=None, description="Calls at the same time: {max: 10}.")
    spread: SpreadSpec | None = Field(
        default=None, description="Clients that failed together don't return together: {window: 1s}."
    )
    rate: CallRateSpec | None = Field(default=None, description="Calls for each time: {max: 50/s}.")
    optional: bool = Field(default=False, description="true: rules that do not apply pass.")

    @model_validator(mode="after")
    def _has_rule(self) -> Self:
        if all(getattr(self, rule) is None for rule in RULES):
            raise WrongValueError("`load` has no rule", f"Write one of {', '.join(RULES)}")
        return self
