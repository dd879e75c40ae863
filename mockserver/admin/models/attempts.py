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


class LoadView(AdminView):
    """
    The calls over time. `since` is the arrival of the first call, from which `at_ms` counts.

    `amplification` is the number of calls per operation.
    """

    since: str | None
    interval_ms: float
    calls: int
    operations: int
    retries: int
    amplification: float | None
    most_in_flight: int
    intervals: list[LoadIntervalView]


class OperationList(Listing):
    """
    `amplification` is the number of calls per operation, `most_in_flight` the maximum of concurrent calls of the
    route.
    """

    items: list[OperationView]
    amplification: float | None
    most_in_flight: int
