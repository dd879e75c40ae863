"""Cases of judgements, played in memory: a scenario, calls at exact times, the true operations, and checks."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mockserver.attempts import operations
from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Break, Drip, Hang, Outcome, Send, Wait
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import from_bundle
from mockserver.schema.attempts import GroupingSpec
from mockserver.schema.verify import CheckSpec
from mockserver.verification.operations import grouping_of
from mockserver.verification.verify import Check, Verdict
from support.calls import WALL_S

FOLDER = Path(__file__).parent.parent / "cases" / "judgements"
NOTICED_S = 0.02
"""How long after it left a client is seen to have left: as measured with urllib3."""


@dataclass(frozen=True)
class Case:
    """`place` is the file and the number of the document in it."""

    place: str
    document: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.place}: {self.document['about']}"


def cases() -> Iterator[Case]:
    """Yield every case of the folder."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for number, document in enumerate(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)):
            yield Case(f"{path.stem} {number}", document)


class Played:
    """A case that was played: the calls in the order of the case."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.now_s = 0.0
        world = build_scenario_set([from_bundle(document["scenario"], {}, "case")])
        self.engine = Engine(world, wall=lambda: WALL_S + self.now_s, mono=lambda: self.now_s)
        self.ns = self.engine.default
        self.by = document.get("by")
        self.ignore = document.get("ignore")
        self.calls: list[Call] = []
        self._play(document["calls"])

    def _play(self, calls: list[dict[str, Any]]) -> None:
        ends: list[tuple[float, int, Call, Outcome]] = []
        for number, spec in enumerate(calls):
            self._end_until(float(spec["at"]), ends)
            self.now_s = float(spec["at"])
            call = self.engine.begin(_request(spec, self.now_s), self.ns)
            self.calls.append(call)
            end_s, outcome = _performed(call, self.now_s)
            left_s = self.now_s + spec["timeout"] if "timeout" in spec else float("inf")
            if end_s > left_s:
                end_s, outcome = left_s + NOTICED_S, Outcome.CLIENT_LEFT
                call.first_byte_at_s = None
            if call.first_byte_at_s is not None and call.response is not None:
                self.engine.answered(call, call.response.status)
            heapq.heappush(ends, (end_s, number, call, outcome))
        self._end_until(float("inf"), ends)

    def _end_until(self, until_s: float, ends: list[tuple[float, int, Call, Outcome]]) -> None:
        while ends and ends[0][0] <= until_s:
            end_s, _, call, outcome = heapq.heappop(ends)
            if end_s == float("inf"):
                continue  # it hangs for ever
            self.now_s = end_s
            if outcome is Outcome.CLIENT_LEFT:
                call.left_at_s = end_s
            else:
                call.last_byte_at_s = end_s
            self.engine.finish(call, outcome)

    def grouped(self) -> tuple[list[list[int]], list[bool]]:
        """The calls of each operation by number in the case, from 1, and whether each is certain."""
        spec = GroupingSpec(by=self.by, ignore=self.ignore)
        numbers = {call.number: i for i, call in enumerate(self.calls, 1)}
        listed = operations(self.ns.call_log, grouping_of(self.ns, spec))
        return (
            [sorted(numbers[attempt.call.number] for attempt in operation.attempts) for operation in listed],
            [operation.certain for operation in listed],
        )

    def verdict(self, check: dict[str, Any]) -> Verdict:
        """What a check comes to after the last call."""
        return Check(self.ns, parse_spec(CheckSpec, check)).verdict(self.ns)


def _request(spec: dict[str, Any], at_s: float) -> Request:
    method, _, target = spec["request"].partition(" ")
    body = spec.get("body", b"")
    headers = {name.lower(): str(value) for name, value in spec.get("headers", {}).items()}
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("content-type", "application/json")
    data = body.encode() if isinstance(body, str) else body
    return Request(method, target, list(headers.items()), data, arrived_s=WALL_S + at_s, arrived_at_s=at_s)


def _performed(call: Call, at_s: float) -> tuple[float, Outcome]:
    """When the plan is done, and how it ends."""
    now_s = at_s
    for step in call.plan:
        if isinstance(step, Wait):
            now_s += step.seconds
        elif isinstance(step, Hang):
            return float("inf"), Outcome.DONE
        elif isinstance(step, Break):
            return now_s, step.outcome
        elif isinstance(step, (Send, Drip)):
            call.first_byte_at_s = now_s
            if isinstance(step, Send) and step.upto is not None:
                call.reply_length = step.upto
            if isinstance(step, Drip):
                now_s += sum(wait_s for wait_s, _ in step.pieces)
        else:
            raise TypeError(f"{step} can't be performed in memory")
    return now_s, Outcome.DONE
