"""State: several entries at once."""

import pytest

from mockserver.store.bounds import Bounds, StoreFullError
from mockserver.store.state import State


def a_state(**bounds):
    return State({}, lambda: 0.0, Bounds(**bounds))


def test_entries_that_are_written_together_take_as_much_room_as_one_after_the_other():
    together, in_turn = a_state(), a_state()
    writes = [
        ("a", [1, 2], None),
        ("b", "x", 60.0),
        ("a", None, None),
        ("c", {"d": 1}, None),
        ("c", "e", None),
    ]

    together.write_all(writes)
    for write in writes:
        in_turn.write(*write)

    assert together.parts() == in_turn.parts() == ({"b": "x", "c": "e"}, {"b": 60.0})
    assert together.size_bytes == in_turn.size_bytes
    assert together.size_bytes == State(together.plain(), lambda: 0.0, Bounds()).size_bytes


def test_where_there_is_no_room_for_one_none_is_written():
    state = a_state(entries=2)

    with pytest.raises(StoreFullError):
        state.write_all([("a", 1, None), ("b", 2, None), ("c", 3, None)])

    assert state.parts() == ({}, {})
    assert state.size_bytes == 0


def test_what_is_absent_or_forgotten_gives_what_stands_in():
    now_s = [0.0]
    state = State({"kept": 1}, lambda: now_s[0], Bounds())
    state.write("short", 2, ttl_s=5)

    assert (state.get("kept"), state.get("short"), state.get("nope"), state.get("nope", 3)) == (1, 2, None, 3)
    now_s[0] = 5.0
    assert state.get("short", "gone") == "gone"
