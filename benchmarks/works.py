"""The work that is measured, each with its scenario, its requests, and its goal as a ratio to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.servers import scenario

OK = {"json": {"ok": True}}


@dataclass(frozen=True)
class Work:
    """`lua` makes the requests (a wrk script). `goal` is the least ratio to the work or reference `against`."""

    name: str
    routes: list[dict[str, Any]]
    lua: str
    against: str
    goal: float
    namespaces: int = 0
    keys: dict[str, Any] = field(default_factory=dict)

    def file(self, folder: Path) -> Path:
        return scenario(folder, self.name.replace(" ", "-"), self.routes, **self.keys)


def _get(path: str) -> str:
    return f'request = function() return wrk.format("GET", "{path}") end'


def _random(prefix: str, count: int, suffix: str = "") -> str:
    return (
        "math.randomseed(7)\nlocal made = {}\n"
        f'function init(args) for i = 1, {count} do made[i] = wrk.format("GET", "{prefix}" .. i .. "{suffix}") end end\n'
        f"request = function() return made[math.random({count})] end"
    )


def _post(count: int) -> str:
    padding = "x" * 960
    return (
        "math.randomseed(7)\nlocal made = {}\n"
        f"function init(args) for i = 1, {count} do "
        f'made[i] = wrk.format("POST", "/rpc", {{["Content-Type"] = "application/json"}}, '
        f'\'{{"action": "a\' .. i .. \'", "padding": "{padding}"}}\') end end\n'
        f"request = function() return made[math.random({count})] end"
    )


def works() -> list[Work]:
    """In the order of the table."""
    many = [{"request": f"GET /r{i}", "reply": OK} for i in range(1, 10_001)]
    params = [{"request": f"GET /r{i}/{{id}}", "reply": OK} for i in range(1, 10_001)]
    told = [
        {"request": "POST /rpc", "match": {"json": {"action": f"a{i}"}}, "reply": {"json": {"action": i}}}
        for i in range(1, 101)
    ]
    machine = [
        {"request": "GET /toggle", "when": {"lamp": "on"}, "set": {"lamp": "off"}, "reply": OK},
        {"request": "GET /toggle", "set": {"lamp": "on"}, "reply": OK},
    ]
    return [
        Work("one route", [{"request": "GET /one", "reply": OK}], _get("/one"), "nginx", 0.70),
        Work("10,000 routes", many, _random("/r", 10_000), "one route", 0.90),
        Work("10,000 with a parameter", params, _random("/r", 10_000, "/7"), "one route", 0.90),
        Work("POST told apart by a field", told, _post(100), "one route", 0.50),
        Work(
            "sequence 503 503 200",
            [{"request": "GET /one", "reply": [503, 503, OK], "then": "cycle"}],
            _get("/one"),
            "one route",
            0.60,
        ),
        Work("state machine step", machine, _get("/toggle"), "one route", 0.60),
        Work(
            "template",
            [{"request": "GET /t/{id}", "reply": {"json": {"id": "{{ path.id }}"}}}],
            _get("/t/7"),
            "one route",
            0.40,
        ),
        Work(
            "1,000 namespaces",
            [{"request": "GET /one", "reply": OK}],
            _random("/@n", 1000, "/one"),
            "one route",
            0.85,
            namespaces=1000,
        ),
    ]
