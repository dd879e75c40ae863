"""
Table, parsing, routing and errors of the admin API.

Routing and `openapi.json` come from the same table. Errors become problem documents here only.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from pydantic import BaseModel

from mockserver.admin.namespace_service import NamespaceService
from mockserver.admin.turns import offload
from mockserver.engine.answers import explained_full, problem_response
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace
from mockserver.engine.naming import UnknownRouteError, route_named
from mockserver.errors import Flaw, InvalidInputError, MockServerError, SharedStoreError, near, shown
from mockserver.model.http import ADMIN, Request, Response, StreamReply, UnreadableBodyError, decode_segment
from mockserver.model.problem import flaw_views, problem
from mockserver.outbound.webhooks import WebhookService
from mockserver.redaction.redaction import mask_path, mask_shapes
from mockserver.responses.bodies import dump_json, json_writer
from mockserver.scenarios.flaws import parse_spec
from mockserver.settings import Settings
from mockserver.store.bounds import StoreFullError

log = logging.getLogger("mockserver")

M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")
T = TypeVar("T")
Answer = Response | StreamReply
_NS = re.compile(r"/@([^/]*)(/.*)?")


class ProblemError(MockServerError):
    """An error that becomes a problem document with that status; `lines` are additional header lines."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        lines: tuple[tuple[str, str], ...] = (),
        **members: object,
    ) -> None:
        super().__init__(title)
        self.document = problem(status, kind, title, detail, **members)
        self.lines = lines


class BadQueryError(InvalidInputError):
    """An unknown query parameter, or an invalid value of one."""

    def __init__(self, name: str, message: str, hint: str) -> None:
        super().__init__(Flaw((name,), message, hint))


@dataclass(slots=True)
class Services:
    """
    What the app provides to the admin API.

    `reload` reads the files again and returns a summary. `metrics` takes the Accept header, `mcp` the name of the default
    namespace. `may_forward` raises InvalidInputError for a URL that must not be called.
    """

    reload: Callable[[], dict[str, Any]]
    public_url: Callable[[Request], str]
    admin_url: Callable[[Request], str]
    health: Callable[[], dict[str, Any]]
    openapi: Callable[[], dict[str, Any]]
    may_reveal: Callable[[Request], bool]
    webhooks: WebhookService
    settings: Settings
    metrics: Callable[[str], Awaitable[Response]]
    ca_pem: Callable[[], bytes]
    may_forward: Callable[[str], Awaitable[None]]
    namespaces: NamespaceService
    ready: Callable[[], str | None]
    replicas: Callable[[], dict[str, Any]]
    mcp: Callable[[Request, str], Awaitable[Response]]


def number_in(text: str, prefix: str) -> int | None:
    """Return 17 for `c-000017` with the prefix `c-`; None for anything else."""
    digits = text.removeprefix(prefix)
    if text == digits or not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        return None
    return int(digits)


def not_found(kind: str, name: str, known: Iterable[str] = (), hint: str = "") -> ProblemError:
    """Return a 404 for an unknown name, with the nearest known one."""
    title = f"There is no {kind} {shown(name, 110)}"
    return ProblemError(404, f"no-such-{kind}", title, hint or near(name, known))


def check_limit(engine: Engine, limit: str, there: int, most: int, what: str, hint: str) -> None:
    """Raise ProblemError, and count it under the name of the limit, if the limit is reached."""
    if there >= most:
        engine.shared.refused[limit] += 1
        hint = f"{hint}, or start the server with a larger --max-{limit}"
        raise ProblemError(429, "too-many", f"The limit of {most} {what} is reached", hint)


@contextmanager
def within_limits(ns: Namespace) -> Iterator[None]:
    """Raise ProblemError(507) if a limit of the namespace is reached inside."""
    try:
        yield
    except StoreFullError as error:
        document = explained_full(ns, error)
        members = {name: document[name] for name in ("full", "max_entries", "max_bytes")}
        raise ProblemError(507, "full", document["title"], document["detail"], **members) from error


