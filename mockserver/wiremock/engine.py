"""
The engine with the behaviour of WireMock: same routes and call log.

Unmatched requests get 404 for every method; a `GET` stub does not match `HEAD`; answers name their stub; a global
delay is possible.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from mockserver.engine.answers import UNMATCHED, with_headers
from mockserver.engine.engine import Engine
from mockserver.engine.missing import has_routes, nearest_routes
from mockserver.engine.namespace import Namespace
from mockserver.engine.routing import find
from mockserver.matching.mismatch.nearest import as_text
from mockserver.model.call import Call
from mockserver.model.http import Request, Response
from mockserver.model.plan import Wait
from mockserver.redaction.redaction import mask_text
from mockserver.responses.delays import delay_s
from mockserver.responses.planner import Planned, sent
from mockserver.schema.delays import DelayRangeSpec

NameOf = Callable[[Call], tuple[str, str] | None]
"""Id and name of the stub that answers a call."""


class WireMockEngine(Engine):
    """Shares its state with `engine`. `delay` applies to all stubs without a delay; None for no delay."""

    def __init__(self, engine: Engine, name_of: NameOf) -> None:
        self.settings = engine.settings
        self.shared = engine.shared
        self.namespaces = engine.namespaces
        self.default = engine.default
        self.delay: float | DelayRangeSpec | None = None
        self._name_of = name_of
        self._find = partial(find, head_by_get=False)
        self._chance = Random()

    def begin(self, request: Request, ns: Namespace) -> Call:
        call = super().begin(request, ns)
        if call.route_id is not None and call.response is not None:
            self._as_theirs(call)
        return call

    def _as_theirs(self, call: Call) -> None:
        """Add the headers of the stub and the global delay."""
        named = self._name_of(call)
        if named is not None and call.response is not None:
            lines = [("Matched-Stub-Id", named[0])]
            if named[1]:
                lines.append(("Matched-Stub-Name", named[1]))
            made = with_headers(Planned(call.plan, call.response, call.fault), lines)
            call.plan, call.response = made.plan, made.response
        if self.delay is not None and not (call.plan and isinstance(call.plan[0], Wait)):
            call.plan = (Wait(delay_s(self.delay, self._chance)), *call.plan)

    def _unmatched(self, ns: Namespace, call: Call) -> Planned:
        request = call.request
        call.nearest = nearest_routes(ns, request)
        text = mask_text(as_text(request, call.nearest, has_routes=has_routes(ns)))
        head = [("Content-Type", "text/plain;charset=UTF-8"), UNMATCHED]
        response = Response(404, head, f"Request was not matched\n\n{text}".encode())
        return sent(response)
