"""The works that are timed: what the scenario says, what is asked, what must be answered, and the goals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from benchmarks import servers, traffic
from benchmarks.asks import Ask
from benchmarks.scale import Scale
from benchmarks.traffic import Traffic

NGINX = "nginx"
BARE = "bare aiohttp"
OK = {"ok": True}
YES = {"json": OK}


@dataclass(frozen=True)
class Against:
    """What a work is compared with: a reference, or another work by its key. `least` is the goal; None: none."""

    key: str
    least: float | None = None


@dataclass(frozen=True)
class Work:
    """
    The first of `proof` is asked until it is answered; the others must be right at once. `most_us` is the goal for the
    processor time of a request. `like` is the work with the same requests, whose references serve this one, too.
    `share_of_2xx` is what part of the answers has such a status. `namespaces` are made before. `warm_up_s` at least
    are asked before it is timed. `flags` are for `mockserver serve`.
    """

    key: str
    title: str
    document: dict[str, Any]
    traffic: Traffic
    proof: list[Ask]
    against: tuple[Against, ...] = ()
    most_us: float | None = None
    like: str = ""
    share_of_2xx: float = 1.0
    namespaces: int = 0
    warm_up_s: int = 0
    flags: tuple[str, ...] = ()
    table: str = "unique"  # or "many", "alike"

    @property
    def reference(self) -> str:
        """The key under which its references are measured."""
        return self.like or self.key

    @property
    def has_references(self) -> bool:
        """Whether nginx and bare aiohttp are asked what it is asked."""
        return not self.like and any(against.key in (NGINX, BARE) for against in self.against)


@dataclass(frozen=True)
class Goals:
    """Of a work beside the references; `bare` is None where a bare handler would do something else."""

    nginx: float | None
    us: float | None = None
    bare: float | None = None

    def against(self) -> tuple[Against, ...]:
        return (Against(NGINX, self.nginx), Against(BARE, self.bare))


PEER_WORKS = ("get", "sdk", "bodies", "sequence", "template", "some", "many")
"""What other tools are asked to do, too."""
ROOM = ("--max-entries", "100000000", "--max-entries-bytes", "64000000000")
"""For what a payment leaves behind: by default a namespace refuses a payment after some ten thousand."""
ONE = [{"request": "GET /one", "reply": YES}]
_ALL_CAME_S = 4
"""Until 10,000 routes were asked at random at least twice each: a work of many is timed once it is under way."""


def works(scale: Scale) -> list[Work]:
    """In the order of the tables."""
    return [*_unique(scale), *_many(scale), *_alike(scale)]


def _work(
    key: str,
    title: str,
    routes: list[dict[str, Any]],
    asked: Traffic,
    proof: list[Ask],
    goals: Goals,
    **more: Any,
) -> Work:
    return Work(key, title, {"routes": routes}, asked, proof, goals.against(), goals.us, **more)


def _unique(scale: Scale) -> list[Work]:
    """Compared with nginx and a bare aiohttp handler under the same script."""
    sdk = {"request": "POST /charges"}
    made = {**sdk, "reply": {"status": 201, "json": {"id": "ch_1"}}}
    amount = {
        **sdk,
        "reply": {"status": 201, "json": {"id": "ch_1", "amount": "{{ request.form.amount | int }}"}},
    }
    return [
        _work(
            "get",
            "GET, one new header",
            ONE,
            traffic.get("/one"),
            [Ask("/one", json=OK)],
            Goals(0.55, 18, 1.5),
        ),
        _work(
            "sdk",
            "POST as a payment SDK sends it",
            [made],
            traffic.SDK.traffic(),
            [_asked(traffic.SDK, 201, {"id": "ch_1"})],
            Goals(0.52, 18, 1.5),
        ),
        _told(
            "bodies",
            f"POST 1 KiB JSON, told apart by a field among {scale.told}",
            scale,
            Goals(0.40, 25, 1.5),
        ),
        _work(
            "sequence",
            "sequence of three",
            [{"request": "GET /one", "reply": [503, 503, YES], "then": "cycle"}],
            traffic.get("/one"),
            [Ask("/one", status=503), Ask("/one", status=503), Ask("/one", json=OK)],
            Goals(0.52),
            like="get",
            share_of_2xx=1 / 3,
        ),
        _work(
            "machine",
            "state machine, a step each",
            _lamp(),
            traffic.get("/one"),
            [Ask("/one", json={"was": was}) for was in ("off", "on", "off")],
            Goals(0.38),
            like="get",
        ),
        _work(
            "template",
            "the SDK's POST, its amount in the reply",
            [amount],
            traffic.SDK.traffic(),
            [_asked(traffic.SDK, 201, {"id": "ch_1", "amount": 2000})],
            Goals(0.25),
            like="sdk",
        ),
        Work(
            "intent",
            "payment intent of scenarios/payments.yaml",
            payments(),
            traffic.INTENT.traffic(),
            [_asked(traffic.INTENT, 200, None)],
            Goals(0.10).against(),
            100,
            flags=ROOM,
        ),
    ]


def _asked(post: traffic.Post, status: int, answer: Any) -> Ask:
    headers, body = post.numbered(0)
    return Ask(post.path, "POST", body, headers, status, answer)


def _told(key: str, title: str, scale: Scale, goals: Goals) -> Work:
    kinds = range(1, scale.told + 1)
    routes = [
        {"request": "POST /documents", "match": {"json": {"kind": f"k{i}"}}, "reply": {"json": {"kind": i}}}
        for i in kinds
    ]
    headers = dict(traffic.DOCUMENT.headers)
    proof = [
        Ask("/documents", "POST", traffic.document(f"k{i}"), headers, json={"kind": i})
        for i in (1, scale.told // 2, scale.told)
    ]
    return _work(key, title, routes, traffic.DOCUMENT.traffic(count=scale.told), proof, goals)


def _lamp() -> list[dict[str, Any]]:
    return [
        {
            "request": "GET /one",
            "when": {"lamp": "on"},
            "set": {"lamp": "off"},
            "reply": {"json": {"was": "on"}},
        },
        {"request": "GET /one", "set": {"lamp": "on"}, "reply": {"json": {"was": "off"}}},
    ]


def payments() -> dict[str, Any]:
    """scenarios/payments.yaml without its webhooks, whose cost is the sender's."""
    text = (servers.PROJECT / "scenarios/payments.yaml").read_text()
    found: dict[str, Any] = _without_webhooks(yaml.load(text, Loader=yaml.CSafeLoader))
    return found


