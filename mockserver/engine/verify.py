"""
Checks: does what was called agree with what a test expects? Pure; waiting is `admin/`'s.

Every verdict has a text that a person can act on, with the calls it is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from mockserver.engine.counting import Subject
from mockserver.engine.namespace import Namespace
from mockserver.engine.timeline import timeline
from mockserver.errors import KeyPath
from mockserver.model.call import Call
from mockserver.model.scenario import ExpectSpec
from mockserver.model.verify import CheckSpec, SubjectSpec


class Standing(Enum):
    """Where a check stands: `SHORT` may still come true by waiting, `FAILED` can't."""

    OK = "ok"
    SHORT = "short"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to. `seen` changes whenever something came that `quiet` forbids."""

    standing: Standing
    expected: str
    saw: str
    text: str
    seen: Any = None

    @property
    def ok(self) -> bool:
        return self.standing is Standing.OK

    def view(self) -> dict[str, Any]:
        return {"ok": self.ok, "expected": self.expected, "saw": self.saw, "text": self.text}


class Check:
    """A compiled check. Raises InvalidInput where it asks for what can't be asked."""

    __slots__ = ("_subject", "spec")

    def __init__(self, ns: Namespace, spec: CheckSpec, path: KeyPath = ()) -> None:
        self.spec = spec
        self._subject = (
            Subject(ns, spec, path) if spec.route is not None or spec.request is not None else None
        )

    def verdict(self, ns: Namespace) -> Verdict:
        if self._subject is not None:
            return _of_subject(ns, self._subject, self.spec.times)
        return _of_unmatched(ns, self.spec.unmatched or 0)


def standing_of(count: int, times: ExpectSpec) -> Standing:
    """Below the lower bound it may still come; above the upper never."""
    if count < times.min:
        return Standing.SHORT
    return Standing.OK if times.holds(count) else Standing.FAILED


def _of_subject(ns: Namespace, subject: Subject, times: ExpectSpec) -> Verdict:
    count = subject.count(ns)
    standing = standing_of(count.count, times)
    saw = str(count.count) + ("" if count.exact else ", counted from the records that are kept")
    text = f"{subject.text}: expected {times}, saw {saw}"
    if standing is not Standing.OK:
        text = "\n".join([text, *timeline(ns, _about(ns, subject))])
    return Verdict(standing, str(times), saw, text, count.count)


def _about(ns: Namespace, subject: Subject) -> list[Call]:
    """The calls that were counted, and the misses that may have been meant."""
    return [call for call in ns.record if subject.holds(call) or _missed(call)]


def _missed(call: Call) -> bool:
    return not call.matched and not call.automatic and call.request.complete


def _of_unmatched(ns: Namespace, most: int) -> Verdict:
    count = ns.counts.unmatched
    standing = Standing.OK if count <= most else Standing.FAILED
    expected = "no unmatched call" if most == 0 else f"at most {most} unmatched"
    text = f"expected {expected}, saw {count}"
    if standing is not Standing.OK:
        text = "\n".join([text, *timeline(ns, [call for call in ns.record if _missed(call)])])
    return Verdict(standing, expected, f"{count} unmatched", text, count)


def expectations(ns: Namespace, scenario: str | None = None) -> list[Verdict]:
    """Every `expect` of what answers here (of one scenario, where named), and that no call went unmatched."""
    verdicts = [
        _of_route(ns, route.id, route.expect)
        for route in ns.active_routes()
        if route.expect is not None and (scenario is None or route.scenario.name == scenario)
    ]
    return [*verdicts, _of_unmatched(ns, 0)]


def _of_route(ns: Namespace, route_id: str, expect: ExpectSpec) -> Verdict:
    return _of_subject(ns, Subject(ns, SubjectSpec(route=route_id)), expect)
