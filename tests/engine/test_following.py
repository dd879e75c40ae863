"""Who follows a namespace's calls looks at what is over since, and counts what it could not keep."""

import pytest

from mockserver.engine.call_stream import Follower
from mockserver.engine.namespace import Namespace, Shared
from mockserver.model.call import Call
from mockserver.model.http import Headers, Request
from mockserver.model.plan import Outcome
from mockserver.store.call_log import CallLogLimits

REQUEST = Request("GET", "/a", Headers(), b"")


class World:
    """A namespace whose calls are made by hand; each ends a second after the one before."""

    def __init__(self, kept=100):
        self.ns = Namespace(
            "default", "seed", Shared(None, CallLogLimits(calls=kept), lambda: 0.0, lambda: 0.0)
        )
        self.now_s = 0.0

    def passes(self, many=1):
        """Calls that are over at once."""
        for _ in range(many):
            self.ends(self.begins())

    def begins(self):
        self.ns.last_number += 1
        call = Call(self.ns.last_number, "default", REQUEST)
        self.ns.call_log.add(call)
        return call

    def ends(self, call):
        self.now_s += 1
        call.last_byte_at_s = self.now_s
        call.outcome = Outcome.DONE

    def follower(self, most=10, sample=3, holds=None, calm=4):
        return Follower(self.ns, holds, most=most, sample=sample, calm=calm)


@pytest.fixture
def world():
    return World()


def numbers(taken):
    return [one.number for one in taken[0]], taken[1]


def test_it_takes_what_is_over_since_it_follows(world):
    world.passes(2)
    follower = world.follower()
    assert numbers(follower.take(10)) == ([], 0)

    world.passes(3)

    assert numbers(follower.take(2)) == ([3, 4], 0)
    assert numbers(follower.take(10)) == ([5], 0)
    assert numbers(follower.take(10)) == ([], 0)


def test_an_open_call_is_taken_once_it_is_over(world):
    before = world.begins()
    follower = world.follower()
    since = world.begins()
    world.passes()
    assert numbers(follower.take(10)) == ([3], 0)

    world.ends(since)
    world.passes()
    world.ends(before)

    assert numbers(follower.take(10)) == ([2, 4, 1], 0)
    assert numbers(follower.take(10)) == ([], 0)


def test_of_too_many_the_newest_stay_and_the_others_are_counted(world):
    follower = world.follower(most=10, sample=3)
    world.passes(4)
    follower.gather()
    world.passes(20)

    assert numbers(follower.take(10)) == ([22, 23, 24], 21)


def test_once_there_were_too_many_a_sample_is_enough_until_it_is_calm(world):
    follower = world.follower(most=10, sample=3, calm=4)
    world.passes(20)
    follower.take(10)

    world.passes(9)
    assert numbers(follower.take(10)) == ([27, 28, 29], 6)
    world.passes(4)
    assert numbers(follower.take(10)) == ([30, 31, 32, 33], 0)
    world.passes(9)
    assert numbers(follower.take(10)) == ([34, 35, 36, 37, 38, 39, 40, 41, 42], 0)


def test_what_the_record_drops_before_it_looks_is_counted():
    world = World(kept=5)
    follower = world.follower(most=10, sample=10)
    world.passes(9)

    assert numbers(follower.take(10)) == ([5, 6, 7, 8, 9], 4)


def test_a_reset_takes_nothing_away_that_was_over(world):
    follower = world.follower()
    world.begins()
    world.passes(2)
    open_then = world.begins()

    world.ns.forget_calls()
    world.passes()
    world.ns.forget_calls()
    world.passes()
    world.ends(open_then)

    assert numbers(follower.take(10)) == ([2, 3, 5, 6], 0)


def test_with_a_filter_each_call_is_looked_at_and_none_counted_that_it_does_not_hold_for(world):
    follower = world.follower(most=10, sample=3, holds=lambda call: call.number % 10 == 0)

    world.passes(50)

    assert numbers(follower.take(10)) == ([10, 20, 30, 40, 50], 0)


def test_it_takes_up_behind_a_call_with_what_ended_since(world):
    slow = world.begins()
    world.passes(2)
    world.ends(slow)
    follower = world.follower()

    follower.resume(2)
    world.passes()

    assert numbers(follower.take(10)) == ([3, 1, 4], 0)


def test_calls_that_ended_in_the_same_moment_are_not_lost_on_resuming(world):
    for _ in range(3):
        world.passes()
        world.now_s -= 1
    follower = world.follower()

    follower.resume(2)

    assert numbers(follower.take(10)) == ([3], 0)


def test_behind_a_call_that_is_recorded_no_longer_the_gap_is_counted():
    world = World(kept=5)
    world.passes(20)
    follower = world.follower(most=3, sample=3)

    follower.resume(10)

    assert numbers(follower.take(10)) == ([18, 19, 20], 7)


def test_after_a_restart_what_is_recorded_no_longer_is_lost_and_what_is_there_was_not_told(world):
    world.ns.last_number = 7  # a state file keeps counts, and no calls
    follower = world.follower()
    follower.resume(5)
    assert numbers(follower.take(10)) == ([], 2)

    anew = World()
    anew.passes(2)
    follower = anew.follower()
    follower.resume(900)
    assert numbers(follower.take(10)) == ([1, 2], 0)


def test_nobody_is_kept_who_has_left(world):
    follower = world.follower()
    follower.leave()

    assert not world.ns.followers


def test_a_call_that_was_told_as_left_is_told_again_where_its_client_took_the_answer_after_all(world):
    follower = world.follower()
    taken, lost = world.begins(), world.begins()
    for call in (taken, lost):
        call.home, call.outcome, call.left_at_s = world.ns, Outcome.CLIENT_LEFT, 0.5
    assert numbers(follower.take(10)) == ([1, 2], 0)
    assert numbers(follower.take(10)) == ([], 0)

    taken.home = lost.home = None
    world.ends(taken)

    assert numbers(follower.take(10)) == ([1], 0)
    assert numbers(follower.take(10)) == ([], 0)
