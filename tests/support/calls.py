"""Calls made by hand, with exact times: what attempts and checks are judged by, without a wire."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine, EngineSettings
from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Outcome
from mockserver.scenarios.flaws import parse_spec
from mockserver.scenarios.loader import load
from mockserver.schema.verify import CheckSpec
from mockserver.verification.verdict import Verdict
from mockserver.verification.verify import Check

WALL_S = 1_767_225_600.0
"""2026-01-01T00:00:00Z: when the monotonic clock of these calls stood at 0."""

CREATE = "pay/create-charge"
KEY = {"Idempotency-Key": "4f1c-aaaa-bbbb"}


class Calls:
    """Makes calls, numbered as they come."""

    def __init__(self) -> None:
        self.made: list[Call] = []

    def __call__(
        self,
        at_s: float,
        until_s: float | None = ...,  # type: ignore[assignment]
        status: int | None = 200,
        *,
        line: str = "POST /v1/charges",
        route: str | None = CREATE,
        headers: Mapping[str, str] | None = None,
        answer: Mapping[str, str] | None = None,
        json: Any = ...,
        form: Any = None,
        body: bytes = b"",
        outcome: Outcome = Outcome.DONE,
        **facts: Any,
    ) -> Call:
        """A call that arrived at `at_s` and was over at `until_s`: the same moment unless said, None while open."""
        lines = dict(headers or {})
        if json is not ...:
            lines.setdefault("Content-Type", "application/json")
            body = jsonlib.dumps(json).encode()
        if form is not None:
            lines.setdefault("Content-Type", "application/x-www-form-urlencoded")
            body = urlencode(form).encode()
        method, _, target = line.partition(" ")
        request = Request(
            method, target, list(lines.items()), body, arrived_s=WALL_S + at_s, arrived_at_s=at_s
        )
        call = Call(len(self.made) + 1, "default", request)
        call.route_id, call.status = route, status
        call.response = None if status is None else Response(status, list((answer or {}).items()))
        over_s = at_s if until_s is ... else until_s  # type: ignore[comparison-overlap]
        call.outcome = Outcome.OPEN if over_s is None else outcome
        if call.outcome is Outcome.CLIENT_LEFT:
            call.left_at_s = over_s
        else:
            call.last_byte_at_s = over_s
        for name, value in facts.items():
            setattr(call, name, value)
        self.made.append(call)
        return call


class World(Calls):
    """A namespace with the routes of some scenarios, whose record holds the calls that are made."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__()
        self.engine = Engine(
            build_scenario_set(load([str(folder)])),
            wall=lambda: WALL_S,
            mono=lambda: 0.0,
            settings=EngineSettings(**settings),
        )
        self.ns = self.engine.default

    def __call__(self, *args: Any, **options: Any) -> Call:
        call = super().__call__(*args, **options)
        self.ns.counts.begun(call)
        self.ns.call_log.add(call)
        if call.outcome is not Outcome.OPEN:
            self.ns.counts.ended(call)
        return call

    def verdict(self, check: dict[str, Any]) -> Verdict:
        """What the check, written as a user writes it, comes to now."""
        return Check(self.ns, parse_spec(CheckSpec, check)).verdict(self.ns)
