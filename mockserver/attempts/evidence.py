"""The evidence in one request for the grouping of attempts: ids, counters, keys, contents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mockserver.attempts.keys import DEFAULT_NAMES, Key, KeyNames, known_key
from mockserver.attempts.likeness import Ignored, digest_of, fields_of, split
from mockserver.attempts.retryable import ClockAt, error_inside, in_progress, requested_wait, retryable
from mockserver.attempts.volatile import Reason, Volatile, is_volatile_name
from mockserver.errors import KeyPath, invalid
from mockserver.matching.selectors import Selector, compile_selector
from mockserver.model.call import Call
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.schema.attempts import GroupingSpec
from mockserver.templating.variables import BEFORE_CLAIM

INVOCATION_HEADER = "amz-sdk-invocation-id"
_AMZ_ATTEMPT = re.compile(r"(?:^|;)\s*attempt=(\d{1,4})\s*(?:;|$)", re.ASCII)
_COUNT = re.compile(r"^\s*(\d{1,4})\s*$", re.ASCII)
COUNTERS = (
    ("amz-sdk-request", _AMZ_ATTEMPT, 1),
    ("x-stainless-retry-count", _COUNT, 0),
    ("grpc-previous-rpc-attempts", _COUNT, 0),
)
"""Headers in which SDKs count their retries: name, pattern, value on the first attempt."""
ABSENT_AT_FIRST = "grpc-previous-rpc-attempts"
"""The counter that the first attempt does not have."""
ROUTE = "route"
"""Value of `by`: all calls of a route are one operation."""
KeyOf = Callable[[Request], str | None]
ParamsOf = Callable[[Call], dict[str, str]]


def recorded_selector(text: str, path: KeyPath) -> Selector:
    """Return the selector of a part of recorded requests. Raises InvalidInputError."""
    hint = "Write a selector such as headers.idempotency-key"
    if text.startswith("{{"):
        raise invalid(path, "a template can't be evaluated for recorded calls", hint)
    if text.endswith("?"):
        raise invalid(path, f"{text!r}: a question mark has a meaning in `same` alone", hint)
    return compile_selector(text, path, BEFORE_CLAIM)


class By:
    """A selector that tells operations apart; `route` makes all calls of a route one operation."""

    __slots__ = ("_selector", "text")

    def __init__(self, text: str, path: KeyPath = ()) -> None:
        """Raises InvalidInputError."""
        self.text = text
        self._selector: Selector | None = None
        if text == ROUTE:
            return
        self._selector = recorded_selector(text, path)

    def value(self, call: Call, params_of: ParamsOf) -> str | None:
        """Return the value that the calls of one operation share; None if the call has none."""
        if self._selector is None:
            return ""
        value = self._selector.key(call.request, params_of(call) if self.text.startswith("path.") else {})
        return value or None  # an empty text identifies nothing


def compile_grouping(spec: GroupingSpec | None, path: KeyPath = ()) -> tuple[By | None, Ignored]:
    """Compile `attempts` of a route or a scenario. Raises InvalidInputError."""
    if spec is None:
        return None, Ignored()
    by = None if spec.by is None else By(spec.by, (*path, "by"))
    return by, Ignored(spec.ignore or (), (*path, "ignore"))


@dataclass(frozen=True, slots=True)
class RouteRules:
    """The grouping rules of a route and its scenario."""

    by: By | None = None
    ignored: Ignored = field(default_factory=Ignored)
    key_of: KeyOf | None = None
    key_selector: str = ""
    """The selector that `key_of` evaluates."""


_NO_RULES = RouteRules()


@dataclass(frozen=True, slots=True)
class Grouping:
    """
    How calls are grouped: `by` and `ignored` of a check, and the rules of the routes.

    `params_of` returns the path parameters of a call, `clock_at` the namespace's Unix
    time at a real Unix time, `route_of` the route whose call it is: for a call of several
    routes, the one that is checked.
    """

    by: By | None = None
    ignored: Ignored = field(default_factory=Ignored)
    names: KeyNames = DEFAULT_NAMES
    rules_of: Callable[[str | None], RouteRules] = lambda _: _NO_RULES
    params_of: ParamsOf = lambda _: {}
    clock_at: ClockAt = float
    route_of: Callable[[Call], str | None] = lambda call: call.route_id

    def key(self, call: Call, rules: RouteRules) -> Key | None:
        """Return the idempotency key: the one that the scenario declares, or a known one."""
        value = rules.key_of(call.request) if rules.key_of is not None else None
        return (rules.key_selector, value) if value else known_key(call.request, self.names)


class CallEvidence:
    """
    The evidence of a call. Created once for a call that has ended.

    `retryable_by_id`: the answer may be retried by a request with an id, a counter or a key.
    `stable` are the fields that all attempts share, `volatile` those that may vary. `due_at_s`:
    the earliest arrival of a next attempt that waits as the answer asked, 0 if it asked for no wait.
    """

    __slots__ = (
        "authorization", "by", "by_text", "call", "counter", "counter_name", "due_at_s", "first", "identity", "invocation", "key",
        "likeness", "range", "retryable", "retryable_by_id", "route_id", "stable", "target", "volatile", "volatile_digest",
    )  # fmt: skip

    def __init__(self, call: Call, grouping: Grouping) -> None:
        request = call.request
        self.route_id = grouping.route_of(call)
        rules = grouping.rules_of(self.route_id)
        by = grouping.by or rules.by
        self.call = call
        self.by_text = by.text if by is not None else None
        self.by = by.value(call, grouping.params_of) if by is not None else None
        self.invocation = request.headers.get(INVOCATION_HEADER)
        self.counter: int | None = None
        self.counter_name: str | None = None
        self.first = False
        self._read_counter(request)
        self.key = grouping.key(call, rules)
        self.target = (self.route_id, request.method, request.path)
        self.retryable = retryable(call)
        counted = self.invocation is not None or self.counter is not None
        self.retryable_by_id = (
            self.retryable
            or ((counted or self.key is not None) and in_progress(call))
            or (counted and error_inside(call))
        )
        wait = requested_wait(call, grouping.clock_at) if self.retryable_by_id else None
        self.due_at_s = 0.0 if wait is None else (call.ended_at_s or 0.0) + wait.seconds - wait.tolerance_s
        self.range = request.headers.get("range") or request.headers.get("x-ms-range")
        self.authorization = request.headers.get("authorization")
        self.identity = _identity(self.authorization)
        fields = fields_of(call)
        self.stable, self.volatile = split(call, fields, grouping.ignored + rules.ignored)
        key_field = self.key[0] if self.key is not None else ""
        if key_field in self.volatile and Reason.DECLARED not in self.volatile[key_field].reason:
            # A key that looks random does not vary between attempts.
            self.stable[key_field] = self.volatile.pop(key_field).value
        self.likeness = digest_of(
            (self.target[1:], sorted(item for item in self.stable.items() if item[0] != key_field))
        )
        self.volatile_digest = digest_of(sorted((name, part.value) for name, part in self.volatile.items()))
        if call.outcome is not Outcome.OPEN:
            request.forget_parsed()

    def _read_counter(self, request: Request) -> None:
        for name, pattern, first in COUNTERS:
            count = pattern.search(request.headers.get(name) or "")
            if count:
                self.counter, self.counter_name = int(count[1]), name
                self.first = self.counter <= first
                return

    @property
    def likeness_of_bytes(self) -> tuple[bytes, str | None]:
        """A value that is equal for similar requests of the same bytes."""
        return self.likeness, self.range

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """A value that is equal for equal requests, apart from fields that certainly vary between attempts."""
        kept = [(name, part.value) for name, part in self.volatile.items() if not part.reason.certain]
        return self.likeness, self.range, tuple(sorted(kept))

    def counted(self) -> tuple[object, ...]:
        """Return a value that is equal for equal requests with the same retry counter."""
        return self.likeness, self.counter_name, self.counter

    def counted_before(self) -> list[tuple[object, ...]]:
        """Return the possible values of `counted` for the previous attempt."""
        assert self.counter is not None
        before: list[tuple[object, ...]] = [(self.likeness, self.counter_name, self.counter - 1)]
        if self.counter_name == ABSENT_AT_FIRST and self.counter == 1:
            before.append((self.likeness, None, None))
        return before


_UNSIGNED = frozenset({"basic", "bearer", "token"})
_SIGNATURE_PARAMS = frozenset({"nc", "response", "uri", "bodyhash"})
_PARAM = re.compile(r"([\w-]+)=(\"[^\"]*\"|[^,;&\s]*)")


def _identity(authorization: str | None) -> str | None:
    """
    Return the part of `Authorization` that is the same in each signed request of a client.

    For schemes with parameters (AWS Signature 4, Digest, OAuth 1, Hawk) all but nonces,
    times and signatures; for `SharedKey ACCOUNT:SIGNATURE` the account.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    if not rest or scheme.lower() in _UNSIGNED:
        return authorization
    params = _PARAM.findall(rest)
    if rest.partition("=")[0].strip().replace("-", "").replace("_", "").isalnum() and params:
        kept = [(name, value) for name, value in params if not _changes_with_signature(name)]
        # The first part of an AWS credential is the access key; its scope changes daily.
        return f"{scheme} {[(name, value.partition('/')[0] if name == 'Credential' else value) for name, value in kept]}"
    account, colon, _ = rest.rpartition(":")
    return f"{scheme} {account}" if colon else authorization


def _changes_with_signature(name: str) -> bool:
    return is_volatile_name(name) or name.lower().replace("-", "").replace("_", "") in _SIGNATURE_PARAMS


def differing(before: CallEvidence, after: CallEvidence) -> dict[str, tuple[str | None, str | None]]:
    """Return the fields whose values differ, by path, with both values as text; None where absent."""
    return {
        name: (before.stable.get(name), after.stable.get(name))
        for name in dict.fromkeys((*before.stable, *after.stable))
        if before.stable.get(name) != after.stable.get(name)
    }


def left_out(before: CallEvidence, after: CallEvidence) -> dict[str, bool]:
    """Return the volatile fields whose values differ, and whether they certainly vary between attempts."""
    names = {}
    for name in dict.fromkeys((*before.volatile, *after.volatile)):
        pair: list[Volatile | None] = [before.volatile.get(name), after.volatile.get(name)]
        first, second = pair
        if first is None or second is None or first.value != second.value:
            names[name] = all(part.reason.certain for part in pair if part is not None)
    return names


def uncertain_fields(before: CallEvidence, after: CallEvidence) -> list[str]:
    """Return the volatile fields whose different values may show two operations."""
    return [name for name, certain in left_out(before, after).items() if not certain]
