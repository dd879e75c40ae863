"""Time limits for tests, by SIGALRM. Without it, there are no limits."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

_REPEAT_S = 1.0
"""If a test catches the failure and continues, the alarm repeats after this time."""


@contextlib.contextmanager
def time_limit(seconds: float, message: str) -> Iterator[None]:
    """
    Fail the test in this context after that time, even in a blocking read.

    Does nothing outside of the main thread, without SIGALRM, or if another alarm is
    due sooner. Another alarm is restored afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    remaining_s, interval_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < remaining_s <= seconds:
        yield
        return

    def on_alarm(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (a signal handler)
        pytest.fail(message, pytrace=False)

    handler = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), _REPEAT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining_s, interval_s)
        signal.signal(signal.SIGALRM, handler)


@contextlib.contextmanager
def no_limit() -> Iterator[None]:
    """Suspend the alarm in this context. It continues afterwards with the remaining time."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    remaining_s, interval_s = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining_s, interval_s)
