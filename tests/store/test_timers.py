"""Timers fire in the order of their moments, and of equal ones in the order in which they were set."""

from hypothesis import given
from hypothesis import strategies as st

from mockserver.store.timers import Timers


def timers(*pairs):
    made = Timers()
    for due_s, item in pairs:
        made.push(due_s, item)
    return made


def popped(made, until_s=float("inf")):
    items = []
    while (timer := made.pop_due(until_s)) is not None:
        items.append(timer.item)
    return items


def test_the_earliest_comes_first():
    assert popped(timers((3, "c"), (1, "a"), (2, "b"))) == ["a", "b", "c"]


def test_of_equal_ones_the_first_set_comes_first_whatever_they_hold():
    unordered = [{"b": 1}, {"a": 1}, None, object()]

    assert popped(timers(*((5, item) for item in unordered))) == unordered


def test_only_what_is_due_comes():
    made = timers((1, "a"), (2, "b"), (2.5, "c"))

    assert popped(made, until_s=2) == ["a", "b"]
    assert made.head() == 2.5
    assert len(made) == 1


def test_a_timer_says_when_it_was_due():
    assert timers((1.5, "a")).pop_due(9).due_s == 1.5


def test_without_timers_nothing_is_due():
    assert Timers().head() is None
    assert Timers().pop_due(1e12) is None


def test_clearing_gives_all_in_order():
    made = timers((3, "c"), (1, "a"))

    assert made.clear() == ["a", "c"]
    assert len(made) == 0


def test_removing_takes_only_what_was_asked_and_keeps_the_order():
    made = timers(*((due, due) for due in (5, 3, 8, 1, 9, 2, 7)))

    assert made.remove(lambda item: item % 2 == 0) == [2, 8]
    assert popped(made) == [1, 3, 5, 7, 9]


def test_a_copy_goes_its_own_way():
    made = timers((1, "a"), (2, "b"))
    twin = made.copy()
    popped(made)
    made.push(3, "later")

    twin.push(2, "c")
    assert popped(twin) == ["a", "b", "c"]


@given(st.lists(st.integers(0, 5)))
def test_they_come_as_a_stable_sort_would_have_them(dues):
    made = timers(*((due, (due, n)) for n, due in enumerate(dues)))

    assert list(made) == sorted((due, n) for n, due in enumerate(dues))
    assert popped(made) == sorted((due, n) for n, due in enumerate(dues))
