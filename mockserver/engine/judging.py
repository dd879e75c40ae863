"""The rules of `attempts` in a check, each with a sentence that says which broke, at which try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mockserver.engine.attempts import Operation, Try, part_of
from mockserver.engine.selectors import Selector, compile_selector
from mockserver.engine.words import BEFORE_CLAIM
from mockserver.errors import Flaw, InvalidInput, KeyPath
from mockserver.model.call import Call
from mockserver.model.redaction import mask_part
from mockserver.model.verify import AttemptsSpec

GROWTH_TOLERANCE_S = 0.005
"""Timers are not exact: a gap that is longer by no more than this counts as the same."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold. `late` ones may still come true: too few operations."""

    text: str
    late: bool = False


class Rules:
    """Compiled `attempts`. `params_of` gives a call's path parameters, for selectors."""

    __slots__ = ("_params_of", "_same", "_spec")

    def __init__(
        self, spec: AttemptsSpec, params_of: Callable[[Call], dict[str, str]], path: KeyPath
    ) -> None:
        """Raises InvalidInput for what is no selector."""
        self._spec = spec
        self._params_of = params_of
        self._same: list[Selector] = []
        for i, text in enumerate(spec.same or ()):
            where = (*path, "same", i)
            if text.startswith("{{"):
                raise InvalidInput(
                    Flaw(
                        where,
                        "a template can't be asked of a call that is over",
                        "Write a selector such as headers.idempotency-key",
                    )
                )
            self._same.append(compile_selector(text, where, BEFORE_CLAIM))

    def broken(self, operations: list[Operation]) -> list[Broken]:
        """Every rule that does not hold, in the order of the tries."""
        found = list(self._count(operations))
        for number, operation in enumerate(operations, 1):
            key = f" (key={operation.key[:8]})" if operation.key else ""
            name = f"operation {number}{key}"
            found += [Broken(f"{name}: {text}") for text in self._of_operation(operation)]
        return found

    def _count(self, operations: list[Operation]) -> Iterator[Broken]:
        wanted = self._spec.operations
        count = len(operations)
        if wanted is not None and not wanted.holds(count):
            expected = str(wanted).replace("calls", "operations").replace("call", "operation")
            yield Broken(f"expected {expected}, saw {count}", late=count < wanted.min)

    def _of_operation(self, operation: Operation) -> Iterator[str]:
        spec = self._spec
        if spec.max is not None and len(operation.tries) > spec.max:
            yield f"{len(operation.tries)} tries, at most {spec.max} allowed"
        for number, one in enumerate(operation.tries, 1):
            yield from self._of_try(number, one)
        if spec.growing:
            yield from _growing(operation)
        if spec.same:
            yield from self._unchanged(operation)
        if spec.overlap and not operation.overlap and len(operation.tries) > 1:
            yield "no two tries overlap, and they were to"

    def _of_try(self, number: int, one: Try) -> Iterator[str]:
        spec = self._spec
        if spec.overlap is False and one.overlaps:
            ahead = "was still open when" if one.gap_s is None else f"ended {-one.gap_s * 1000:.0f} ms after"
            yield f"try {number} overlaps: try {number - 1} {ahead} it came"
        if spec.gaps is not None and one.gap_s is not None:
            bounds = spec.gaps.broken(one.gap_s)
            if bounds:
                side = "after" if one.gap_s >= 0 else "before"
                yield f"try {number} came {abs(one.gap_s) * 1000:.0f} ms {side} try {number - 1} ended, expected {bounds}"
        if spec.honours is not None and one.retry_after == "broken":
            early = one.gap_s is None or one.gap_s < 0
            came = "before that had ended" if early else f"after {one.gap_s:.3f} s"
            yield f"try {number} broke Retry-After: try {number - 1} was answered 'wait {one.asked_s:g} s', it came {came}"

    def _unchanged(self, operation: Operation) -> Iterator[str]:
        first = operation.tries[0].call
        for selector in self._same:
            wanted = part_of(first, selector, self._params_of(first))
            for number, one in enumerate(operation.tries[1:], 2):
                got = part_of(one.call, selector, self._params_of(one.call))
                if got != wanted:
                    what = (
                        ""
                        if selector.text == "body"
                        else f": {_short(selector, got)} is not {_short(selector, wanted)} of try 1"
                    )
                    yield f"try {number} changed {selector.text}{what}"
                    break


def _growing(operation: Operation) -> Iterator[str]:
    gaps = operation.gaps_s
    for i in range(1, len(gaps)):
        if gaps[i] <= gaps[i - 1] + GROWTH_TOLERANCE_S:
            yield (
                f"the gaps don't grow: try {i + 2} came after {gaps[i] * 1000:.0f} ms, "
                f"try {i + 1} after {gaps[i - 1] * 1000:.0f} ms"
            )
            return


def _short(selector: Selector, value: str | None) -> str:
    if value is None:
        return "absent"
    shown = mask_part(selector.text, value)
    return repr(shown) if len(shown) <= 40 else repr(shown[:37] + "…")
