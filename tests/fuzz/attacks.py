"""Requests and admin calls that are made to hold the event loop, each within the limits on its size."""

from __future__ import annotations

import json
from collections.abc import Callable

SCENARIO = """
routes:
  - {name: keys, request: POST /keys, match: {json: {a: 1}}, reply: 200}
  - {name: set, request: POST /set, set: {x: "{{ request.json }}"}, reply: 200}
  - {name: unique, request: POST /unique, reply: {json: {n: "{{ request.json.v | unique | length }}"}}}
  - {name: times, request: POST /times, reply: {json: {n: "{{ request.json.v * request.json.v }}"}}}
  - name: filters
    request: POST /filters
    match: {jsonpath: {"$..[?(@..[?(@..[?(@.a == 1)])])]": present}}
    reply: 200
  - {name: equal, request: POST /equal, match: {jsonpath: {"$.a[?@ == $.b]": present}}, reply: 200}
  - {name: form, request: POST /form, match: {form: {a: "1"}}, reply: 200}
  - name: budget
    request: POST /budget
    reply: {text: "{% for i in range(1000) %}{% for j in range(1000) %}x{{ i * j }}{% endfor %}{% endfor %}"}
  - {name: plain, request: ANY /plain, reply: 200}
  - {name: echo, request: POST /echo, reply: {json: "{{ request.json }}"}}
  - {name: tojson, request: POST /tojson, reply: {text: "{{ request.json | tojson }}"}}
  - {name: per, request: POST /per, per: json.id, reply: [200, 201]}
  - {name: effect, request: POST /effect, effect: {kind: a, of: "{{ request.json }}"}, reply: 200}
resources:
  - path: /items
"""
CALL = json.dumps(
    {"password": "x", "card": "4111111111111111", "items": [{"sku": f"A{n}", "n": n} for n in range(5)]}
)
"""What the record is full of."""

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DIGITS = "9" * 4000
MEMBERS = {f"k{n}": n for n in range(99_000)}
"""Nearly as many as a JSON body may have."""
LARGE_ROUTE = {"name": "conditions", "request": "POST /conditions", "match": {"json": MEMBERS}, "reply": 200}
Attack = tuple[str, str, str | bytes | None, dict[str, str]]


def _keys(count: int) -> dict[str, int]:
    return {f"k{n}": n for n in range(count)}


def _nested(levels: int) -> object:
    return {"a": 1} if not levels else {"b": [_nested(levels - 1) for _ in range(3)]}


def _post(path: str, value: object) -> Attack:
    return "POST", path, json.dumps(value), JSON


def _put(path: str, value: object) -> Attack:
    return "PUT", path, json.dumps(value), JSON


def _verify(check: object) -> Attack:
    return _post("/__admin/verify", check)


def _scenario(routes: int, reply: str, end: str = "") -> Attack:
    lines = "".join(f"  - {{request: GET /r{n}, {reply}}}\n" for n in range(routes))
    return "POST", "/__admin/scenarios", f"scenario: large\nroutes:\n{lines}{end}", YAML


