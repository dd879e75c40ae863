"""What a sweep found, put together: one result a cell, and what was not tried. `report.json` is this as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver.redaction.redaction import mask_text, mask_tree
from mockserver.sweep.cells import Cell, Plan
from mockserver.sweep.evidence import SeenCalls, SweepEvidence
from mockserver.sweep.failing import FAIL_ON, HARM, RULES
from mockserver.sweep.judgements import broken_rules, faults, judged_attempts
from mockserver.sweep.kinds import Kinds
from mockserver.sweep.learning import Lesson
from mockserver.sweep.verdicts import CellVerdict, Judged, judge

MOST_DRAWN = 100
"""Calls of a cell that the report has."""
MOST_ERROR = 4000
"""Characters of what a red test said that are kept: its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a cell. `error` is what a red test said; `passed` None where it came to no outcome."""

    cell: Cell
    passed: bool | None
    duration_s: float
    evidence: SweepEvidence
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A trial and its verdict; None where the trouble struck nothing, or the test had no outcome."""

    trial: Trial
    judged: Judged | None
    attempts: dict[str, Any] | None
    why: str = ""

    @property
    def verdict(self) -> CellVerdict | None:
        return self.judged.verdict if self.judged is not None else None

    @property
    def reasons(self) -> list[str]:
        """Why it is not survived; secrets masked."""
        return [mask_text(reason) for reason in self.judged.reasons] if self.judged is not None else []

    @property
    def remarks(self) -> list[str]:
        """What is wrong with the way the client tried again."""
        return faults(self.attempts)

    @property
    def broken_rules(self) -> list[str]:
        """Those of the remarks that are certain."""
        return broken_rules(self.attempts)

    def fails(self, fail_on: Sequence[str]) -> list[str]:
        """Which of these it fails."""
        harmed, broken = self.verdict is CellVerdict.HARMED, self.verdict is not None and self.broken_rules
        return [name for name, is_so in ((HARM, harmed), (RULES, broken)) if is_so and name in fail_on]


def result_of(trial: Trial, lesson: Lesson, kinds: Kinds) -> Result:
    if trial.passed is None:
        return Result(trial=trial, judged=None, attempts=None, why=trial.error or "the test had no outcome")
    if not trial.evidence.hits or trial.evidence.missed:
        said = "" if trial.passed else last_line(trial.error)
        which = "the call of its second trouble" if trial.evidence.hits else "the call"
        why = f"{which} was not made this time" + (f"; the test is red: {said}" if said else "")
        return Result(trial=trial, judged=None, attempts=None, why=why)
    judged = judge(lesson, trial.evidence, kinds.effects, passed=trial.passed)
    return Result(trial=trial, judged=judged, attempts=judged_attempts(trial.evidence, lesson.operations))


def last_line(error: str) -> str:
    r"""
    What an error comes to; how a command ended is told behind what it said.

    >>> last_line("E  boom\nshop.py:7: RuntimeError\n"), last_line("no route\n\n(exit code 1)"), last_line(" ")
    ('shop.py:7: RuntimeError', 'no route (exit code 1)', '')
    """
    lines = [line for text in error.splitlines() if (line := text.strip())]
    is_remark = len(lines) > 1 and lines[-1].startswith("(")
    return " ".join(lines[-2:] if is_remark else lines[-1:])


