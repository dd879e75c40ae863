"""Token buckets and counts of calls in flight, by the virtual clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mockserver.schema.policies import LimitSpec, Rate
from mockserver.store.bounds import Bounded, Bounds


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class LimitLevel:
    """
    What is left of a limit after a call, in whole seconds.

    `limit` is the number of calls in a window of `window_s`, 0 for calls in flight. `reset_s` is the time until nothing
    is used, `retry_after_s` the time until the next call is allowed: 0 unless this one was not.
    """

    limit: float
    window_s: float
    remaining: int
    reset_s: int
    retry_after_s: int = 0

    @property
    def is_over(self) -> bool:
        return self.retry_after_s > 0

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers RateLimit-Policy and RateLimit."""
        if not self.window_s:
            policy, left = f'"in-flight";q={self.limit:g}', f'"in-flight";r={self.remaining}'
        else:
            policy = f'"default";q={self.limit:g};w={self.window_s:g}'
            left = f'"default";r={self.remaining};t={self.retry_after_s or self.reset_s}'
        return [("RateLimit-Policy", policy), ("RateLimit", left)]

    def view(self) -> dict[str, int | float]:
        """The variable `limit` of templates."""
        whole = int(self.limit) if self.limit == int(self.limit) else self.limit
        return {
            "limit": whole,
            "remaining": self.remaining,
            "reset_s": self.reset_s,
            "retry_after_s": self.retry_after_s,
        }


class Limits:
    """The buckets of one namespace, by (place of the limit, value of `by`)."""

    __slots__ = ("_bounds", "_buckets")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._buckets: Bounded[tuple[str, str | None], _Bucket] = Bounded("limit_keys", bounds, _is_settled)

    def take(self, scope: str, by: str | None, spec: LimitSpec, now_s: float) -> LimitLevel:
        """Take a token, or a slot, unless there is none left."""
        self._buckets.expire(now_s)
        key = (scope, by)
        known = self._buckets.get(key)
        bucket, level = _taken(known, spec, now_s)
        if spec.in_flight is not None:
            if known is None:
                self._buckets.put(key, bucket, _size_of(key))
            return level
        rate: Rate = spec.rate
        # A full bucket needs no entry.
        full_at_s = now_s + (_most(spec) - bucket.tokens) * rate.window_s / rate.calls
        if known is None:
            self._buckets.put(key, bucket, _size_of(key), full_at_s)
        else:
            self._buckets.touch(key, full_at_s)
        return level

    def peek(self, scope: str, by: str | None, spec: LimitSpec, now_s: float) -> LimitLevel:
        """Return what `take` would return, and take nothing."""
        known = self._buckets.get((scope, by))
        return _taken(None if known is None else replace(known), spec, now_s)[1]

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


def _most(spec: LimitSpec) -> float:
    """Return the size of the bucket."""
    return float(spec.burst if spec.burst is not None else max(1, math.floor(spec.rate.calls)))


def _taken(bucket: _Bucket | None, spec: LimitSpec, now_s: float) -> tuple[_Bucket, LimitLevel]:
    """Take a token or a slot from a bucket, or from a new one, and return it."""
    if spec.in_flight is not None:
        bucket = bucket or _Bucket(0.0, now_s)
        return bucket, _take_place(bucket, spec.in_flight)
    most = _most(spec)
    bucket = bucket or _Bucket(most, now_s)
    return bucket, _take_token(bucket, spec.rate, most, now_s)


def _take_place(bucket: _Bucket, most: int) -> LimitLevel:
    if bucket.in_flight >= most:
        return LimitLevel(most, 0.0, 0, 0, retry_after_s=1)
    bucket.in_flight += 1
    return LimitLevel(most, 0.0, most - bucket.in_flight, 0)


def _take_token(bucket: _Bucket, rate: Rate, most: float, now_s: float) -> LimitLevel:
    per_s = rate.calls / rate.window_s
    # Moving the clock back neither adds nor takes tokens.
    gained = max(0.0, now_s - bucket.at_s) * per_s
    bucket.tokens = min(most, bucket.tokens + gained)
    bucket.at_s = now_s
    wait_s = 0
    if bucket.tokens >= 1 - 1e-9:
        bucket.tokens -= 1
    else:
        wait_s = max(1, math.ceil((1 - bucket.tokens) / per_s - 1e-9))
    remaining = max(0, math.floor(bucket.tokens + 1e-9))
    reset_s = math.ceil((most - bucket.tokens) / per_s - 1e-9)
    return LimitLevel(rate.calls, rate.window_s, remaining, reset_s, wait_s)
