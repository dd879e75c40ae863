"""Limits for one client of a listener."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WireLimits:
    """
    Limits: `head_bytes` and `headers` of a request's head, `read_timeout_s` until a request is complete, `requests` on
    one connection (0: no limit), `connections` at once on one listener.
    """

    read_timeout_s: float = 30.0
    headers: int = 1000
    head_bytes: int = 128 * 1024
    requests: int = 0
    connections: int = 20_000
