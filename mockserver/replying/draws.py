"""
Chance that repeats: a draw is a function of (seed, route, number of the call), never of a shared stream.

So concurrent calls can't change each other's draws, replicas agree, and a
rerun gets the same.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import Literal

Kind = Literal["ids", "choices"]
"""
Ids and fakes are drawn apart from choices and delays, because `reset` starts
the choices anew, but the ids only when a seed is named: a test that resets
must not get the same ids again.
"""


def seed_for(namespace: str, seed: str) -> str:
    """The seed that a namespace starts with: parallel tests get different ids, and a rerun the same."""
    return _digest("namespace", namespace, seed).hex()


def chance(seed: str, route: str, number: int, kind: Kind) -> Random:
    """The generator of one call: always the same for the same arguments, unrelated for any others."""
    return Random(_digest(seed, route, str(number), kind))


def _digest(*parts: str) -> bytes:
    """Each part with its length in front, so that no two lists of parts look alike."""
    raw_parts = [part.encode("utf-8", "surrogatepass") for part in parts]
    data = b"".join([b"%d:%s" % (len(raw), raw) for raw in raw_parts])
    return blake2b(data, digest_size=16).digest()
