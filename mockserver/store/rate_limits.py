"""Token buckets and counts of calls in flight, by the virtual clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mockserver.schema.policies import LimitSpec, Rate
from mockserver.store.bounds import Bounded, Bounds


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """A limit is exceeded: values of the response headers, in whole seconds."""

    retry_after_s: int
    policy: str
    limit: str


class Limits:
    """The buckets of one namespace, by (place of the limit, value of `by`)."""

    __slots__ = ("_bounds", "_buckets")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._buckets: Bounded[tuple[str, str | None], _Bucket] = Bounded("limit_keys", bounds, _is_settled)

    def take(self, scope: str, by: str | None, spec: LimitSpec, now_s: float) -> Over | None:
        """Take a token, or a slot; return `Over` if there is none left."""
        self._buckets.expire(now_s)
        key = (scope, by)
        bucket = self._buckets.get(key)
        if spec.in_flight is not None:
            if bucket is None:
                bucket = _Bucket(0.0, now_s, in_flight=1)
                self._buckets.put(key, bucket, _size_of(key))
                return None
            return _take_place(bucket, spec.in_flight)
        rate: Rate = spec.rate
        most = float(spec.burst if spec.burst is not None else max(1, math.floor(rate.calls)))
        is_new = bucket is None
        bucket = bucket or _Bucket(most, now_s)
        over = _take_token(bucket, rate, most, now_s)
        # A full bucket needs no entry.
        full_at_s = now_s + (most - bucket.tokens) * rate.window_s / rate.calls
        if is_new:
            self._buckets.put(key, bucket, _size_of(key), full_at_s)
        else:
            self._buckets.touch(key, full_at_s)
        return over

    def release(self, scope: str, by: str | None) -> None:
        """Release the slot of a completed call."""
        bucket = self._buckets.get((scope, by))
        if bucket is not None and bucket.in_flight:
            bucket.in_flight -= 1
            if not bucket.in_flight:
                self._buckets.pop((scope, by))

    def levels(self) -> list[tuple[str, str | None, float, float]]:
        """Return scope, value of `by`, tokens and their time of each bucket, without calls in flight."""
        return [(*key, item.tokens, item.at_s) for key, item in self._buckets.items()]

    def put(self, scope: str, by: str | None, tokens: float, at_s: float) -> None:
        """Restore a bucket from `levels`."""
        self._buckets.put((scope, by), _Bucket(tokens, at_s), _size_of((scope, by)))

    def copy(self) -> Limits:
        twin = Limits(self._bounds)
        for (scope, by), bucket in self._buckets.items():
            twin.put(scope, by, bucket.tokens, bucket.at_s)
        return twin


def _is_settled(bucket: _Bucket) -> bool:
    return not bucket.in_flight


def _size_of(key: tuple[str, str | None]) -> int:
    scope, by = key
    return len(scope) + len(by or "")


def _take_place(bucket: _Bucket, most: int) -> Over | None:
    if bucket.in_flight >= most:
        return Over(1, f'"in-flight";q={most}', '"in-flight";r=0')
    bucket.in_flight += 1
    return None


def _take_token(bucket: _Bucket, rate: Rate, most: float, now_s: float) -> Over | None:
    per_s = rate.calls / rate.window_s
    # Moving the clock back neither adds nor takes tokens.
    gained = max(0.0, now_s - bucket.at_s) * per_s
    bucket.tokens = min(most, bucket.tokens + gained)
    bucket.at_s = now_s
    if bucket.tokens >= 1 - 1e-9:
        bucket.tokens -= 1
        return None
    wait_s = max(1, math.ceil((1 - bucket.tokens) / per_s - 1e-9))
    policy = f'"default";q={rate.calls:g};w={rate.window_s:g}'
    return Over(wait_s, policy, f'"default";r=0;t={wait_s}')
