"""The results of a sweep: one for each cell, and which cells did not run. `report.json` is this as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver.redaction.redaction import mask_text, mask_tree
from mockserver.sweep.baseline import Baseline
from mockserver.sweep.cells import Cell, Plan
from mockserver.sweep.evidence import SweepCall, SweepEvidence
from mockserver.sweep.failing import FAIL_ON, HARM, RULES
from mockserver.sweep.kinds import Kinds
from mockserver.sweep.retries import broken_rules, retry_remarks, retry_summary
from mockserver.sweep.verdicts import Assessment, CellVerdict, assess

MAX_TIMELINE_CALLS = 100
"""Maximum number of calls of a cell in the report."""
MAX_ERROR_CHARS = 4000
"""Number of characters kept from the end of the output of a failed test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a cell. `passed` is None if the test had no outcome; `error` is the output of a failed test."""

    cell: Cell
    passed: bool | None
    duration_s: float
    evidence: SweepEvidence
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A trial and its verdict. None, with the reason in `why`, if no call was changed or the test had no outcome."""

    trial: Trial
    assessment: Assessment | None
    attempts: dict[str, Any] | None
    why: str = ""

    @property
    def verdict(self) -> CellVerdict | None:
        return self.assessment.verdict if self.assessment is not None else None

    @property
    def reasons(self) -> list[str]:
        """Why the verdict is not `survived`, with masked secrets."""
        return (
            [mask_text(reason) for reason in self.assessment.reasons] if self.assessment is not None else []
        )

    @property
    def remarks(self) -> list[str]:
        """The retry rules that the client broke."""
        return retry_remarks(self.attempts)

    @property
    def broken_rules(self) -> list[str]:
        """The retry rules that the client certainly broke."""
        return broken_rules(self.attempts)

    def fails(self, fail_on: Sequence[str]) -> list[str]:
        """Return the conditions of `fail_on` that this result meets."""
        harmed, broken = self.verdict is CellVerdict.HARMED, self.verdict is not None and self.broken_rules
        return [name for name, is_so in ((HARM, harmed), (RULES, broken)) if is_so and name in fail_on]


def result_of(trial: Trial, baseline: Baseline, kinds: Kinds) -> Result:
    if trial.passed is None:
        return Result(
            trial=trial, assessment=None, attempts=None, why=trial.error or "the test had no outcome"
        )
    if not trial.evidence.hits or trial.evidence.missed:
        error = "" if trial.passed else last_line(trial.error)
        missing = "the call of its second trouble" if trial.evidence.hits else "the call"
        why = f"{missing} was not made this time" + (f"; the test is red: {error}" if error else "")
        return Result(trial=trial, assessment=None, attempts=None, why=why)
    assessment = assess(baseline, trial.evidence, kinds.effects, passed=trial.passed)
    attempts = retry_summary(trial.evidence, baseline.operations)
    return Result(trial=trial, assessment=assessment, attempts=attempts)


def last_line(error: str) -> str:
    r"""
    Return the last line of an error, with the line before it if the last one is in parentheses.

    >>> last_line("E  boom\nshop.py:7: RuntimeError\n"), last_line("no route\n\n(exit code 1)"), last_line(" ")
    ('shop.py:7: RuntimeError', 'no route (exit code 1)', '')
    """
    lines = [line for text in error.splitlines() if (line := text.strip())]
    is_remark = len(lines) > 1 and lines[-1].startswith("(")
    return " ".join(lines[-2:] if is_remark else lines[-1:])


