"""
Reproducible random values: a value is a function of (seed, route, number of the call), never of a shared stream.

So concurrent calls don't affect each other, replicas agree, and reruns repeat.

Ids and fakes (`Draws`) are separate from choices and delays (`chance`), because `reset` restarts the choices, but the
ids only with a seed: a test that resets must not get the same ids again.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random

_ALPHANUMERIC = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LETTERS = bytes(_ALPHANUMERIC[i % 62] for i in range(256))
_UNEVEN = bytes(range(256 - 256 % 62, 256))
"""Bytes that are skipped, so that all characters are equally likely."""


class Draws:
    """
    Random numbers and texts for the ids of one call: the same for the same arguments, unrelated for others.

    They are taken from blocks. A block is a hash of the arguments and the block's number: one or two values per call
    cost one or two hashes, while a generator would have to be seeded first.
    """

    __slots__ = ("_blocks", "_call", "_letters")

    def __init__(self, seed: str, route: str, number: int) -> None:
        self._call = seed, route, number
        self._blocks = 0
        self._letters = ""
        """Unused letters and digits of the last block."""

    def _block(self) -> bytes:
        """Return 64 bytes."""
        self._blocks += 1
        seed, route, number = self._call
        # Two lengths first, so that no two calls have the same input.
        text = f"{len(seed)}:{len(route)}:{seed}{route}{number}:{self._blocks}"
        return blake2b(text.encode("utf-8", "surrogatepass")).digest()

    def bits(self, count: int) -> int:
        """Return a number with that many bits."""
        data = self._block()
        while len(data) * 8 < count:
            data += self._block()
        return int.from_bytes(data, "little") & ((1 << count) - 1)

    def below(self, limit: int) -> int:
        """Return a number from 0 up to, not including, the limit."""
        count = limit.bit_length()
        result = self.bits(count)
        while result >= limit:
            result = self.bits(count)
        return result

    def text(self, length: int) -> str:
        """Return that many letters and digits."""
        text = self._letters
        while len(text) < length:
            text += self._block().translate(_LETTERS, _UNEVEN).decode()
        self._letters = text[length:]
        return text[:length]


def seed_for(namespace: str, seed: str) -> str:
    """Return the initial seed of a namespace: parallel tests get different ids, and a rerun the same."""
    return _digest("namespace", namespace, seed).hex()


def chance(seed: str, route: str, number: int) -> Random:
    """Return the generator of one call's choices and delays, seeded like its `Draws`."""
    return Random(_digest(seed, route, str(number), "choices"))


def share(seed: str, key: str, route: str, number: int) -> float:
    """Return a number from 0 up to, not including, 1: whether a fault with that key affects a call."""
    number_56_bits = int.from_bytes(_digest(seed, key, route, str(number), "share")[:7])
    return (number_56_bits >> 3) / (1 << 53)


def _digest(*parts: str) -> bytes:
    """Prefix each part with its length, so that different lists never look alike."""
    raw_parts = [part.encode("utf-8", "surrogatepass") for part in parts]
    data = b"".join([b"%d:%s" % (len(raw), raw) for raw in raw_parts])
    return blake2b(data, digest_size=16).digest()