@dataclass(slots=True, kw_only=True)
class Sweep:
    """
    A sweep, from its plan to its results. The plan has all cells, and those that are run; `command` writes the command that runs one of them again.
    """

    lessons: Sequence[Lesson]
    kinds: Kinds
    plan: Plan
    seed: str
    command: Callable[[Cell], str]
    version: str
    fail_on: Sequence[str] = FAIL_ON
    fail_on_option: str = "--fail-on"
    results: dict[str, Result] = field(default_factory=dict)

    def add(self, trial: Trial) -> Result:
        lesson = next(lesson for lesson in self.lessons if lesson.test == trial.cell.test)
        result = result_of(trial, lesson, self.kinds)
        self.results[trial.cell.id] = result
        return result

    @property
    def possible(self) -> Sequence[Cell]:
        """All cells with one trouble."""
        return self.plan.possible

    @property
    def planned(self) -> Sequence[Cell]:
        """The cells that are run, and then the pairs."""
        return self.plan.planned

    @property
    def singles(self) -> list[Cell]:
        """The cells with one trouble that are run."""
        return [cell for cell in self.planned if cell.then is None]

    @property
    def swept(self) -> list[Lesson]:
        return [lesson for lesson in self.lessons if lesson.why is None]

    @property
    def ordered(self) -> list[Result]:
        """Results in the order of the plan, whatever came first."""
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
        """Planned cells without a verdict, those among them that were not run to their end."""
        none = "it was not run to its end"
        results = [
            self.results.get(cell.id)
            or Result(
                trial=Trial(cell=cell, passed=None, duration_s=0.0, evidence=SweepEvidence()),
                judged=None,
                attempts=None,
                why=none,
            )
            for cell in self.planned
        ]
        return [result for result in results if result.verdict is None]

    def document(self) -> dict[str, Any]:
        """`report.json`, secrets masked."""
        planned = {cell.id for cell in self.planned}
        judged = [result for result in self.ordered if result.verdict is not None]
        return {
            "mockserver": self.version,
            "seed": self.seed,
            "budget": {
                "tests": len(self.swept),
                "calls": sum(len(lesson.calls) for lesson in self.swept),
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
            "troubles": [{"name": kind.name, "says": kind.says} for kind in self.kinds],
            "tests": [_lesson_view(lesson) for lesson in self.swept],
            "cells": [self._view(result) for result in judged if result.trial.cell.then is None],
            "pairs": [self._view(result) for result in judged if result.trial.cell.then is not None],
            "left_out": [_name(cell) for cell in self.possible if cell.id not in planned],
            "unreached": [
                {**_name(result.trial.cell), "id": result.trial.cell.id, "why": mask_text(result.why)}
                for result in self.unreached
            ],
            "not_swept": [
                {"test": lesson.test, "why": mask_text(lesson.why)}
                for lesson in self.lessons
                if lesson.why is not None
            ],
        }

    def _view(self, result: Result) -> dict[str, Any]:
        trial = result.trial
        assert result.judged is not None
        return {
            **_name(trial.cell),
            "id": trial.cell.id,
            "verdict": result.judged.verdict.value,
            "passed": trial.passed,
            "reasons": result.reasons,
            "remarks": result.remarks,
            "broken_rules": result.broken_rules,
            "fails": result.fails(self.fail_on),
            "attempts": result.attempts,
            "duration_s": round(trial.duration_s, 3),
            "error": mask_text(trial.error[-MOST_ERROR:]),
            "timeline": timeline(trial.evidence),
            "command": self.command(trial.cell),
        }


def _name(cell: Cell) -> dict[str, Any]:
    """A pair has its second call and trouble under `then`."""
    own = {"test": cell.test, "call": cell.call, "trouble": cell.trouble}
    then = cell.then
    return own if then is None else {**own, "then": {"call": then.call, "trouble": then.trouble}}


def _lesson_view(lesson: Lesson) -> dict[str, Any]:
    return {
        "test": lesson.test,
        "effects": [mask_text(mark) for mark in lesson.expected.elements()],
        "notes": list(lesson.notes),
        "calls": [
            {
                "call": place.label,
                "route": place.route,
                "request": mask_text(place.request),
                "effects": place.effects,
            }
            for place in lesson.calls
        ],
    }


def timeline(evidence: SweepEvidence) -> dict[str, Any]:
    """The calls of a cell over time, as they are drawn, and the webhooks; of many calls the first, and how many more."""
    gaps = {attempt["call"]: attempt["gap_ms"] for tried in evidence.operations for attempt in tried["tries"]}
    groups = {
        attempt["call"]: number
        for number, tried in enumerate(evidence.operations)
        for attempt in tried["tries"]
        if len(tried["tries"]) > 1
    }
    return {
        "calls": [
            {
                **_call_view(call, struck=call.id in evidence.hits),
                "gap_ms": gaps.get(call.id),
                "operation": groups.get(call.id),
            }
            for call in evidence.calls[:MOST_DRAWN]
        ],
        "more": max(0, len(evidence.calls) - MOST_DRAWN) + sum(evidence.dropped.values()),
        "webhooks": [
            {"call": sent.call, "at_ms": sent.at_ms, "status": sent.status}
            for sent in evidence.webhooks[:MOST_DRAWN]
        ],
    }


def _call_view(call: SeenCalls, *, struck: bool) -> dict[str, Any]:
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


def summed(counts: Counter[CellVerdict]) -> str:
    """`30 survived, 6 failed cleanly, 2 harmed`."""
    words: Iterable[str] = (
        f"{counts[verdict]} {verdict.value.replace('_', ' ')}" for verdict in CellVerdict if counts[verdict]
    )
    return ", ".join(words) or "no cell was judged"
