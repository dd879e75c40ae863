"""
A dry run of a request: the route, step and reply, and why other routes don't match.

It changes no state and counts no call.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import Field, model_validator

from mockserver.engine.answers import difference_view
from mockserver.engine.grpc_calls import method_of
from mockserver.engine.missing import kept_out, masked, nearest_routes
from mockserver.engine.namespace import Namespace
from mockserver.engine.policies import refusal
from mockserver.engine.routes import Route
from mockserver.engine.routing import candidates, per_of
from mockserver.engine.transaction import Transaction
from mockserver.errors import WrongValueError
from mockserver.grpc.pools import GrpcMethod
from mockserver.model.client_cert import ClientCert
from mockserver.model.grpc import METHOD, GrpcRequest, status_of
from mockserver.model.http import Request
from mockserver.model.mismatch import Difference
from mockserver.model.plan import Wait
from mockserver.model.written import as_text
from mockserver.redaction.redaction import mask_body, mask_header, mask_tree
from mockserver.responses.planner import Planned
from mockserver.schema.base import Json, RequestLineText, Spec, parse_request_line
from mockserver.store.bounds import StoreFullError
from mockserver.templating.templates import TemplateError

_BODIES = ("json_", "form", "text", "base64", "message")


class ClientCertSpec(Spec):
    """The certificate of the client, as in recorded calls; hex with or without colons."""

    subject: str = ""
    issuer: str = ""
    san: list[str] = Field(default=[])
    serial: str = ""
    fingerprint_sha256: str = ""

    def cert(self) -> ClientCert:
        """Return the certificate in the form that matchers compare."""
        return ClientCert(
            self.subject,
            self.issuer,
            tuple(self.san),
            self.serial.replace(":", "").upper(),
            self.fingerprint_sha256.replace(":", "").lower(),
        )


class ExplainSpec(Spec):
    """
    A request that was not sent: a request line, or method and path; headers, query, one body (`message` of a gRPC call), and
    a client's certificate.
    """

    request: RequestLineText | None = None
    method: str | None = None
    path: str | None = None
    headers: dict[str, Any] = Field(default={})
    query: dict[str, Any] = Field(default={})
    json_: Json = Field(default=None, alias="json")
    form: dict[str, Any] | None = None
    text: str | None = None
    base64: str | None = None
    message: Json = None
    client_cert: ClientCertSpec | None = None

    @model_validator(mode="after")
    def _complete(self) -> ExplainSpec:
        if (self.request is None) == (self.path is None) or (self.method is not None and self.path is None):
            raise WrongValueError(
                "the request is not named",
                'Write {"request": "POST /x"}, or {"method": "POST", "path": "/x"}',
            )
        if self.path is not None and not self.path.startswith("/"):
            raise WrongValueError(
                f"the path {self.path!r} does not begin with a slash", f"Write '/{self.path}'"
            )
        if sum(self.has(kind) for kind in _BODIES) > 1:
            raise WrongValueError("a request has one body", "Keep one of json, form, text, base64, message")
        return self


def as_request(spec: ExplainSpec, ns: Namespace) -> Request:
    """Return the request as the server would receive it. Raises WrongValueError for invalid Base64."""
    if spec.request is not None:
        line = parse_request_line(spec.request)
        method = min(line.methods) if line.methods else "GET"
        path = line.path
    else:
        method, path = spec.method or "GET", spec.path or "/"
    pairs = [(name, text) for name, value in spec.query.items() for text in _texts(value)]
    target = quote(path, safe="/%?=&;:@!$'()*+,~-._{}|\\^`[]<>#\"") if not path.isascii() else path
    if pairs:
        target += ("&" if "?" in target else "?") + urlencode(pairs)
    headers = [(name, text) for name, value in spec.headers.items() for text in _texts(value)]
    body, content_type = _body(spec)
    names = {name.lower() for name, _ in headers}
    if content_type and "content-type" not in names:
        headers.append(("Content-Type", content_type))
    if body and "content-length" not in names:
        headers.append(("Content-Length", str(len(body))))
    if "host" not in names:
        headers.insert(0, ("Host", "localhost"))
    now_s = ns.shared.wall()
    cert = None if spec.client_cert is None else spec.client_cert.cert()
    request = Request(
        method, target, client_cert=cert, headers=headers, body=body, namespace=ns.name, client="127.0.0.1:0",
        arrived_s=now_s, arrived_at_s=ns.shared.mono(),
    )  # fmt: skip
    return _grpc_request(spec, request, ns) if method == METHOD else request


def _grpc_request(spec: ExplainSpec, request: Request, ns: Namespace) -> GrpcRequest:
    """Raises InvalidInputError if the message does not fit the method."""
    grpc = GrpcRequest.of(request)
    method = grpc.reader = method_of(ns, request.path)
    if method is not None and spec.has("message"):
        from mockserver.grpc import writing
        from mockserver.grpc.framing import framed

        grpc.body = framed(writing.make(method.input, spec.message, ("message",)))
    return grpc


def _texts(value: object) -> list[str]:
    return [as_text(item) for item in (value if isinstance(value, list) else [value])]


def _body(spec: ExplainSpec) -> tuple[bytes, str]:
    if spec.has("json_"):
        return json.dumps(spec.json_).encode(), "application/json"
    if spec.form is not None:
        pairs = [(name, text) for name, value in spec.form.items() for text in _texts(value)]
        return urlencode(pairs).encode(), "application/x-www-form-urlencoded"
    if spec.text is not None:
        return spec.text.encode(), "text/plain; charset=utf-8"
    if spec.base64 is not None:
        try:
            return base64.b64decode(spec.base64, validate=True), ""
        except binascii.Error as error:
            raise WrongValueError(
                f"this is not valid Base64: {error}", "Encode the bytes with standard Base64"
            ) from error
    return b"", ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that may match: whether it does, and the differences."""

    route: Route
    matched: bool
    differences: list[Difference]

    def view(self) -> dict[str, Any]:
        return {
            "route": self.route.id,
            "request": self.route.line,
            "matched": self.matched,
            "differences": [difference_view(difference) for difference in self.differences],
        }


