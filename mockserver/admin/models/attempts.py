"""Operations with their attempts, and the load over time."""

from __future__ import annotations

from typing import Literal

from mockserver.admin.models.base import AdminView, Listing


class TryView(AdminView):
    """
    One attempt.

    `gap_ms` is the time since the end of the previous attempt, `asked_ms` the wait that its answer required,
    `retry_after` whether that was `kept` or `broken`; null if nothing was required. `changed` are the parts that
    differ from the previous attempt, `fields` the fields, each with the previous and the new value as JSON text.
    `step`: the next call belongs to the same attempt.
    """

    call: str
    arrived: str
    duration_ms: float | None
    gap_ms: float | None
    asked_ms: float | None
    retry_after: Literal["kept", "broken"] | None
    status: int | str | None
    outcome: str
    key: str | None
    changed: list[str]
    fields: dict[str, list[str | None]]
    step: Literal["unauthorized", "redirect"] | None
    effects: list[str]


class OperationView(AdminView):
    """
    Calls that are attempts of one operation.

    `why` is the evidence for the grouping or, if it is not `certain`, the doubt; `by` is the selector that removes it.
    `repeats` is the number, from 1, of an earlier operation that failed with an equal request. `left_out` are fields
    that are new on each attempt.
    """

    key: str | None
    route: str | None
    certain: bool
    why: str | None
    by: str | None
    repeats: int | None
    left_out: list[str]
    tries: list[TryView]
    statuses: list[int | str | None]
    overlap: bool
    retry_after: Literal["kept", "broken", "none"]
    final: Literal["succeeded", "failed", "open"]


class LoadIntervalView(AdminView):
    """The calls that arrived in an interval; `answers` has their number by status, fault or outcome."""

    at_ms: float
    calls: int
    retries: int
    in_flight: int
    answers: dict[str, int]


class FaultPeriodView(AdminView):
    """
    The time in which an outage or an injected failure was in effect. `routes` is null for all routes.

    `began` and `ended` are real times, `clock_began` and `clock_ended` those of the virtual clock; the end is null
    while it is in effect.
    """

    what: str
    routes: list[str] | None
    began: str
    ended: str | None
    clock_began: str
    clock_ended: str | None
    began_ms: float
    ended_ms: float | None


class LoadRuleView(AdminView):
    """A rule that does not hold, with the time of the calls that broke it, or that all rules hold."""

    ok: bool
    text: str
    began_ms: float | None
    ended_ms: float | None


class LoadView(AdminView):
    """
    The calls over time. `since` is the arrival of the first call; `at_ms`, `began_ms` and `ended_ms` count from it.

    `amplification` is the number of calls per operation, `outages` are those since the first call.
    """

    since: str | None
    interval_ms: float
    calls: int
    operations: int
    retries: int
    amplification: float | None
    most_in_flight: int
    intervals: list[LoadIntervalView]
    outages: list[FaultPeriodView]
    rules: list[LoadRuleView]


class OperationList(Listing):
    """
    `amplification` is the number of calls per operation, `most_in_flight` the maximum of concurrent calls of the
    route.
    """

    items: list[OperationView]
    amplification: float | None
    most_in_flight: int
