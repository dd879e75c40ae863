"""Retryable answers, and the waits that answers ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from mockserver.model.call import Call
from mockserver.model.grpc import PUSHBACK, trailer
from mockserver.model.http import Response
from mockserver.model.plan import Outcome

TOLERANCE_S = 0.05
"""How much earlier than requested a retry may arrive, since timers of clients are not exact."""
DATE_TOLERANCE_S = 1.0
"""The same for dates, which have a resolution of a second."""
UNAUTHORIZED = 401

_RECONNECTED = frozenset({1006, 1011, 1012, 1013, 1014})
"""Close codes of WebSocket connections after which clients connect again (RFC 6455 7.4.1)."""
_CLOSED_NORMALLY = frozenset({None, 1000, 1001, 1005})
_RETRIED = frozenset({408, 425, 429})
_RETRIED_GRPC = frozenset(
    {"ABORTED", "CANCELLED", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNKNOWN"}
)
"""Statuses that clients of gRPC services are configured to retry."""
_CONFLICT = 409
_HEAD_BYTES = 4096
_AWS_THROTTLING = (
    "BandwidthLimitExceeded|EC2ThrottledException|LimitExceededException|PriorRequestNotComplete"
    "|ProvisionedThroughputExceededException|RequestLimitExceeded|RequestThrottled|RequestThrottledException"
    "|RequestTimeout|RequestTimeoutException|SlowDown|ThrottledException|Throttling|ThrottlingException"
    "|TooManyRequestsException|TransactionInProgressException"
)
"""Error codes with status 400 that AWS SDKs retry."""
NEVER_S = 1e9
"""The wait of an answer that asks not to retry at all."""
_THROTTLED = re.compile(
    rb'"(?:__type|code|Code)"\s*:\s*"(?:[^"]*#)?(?:' + _AWS_THROTTLING.encode() + rb')"'
    rb"|<Code>(?:" + _AWS_THROTTLING.encode() + rb")</Code>"
)
_TRANSIENT_IN_GRAPHQL = re.compile(
    rb'(?>\s*(?:\[(?:.*?\},)?\s*)?\{\s*"errors"\s*:\s*\[).*?"code"\s*:\s*"(?:INTERNAL_SERVER_ERROR|SERVICE_UNAVAILABLE|UNAVAILABLE'
    rb'|BAD_GATEWAY|GATEWAY_TIMEOUT|TIMEOUT|RATE_LIMITED|RATE_LIMIT_EXCEEDED|TOO_MANY_REQUESTS|THROTTLED)"',
    re.DOTALL,
)
"""Codes of GraphQL errors, under `extensions`, also in a batch, that mean the same as a status that is retried."""
_ERROR_INSIDE = re.compile(
    rb'^\s*\{.*?"(?:errors?|Error|fault|__type)"\s*:\s*(?!null|false|\[\s*\]|\{\s*\}|"")'
    rb'|^\s*\{.*?"(?:ok|success)"\s*:\s*false'
    rb"|^\s*(?:<\?xml[^>]*>\s*)?<(?:\w+:)?Error\b|<(?:\w+:)?Fault\b",
    re.DOTALL,
)


def failed(call: Call) -> bool:
    """Return whether the connection broke, or the client disconnected before it had the answer."""
    return (
        call.fault is not None
        or call.outcome not in (Outcome.OPEN, Outcome.DONE)
        or close_code(call) in _RECONNECTED
    )


def close_code(call: Call) -> int | None:
    """Return the close code of a WebSocket connection; None for other calls and open connections."""
    closed = None if call.websocket is None else call.websocket.closed
    return None if closed is None else closed.code


def closed_with_error(call: Call) -> bool:
    """Return whether a WebSocket connection was closed with an error code."""
    return close_code(call) not in _CLOSED_NORMALLY


def retryable(call: Call) -> bool:
    """Return whether a client may repeat the request after this answer."""
    if failed(call):
        return True
    if call.grpc_status is not None:
        return call.grpc_status in _RETRIED_GRPC
    status, response = call.status, call.response
    if status is None:
        return False
    if status >= 500 or status in _RETRIED:
        return True
    if response is None:
        return False
    if _says_retry(response):
        return True
    if 300 <= status < 500 and response.header("retry-after") is not None:
        return True
    if status == 403 and _remaining(response) == "0":
        return True
    if status == 200:
        return _TRANSIENT_IN_GRAPHQL.match(response.body[:_HEAD_BYTES]) is not None
    return status == 400 and _throttled(response)


def in_progress(call: Call) -> bool:
    """Return whether the answer is a 409, which services send while a request with the same key is in progress."""
    return call.grpc_status != "ABORTED" and call.meaning == _CONFLICT and not failed(call)


def error_inside(call: Call) -> bool:
    """Return whether a 2xx has an error in its body, as S3, Slack and GraphQL send it."""
    if call.response is None or not 200 <= (call.status or 0) < 300:
        return False
    return _ERROR_INSIDE.search(call.response.body[:_HEAD_BYTES]) is not None


_SHOULD_RETRY = ("Stripe-Should-Retry", "x-should-retry")


def _says_retry(response: Response) -> bool:
    return any(_flag(response, name) == "true" for name in _SHOULD_RETRY)


def _flag(response: Response, name: str) -> str:
    return (response.header(name.lower()) or "").strip().lower()


def retry_refusal(call: Call) -> str | None:
    """Return the header by which the answer asks not to retry, as `name: value`; None without one."""
    response = call.response
    if response is None or (call.first_byte_at_s is None and failed(call)):
        return None
    if call.grpc_status is not None:
        wait = requested_wait(call)
        return None if wait is None or wait.seconds < NEVER_S else wait.source
    return next((f"{name}: false" for name in _SHOULD_RETRY if _flag(response, name) == "false"), None)


def _throttled(response: Response) -> bool:
    kind = (response.header("x-amzn-errortype") or "").partition(":")[0].rpartition("#")[2]
    return bool(
        re.fullmatch(_AWS_THROTTLING, kind) if kind else _THROTTLED.search(response.body[:_HEAD_BYTES])
    )


# Waits


@dataclass(frozen=True, slots=True)
class RetryWait:
    """A requested wait: `seconds` after the end of the answer, with a tolerance; `source` quotes the header."""

    seconds: float
    tolerance_s: float
    source: str


_SECONDS = re.compile(r"\s*(\d{1,9}(?:\.\d+)?)\s*", re.ASCII)
_RESET = re.compile(r"\s*(\d{1,15}(?:\.\d+)?)\s*", re.ASCII)
_EPOCH_MS, _EPOCH_S = 1e12, 1e9
_RESETS = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_LIMITED = frozenset({403, 429, 503})

ClockAt = Callable[[float], float]
"""A namespace's clock: its Unix time at a real Unix time."""


