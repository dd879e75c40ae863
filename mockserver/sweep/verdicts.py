"""
The verdict on a cell: survived, failed cleanly, harmed. Decided by the test's outcome and by what really happened.

The rules, with examples, stand in docs/sweep.md; why they are so in
docs/decisions/0006-resilience-sweep.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mockserver.schema.trouble import TroubleEffectsSpec
from mockserver.sweep.effects import Bundle, bundles, kind_in, signature, without_undone
from mockserver.sweep.evidence import Effect, SweepEvidence
from mockserver.sweep.learning import Lesson, repeats

HALF_DONE = "half done"


class CellVerdict(StrEnum):
    """`survived`: green, effects as in the clean run. `failed_cleanly`: red, none twice, none half done."""

    SURVIVED = "survived"
    FAILED_CLEANLY = "failed_cleanly"
    HARMED = "harmed"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and why it is not survived."""

    verdict: CellVerdict
    reasons: tuple[str, ...] = ()


def judge(lesson: Lesson, evidence: SweepEvidence, rules: TroubleEffectsSpec, *, passed: bool) -> Judged:
    """Of one cell, against what the clean runs taught."""
    undone_by = {kind: [by] if isinstance(by, str) else by for kind, by in rules.undone_by.items()}
    effects = without_undone(evidence.effects, lesson.expected, lesson.drawn, undone_by)
    counts = Counter(signature(effect, lesson.drawn) for effect in effects)
    twice = [*_twice(lesson, counts), *_repeated(lesson, evidence, effects, counts)]
    if not passed:
        alone = frozenset(kind.replace(" ", "_") for kind in rules.alone)
        half = [] if twice else list(_half_done(_halves(lesson, effects), alone))
        verdict = CellVerdict.HARMED if twice or half else CellVerdict.FAILED_CLEANLY
        return Judged(verdict, (*twice, *half))
    # Where something came twice, ids don't tell any more what belongs to what.
    open_ends = [] if twice else list(_halves(lesson, effects))
    wrong = (*twice, *_missing(lesson, open_ends, counts), *_new(lesson, counts))
    return Judged(CellVerdict.HARMED if wrong else CellVerdict.SURVIVED, wrong)


def _twice(lesson: Lesson, counts: Bundle) -> Iterator[str]:
    for mark, count in counts.items():
        wanted = lesson.expected[mark]
        if 0 < wanted < count:
            yield f"{_times(count)}: {mark}" + (f" ({wanted} in the clean run)" if wanted > 1 else "")


def _repeated(
    lesson: Lesson, evidence: SweepEvidence, effects: list[Effect], counts: Bundle
) -> Iterator[str]:
    """Equal numbers, but one request did what another was to do."""
    if len(effects) != len(evidence.effects):
        return  # some were taken back: which request is left with what can't be said
    for (kind, mark), count in repeats(evidence.calls, lesson.drawn).items():
        most = lesson.most.get((kind, mark), 0)
        if most and count > most and counts[mark] <= lesson.expected[mark]:
            what = "one idempotency key" if kind == "key" else "one request"
            yield f"{_times(count)} by {what}, while another did not: {mark}"
            return


def _missing(lesson: Lesson, halves: list[tuple[Bundle, Bundle]], counts: Bundle) -> Iterator[str]:
    """Of a green test: what the clean run did and this one did not."""
    open_marks: Bundle = Counter()
    for bundle, whole in halves:
        for mark in whole - bundle:
            open_marks[mark] += 1
            yield f"left open: {_kinds(bundle)} without {mark}"
    for mark, count in (lesson.expected - counts).items():
        for _ in range(count - open_marks[mark]):
            yield f"lost: {mark}"


def _new(lesson: Lesson, counts: Bundle) -> Iterator[str]:
    for mark in counts:
        if mark not in lesson.expected:
            yield f"not in the clean run: {mark}"


def _half_done(halves: Iterable[tuple[Bundle, Bundle]], alone: frozenset[str]) -> Iterator[str]:
    for bundle, whole in halves:
        if not all(kind_in(mark) in alone for mark in bundle):
            yield f"{HALF_DONE}: {_kinds(bundle)} without {_kinds(whole - bundle)}"


def _halves(lesson: Lesson, effects: list[Effect]) -> Iterator[tuple[Bundle, Bundle]]:
    """Effects that belong together in the clean run and of which only a part is there; with the whole."""
    for bundle in bundles(effects, lesson.drawn):
        if bundle in lesson.together:
            continue
        whole = next((other for other in lesson.together if bundle < other), None)
        if whole is not None:
            yield bundle, whole


def _kinds(bundle: Bundle) -> str:
    return " and ".join(sorted({kind_in(mark) for mark in bundle}))


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
