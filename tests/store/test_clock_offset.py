"""How far a virtual clock is ahead of real time."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from mockserver.store.clock import VirtualClock


def test_a_clock_that_nobody_moved_is_not_ahead_although_time_passes_while_it_is_asked():
    time = count(1000)

    assert VirtualClock(lambda: float(next(time))).offset_s == 0


def test_a_frozen_clock_falls_behind():
    times = iter([1000.0, 1000.0, 1003.0])
    clock = VirtualClock(lambda: next(times))
    clock.freeze()

    assert clock.offset_s == -3


CHANGES = st.one_of(
    st.tuples(st.sampled_from(["move_to", "freeze"]), st.integers(900, 1300)),
    st.tuples(st.sampled_from(["resume", "reset"]), st.none()),
)


@given(
    st.lists(st.tuples(CHANGES, st.integers(1, 50)), max_size=8), st.integers(900, 1300), st.integers(0, 100)
)
def test_a_time_is_reached_when_the_clock_first_shows_it_or_a_later_one(changes, wanted_s, after_s):
    now_s = 1000.0
    clock = VirtualClock(lambda: now_s)
    for (name, value), lasts_s in changes:
        getattr(clock, name)(*[] if value is None else [float(value)])
        now_s += lasts_s
    since_s = min(1000.0 + after_s, now_s)

    seconds = [since_s + second for second in range(int(now_s - since_s) + 1)]
    shown = [second for second in seconds if clock.at_s(second) >= wanted_s]

    assert clock.reached_s(wanted_s, since_s) == (shown[0] if shown else None)
