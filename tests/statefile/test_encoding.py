"""What is encoded piece by piece is what would be encoded at once, whatever was kept of the time before."""

import json
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.persistence.encoding import CHUNK, Encoded, encoded
from mockserver.persistence.parts import StatePart
from mockserver.persistence.saving import NamespaceCopy


def read(made: Encoded):
    return json.loads(b"".join(made.pieces))


def yield_to_loop():
    pass


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("first", [0, 1, CHUNK, CHUNK + 7])
@pytest.mark.parametrize("stable", [True, False])
def test_all_rows_are_there_in_their_order(count, first, stable):
    part = StatePart("effects", list(range(count)), lambda one: [one], first, stable)
    taken = NamespaceCopy("default", {"seed": None}, [part, StatePart("none", []), StatePart("one", ["x"])])

    made = encoded(taken, None, yield_to_loop)

    assert read(made) == {
        "about": {"seed": None},
        "parts": {"effects": [[one] for one in range(count)], "none": [], "one": ["x"]},
    }


@given(st.lists(st.tuples(st.integers(0, 2 * CHUNK), st.integers(0, 2 * CHUNK)), max_size=6))
def test_rows_that_were_kept_are_those_that_would_be_made(turns):
    """Things come at the end and go at the beginning, as effects do."""
    things, first, number, before = deque(), 0, 0, None
    for come, go in turns:
        for _ in range(come):
            things.append({"n": number})
            number += 1
        for _ in range(min(go, len(things))):
            things.popleft()
            first += 1
        part = StatePart("effects", list(things), first=first, stable=True)

        before = encoded(NamespaceCopy("default", {}, [part]), before, yield_to_loop)

        assert read(before)["parts"]["effects"] == list(things)


def test_a_thing_in_the_place_of_another_is_written():
    old, new = {"a": 1}, {"a": True}
    before = encoded(
        NamespaceCopy("default", {}, [StatePart("items", [old], stable=True)]), None, yield_to_loop
    )

    after = encoded(
        NamespaceCopy("default", {}, [StatePart("items", [new], stable=True)]), before, yield_to_loop
    )

    assert b'{"a":true}' in b"".join(after.pieces)


def test_stable_things_are_written_once():
    made = []
    things = [object() for _ in range(3 * CHUNK)]

    def part(count):
        return StatePart("effects", things[:count], lambda one: made.append(one) or 1, stable=True)

    before = encoded(NamespaceCopy("default", {}, [part(2 * CHUNK)]), None, yield_to_loop)
    made.clear()
    encoded(NamespaceCopy("default", {}, [part(3 * CHUNK)]), before, yield_to_loop)

    assert made == things[2 * CHUNK :]
