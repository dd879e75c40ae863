"""The works that are timed: what the scenario says, what is asked, what must be answered, and the goal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks import traffic
from benchmarks.asks import Ask
from benchmarks.scale import Scale
from benchmarks.traffic import Traffic

OK = {"ok": True}
YES = {"json": OK}


@dataclass(frozen=True)
class Against:
    """
    What a work is compared with: another one by its key, or a reference. `least` is the goal,
    `floor` what it must be even where the goal is missed; None: none.
    """

    key: str
    least: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Work:
    """
    The first of `proof` is asked until it is answered; the others must be right at once.
    `share_of_2xx` is what part of the answers has such a status. In `namespaces` the routes
    are asked as many times over, each in a world of its own. `warm_up_s` at least are asked
    before it is timed.
    """

    key: str
    title: str
    routes: list[dict[str, Any]]
    traffic: Traffic
    proof: list[Ask]
    against: tuple[Against, ...] = ()
    share_of_2xx: float = 1.0
    namespaces: int = 0
    warm_up_s: int = 0
    keys: dict[str, Any] = field(default_factory=dict)


ONE = [{"request": "GET /one", "reply": YES}]
_PROOF = [Ask("/one", json=OK)]
_ALL_CAME_S = 4
"""Until 10,000 requests at random came at least twice each: a work of many is timed as others are, once it is under way."""


def works(scale: Scale) -> list[Work]:
    """In the order of the table."""
    return [*_one_route(scale), *_many_routes(scale), *_told_apart(scale), *_moving(), *_worlds(scale)]


def _one_route(scale: Scale) -> list[Work]:
    references = (Against("nginx", 0.70, floor=0.60), Against("bare aiohttp", 1.80))
    return [
        Work("one", "1 route", ONE, traffic.alike("/one"), _PROOF, references),
        Work("one drawn", "1 route, drawn", ONE, traffic.drawn(scale.many, "/one"), _PROOF),
        Work("one counted", "1 route, counted", ONE, traffic.counted_in_vain("/one"), _PROOF),
        Work(
            "one different",
            "1 route, no two requests alike",
            ONE,
            traffic.counted("/one"),
            _PROOF,
            (Against("one counted"),),
        ),
    ]


def _many_routes(scale: Scale) -> list[Work]:
    def plain(key: str, count: int, least: float | None) -> Work:
        return Work(
            key,
            f"{count:,} routes",
            [{"request": f"GET /r{i}", "reply": YES} for i in range(1, count + 1)],
            traffic.drawn(count, "/r{i}"),
            [Ask("/r1", json=OK), Ask(f"/r{count}", json=OK)],
            (Against("one drawn", least),),
            warm_up_s=_ALL_CAME_S,
        )

    routes = [{"request": f"GET /r{i}/{{id}}", "reply": YES} for i in range(1, scale.many + 1)]
    proof = [Ask("/r1/7", json=OK), Ask(f"/r{scale.many}/8", json=OK)]
    against = (Against("one drawn", 0.90),)
    title = f"{scale.many:,} routes with a parameter"
    return [
        plain("some", scale.some, None),
        plain("many", scale.many, 0.90),
        Work(
            "parameter",
            title,
            routes,
            traffic.drawn(scale.many, "/r{i}/{i}"),
            proof,
            against,
            warm_up_s=_ALL_CAME_S,
        ),
    ]


def _told_apart(scale: Scale) -> list[Work]:
    actions = range(1, scale.told + 1)
    routes = [
        {"request": "POST /rpc", "match": {"json": {"action": f"a{i}"}}, "reply": {"json": {"action": i}}}
        for i in actions
    ]
    kind = {"Content-Type": "application/json"}
    proof = [
        Ask("/rpc", "POST", traffic.post_body(f"a{i}"), kind, json={"action": i}) for i in (1, 50, scale.told)
    ]
    title = f"POST 1 KiB, {scale.told} told apart by a field"
    return [
        Work("told", title, routes, traffic.posts_drawn(scale.told), proof, (Against("one drawn", 0.50),)),
        Work(
            "told different",
            "POST told apart, no two bodies alike",
            routes,
            traffic.posts_counted(scale.told),
            proof,
            (Against("one counted", 0.50),),
        ),
    ]


def _moving() -> list[Work]:
    machine = [
        {
            "request": "GET /toggle",
            "when": {"lamp": "on"},
            "set": {"lamp": "off"},
            "reply": {"json": {"was": "on"}},
        },
        {"request": "GET /toggle", "set": {"lamp": "on"}, "reply": {"json": {"was": "off"}}},
    ]
    template = [{"request": "GET /t/{id}", "reply": {"json": {"id": "{{ path.id }}"}}}]
    echo = [{"request": "GET /t", "reply": {"json": {"number": "{{ request.headers['x-number'] }}"}}}]
    number = {"X-Number": "7"}
    return [
        Work(
            "sequence",
            "sequence 503, 503, 200, cycling",
            [{"request": "GET /one", "reply": [503, 503, YES], "then": "cycle"}],
            traffic.alike("/one"),
            [Ask("/one", status=503), Ask("/one", status=503), Ask("/one", json=OK)],
            (Against("one", 0.60),),
            share_of_2xx=1 / 3,
        ),
        Work(
            "machine",
            "state machine, a step each",
            machine,
            traffic.alike("/toggle"),
            [Ask("/toggle", json={"was": was}) for was in ("off", "on", "off")],
            (Against("one", 0.60),),
        ),
        Work(
            "template",
            "template with a field of the request",
            template,
            traffic.alike("/t/7"),
            [Ask("/t/7", json={"id": "7"}), Ask("/t/8", json={"id": "8"})],
            (Against("one", 0.40),),
        ),
        Work(
            "template different",
            "template with a field, no two requests alike",
            echo,
            traffic.counted("/t"),
            [Ask("/t", headers=number, json={"number": "7"})],
            (Against("one counted", 0.40),),
        ),
    ]


def _worlds(scale: Scale) -> list[Work]:
    return [
        Work(
            "namespaces",
            f"{scale.namespaces:,} namespaces in turn",
            ONE,
            traffic.in_turn(scale.namespaces, "/@n{i}/one"),
            _PROOF,
            (Against("one drawn", 0.85),),
            namespaces=scale.namespaces,
        )
    ]
