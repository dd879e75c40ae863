"""
Policies between routing and claim: auth, limit, idempotency, in this order.

A request that one of them rejects takes no step. The rejection has the headers that the standards define.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from mockserver.errors import Flaw, InvalidInputError, ReadFile, flaws_below, invalid
from mockserver.matching.selectors import Selector, body_key, compile_selector
from mockserver.model.call import Call
from mockserver.model.grpc import METHOD as GRPC
from mockserver.model.http import ABSENT, Request, Response
from mockserver.model.problem import PROBLEM_TYPE, problem
from mockserver.model.written import as_text
from mockserver.responses.bodies import dump_json
from mockserver.responses.planner import Planned, Reply, compile_reply, sent
from mockserver.schema.delays import DelayRangeSpec
from mockserver.schema.identity import OAuthSpec
from mockserver.schema.policies import NONE, AuthSpec, IdempotencySpec, LimitSpec
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.store.idempotency import KeptKey
from mockserver.store.memory import Memory
from mockserver.store.rate_limits import LimitLevel
from mockserver.templating.templates import Scope
from mockserver.templating.variables import BEFORE_CLAIM

CONFLICT, IN_FLIGHT, LIMITED = 422, 409, 429
REPLAYED = ("idempotent-replayed", "true")
_NOT_HERE = ("choose", "cases", "times", "for_s", "set_", "set_ttl_s", "effect", "webhook")
_ONCE = frozenset({"POST", "PATCH", GRPC})
_NO_PARAMS: dict[str, str] = {}
CompileReply = Callable[[ReplySpec, ReplyDefaultsSpec, ReadFile, frozenset[str] | None], Reply]
_NEVER_KEPT = frozenset({401, 409, 425, 429})


def refusal(status: int, kind: str, title: str, detail: str, *headers: tuple[str, str]) -> Planned:
    document = problem(status, kind, title, detail)
    response = Response(status, [("Content-Type", PROBLEM_TYPE), *headers], dump_json(document))
    return sent(response)


# Auth


class Auth:
    """
    Compiled `auth`. `realm` is the scenario's name; `oauth` checks the tokens that the namespace issued, which may be
    signed.
    """

    __slots__ = ("_basic", "_bearer", "_is_signed", "_realm", "_spec")

    def __init__(self, spec: AuthSpec | str, realm: str, *, is_signed: bool = False) -> None:
        self._is_signed = is_signed
        self._spec = spec
        self._realm = realm.replace('"', "'")
        self._bearer: frozenset[str] = frozenset()
        self._basic: dict[str, str] = {}
        if isinstance(spec, AuthSpec):
            self._bearer = frozenset(as_text(token) for token in spec.bearer or ())
            self._basic = {user: as_text(password) for user, password in (spec.basic or {}).items()}

    def refuse(self, memory: Memory, request: Request) -> Planned | None:
        """Return a 401 for an unauthorized request; None to continue."""
        spec = self._spec
        if isinstance(spec, AuthSpec) and spec.api_key is not None:
            return self._check_key(request, spec.api_key.header, spec.api_key.query, spec.api_key.values)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip()
        if isinstance(spec, AuthSpec) and spec.basic is not None:
            ok = scheme.lower() == "basic" and self._is_user(given)
            return None if ok else self._refused("Basic", f'realm="{self._realm}", charset="UTF-8"', given)
        ok = scheme.lower() == "bearer" and (
            given in self._bearer if isinstance(spec, AuthSpec) else self._is_issued(memory, given)
        )
        if ok:
            return None
        parameters = f'realm="{self._realm}"'
        if given:  # RFC 6750 3.1: the code is for an invalid token
            parameters += (
                ', error="invalid_token", error_description="The access token is unknown or has expired"'
            )
        return self._refused("Bearer", parameters, given)

    def _check_key(
        self, request: Request, header: str | None, query: str | None, values: list[Any]
    ) -> Planned | None:
        if header is not None:
            given = request.headers.get(header, "")
        else:
            given = next((value for name, value in request.query_pairs if name == query), "")
        if given in {as_text(value) for value in values}:
            return None
        where = f"header {header}" if header is not None else f"query parameter {query}"
        return self._refused("ApiKey", f'realm="{self._realm}"', given, where)

    def _is_issued(self, memory: Memory, given: str) -> bool:
        now_s = memory.clock.now_s()
        if not self._is_signed:
            return memory.tokens.access_of(given, now_s) is not None
        from mockserver.identity.access import valid_access  # few scenarios have it

        return valid_access(memory, given, now_s) is not None

    def _is_user(self, given: str) -> bool:
        try:
            user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        known = self._basic.get(user)
        return bool(colon) and known is not None and hmac.compare_digest(known.encode(), password.encode())

    def _refused(
        self, scheme: str, parameters: str, given: str, where: str = "header Authorization"
    ) -> Planned:
        what = f"The {where} names nothing that is accepted" if given else f"The {where} is missing"
        if given and scheme == "Bearer":
            what = "The access token is unknown or has expired"
        challenge = ("WWW-Authenticate", f"{scheme} {parameters}")
        return refusal(401, "unauthorized", "Unauthorized", what, challenge)


# Limits


@dataclass(frozen=True, slots=True)
class Limiter:
    """Compiled `limit`. Requests with the same `scope` share buckets; `headers` is a reply with the own ones only."""

    spec: LimitSpec
    scope: str
    by: Selector | None
    headers: Reply | None = None
    reply: Reply | None = None

    def refuse(
        self, memory: Memory, call: Call, params: dict[str, str], scope: Callable[[], Scope]
    ) -> Planned | None:
        """Return the refusal over the limit; None to continue. Headers for the answer are stored at the call."""
        by = self.by_of(call.request, params, scope)
        level = self.take(memory, call, by)
        if not level.is_over and not self.spec.headers:
            return None

        def with_level() -> Scope:
            return scope().with_("limit", level.view())

        call.limit_headers = self.lines(level, call.request, with_level)
        if not level.is_over:
            return None
        if self.reply is not None:
            return self.reply.plan(self.reply.status(with_level), with_level, _no_chance, call.request)
        return refusal(
            LIMITED, "too-many-requests", "Too many requests", f"Try again in {level.retry_after_s} s"
        )

    def by_of(self, request: Request, params: dict[str, str], scope: Callable[[], Scope]) -> str | None:
        """Return the value of `by` in a request."""
        return self.by.key(request, params, scope) if self.by is not None else None

    def take(self, memory: Memory, call: Call, by: str | None) -> LimitLevel:
        """Take a token, or a slot until the call ends, unless there is none left."""
        limits = memory.limits
        level = limits.take(self.scope, by, self.spec, memory.clock.now_s())
        if not level.is_over and self.spec.in_flight is not None:
            call.at_end(lambda: limits.release(self.scope, by))
        return level

    def lines(self, level: LimitLevel, request: Request, scope: Callable[[], Scope]) -> list[tuple[str, str]]:
        """Return the headers of an answer. Without `headers`, only those of a refusal are sent."""
        if self.spec.headers is False:
            return []
        own = None
        if self.headers is not None:
            own = self.headers.plan(200, scope, _no_chance, request).response.headers
        wait = [("Retry-After", str(level.retry_after_s))] if level.is_over else []
        return [*wait, *(level.headers if own is None else own)]


# Idempotency


class Idempotency:
    """Compiled `idempotency`. `scope` is where it is defined: keys are unique within it."""

    __slots__ = ("_conflict", "_in_flight", "_key", "_scope", "_where", "spec")

    def __init__(
        self,
        spec: IdempotencySpec,
        scope: str,
        key: Selector,
        conflict: Reply | None,
        in_flight: Reply | None,
    ) -> None:
        self.spec = spec
        self._scope = scope
        self._key = key
        self._conflict = conflict
        self._in_flight = in_flight
        self._where = f"header {spec.header}" if spec.header is not None else f"field {spec.json_}"

    @property
    def selector(self) -> str:
        """The place of the key, as a selector."""
        return self._key.text

    def key_of(self, request: Request) -> str | None:
        """Return the key of the request; None for methods without keys, or if there is none."""
        if request.method not in _ONCE:
            return None
        header = self.spec.header
        if header is not None:
            return request.headers.get(header) or None
        return self._key.key(request, _NO_PARAMS) or None

    def answer(self, memory: Memory, call: Call, scope: Callable[[], Scope]) -> Planned | KeptKey | None:
        """
        Return a replay, a conflict, or the response for a first call that is in flight. To continue: the new key, which is
        not claimed yet, or None if there is none.
        """
        request = call.request
        key = self.key_of(request)
        if key is None:
            if self.spec.required and request.method in _ONCE:
                return refusal(
                    400,
                    "idempotency-key-missing",
                    "The idempotency key is missing",
                    f"Send it in the {self._where}",
                )
            return None
        now_s = memory.clock.now_s()
        known = memory.keys.find(self._scope, key, now_s)
        line, body = (request.method, request.path), body_key(request)
        if known is None:
            return KeptKey(line, body, call.id, now_s + self.spec.ttl_s, None, (self._scope, key))
        if known.line != line or known.body != body:
            detail = f"The key in the {self._where} was first used for another request ({known.call_id})"
            return self._said(
                self._conflict,
                scope,
                request,
                CONFLICT,
                "idempotency-conflict",
                "The idempotency key was used before",
                detail,
            )
        if known.answer is None:
            detail = f"The first request with this key is still under way ({known.call_id})"
            return self._said(
                self._in_flight,
                scope,
                request,
                IN_FLIGHT,
                "idempotency-in-flight",
                "The idempotency key is in use",
                detail,
            )
        call.replayed = True
        kept: Response = known.answer
        response = Response(kept.status, [*kept.headers, REPLAYED], kept.body, kept.reason, kept.trailers)
        return sent(response)

    def _said(
        self,
        reply: Reply | None,
        scope: Callable[[], Scope],
        request: Request,
        status: int,
        kind: str,
        title: str,
        detail: str,
    ) -> Planned:
        if reply is None:
            return refusal(status, kind, title, detail)
        return reply.plan(reply.status(scope), scope, _no_chance, request)


def is_kept(status: int, *, wrote_effect: bool, has_effects: bool) -> bool:
    """Whether a key stores this response: one with an effect; without effects in the scenario, a final one below 500."""
    if status < 200:
        return False  # an open connection can't be sent again
    if has_effects:
        return wrote_effect
    return status < 500 and status not in _NEVER_KEPT


def _no_chance() -> NoReturn:
    raise AssertionError("refused at load: nothing is drawn here")


# Compiling


def compile_auth(value: Any, realm: str, oauth: OAuthSpec | None) -> Auth | None:
    """Raises InvalidInputError. None for `none`."""
    if value is None or value == NONE:
        return None
    if value == "oauth" and oauth is None:
        raise invalid(
            ("auth",),
            "the scenario has no `oauth`",
            "Add oauth: {path: /oauth/token, clients: {app: s3cret}}",
        )
    return Auth(value, realm, is_signed=oauth is not None and oauth.oidc)


def compile_limit(
    value: Any, scope: str, read_file: ReadFile, compiled: CompileReply = compile_reply
) -> Limiter | None:
    """Raises InvalidInputError. `compiled` compiles `reply`."""
    if value is None or value == NONE:
        return None
    spec: LimitSpec = value
    by = None if spec.by is None else compile_selector(spec.by, ("limit", "by"), BEFORE_CLAIM)
    names = BEFORE_CLAIM | {"limit"}
    headers = None
    if isinstance(spec.headers, dict):
        bare = ReplySpec.known(status=200, headers=spec.headers)
        headers = _compile_reply(bare, ("limit",), 200, read_file, names)
    status = 200 if spec.reply is not None and spec.reply.has("errors") else LIMITED
    reply = _compile_reply(spec.reply, ("limit", "reply"), status, read_file, names, compiled)
    return Limiter(spec, scope, by, headers, reply)


def compile_idempotency(value: Any, scope: str, read_file: ReadFile) -> Idempotency | None:
    """Raises InvalidInputError."""
    if value is None or value == NONE:
        return None
    spec: IdempotencySpec = value
    text = f"headers.{spec.header}" if spec.header is not None else f"json.{spec.json_}"
    key = compile_selector(
        text, ("idempotency", "header" if spec.header is not None else "json"), BEFORE_CLAIM
    )
    replies = [
        _compile_reply(item, ("idempotency", name), status, read_file, BEFORE_CLAIM)
        for item, name, status in (
            (spec.conflict, "conflict", CONFLICT),
            (spec.in_flight, "in_flight", IN_FLIGHT),
        )
    ]
    return Idempotency(spec, scope, key, *replies)


def _compile_reply(
    spec: ReplySpec | None,
    place: tuple[str, ...],
    status: int,
    read_file: ReadFile,
    names: frozenset[str],
    compiled: CompileReply = compile_reply,
) -> Reply | None:
    """Compile a reply, with a default status. It has no route, no random values and no side effects."""
    if spec is None:
        return None
    idle = [word for word in _NOT_HERE if spec.has(word)]
    if isinstance(spec.delay, DelayRangeSpec):
        idle.append("delay")
    if idle:
        words = " and ".join(f"`{word.removesuffix('_s').rstrip('_')}`" for word in idle)
        flaw = Flaw(
            place,
            f"{words} has no place here",
            "Write a status, headers, a body, a fixed delay",
        )
        raise InvalidInputError(flaw)
    if not spec.has("status"):
        spec = spec.model_copy(update={"status": status})
    with flaws_below(*place):
        return compiled(spec, ReplyDefaultsSpec(), read_file, names)


__all__ = [
    "ABSENT",
    "Auth",
    "Idempotency",
    "Limiter",
    "compile_auth",
    "compile_idempotency",
    "compile_limit",
    "is_kept",
]
