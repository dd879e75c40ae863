"""`/clock`: the virtual clock of a namespace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field, model_validator

from mockserver.admin.api import AdminRequest, Answer, json_answer, table
from mockserver.admin.models import ClockView
from mockserver.errors import WrongValueError, invalid
from mockserver.model.durations import HINT, LONGEST_S, parse_duration_s
from mockserver.model.instants import instant
from mockserver.schema.base import Spec


class ClockBody(Spec):
    """One action on the virtual clock."""

    advance: str | None = Field(default=None, description="Duration to advance: 3d, 90s.")
    freeze: Any = Field(default=None, description="true, or the instant to freeze at.")
    at: str | None = Field(default=None, description="The instant to continue from.")
    resume: bool = Field(default=False, description="Continue from the current time of the clock.")
    reset: bool = Field(default=False, description="Return to real time.")
    wait: bool = Field(default=True, description="Answer after due webhooks were sent.")

    @model_validator(mode="after")
    def _one_move(self) -> ClockBody:
        written = self.model_fields_set - {"wait"}
        if len(written) != 1:
            raise WrongValueError(
                "the clock needs exactly one action", 'Send {"advance": "3d"}, or freeze, at, resume or reset'
            )
        for name in ("resume", "reset"):
            if self.has(name) and not getattr(self, name):
                raise WrongValueError(f"{name} is false", f'Send {{"{name}": true}}')
        return self


def clock_view(request: AdminRequest[Any]) -> Answer:
    clock = request.ns.clock
    return json_answer(
        {"now": instant(clock.now_s()), "frozen": clock.frozen, "offset_s": round(clock.offset_s, 6)}
    )


@table.get("/clock", "The virtual clock of this namespace.", answer=ClockView)
async def get_clock(request: AdminRequest[Any]) -> Answer:
    return clock_view(request)


@table.post(
    "/clock",
    "Move the virtual clock; due webhooks are sent, in order, before the answer.",
    body=ClockBody,
    answer=ClockView,
)
async def move_clock(request: AdminRequest[ClockBody]) -> Answer:
    body, ns, webhooks = request.body, request.ns, request.services.webhooks
    if body.advance is not None:
        await webhooks.advance_by(ns, _ahead_s(body.advance, ns.clock.now_s()), wait=body.wait)
    elif body.at is not None:
        to_s = _instant_s(body.at, "at")
        await webhooks.change(ns, lambda clock: clock.resume())
        await webhooks.advance(ns, to_s, wait=body.wait)
    elif body.resume:
        await webhooks.change(ns, lambda clock: clock.resume())
    elif body.reset:
        await webhooks.change(ns, lambda clock: clock.reset())
    elif body.freeze is True:
        await webhooks.change(ns, lambda clock: clock.freeze())
    else:
        to_s = _instant_s(body.freeze, "freeze")
        await webhooks.change(ns, lambda clock: clock.freeze())
        await webhooks.advance(ns, to_s, wait=body.wait)
    webhooks.moved(ns)
    ns.tell()
    return clock_view(request)


_LAST_YEAR = 9000
_LAST_S = datetime(_LAST_YEAR, 12, 31, tzinfo=UTC).timestamp()


def _ahead_s(text: str, now_s: float) -> float:
    try:
        seconds = parse_duration_s(text)
    except ValueError as error:
        raise invalid(("advance",), str(error), HINT) from error
    if not 0 <= seconds <= LONGEST_S:
        raise invalid(("advance",), f"{text!r} is not between 0 and 100 years", "Use `at` to go back")
    if now_s + seconds > _LAST_S:
        raise invalid(("advance",), f"{text!r} is after the year {_LAST_YEAR}", 'Send {"reset": true} first')
    return seconds


def _instant_s(value: Any, name: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise invalid((name,), f"{value!r} is not a valid instant", "Write 2026-01-31T12:00:00Z") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if not 1971 <= moment.year <= _LAST_YEAR:
        raise invalid((name,), f"{value!r} is out of range", "Use a year from 1971 to 9000")
    return moment.timestamp()
