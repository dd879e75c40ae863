"""
Chance that repeats: a draw is a function of (seed, route, number of the call), never of a shared stream.

So concurrent calls can't change each other's draws, replicas agree, and a
rerun gets the same.

Ids and fakes (`Draws`) are drawn apart from choices and delays (`chance`),
because `reset` starts the choices anew, but the ids only when a seed is named:
a test that resets must not get the same ids again.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random

_ALPHANUMERIC = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LETTERS = bytes(_ALPHANUMERIC[i % 62] for i in range(256))
_UNEVEN = bytes(range(256 - 256 % 62, 256))
"""Bytes that are left out, so that every character is as likely as any other."""


class Draws:
    """
    The numbers and texts drawn for the ids of one call: always the same for the same arguments, unrelated for any others.

    They are made of blocks. A block is a hash of what the call is and of the block's number: what is drawn once or
    twice a call costs a hash or two, where a generator would have to be seeded first.
    """

    __slots__ = ("_blocks", "_call", "_letters")

    def __init__(self, seed: str, route: str, number: int) -> None:
        # Two lengths stand in front, so that no two calls look alike.
        call = f"{len(seed)}:{len(route)}:{seed}{route}{number}:"
        self._call = call.encode("utf-8", "surrogatepass")
        self._blocks = 0
        self._letters = b""
        """Those of the last block that no text has taken yet."""

    def _block(self) -> bytes:
        """64 bytes."""
        self._blocks += 1
        return blake2b(b"%b%d" % (self._call, self._blocks)).digest()

    def bits(self, count: int) -> int:
        """A number of so many bits."""
        data = self._block()
        while len(data) * 8 < count:
            data += self._block()
        return int.from_bytes(data, "little") & ((1 << count) - 1)

    def below(self, limit: int) -> int:
        """A number from 0 on, less than the limit."""
        count = limit.bit_length()
        found = self.bits(count)
        while found >= limit:
            found = self.bits(count)
        return found

    def text(self, length: int) -> str:
        """So many letters and digits."""
        data = self._letters
        while len(data) < length:
            blocks = [self._block() for _ in range((length - len(data) + 63) // 64)]
            data += b"".join(blocks).translate(_LETTERS, _UNEVEN)
        self._letters = data[length:]
        return data[:length].decode()


def seed_for(namespace: str, seed: str) -> str:
    """The seed that a namespace starts with: parallel tests get different ids, and a rerun the same."""
    return _digest("namespace", namespace, seed).hex()


def chance(seed: str, route: str, number: int) -> Random:
    """The generator of one call's choices and delays, which is made as its `Draws` are."""
    return Random(_digest(seed, route, str(number), "choices"))


def _digest(*parts: str) -> bytes:
    """Each part with its length in front, so that no two lists of parts look alike."""
    raw_parts = [part.encode("utf-8", "surrogatepass") for part in parts]
    data = b"".join([b"%d:%s" % (len(raw), raw) for raw in raw_parts])
    return blake2b(data, digest_size=16).digest()
