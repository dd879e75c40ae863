"""
What a soak asks: a scenario with every kind of answer, and requests in proportions, each with the route that must count it.

All of it comes from one seed, so that a soak can be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

SCENARIO = """
scenario: soak
vars: {hooks: "http://127.0.0.1:%d"}
routes:
  - {name: plain, request: GET /plain, reply: {json: {ok: true}}}
  - {name: echo, request: POST /echo, reply: {json: {id: "{{ uuid() }}", got: "{{ request.json.order | default(none) }}"}}}
  - {name: sequence, request: POST /sequence, reply: [503, 503, {json: {ok: true}}], then: cycle}
  - {name: slow, request: GET /slow, reply: {text: slow, delay: {min: 1ms, max: 20ms}}}
  - {name: events, request: GET /events, reply: {events: [one, two, {data: {n: 3}}]}}
  - {name: drip, request: GET /drip, reply: {text: "0123456789", throttle: {chunks: 5, over: 10ms}}}
  - {name: once, request: POST /once, idempotency: {header: idempotency-key, ttl: 10s}, reply: {status: 201, json: {n: "{{ call.number }}"}, effect: {kind: paid, order: "{{ request.json.order }}"}}}
  - {name: state, request: "POST /orders/{id}", set: {"order.{{ path.id }}": "1"}, set_ttl: 5s, reply: 204}
  - {name: large, request: POST /large, reply: {text: "{{ request.body | length }}"}}
  - {name: reset, request: GET /reset, reply: {text: x, fault: reset}}
  - {name: close, request: GET /close, reply: {text: "0123456789", fault: {kind: close, after: 4}}}
  - {name: truncate, request: GET /truncate, reply: {text: "0123456789", fault: truncate}}
  - {name: garbage, request: GET /garbage, reply: {text: x, fault: garbage}}
  - {name: chunk, request: GET /chunk, reply: {text: "0123456789", fault: malformed_chunk}}
  - {name: hang, request: GET /hang, reply: {text: x, fault: hang}}
  - {name: hook, request: POST /hook, reply: 202, webhook: {url: "{{ vars.hooks }}/hook", json: {order: "{{ request.json.order }}"}, sign: {scheme: github, secret: s}}}
  - {name: retried, request: POST /retried, reply: 202, webhook: {url: "{{ vars.hooks }}/retried", json: {}, delay: 10ms, retry: {attempts: 3, backoff: [10ms, 20ms]}}}
resources:
  - {path: /items, id: {field: id, generate: increment}, seed: {count: 20, each: {id: "{{ n }}"}}}
"""
"""%d is the port of the receiver of webhooks."""

INCOMPLETE = "(incomplete)"
"""Stands in the ledger for uploads that never came whole."""
LARGE = json.dumps({"text": "x" * 100_000})


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One kind of request. `route` is what counts it, None where none does.
    `ends` says how it goes: `answers`, `breaks` (the server ends it), or
    `leaves` (the client does, after a moment).
    """

    weight: int
    line: str
    route: str | None
    body: Callable[[Random], str] | None = None
    headers: Callable[[Random], str] | None = None
    ends: str = "answers"


def _order(chance: Random) -> str:
    return json.dumps({"order": chance.randrange(10**6)})


def _key(chance: Random) -> str:
    return f"Idempotency-Key: k{chance.randrange(2000)}\r\n"


KINDS = [
    Kind(300, "GET /plain", "soak/plain"),
    Kind(200, "POST /echo", "soak/echo", _order),
    Kind(150, "POST /sequence", "soak/sequence", _order),
    Kind(40, "GET /slow", "soak/slow"),
    Kind(20, "GET /events", "soak/events"),
    Kind(20, "GET /drip", "soak/drip"),
    Kind(40, "POST /once", "soak/once", _order, _key),
    Kind(40, "POST /orders/{n}", "soak/state", _order),
    Kind(40, "GET /items?page=1", "soak/GET /items"),
    Kind(40, "GET /items/7", "soak/GET /items/{id}"),
    Kind(30, "GET /nowhere/{n}", None),
    Kind(5, "POST /large", "soak/large", lambda _: LARGE),
    Kind(5, "GET /reset", "soak/reset", ends="breaks"),
    Kind(5, "GET /close", "soak/close", ends="breaks"),
    Kind(5, "GET /truncate", "soak/truncate", ends="breaks"),
    Kind(5, "GET /garbage", "soak/garbage", ends="breaks"),
    Kind(5, "GET /chunk", "soak/chunk", ends="breaks"),
    Kind(3, "GET /hang", "soak/hang", ends="leaves"),
    Kind(5, "POST /hook", "soak/hook", _order),
    Kind(2, "POST /retried", "soak/retried", _order),
]
_WEIGHTS = [kind.weight for kind in KINDS]


def drawn(chance: Random) -> Kind:
    return chance.choices(KINDS, _WEIGHTS)[0]


def written(kind: Kind, prefix: str, chance: Random) -> bytes:
    """The request on the wire, in the namespace of that prefix."""
    method, _, path = kind.line.partition(" ")
    body = kind.body(chance) if kind.body else ""
    more = kind.headers(chance) if kind.headers else ""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if kind.body else ""
    target = prefix + path.replace("{n}", str(chance.randrange(500)))
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}{length}\r\n{body}".encode()