@dataclass(slots=True)
class AdminRequest(Generic[M]):
    """A parsed admin request: path parameters, query, and the body as its model. `http` is the request as received."""

    engine: Engine
    ns: Namespace
    http: Request
    services: Services
    params: dict[str, str]
    query: dict[str, str]
    body: M

    def cursor(self, prefix: str = "c-") -> int:
        """Return the number after which the page begins. Raises BadQueryError."""
        text = self.query.get("cursor")
        number = number_in(text, prefix) if text else 0
        if number is None:
            hint = f"Use the `next` of the previous page, such as {prefix}000017"
            raise BadQueryError("cursor", f"{shown(text)} is not a valid cursor", hint)
        return number

    def flag(self, name: str) -> bool | None:
        """Return a query parameter that is a boolean; None if it is missing."""
        value = self.query.get(name)
        if value is None or value == "":
            return None
        if value.lower() not in ("true", "false", "1", "0"):
            raise BadQueryError(name, f"{shown(value)} is not a boolean", f"Write {name}=true")
        return value.lower() in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        """Return a query parameter that is a whole number from 1 to `most`."""
        value = self.query.get(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:12]) <= most:
            raise BadQueryError(
                name, f"{shown(value)} is not a number from 1 to {most}", f"Write {name}={default}"
            )
        return int(value)

    @property
    def route_id(self) -> str | None:
        """The id of the route in the query; None without one. Raises UnknownRouteError."""
        name = self.query.get("route")
        return route_named(self.ns, name).id if name else None

    @property
    def reveal(self) -> bool:
        """Whether the answer shows secrets. Raises ProblemError if the client requests them without permission."""
        if not self.flag("reveal"):
            return False
        if not self.services.may_reveal(self.http):
            title = "Secrets are shown only from loopback, or with the token"
            raise ProblemError(403, "no-reveal", title, "Leave `reveal` out")
        return True

    async def json(self, *, as_written: bool = False) -> Any:
        """Return the body as JSON, decoded in a thread if it is large. Raises ProblemError, like `read_json`."""
        return await self.offload(read_json, self.http, as_written=as_written)

    async def offload(self, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Return the result of work on the body, done in a thread if the body is large."""
        return await offload(len(self.http.body), work, *arguments, **options)


OPEN = frozenset({"/health", "/health/live", "/health/ready"})
"""Paths that need no token, and are served for any Host."""
Handler = Callable[[Any], Awaitable[Answer | None]]
"""A handler that returns None answers 204."""
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One row of the table: routing, `openapi.json`, the index of the API and its reference page come from it.

    `body` is the model of the request, `answer` of the response; a handler with `raw` reads the body itself.
    `status` is 200, or 204 without an answer; `also` are other statuses of the same answer, `other_types` other
    content types, by Accept. `errors` are statuses beside those that every endpoint can have. An endpoint of another
    protocol is not `described` in `openapi.json`.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    body: Any = None
    answer: Any = None
    status: int = 0
    also: tuple[int, ...] = ()
    query: dict[str, str] = field(default_factory=dict)
    raw: bool = False
    optional_body: bool = False
    content_type: str = "application/json"
    other_types: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    namespaced: bool = True
    described: bool = True

    @property
    def success(self) -> int:
        """The status of a success."""
        return self.status or (200 if self.method == "GET" or self.answer is not None else 204)


class EndpointTable(list[Endpoint]):
    """All endpoints: `@table.get("/path", "Summary.", answer=Model)` adds the handler of one."""

    def __init__(self) -> None:
        super().__init__()
        self.get, self.post, self.put, self.patch, self.delete = (
            partial(self._add, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        )

    def _add(self, method: str, path: str, summary: str, **options: Any) -> Callable[[H], H]:
        def register(handler: H) -> H:
            self.append(Endpoint(method, path, handler, summary, **options))
            return handler

        return register


table = EndpointTable()


class AccessCheck(Protocol):
    """Raise ProblemError if a request is not allowed; `public` endpoints need no token."""

    def __call__(self, request: Request, *, public: bool) -> None: ...


class AdminApi:
    """
    Serves the table for requests below /__admin.

    The table is loaded at the first request, because the models of the answers are slow to import.
    """

    def __init__(
        self, table: Callable[[], Iterable[Endpoint]], engine: Engine, services: Services, check: AccessCheck
    ) -> None:
        self.table = table
        self._engine = engine
        self._services = services
        self._check = check

    @cached_property
    def _by_path(self) -> dict[str, dict[str, Endpoint]]:
        by_path: dict[str, dict[str, Endpoint]] = {}
        for endpoint in self.table():
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        return by_path

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        return [(_pattern(path), path) for path in self._by_path if "{" in path]

    async def __call__(self, request: Request) -> Answer:
        answer = await self._answer(request)
        if isinstance(answer, StreamReply):
            return StreamReply(_guarded(answer.response), answer.pieces)
        return _guarded(answer)

    async def _answer(self, request: Request) -> Answer:
        try:
            return await self._serve(request)
        except ProblemError as error:
            return _problem(error.document, *error.lines)
        except UnknownRouteError as error:
            return _invalid(422, "no-such-route", error)
        except InvalidInputError as error:
            return _invalid(422, "invalid", error)
        except SharedStoreError:
            raise  # a replica answers it, or asks another one
        except UnreadableBodyError as error:
            return _problem(problem(400, "bad-body", "The body is not readable", str(error)))
        except Exception:
            log.exception("the admin call %s %s failed", request.method, mask_path(request.path))
            detail = "This is a bug of mockserver; see its log"
            return _problem(problem(500, "defect", "The admin call failed", detail))

    async def _serve(self, request: Request) -> Answer:
        path = request.path[len(ADMIN) :] or "/"
        if path not in OPEN:
            leads = path == "/" and is_browser(request)
            self._check(request, public=leads or path == "/ui" or path.startswith("/ui/"))
        ns = self._engine.default
        match = _NS.fullmatch(path)
        if match:
            ns, path = self._namespace(decode_segment(match[1])), match[2] or "/"
        ns.used_at_s = request.arrived_at_s
        endpoint, params = self._find(request, path)
        query = dict(request.query_pairs)
        for name in query:
            if name not in endpoint.query:
                hint = near(name, endpoint.query) or "This endpoint has no query parameters"
                raise BadQueryError(name, "there is no such query parameter here", hint)
        body = None if endpoint.raw else await offload(len(request.body), self._body, endpoint, request)
        parsed: AdminRequest[Any] = AdminRequest(
            self._engine, ns, request, self._services, params, query, body
        )
        return await endpoint.handler(parsed) or Response(204)

    def locate(self, request: Request) -> tuple[Endpoint, dict[str, str], str | None] | None:
        """Return who serves a call, its path parameters and the name of its namespace; None where nobody does."""
        path = request.path[len(ADMIN) :] or "/"
        name = None
        match = _NS.fullmatch(path)
        if match:
            name, path = decode_segment(match[1]), match[2] or "/"
        try:
            endpoint, params = self._find(request, path)
        except ProblemError:
            return None
        return endpoint, params, name

    def _namespace(self, name: str) -> Namespace:
        ns = self._engine.namespaces.get(name)
        if ns is None:
            raise not_found("namespace", name, hint=self._engine.near_namespace(name))
        return ns

    def _find(self, request: Request, path: str) -> tuple[Endpoint, dict[str, str]]:
        methods, params = None if "{" in path else self._by_path.get(path), {}
        if methods is None:
            for pattern, written in self._patterns:
                fits = pattern.fullmatch(path)
                if fits:
                    methods = self._by_path[written]
                    params = {name: decode_segment(value) for name, value in fits.groupdict().items()}
                    break
        if methods is None:
            known = [f"{ADMIN}{known_path}" for known_path in self._by_path]
            raise ProblemError(
                404,
                "not-found",
                f"The admin API has no {request.path}",
                near(request.path, known).split("Known")[0],
            )
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = methods.get(method)
        if endpoint is None:
            allowed = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
            title = f"{request.path} does not support {request.method}"
            lines = (("Allow", allowed),)
            raise ProblemError(405, "method-not-allowed", title, f"It supports {allowed}", lines=lines)
        return endpoint, params

    def _body(self, endpoint: Endpoint, request: Request) -> object:
        if endpoint.body is None:
            return None
        if not request.body and endpoint.optional_body:
            return parse_spec(endpoint.body, {})
        return parse_spec(endpoint.body, read_json(request))


_FOR_BROWSERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""No answer can be used as a script, image or frame of another page, even if a browser sends no Sec-Fetch headers."""


def _guarded(response: Response) -> Response:
    return Response(response.status, (*response.headers, *_FOR_BROWSERS), response.body, response.reason)


def _pattern(path: str) -> re.Pattern[str]:
    source = re.sub(r"\\\{path\\\}", r"(?P<path>.+)", re.escape(path))
    source = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", source)
    return re.compile(source)


def _invalid(status: int, kind: str, error: InvalidInputError) -> Response:
    views = flaw_views(error.flaws)
    title = "The request is invalid; nothing was changed"
    return _problem(problem(status, kind, title, str(error), errors=views))


def _problem(document: dict[str, Any], *lines: tuple[str, str]) -> Response:
    """Return a problem document as a response, with secrets masked."""
    return problem_response(mask_shapes(document), *lines)


def check_media_type(request: Request, *, yaml: bool = False) -> str:
    """
    Return the kind of the body, `json` or `yaml`. Raises ProblemError(415) for another content type.

    `curl -d` sends a form content type; it is accepted, unless a browser may have sent it: pages can send forms to
    other origins without a preflight request.
    """
    kind = request.media_type
    if kind in {"", "application/json"} or kind.endswith("+json"):
        return "json"
    if yaml and kind in ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"):
        return "yaml"
    if kind == "application/x-www-form-urlencoded" and not from_browser(request):
        return "json"
    wanted = "application/json" + (" or application/yaml" if yaml else "")
    raise ProblemError(
        415, "unsupported-media-type", f"The content type {kind} is not taken", f"Send {wanted}"
    )


def from_browser(request: Request) -> bool:
    """Whether the request has a header that only browsers send: Origin or a Sec-Fetch header."""
    return "origin" in request.headers or any(name.startswith("sec-fetch-") for name in request.headers)


def read_json(request: Request, *, as_written: bool = False) -> object:
    """
    Return the body as JSON. Raises ProblemError: 415 for another content type, 400 for invalid JSON.

    `as_written`: decimals keep their text.
    """
    check_media_type(request)
    try:
        return request.json_as_written if as_written else request.json
    except UnreadableBodyError as error:
        raise ProblemError(400, "bad-json", "The body is not valid JSON", str(error)) from error


# Answers


def is_browser(request: Request) -> bool:
    """Whether a browser requests a page."""
    return "text/html" in request.headers.get("accept", "")


def json_answer(document: object, status: int = 200, *headers: tuple[str, str]) -> Response:
    exact, write = json_writer(document)
    return Response(status, [("Content-Type", "application/json"), *headers], write(exact))


def listing(items: list[Any], after: object = None) -> Response:
    """
    Return `{"items": [...], "next": cursor or null}`, encoded item by item, so that other threads can run in between.
    """
    return written_listing([dump_json(item) for item in items], after)


def written_listing(items: list[bytes], after: object = None, **more: object) -> Response:
    """Like `listing`, with items that are encoded already, and additional members."""
    rest = dump_json({"next": after, **more})[1:]
    data = b'{"items":[%b],%b' % (b",".join(items), rest)
    return Response(200, [("Content-Type", "application/json")], data)


to_json = json.JSONEncoder(ensure_ascii=False).encode
"""Created once, because `json.dumps` creates an encoder for each call."""
