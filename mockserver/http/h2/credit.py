"""How many frames without progress a client may send: a credit that grows with requests, replies and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.http.h2.frames import Http2Error
from mockserver.model.http2_codes import Http2Code

if TYPE_CHECKING:
    from mockserver.http.listener import Listener

CREDIT = 1000
"""Frames without progress that a client may send at once."""
_CREDIT_A_SECOND = 50
REPLY_CREDIT = 2
DATA_CREDIT = 4
"""For the updates of two windows, and some."""
RESET_COST = 10
"""Of an error for which a stream is reset."""


class FrameCredit:
    """The credit of one connection."""

    __slots__ = ("_credit", "_credited_at_s", "_listener")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._credit = CREDIT
        self._credited_at_s = listener.mono()

    def spend(self, cost: int = 1) -> None:
        """Take a frame without progress from the credit. Raises Http2Error."""
        self._credit -= cost
        if self._credit >= 0:
            return
        now_s = self._listener.mono()
        self._credit = min(CREDIT, int((now_s - self._credited_at_s) * _CREDIT_A_SECOND)) - cost
        self._credited_at_s = now_s
        if self._credit < 0:
            self._listener.refused["http2_flood"] += 1
            raise Http2Error(Http2Code.ENHANCE_YOUR_CALM, "too many frames without progress")

    def earn(self, credit: int) -> None:
        if self._credit < CREDIT:
            self._credit += credit
