"""
The keys of the scenario language as typed Python keywords; a test compares them with the language.

Reserved words of Python end in an underscore: `if_`, `for_`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from os import PathLike
from typing import Any, Literal, TypedDict

from mockserver.client.records import Request
from mockserver.errors import near

Duration = str | float | timedelta
"""`"200ms"`, `"5s"`, `"3d"`, seconds as a number (`5`, `0.2`), or a timedelta."""

Times = int | Mapping[str, int]
"""A number, or `{"min": 1}`, `{"max": 2}`, both; `gte` and `lte` mean the same."""

Gap = Duration | Mapping[str, Any]
"""At least so long, or bounds: `{"gte": "400ms", "lte": "1s"}`, also as `min` and `max`."""

GrpcStatusName = Literal[
    "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
]  # fmt: skip
Step = int | GrpcStatusName | Enum | Mapping[str, Any] | list[Any] | tuple[Any, ...] | Callable[[Any], Any]
"""One reply: a status (of gRPC by its name, or as `grpc.StatusCode`), a mapping as in the language, a list of them; in process also a function of the request."""


class MatchWords(TypedDict, total=False):
    """Conditions on a request."""

    headers: Mapping[str, Any]
    query: Mapping[str, Any]
    query_exact: Mapping[str, Any]
    cookies: Mapping[str, Any]
    json: Any
    json_exact: Any
    jsonpath: Mapping[str, Any]
    schema: Any
    form: Mapping[str, Any]
    form_exact: Mapping[str, Any]
    files: Mapping[str, Any]
    text: Any
    xml: Mapping[str, Any]
    xml_exact: str
    xml_schema: str
    graphql: Mapping[str, Any]
    message: Any
    messages: Any
    arguments: Any
    body_sha256: Any
    client_cert: Any
    jwt: Mapping[str, Any]


class RouteWords(MatchWords, total=False):
    """Keys of a route besides its request line; conditions are given directly, without `match`."""

    name: str
    match: Mapping[str, Any]
    when: Mapping[str, Any]
    if_: Any
    priority: int
    let: Mapping[str, Any]
    then: Literal["repeat", "cycle", "stop"]
    per: str
    set: Mapping[str, Any]
    set_ttl: Duration
    effect: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    webhook: Any
    expect: Times | Mapping[str, Any]
    tags: Sequence[str]
    where: Callable[[Request], object]
    auth: Any
    idempotency: Any
    attempts: Mapping[str, Any]
    limit: Any


class AnswerWords(TypedDict, total=False):
    """One reply."""

    status: int | str
    headers: Mapping[str, Any]
    json: Any
    text: Any
    html: str
    xml: str
    base64: str | bytes
    file: str | PathLike[str]
    form: Mapping[str, Any]
    events: Sequence[Any]
    chunks: Sequence[Any]
    websocket: Sequence[Mapping[str, Any]]
    subprotocol: str | Sequence[str]
    message: Any
    messages: Sequence[Any]
    errors: Any
    details: Sequence[Any]
    trailers: Mapping[str, Any]
    delay: Duration | Mapping[str, Any]
    throttle: str | Mapping[str, Any]
    fault: str | Mapping[str, Any]
    set: Mapping[str, Any]
    set_ttl: Duration
    effect: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    webhook: Any
    raw: bool
    choose: Sequence[Mapping[str, Any]]
    cases: Sequence[Mapping[str, Any]]


class ReplyWords(AnswerWords, total=False):
    """One reply of a sequence."""

    times: int
    for_: Duration


class AttemptWords(TypedDict, total=False):
    """Rules on how a client retries, how its calls are grouped, and when to ask."""

    by: str
    ignore: str | Sequence[str]
    max: int
    min: int
    operations: Times
    gaps: Gap | Sequence[Gap]
    growing: bool | Mapping[str, Any]
    backoff: Mapping[str, Any]
    same: str | Sequence[str]
    honours: bool | Literal["retry-after"]
    overlap: bool
    after: Literal["retryable"]
    optional: bool
    within: Duration
    quiet: Duration


class MessageWords(TypedDict, total=False):
    """Conditions on a received WebSocket message."""

    text: Any
    json: Any
    json_exact: Any
    jsonpath: Mapping[str, Any]
    schema: Any
    base64: str | bytes


class LoadWords(TypedDict, total=False):
    """Rules on the calls of many operations, how they are grouped, and when to ask."""

    by: str
    ignore: str | Sequence[str]
    amplification: Mapping[str, Any]
    budget: Mapping[str, Any]
    breaker: Mapping[str, Any]
    in_flight: Mapping[str, Any]
    spread: Mapping[str, Any]
    rate: Mapping[str, Any]
    optional: bool
    within: Duration
    quiet: Duration


class CheckWords(MatchWords, total=False):
    """One check. Match keywords go with a `request`."""

    route: Any
    request: str
    match: Mapping[str, Any]
    received: Mapping[str, Any]
    in_order: Sequence[Any]
    effects: Mapping[str, Any]
    webhooks: Mapping[str, Any]
    unused: int
    unmatched: int
    leaks: int
    violations: int
    times: Times
    attempts: Mapping[str, Any]
    load: Mapping[str, Any]
    within: Duration
    quiet: Duration


class TroubleWords(TypedDict, total=False):
    """A failure of one call of a route, or of several calls in sequence."""

    name: str
    route: Any
    call: int
    times: int | Literal["always"]
    before: int | str | Mapping[str, Any]
    after: str | Mapping[str, Any]
    webhook: Mapping[str, Any]
    probability: float
    ramp: Duration
    for_: Duration
    later: bool
    lasting: bool
    optional: bool


MATCH = MatchWords.__optional_keys__
ROUTE = RouteWords.__optional_keys__ - MATCH
REPLY = ReplyWords.__optional_keys__
ATTEMPTS = AttemptWords.__optional_keys__
MESSAGE = MessageWords.__optional_keys__
LOAD = LoadWords.__optional_keys__
CHECK = CheckWords.__optional_keys__ - MATCH
OUTAGE = AnswerWords.__optional_keys__ | {
    "routes",
    "skip",
    "times",
    "for_",
    "probability",
    "ramp",
    "optional",
}
TROUBLE = TroubleWords.__optional_keys__
BODIES = frozenset({"json", "text", "html", "xml", "base64", "file", "form", "events", "chunks"})

_ELSEWHERE = {
    "status_code": "status=",
    "params": "query=",
    "data": "form= or text=",
    "body": "text=, json= or base64=",
    "content": "text=, json= or base64=",
    "content_type": 'headers={"content-type": …}',
    "url": "the path, first",
    "method": "the method's own name, such as .post(path)",
    "call_count": "times=",
    "timeout": "within=",
}


def key_of(word: str) -> str:
    """
    The language's key for a keyword.

    >>> key_of("if_"), key_of("set")
    ('if', 'set')
    """
    return word.rstrip("_")


def check_words(where: str, given: Iterable[str], known: frozenset[str]) -> None:
    """Raise TypeError for unknown keywords, with the nearest known one."""
    __tracebackhide__ = True
    for word in given:
        if word in known:
            continue
        hint = near(word, known) if near(word, known).startswith("Did") else ""
        if word in _ELSEWHERE and not hint:
            hint = f"Use {_ELSEWHERE[word]}."
        raise TypeError(f"{where} has no keyword {word!r}. {hint or near(word, known)}".rstrip())
