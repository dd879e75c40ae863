"""The admin API of the WireMock port: access, routing, and errors in the format of WireMock."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from mockserver.engine.engine import Engine
from mockserver.errors import InvalidInputError
from mockserver.model.call import Call
from mockserver.model.http import ADMIN, Request, Response
from mockserver.redaction.redaction import mask_path
from mockserver.wiremock import journal, mappings, scenarios, system
from mockserver.wiremock.engine import WireMockEngine
from mockserver.wiremock.errors import WireMockError, answer, error, of_flaws, refusal
from mockserver.wiremock.record import Journal
from mockserver.wiremock.stubs import Stubs
from mockserver.wiremock.table import Handler, WireMockContext, WireMockRequest

log = logging.getLogger("mockserver")

TABLES = (mappings.table, journal.table, scenarios.table, system.table)
_PUBLIC = frozenset({"/health"})
_FOR_BROWSERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""No answer is a script, an image or a frame of another page."""

Refusal = Callable[[Request], Response | None]
"""Response for requests without access to the admin API; None if they have access."""


class Dialect:
    """
    Serves the tables; `engine` answers the mock traffic of the port.

    `most_routes` is the maximum number of runtime routes; `uptime_s` returns the uptime of the server in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        most_routes: int,
        refused: Refusal,
        may_reveal: Callable[[Request], bool],
        uptime_s: Callable[[], float],
    ) -> None:
        ns = engine.default
        files: dict[str, bytes] = {}
        self._stubs = Stubs(ns, most_routes, files)
        self._refused = refused
        self.engine = WireMockEngine(engine, self._name_of)
        self._context = WireMockContext(
            engine, self.engine, ns, self._stubs, Journal(ns), files, {}, may_reveal, uptime_s
        )

    def _name_of(self, call: Call) -> tuple[str, str] | None:
        """Return id and name of the stub that answered a call."""
        if call.route_id is None or call.namespace != self._context.ns.name:
            return None
        stub = self._stubs.of_call(call.route_id, call.step)
        return None if stub is None else (stub["id"], str(stub.get("name") or ""))

    async def __call__(self, request: Request) -> Response:
        made = await self._answer(request)
        return Response(made.status, (*made.headers, *_FOR_BROWSERS), made.body)

    async def _answer(self, request: Request) -> Response:
        try:
            made = self._serve(request)
            return made if isinstance(made, Response) else await made
        except WireMockError as exception:
            return refusal(exception)
        except InvalidInputError as exception:
            return refusal(of_flaws(exception))
        except Exception:
            log.exception("the call %s %s of the dialect failed", request.method, mask_path(request.path))
            detail = "This is a bug in mockserver; see its log"
            return answer({"errors": [error("The call failed", detail, code=50)]}, 500)

    def _serve(self, request: Request) -> Response | Awaitable[Response]:
        path = request.path[len(ADMIN) :].rstrip("/") or "/"
        if path not in _PUBLIC:
            refused = self._refused(request)
            if refused is not None:
                return refused
        self._context.ns.used_at_s = request.arrived_at_s
        handler, params = self._find(request.method, path)
        return handler(WireMockRequest(self._context, request, params, dict(request.query_pairs)))

    def _find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        reason = WireMockError(404)
        for table in TABLES:
            try:
                return table.find(method, path)
            except WireMockError as result:
                reason = result
        raise reason
