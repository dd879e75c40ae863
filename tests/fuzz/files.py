"""
Scenario files as nobody would write them: a part of the language where it stands, one in a place of another, and plain noise.

What comes of it is a scenario, or an error with file, line and remedy: nothing else.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

TEXTS = ["", "GET /a", "POST /a/{id}", "ANY /{rest:.+}", "GET /{a:(}", "5s", "300ms", "-1s", "9" * 400 + "s", "10/s", "0/s", "9" * 400 + "/s", "10KB/s", "9" * 400 + "KB/s", "{{ request.json.a }}",
         "{{ 1 / 0 }}", "{{", "{% for x in y %}", "{{ 9 ** 9 }}", "a/b", "../../etc/passwd", "/etc/passwd", "\x00", "\ud800", "é\u2028", "a" * 3000, "(a+)+$", "[", "\\", "$..*", "//a[", "reset", "hang",
         "cycle", "stop", "http://app/hooks", "http://[::1]@/", "${HOME}", "${", "headers.x", "json.a[0]", "json.a[99999999999999999999]", "present", "absent", "none", "runtime", "*", "&a", "!x"]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 99, 100, 200, 503, 599, 600, 2**31, 2**63, -(2**70), 10**400, 0.5, -0.0, 1e308]
KEYS = {
    "top": ["scenario", "description", "active", "base", "host", "vars", "state", "defaults", "cors", "auth", "oauth", "idempotency", "limit", "routes", "resources", "x-own", "Routes", ""],
    "route": ["name", "request", "match", "when", "if", "priority", "let", "reply", "then", "per", "set", "effect", "webhook", "set_ttl", "expect", "tags", "auth", "idempotency", "limit"],
    "match": ["headers", "query", "cookies", "json", "json_exact", "jsonpath", "schema", "form", "files", "text", "xml", "graphql", "body_sha256", "client_cert"],
    "operator": ["equals", "not", "contains", "starts_with", "matches", "one_of", "any_of", "all_of", "gt", "lte", "type", "length", "present", "absent", "ignore_case", "unordered", "$gte", "$fields", "$not"],
    "reply": ["status", "headers", "json", "text", "html", "xml", "base64", "file", "form", "events", "chunks", "delay", "throttle", "fault", "times", "for", "set", "effect", "webhook", "raw", "choose", "cases", "weight"],
    "inner": ["min", "max", "median", "sigma", "kind", "after", "over", "each", "data", "event", "id", "retry", "rate", "burst", "by", "in_flight", "bearer", "basic", "api_key", "header", "values", "ttl", "conflict", "required",
              "path", "clients", "expires", "url", "sign", "scheme", "secret", "attempts", "backoff", "repeat", "before", "field", "generate", "seed", "count", "page", "size", "default", "envelope", "schema", "invalid", "update",
              "machine", "initial", "transitions", "on", "create", "new"],
}  # fmt: skip
ANY_KEY = sorted({key for keys in KEYS.values() for key in keys})

scalars = (
    st.none() | st.booleans() | st.sampled_from(TEXTS) | st.sampled_from(NUMBERS) | st.integers(0, 600) | st.text(max_size=8)
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ANY_KEY) | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


WHOLE: dict[str, Any] = {
    "base": "/v1", "host": "a.example", "vars": {"to": "http://127.0.0.1:1/h", "n": 1}, "state": {"k": "1"}, "defaults": {"headers": {"x-d": "1"}, "delay": "1ms"},
    "routes": [
        {"name": "whole", "request": "POST /a/{id}", "priority": 1, "tags": ["t"], "expect": {"min": 1}, "per": "headers.x-y", "then": "cycle", "let": {"id": "{{ uuid() }}"},
         "match": {"headers": {"x-y": "present"}, "query": {"a": {"one_of": [1, 2]}}, "cookies": {"c": "absent"}, "json": {"a": {"$gte": 1}, "b": [{"c": "$absent"}]},
                   "jsonpath": {"$..a": {"contains": 1}}, "schema": {"type": "object"}}, "when": {"k.{{ path.id }}": {"any_of": ["absent", "1"]}}, "if": "{{ request.json.a > 0 }}",
         "set": {"k": "{{ let.id }}"}, "set_ttl": "1h", "effect": {"kind": "paid", "id": "{{ let.id }}"}, "webhook": {"url": "{{ vars.to }}", "json": {"r": "{{ reply.json }}"}, "delay": "1h",
                   "sign": {"scheme": "stripe", "secret": "s"}, "retry": {"attempts": 2, "backoff": ["1s"]}, "repeat": 2, "headers": {"x-w": "1"}},
         "reply": [503, {"status": 429, "times": 2, "fault": "reset"}, {"status": "{{ 201 }}", "headers": {"x-a": ["1", "2"]}, "json": {"id": "{{ let.id }}"}, "delay": {"min": "1ms", "max": "2ms"}}]},
        {"request": "GET /a", "idempotency": {"header": "k", "ttl": "1h", "conflict": {"status": 400}, "required": False}, "limit": {"rate": "10/s", "burst": 2, "by": "client.ip"},
         "reply": {"choose": [{"weight": 1, "text": "a"}, {"weight": 2, "fault": {"kind": "close", "after": "headers"}, "text": "b"}]}},
        {"request": "ANY /c/{rest:.+}", "auth": {"bearer": ["t"]}, "reply": {"cases": [{"match": {"form": {"a": "present"}}, "status": 402}, {"if": "{{ true }}", "html": "<b>"}, {"status": 200}]}},
        {"request": "PUT,PATCH /b/{n:\\d+}", "match": {"text": {"matches": "a+"}, "xml": {"//a/@b": "1"}}, "reply": {"events": ["one", {"data": {"n": 1}, "id": "1", "delay": "1ms"}, {"each": "{{ [1, 2] }}", "data": "{{ item }}"}]}},
        {"request": "GET /d", "reply": {"chunks": ["a", "b"], "fault": {"kind": "reset", "after": "headers"}}},
        {"request": "POST /e", "match": {"graphql": {"operation": "A", "variables": {"n": 1}}, "files": {"f": {"filename": {"ends_with": ".png"}}}}, "reply": {"base64": "aGk=", "throttle": "10KB/s", "raw": True}},
    ],
    "resources": [
        {"path": "/r", "id": {"field": "id", "generate": "increment"}, "seed": {"count": 3, "each": {"id": "{{ n }}", "s": "new"}}, "new": {"o": "item"}, "update": ["PATCH", "PUT"],
         "page": {"number": "page", "size": "per", "default": 2, "envelope": {"data": "items", "total": "total"}}, "schema": {"type": "object"}, "invalid": {"status": 422, "json": {"e": "{{ errors }}"}},
         "machine": {"field": "s", "initial": "new", "transitions": {"go": {"new": "gone"}}}, "on": {"create": {"effect": {"kind": "made"}}}},
    ],
    "oauth": {"path": "/token", "clients": {"app": "s"}, "expires": "1h"},
}  # fmt: skip
"""A scenario that uses nearly every word once: what is drawn is this, damaged in a few places."""


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in below for place in _places(item, (*path, key)))]


def _damaged(data: Any, place: tuple[Any, ...], kind: str, value: Any, word: str) -> None:
    """Changes what stands at that place of `data`, if it is still there."""
    *parents, last = place
    try:
        for key in parents:
            data = data[key]
        if kind == "replace":
            data[last] = value
        elif kind == "remove":
            del data[last]
        elif kind == "rename" and isinstance(data, dict):
            data[word] = data.pop(last)
        elif kind == "repeat" and isinstance(data, list):
            data.append(data[last])
        elif kind == "add" and isinstance(data[last], dict):
            data[last][word] = value
        elif kind == "list":
            data[last] = [data[last], value]
    except (KeyError, IndexError, TypeError):
        return


PLACES = [place for place in _places(WHOLE) if place]
damages = st.tuples(
    st.sampled_from(PLACES), st.sampled_from(["replace", "replace", "remove", "rename", "repeat", "add", "list"]), anything, st.sampled_from(ANY_KEY)
)  # fmt: skip


@st.composite
def scenarios(draw: st.DrawFn) -> Any:
    data = json.loads(json.dumps(WHOLE))
    for index in sorted(draw(st.sets(st.integers(0, len(data["routes"]) - 1), max_size=4)), reverse=True):
        if index:  # the first is the one that has it all
            del data["routes"][index]
    for place, kind, value, word in draw(st.lists(damages, min_size=1, max_size=3)):
        _damaged(data, place, kind, value, word)
    return data


TOKENS = ["routes:", "- ", "  ", "\n", "\n  ", "request:", " GET /a", "reply:", " 200", "{", "}", "[", "]", ",", ": ", ":", "&a ", "*a", "<<: *a", "!!python/object:os.system ", "!own ", "|\n", ">-\n", "'", '"', "#", "---\n", "...\n",
          "%YAML 1.2\n", "? ", "\t", "\r", "\x00", "\ufeff", "\u2028", "\x85", "é", "0x1F", "1e999", ".inf", "12:30", "yes", "~", "null", "2001-01-01", "${A}", "{{ a }}", "x-a:", "@", "`"]  # fmt: skip
texts = st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=30).map("".join)