def explain(ns: Namespace, request: Request) -> dict[str, Any]:
    """Return the answer of `POST /explain`."""
    explained: list[Candidate] = []
    winner: Transaction | None = None
    for entry, params in candidates(ns, request.method, request.path):
        route = entry.target
        differences = kept_out(ns, route, request, params)
        explained.append(
            Candidate(route, not differences, [masked(difference) for difference in differences])
        )
        if not differences and winner is None:
            per = per_of(ns, route, request, params)
            state = ns.peek(route, per)
            index = 0 if route.sequence.single else route.sequence.settle(state, ns.clock.now_s())
            found = (route, params, state, index or 0, per)
            winner = Transaction(ns, request, found, ns.last_number + 1)
    explained_ids = {candidate.route.id for candidate in explained}
    if winner is None:
        explained += [
            Candidate(route, False, differences)
            for route, differences in nearest_routes(ns, request)
            if route.id not in explained_ids
        ]
    view: dict[str, Any] = {"route": None, "routes": [], "step": None, "reply": None}
    if winner is not None:
        reply = _reply(winner)
        # An operation of GraphQL is a call of the routes of its fields.
        matches = [winner] if winner.run is None else list(winner.run.taken.values()) or [winner]
        view = {
            "route": matches[0].route.id,
            "routes": [match.route.id for match in matches],
            "step": matches[0].index + 1,
            "reply": reply,
        }
    return {**view, "candidates": [candidate.view() for candidate in explained]}


def _reply(transaction: Transaction) -> dict[str, Any]:
    """Return the reply to the next such call, without policies and outages."""
    route = transaction.route
    effects: tuple[dict[str, Any], ...] = ()
    try:
        transaction.prepare()
        planned = transaction.response()
        effects = transaction.effects
    except TemplateError as error:
        planned = refusal(500, "template", f"The reply of {route.id} could not be made", error.reason)
    except StoreFullError as error:
        planned = refusal(
            507, "full", f"The reply of {route.id} could not be made", f"There is no room: {error}"
        )
    view = _planned_view(planned, transaction.request)
    if effects:
        view["effects"] = mask_tree(list(effects))
    return view


def _planned_view(planned: Planned, request: Request) -> dict[str, Any]:
    response = planned.response
    delay_s = sum(step.seconds for step in planned.plan if isinstance(step, Wait))
    method = request.reader if isinstance(request, GrpcRequest) else None
    if isinstance(method, GrpcMethod):
        text = json.dumps(method.replies(response.body))
    else:
        text = response.body.decode("utf-8", "replace")
    grpc_status = status_of(response)
    media_type = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    return {
        "status": response.status,
        **({} if grpc_status is None else {"grpc_status": grpc_status.name}),
        "headers": [[name, mask_header(name, value)] for name, value in response.headers],
        "body": mask_body(text, media_type.partition(";")[0].strip().lower()),
        "delay_ms": round(delay_s * 1000, 3),
        "fault": planned.fault,
    }
