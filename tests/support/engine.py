"""An engine in memory, whose time is set by the test; nothing listens, sends or waits."""

from __future__ import annotations

import json as jsonlib
from typing import Any

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine, EngineSettings
from mockserver.engine.namespace import Namespace
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.scenarios.loader import from_bundle


class InMemory:
    """
    The engine of one scenario, `shop`, or of several by their names, with `files` beside them. `now_s` is what both of
    its clocks say.
    """

    def __init__(
        self, scenarios: str | dict[str, str], *, files: dict[str, bytes] | None = None, **settings: Any
    ) -> None:
        texts = {"shop": scenarios} if isinstance(scenarios, str) else scenarios
        self.now_s = 1_900_000_000.0
        self.engine = Engine(
            build_scenario_set([from_bundle(text, files or {}, name) for name, text in texts.items()]),
            wall=lambda: self.now_s,
            mono=lambda: self.now_s,
            settings=EngineSettings(**settings),
        )
        self.default = self.engine.default

    def begin(self, line: str, ns: Namespace | None = None, *, json: Any = None, **headers: str) -> Call:
        """A call that is under way. `_` in the name of a header is its hyphen."""
        method, _, target = line.partition(" ")
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        body = b""
        if json is not None:
            lines.append(("content-type", "application/json"))
            body = jsonlib.dumps(json).encode()
        return self.engine.begin(Request(method, target, lines, body), ns or self.default)

    def ask(
        self, line: str, ns: Namespace | None = None, *, outcome: Outcome = Outcome.DONE, **given: Any
    ) -> Call:
        """A call that is over."""
        call = self.begin(line, ns, **given)
        self.engine.finish(call, outcome)
        return call

    def statuses(self, *lines: str, ns: Namespace | None = None, **given: Any) -> list[int | None]:
        return [self.ask(line, ns, **given).status for line in lines]


def effects(ns: Namespace) -> list[dict[str, Any]]:
    return list(ns.effects)


def text(call: Call) -> str:
    assert call.response is not None
    return bytes(call.response.body).decode()
