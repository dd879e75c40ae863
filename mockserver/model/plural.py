"""Counts in messages."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """
    Return the count and the noun, which gets an `s` unless the count is 1; `plural` is for other nouns.

    >>> counted(1, "call"), counted(0, "call"), counted(2, "reply", "replies")
    ('1 call', '0 calls', '2 replies')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
