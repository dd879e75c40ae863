"""How far a virtual clock is ahead of real time."""

from itertools import count

from mockserver.store.clock import VirtualClock


def test_a_clock_that_nobody_moved_is_not_ahead_although_time_passes_while_it_is_asked():
    time = count(1000)

    assert VirtualClock(lambda: float(next(time))).offset_s == 0


def test_a_frozen_clock_falls_behind():
    times = iter([1000.0, 1000.0, 1003.0])
    clock = VirtualClock(lambda: next(times))
    clock.freeze()

    assert clock.offset_s == -3