ATTACKS: dict[str, Callable[[], Attack]] = {
    "400,000 keys": lambda: _post("/keys", _keys(400_000)),
    "400,000 keys to no route": lambda: _post("/nowhere", _keys(400_000)),
    "400,000 keys into the state": lambda: _post("/set", _keys(400_000)),
    "a list of 5 million": lambda: ("POST", "/keys", b"[" + b"1," * 5_000_000 + b"1]", JSON),
    "lists in lists": lambda: ("POST", "/keys", b"[" * 5_000_000 + b"]" * 5_000_000, JSON),
    "numbers with one hash": lambda: _post("/unique", {"v": [n * (2**61 - 1) + 7 for n in range(40_000)]}),
    "integers of 4,000 digits": lambda: ("POST", "/keys", f'{{"a": [{",".join([DIGITS] * 3900)}]}}', JSON),
    "an integer of 4,000 digits": lambda: ("POST", "/times", f'{{"v": {DIGITS}}}', JSON),
    "nested filters": lambda: _post("/filters", _nested(6)),
    "nested filters on a wide value": lambda: _post("/filters", {"a": [[{"a": 2}] * 100] * 100}),
    "a filter that compares large values": lambda: _post("/equal", {"a": [[0] * 20] * 2000, "b": [0] * 20}),
    "a part with 2 million header lines": lambda: (
        "POST", "/form", b"--b\r\n" + b"a:b\r\n" * 2_000_000 + b"\r\nx\r\n--b--\r\n", MULTIPART,
    ),
    "a million parts": lambda: ("POST", "/form", b"--b\r\n\r\n\r\n" * 1_000_000 + b"--b--\r\n", MULTIPART),
    "boundaries that are none": lambda: ("POST", "/form", b"--b\r\n" + b"\r\n--bx" * 2_000_000 + b"\r\n--b--\r\n", MULTIPART),
    "5 million fields": lambda: ("POST", "/form", b"a&" * 5_000_000, FORM),
    "a template at its budget": lambda: ("POST", "/budget", "{}", JSON),
    "leaks in a full record": lambda: _verify({"leaks": 0}),
    "300 checks that fail in a full record": lambda: _verify([{"request": "POST /plain", "times": 1}] * 300),
    "a match in a full record": lambda: _verify({"request": "POST /plain", "match": {"json": {"a": 1}}, "times": 0}),
    "an order in a full record": lambda: _verify({"in_order": [{"request": "POST /plain"}, {"request": "GET /none"}]}),
    "a count in a full record": lambda: _post("/__admin/count", {"request": "POST /plain", "match": {"json": {"a": 1}}}),
    "10,000 calls": lambda: ("GET", "/__admin/calls?limit=10000", None, {}),
    "calls of which none is asked for": lambda: ("GET", "/__admin/calls?limit=10000&status=418", None, {}),
    "all calls as an archive": lambda: ("GET", "/__admin/calls.har", None, {}),
    "a refused scenario of many routes": lambda: _scenario(10_000, "repl: 200"),
    "a scenario that ends in a mistake": lambda: _scenario(10_000, "reply: 200", "}"),
    "a route of 90,000 replies": lambda: _post("/__admin/routes", {"request": "GET /large", "reply": [503] * 90_000}),
    "a scenario of 1,000 routes": lambda: _scenario(1_000, "reply: 200"),
    "99,000 members into the state": lambda: _post("/set", MEMBERS),
    "99,000 members back": lambda: _post("/echo", MEMBERS),
    "99,000 members back as text": lambda: _post("/tojson", MEMBERS),
    "99,000 members of a key": lambda: _post("/per", {"id": MEMBERS}),
    "99,000 members of an effect": lambda: _post("/effect", MEMBERS),
    "99,000 members of an item": lambda: _post("/items", MEMBERS),
    "24,000 members of an item": lambda: _post("/items", {f"k{n}": n for n in range(24_000)}),
    "the items": lambda: ("GET", "/items", None, {}),
    "49,000 items at once": lambda: _put("/__admin/resources/items", [{"a": 1}] * 49_000),
    "the items at the admin API": lambda: ("GET", "/__admin/resources/items", None, {}),
    "99,000 members to explain": lambda: _post("/__admin/explain", {"request": "POST /echo", "json": MEMBERS}),
    "99,000 keys of the state": lambda: _put("/__admin/state", MEMBERS),
    "all of the state": lambda: ("GET", "/__admin/state", None, {}),
    "99,000 members of a key of the state": lambda: _put("/__admin/state/x", MEMBERS),
    "99,000 members merged into it": lambda: ("PATCH", "/__admin/state/x", json.dumps(MEMBERS), JSON),
    "a key of the state": lambda: ("GET", "/__admin/state/x", None, {}),
    "a route of 99,000 conditions": lambda: _post("/__admin/routes", LARGE_ROUTE),
    "another in its place": lambda: _put("/__admin/routes/conditions", LARGE_ROUTE),
    "99,000 other conditions": lambda: (
        "PATCH", "/__admin/routes/conditions", json.dumps({"match": {"json": MEMBERS}}), JSON,
    ),
    "a miss of 99,000 conditions": lambda: _post("/conditions", {f"k{n}": n + 1 for n in range(99_000)}),
    "all routes": lambda: ("GET", "/__admin/routes", None, {}),
    "a text of 15 MB to no route": lambda: _post("/nowhere", {"a": "x" * 15_000_000}),
    "openapi.json": lambda: ("GET", "/__admin/openapi.json", None, {}),
    "a reset": lambda: ("POST", "/__admin/reset", None, {}),
}  # fmt: skip
"""Each is made when it is sent: together they are 200 MB, and take seconds to make."""
