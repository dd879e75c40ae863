"""Ends a test that takes too long, where the system has an alarm for it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

_AGAIN_S = 1.0
"""What a test has caught and gone on after strikes again so much later."""


@contextlib.contextmanager
def at_most(seconds: float, said: str) -> Iterator[None]:
    """
    Fails what runs inside after that time, blocking reads included. It does
    nothing off the main thread, and on systems without SIGALRM; an alarm that
    somebody else has set comes first where it is due sooner, and is set again afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    left_s, interval_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < left_s <= seconds:
        yield
        return

    def too_late(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (a signal handler)
        pytest.fail(said, pytrace=False)

    handler = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left_s, interval_s)
        signal.signal(signal.SIGALRM, handler)


@contextlib.contextmanager
def no_limit() -> Iterator[None]:
    """What runs inside is not ended by an alarm, however little time is left; afterwards the alarm goes on."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    left_s, interval_s = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left_s, interval_s)