def _without_webhooks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_webhooks(item) for key, item in value.items() if key != "webhook"}
    return [_without_webhooks(item) for item in value] if isinstance(value, list) else value


def _many(scale: Scale) -> list[Work]:
    """Many routes and many namespaces, each compared with one under a script that does the same."""

    def plain(key: str, count: int) -> Work:
        routes = [{"request": f"GET /r{i}", "reply": YES} for i in range(1, count + 1)]
        proof = [Ask("/r1", json=OK), Ask(f"/r{count}", json=OK)]
        asked = traffic.get("/r{i}", count=count)
        against = (Against("get"),)
        return Work(
            key,
            f"{count:,} routes",
            {"routes": routes},
            asked,
            proof,
            against,
            warm_up_s=_ALL_CAME_S,
            table="many",
        )

    def parameter(key: str, title: str, count: int, **more: Any) -> Work:
        routes = [{"request": f"GET /r{i}/{{id}}", "reply": YES} for i in range(1, count + 1)]
        proof = [Ask("/r1/7", json=OK), Ask(f"/r{count}/8", json=OK)]
        return Work(
            key, title, {"routes": routes}, traffic.get("/r{i}/{n}", count=count), proof, table="many", **more
        )

    def world(key: str, title: str, count: int, **more: Any) -> Work:
        asked = traffic.get("/@n{i}/one", count=count, in_turn=True)
        return Work(
            key, title, {"routes": ONE}, asked, [Ask("/one", json=OK)], namespaces=count, table="many", **more
        )

    return [
        plain("some", scale.some),
        plain("many", scale.many),
        parameter("parameter", "1 route with a new parameter", 1),
        parameter(
            "parameters",
            f"{scale.many:,} routes, each with a new parameter",
            scale.many,
            against=(Against("parameter", 0.70),),
            warm_up_s=_ALL_CAME_S,
        ),
        world("namespace", "1 named namespace", 1),
        world(
            "namespaces",
            f"{scale.namespaces:,} namespaces in turn",
            scale.namespaces,
            against=(Against("namespace", 0.90),),
        ),
    ]


def _alike(scale: Scale) -> list[Work]:
    """
    The same bytes again and again, as no client sends them: beside the works above it shows whether anything is
    remembered by bytes. Without a script, wrk is at its fastest.
    """
    references = Goals(None).against()
    unlike = {work.key: work for work in _unique(scale)}

    def alike(key: str, title: str, of: str, asked: Traffic, like: str = "") -> Work:
        work = unlike[of]
        return Work(key, title, work.document, asked, work.proof, references, like=like, table="alike")

    sent, form = traffic.DOCUMENT, traffic.SDK.numbered(1)
    return [
        alike("get alike", "GET", "get", traffic.alike("/one")),
        alike(
            "bodies alike",
            f"POST 1 KiB JSON, one of {scale.told}",
            "bodies",
            traffic.scripted(
                sent.path, "POST", sent.headers, traffic.document("k{i}", "0"), count=scale.told
            ),
            "bodies",
        ),
        alike(
            "template alike",
            "the SDK's POST, its amount in the reply",
            "template",
            traffic.scripted(traffic.SDK.path, "POST", *form),
            "sdk",
        ),
    ]