@dataclass(slots=True, kw_only=True)
class Sweep:
    """
    A sweep, from its plan to its results. `command` returns the command line that runs a cell again.
    """

    baselines: Sequence[Baseline]
    kinds: Kinds
    plan: Plan
    seed: str
    command: Callable[[Cell], str]
    version: str
    fail_on: Sequence[str] = FAIL_ON
    fail_on_option: str = "--fail-on"
    results: dict[str, Result] = field(default_factory=dict)

    def add(self, trial: Trial) -> Result:
        baseline = next(baseline for baseline in self.baselines if baseline.test == trial.cell.test)
        result = result_of(trial, baseline, self.kinds)
        self.results[trial.cell.id] = result
        return result

    @property
    def possible(self) -> Sequence[Cell]:
        """All cells with one trouble."""
        return self.plan.possible

    @property
    def planned(self) -> Sequence[Cell]:
        """The cells with one trouble that are run, then the pairs."""
        return self.plan.planned

    @property
    def singles(self) -> list[Cell]:
        """The cells with one trouble that are run."""
        return [cell for cell in self.planned if cell.then is None]

    @property
    def swept(self) -> list[Baseline]:
        return [baseline for baseline in self.baselines if baseline.why is None]

    @property
    def ordered(self) -> list[Result]:
        """Results in the order of the plan."""
        return [self.results[cell.id] for cell in self.planned if cell.id in self.results]

    @property
    def counts(self) -> Counter[CellVerdict]:
        return Counter(result.verdict for result in self.ordered if result.verdict is not None)

    @property
    def harmed(self) -> list[Result]:
        return [result for result in self.ordered if result.verdict is CellVerdict.HARMED]

    @property
    def with_broken_rules(self) -> list[Result]:
        return [result for result in self.ordered if result.fails([RULES])]

    @property
    def failed(self) -> bool:
        """Whether a cell fails the sweep."""
        return any(result.fails(self.fail_on) for result in self.ordered)

    @property
    def unreached(self) -> list[Result]:
        """Planned cells without a verdict, including those that were not run to their end."""
        results = [
            self.results.get(cell.id)
            or Result(
                trial=Trial(cell=cell, passed=None, duration_s=0.0, evidence=SweepEvidence()),
                assessment=None,
                attempts=None,
                why="it was not run to its end",
            )
            for cell in self.planned
        ]
        return [result for result in results if result.verdict is None]

    def document(self) -> dict[str, Any]:
        """Return the document of `report.json`, with masked secrets."""
        planned = {cell.id for cell in self.planned}
        results = [result for result in self.ordered if result.verdict is not None]
        return {
            "mockserver": self.version,
            "seed": self.seed,
            "budget": {
                "tests": len(self.swept),
                "calls": sum(len(baseline.calls) for baseline in self.swept),
                "troubles": len(self.kinds),
                "possible": len(self.possible),
                "planned": len(self.singles),
                "possible_pairs": self.plan.possible_pairs,
                "pairs": len(self.planned) - len(self.singles),
            },
            "verdicts": {verdict.value: self.counts[verdict] for verdict in CellVerdict},
            "broken_rules": len(self.with_broken_rules),
            "fail_on": list(self.fail_on),
            "failed": self.failed,
            "troubles": [{"name": kind.name, "says": kind.description} for kind in self.kinds],
            "tests": [_baseline_view(baseline) for baseline in self.swept],
            "cells": [self._view(result) for result in results if result.trial.cell.then is None],
            "pairs": [self._view(result) for result in results if result.trial.cell.then is not None],
            "left_out": [_name(cell) for cell in self.possible if cell.id not in planned],
            "unreached": [
                {**_name(result.trial.cell), "id": result.trial.cell.id, "why": mask_text(result.why)}
                for result in self.unreached
            ],
            "not_swept": [
                {"test": baseline.test, "why": mask_text(baseline.why)}
                for baseline in self.baselines
                if baseline.why is not None
            ],
        }

    def _view(self, result: Result) -> dict[str, Any]:
        trial = result.trial
        assert result.assessment is not None
        return {
            **_name(trial.cell),
            "id": trial.cell.id,
            "verdict": result.assessment.verdict.value,
            "passed": trial.passed,
            "reasons": result.reasons,
            "remarks": result.remarks,
            "broken_rules": result.broken_rules,
            "fails": result.fails(self.fail_on),
            "attempts": result.attempts,
            "duration_s": round(trial.duration_s, 3),
            "error": mask_text(trial.error[-MAX_ERROR_CHARS:]),
            "timeline": timeline(trial.evidence),
            "command": self.command(trial.cell),
        }


def _name(cell: Cell) -> dict[str, Any]:
    """A pair has its second call and trouble under `then`."""
    own = {"test": cell.test, "call": cell.call, "trouble": cell.trouble}
    then = cell.then
    return own if then is None else {**own, "then": {"call": then.call, "trouble": then.trouble}}


def _baseline_view(baseline: Baseline) -> dict[str, Any]:
    return {
        "test": baseline.test,
        "effects": [mask_text(effect_signature) for effect_signature in baseline.expected.elements()],
        "notes": list(baseline.notes),
        "calls": [
            {
                "call": place.label,
                "route": place.route,
                "request": mask_text(place.request),
                "effects": place.effects,
            }
            for place in baseline.calls
        ],
    }


def gaps_ms(evidence: SweepEvidence) -> dict[str, float | None]:
    """Return the gap before each attempt, by the id of its call."""
    return {
        attempt["call"]: attempt["gap_ms"]
        for operation in evidence.operations
        for attempt in operation["tries"]
    }


def timeline(evidence: SweepEvidence) -> dict[str, Any]:
    """Return the first calls and webhooks of a cell for a timeline, and the number of other calls."""
    gaps = gaps_ms(evidence)
    operation_numbers = {
        attempt["call"]: number
        for number, operation in enumerate(evidence.operations)
        for attempt in operation["tries"]
        if len(operation["tries"]) > 1
    }
    return {
        "calls": [
            {
                **_call_view(call, struck=call.id in evidence.hits),
                "gap_ms": gaps.get(call.id),
                "operation": operation_numbers.get(call.id),
            }
            for call in evidence.calls[:MAX_TIMELINE_CALLS]
        ],
        "more": max(0, len(evidence.calls) - MAX_TIMELINE_CALLS) + sum(evidence.dropped.values()),
        "webhooks": [
            {"call": attempt.call, "at_ms": attempt.at_ms, "status": attempt.status}
            for attempt in evidence.webhooks[:MAX_TIMELINE_CALLS]
        ],
    }


def _call_view(call: SweepCall, *, struck: bool) -> dict[str, Any]:
    return {
        "id": call.id,
        "route": call.short_route or None,
        "request": mask_text(f"{call.method} {call.path}"),
        "status": call.status if call.first_ms is not None else None,
        "outcome": call.outcome,
        "replayed": call.replayed,
        "struck": struck,
        "arrived_ms": call.arrived_ms,
        "claimed_ms": call.claimed_ms,
        "end_ms": call.end_ms,
        "effects": [mask_tree(effect) for effect in call.effects],
    }


def verdict_summary(counts: Counter[CellVerdict]) -> str:
    """Return `30 survived, 6 failed cleanly, 2 harmed`."""
    words: Iterable[str] = (
        f"{counts[verdict]} {verdict.value.replace('_', ' ')}" for verdict in CellVerdict if counts[verdict]
    )
    return ", ".join(words) or "no cell has a verdict"
