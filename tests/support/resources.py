"""A resource in a world of its own: what the engine does around it, in thirty lines."""

import json
from datetime import UTC, datetime
from random import Random

from mockserver.model.http import ABSENT, Request
from mockserver.resources.resources import compile_resource
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.resource import ResourceSpec
from mockserver.templating.random_values import Draws
from mockserver.templating.templates import Scope

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = frozenset({"request", "path", "vars", "state", "call", "let", "now"})
FORM = "application/x-www-form-urlencoded"


class Answer:
    def __init__(self, status, headers, body, event=None, item=None):
        self.status = status
        self.headers = dict(headers)
        self.json = json.loads(body) if body else None
        self.event = event
        self.item = item

    def __repr__(self):
        return f"{self.status} {self.json}"


class World:
    """One resource, compiled from what an author writes, and its collection in one namespace."""

    def __init__(self, written, files=None, *, base="", seed=1, host="api.example"):
        def read_file(name, _path):
            return files[name]

        spec = parse_spec(ResourceSpec, {"path": "/items", **written})
        self.resource = compile_resource(spec, read_file, NAMES, base=base)
        self.draws = Draws("", "", seed)
        self.host = host
        self.collection = self.resource.seeded(self.scope_for)
        self.calls = 0

    def scope_for(self, _n=0, /, **words):
        values = {"vars": {"currency": "eur"}, "state": {}, "call": {"number": 1, "id": "c1"}, **words}
        return Scope(values, self.draws, lambda: NOW)

    def decide(self, method, target, body=None, content_type=None, headers=(), prefix=""):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        lines = [("Host", self.host), *headers]
        if body is not None and content_type is None:
            content_type = "application/json"
        if content_type is not None:
            lines.append(("Content-Type", content_type))
        path = target.partition("?")[0]
        request = Request(method, prefix + target, lines, raw, path=path, prefix=prefix)
        operation, params = self.find(method, path)

        def scope_for(**words):
            return self.scope_for(request=request, path=params, **words)

        return request, operation.decide(self.collection, request, params, scope_for)

    def find(self, method, path):
        from mockserver.matching.paths import PathPattern

        method = "GET" if method == "HEAD" else method
        for operation in self.resource.operations():
            params = PathPattern(self.resource.path + operation.suffix).match(path)
            if params is not None and method in operation.methods:
                return operation, params
        raise LookupError(f"405 or 404: {method} {path}")

    def ask(self, method, target, body=None, **more):
        request, decision = self.decide(method, target, body, **more)
        if decision.reply is not None:

            def scope():
                return decision.scope

            planned = decision.reply.plan(decision.reply.status(scope), scope, Random, request)
            decision.commit()
            return Answer(planned.response.status, planned.response.headers, planned.response.body)
        decision.commit()
        sent = b"" if decision.json is ABSENT else json.dumps(decision.json, allow_nan=False).encode()
        return Answer(decision.status, decision.headers, sent, decision.event, decision.item)