def requested_wait(call: Call, clock_at: ClockAt = float) -> RetryWait | None:
    """Return the wait requested by `retry-after-ms`, `Retry-After` (RFC 9110 10.2.3) or a rate-limit reset."""
    response = call.response
    if response is None or (call.first_byte_at_s is None and failed(call)):
        return None
    if call.grpc_status is not None:
        pushback = trailer(response, PUSHBACK)
        return None if pushback is None else _pushback_wait(pushback)
    milliseconds = _SECONDS.fullmatch(response.header("retry-after-ms") or "")
    if milliseconds:
        return RetryWait(float(milliseconds[1]) / 1000, TOLERANCE_S, f"retry-after-ms: {milliseconds[1]}")
    text = response.header("retry-after")
    if text is not None:
        seconds = _SECONDS.fullmatch(text)
        if seconds:
            return RetryWait(float(seconds[1]), TOLERANCE_S, f"Retry-After: {seconds[1]}")
        return _until(call, _date(text), clock_at, f"Retry-After: {text.strip()}")
    if call.status in _LIMITED and _remaining(response) in (None, "0"):
        return _reset(call, response, clock_at)
    return None


_PUSHBACK = re.compile(r"\d{1,9}", re.ASCII)


def _pushback_wait(value: str) -> RetryWait:
    """Return the wait of a gRPC pushback; a negative or invalid number means not to retry."""
    source = f"{PUSHBACK}: {value}"
    if _PUSHBACK.fullmatch(value):
        return RetryWait(int(value) / 1000, TOLERANCE_S, source)
    return RetryWait(NEVER_S, TOLERANCE_S, source)


def invalid_waits(call: Call) -> list[str]:
    """Return the headers of the answer with an invalid wait, as `name: value`."""
    response = call.response
    if response is None or requested_wait(call) is not None:
        return []
    return [
        f"{name}: {value}"
        for name in ("retry-after-ms", "Retry-After", *_RESETS)
        if (value := response.header(name)) is not None and not _valid(name, value)
    ]


def _valid(name: str, value: str) -> bool:
    if name in _RESETS:
        return _RESET.fullmatch(value) is not None
    return _SECONDS.fullmatch(value) is not None or (name == "Retry-After" and _date(value) is not None)


def _remaining(response: Response) -> str | None:
    for name in ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"):
        value = response.header(name)
        if value is not None:
            return value.strip()
    return None


def _reset(call: Call, response: Response, clock_at: ClockAt) -> RetryWait | None:
    for name in _RESETS:
        number = _RESET.fullmatch(response.header(name) or "")
        if not number:
            continue
        value, source = float(number[1]), f"{name}: {number[1]}"
        if value > _EPOCH_MS:
            return _until(call, value / 1000, clock_at, source)
        if value > _EPOCH_S:
            return _until(call, value, clock_at, source)
        return RetryWait(value, TOLERANCE_S, source)
    return None


def _date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        # An HTTP date without a zone, as asctime writes it, is UTC (RFC 9110 5.6.7).
        at_s = (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return at_s if math.isfinite(at_s) else None


def _until(call: Call, until_s: float | None, clock_at: ClockAt, source: str) -> RetryWait | None:
    if until_s is None:
        return None
    ended_at_s = call.ended_at_s if call.ended_at_s is not None else call.request.arrived_at_s
    ended_s = call.request.arrived_s + ended_at_s - call.request.arrived_at_s
    return RetryWait(max(0.0, until_s - clock_at(ended_s)), DATE_TOLERANCE_S, source)
