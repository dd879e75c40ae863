"""What clients can fill is bounded in number and in bytes; the oldest settled entry leaves, and what has expired goes first."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.model.http import Response
from mockserver.schema.policies import LimitSpec
from mockserver.store.bounds import Bounded, Bounds, StoreFullError
from mockserver.store.deliveries import Deliveries
from mockserver.store.delivery import Delivery, DeliveryState
from mockserver.store.effects import Effects
from mockserver.store.idempotency import IdempotencyKeys, KeptKey
from mockserver.store.rate_limits import Limits
from mockserver.store.sequence_states import SequenceStates
from mockserver.store.state import State
from mockserver.store.tokens import Tokens


@pytest.fixture
def reached():
    return Counter()


@pytest.fixture
def bounds(reached):
    return Bounds(entries=3, reached=lambda kind: reached.update([kind]))


def kept(key, until_s=100.0):
    return KeptKey(("POST", "/pay"), "digest", "c-000001", until_s, at=("shop", key))


def answered(keys, key, body=b"", until_s=100.0):
    entry = kept(key, until_s)
    keys.open(entry)
    entry.kept = Response(200, (), body)
    keys.settle(entry)


def known(keys, names, now_s=0.0):
    return [name for name in names if keys.find("shop", name, now_s) is not None]


def test_the_oldest_answered_key_leaves_and_one_in_flight_never(bounds, reached):
    keys = IdempotencyKeys(bounds)
    keys.open(kept("flying"))
    for name in "abc":
        answered(keys, name)

    assert known(keys, ["flying", "a", "b", "c"]) == ["flying", "b", "c"]
    assert reached == {"idempotency_keys": 1}
    assert keys.in_flight == 1


def test_keys_that_are_all_in_flight_stay(bounds, reached):
    keys = IdempotencyKeys(bounds)
    for name in "abcde":
        keys.open(kept(name))

    assert known(keys, "abcde") == list("abcde")
    assert reached == {}


def test_answers_are_bounded_in_bytes(reached):
    keys = IdempotencyKeys(Bounds(size_bytes=10_000, reached=lambda kind: reached.update([kind])))
    for name in "abc":
        answered(keys, name, b"x" * 4_000)

    assert known(keys, "abc") == ["b", "c"]
    answered(keys, "huge", b"x" * 20_000)
    assert len(keys) == 0  # one that is larger than all the room


def test_what_has_expired_leaves_before_what_is_older(bounds, reached):
    keys = IdempotencyKeys(bounds)
    answered(keys, "long", until_s=100)
    answered(keys, "short", until_s=10)
    answered(keys, "other", until_s=100)

    keys.find("shop", "more", 10.0)
    answered(keys, "more")

    assert known(keys, ["long", "short", "other", "more"], 10.0) == ["long", "other", "more"]
    assert reached == {}


def issue(tokens, n, now_s=0.0, until_s=10.0):
    tokens.issue(f"a{n}", {"until_s": until_s}, now_s)
    tokens.keep(f"r{n}", "app", now_s)


def test_expired_tokens_are_dropped_when_another_is_issued(bounds):
    tokens = Tokens(bounds)
    for n in range(3):
        issue(tokens, n)
        tokens.spend(f"r{n}")

    issue(tokens, 3, 10.0, 20.0)

    assert tokens.parts() == ({"a3": {"until_s": 20.0}}, {"r3": "app"})


def test_an_access_token_of_an_earlier_state_file_is_valid_until_it_expires(bounds):
    tokens = Tokens(bounds)

    tokens.put({"a": 5.0}, {})

    assert tokens.access_of("a", 4.9) is not None
    assert tokens.access_of("a", 5.0) is None


def test_expired_codes_are_dropped_when_another_is_kept(bounds):
    tokens = Tokens(bounds)
    tokens.keep("c1", {"kind": "code", "until_s": 5.0}, 0.0)
    tokens.keep("c2", {"kind": "code", "until_s": 15.0}, 1.0)
    assert tokens.grant_of("c1", 4.9) is not None
    assert tokens.grant_of("c1", 5.0) is None

    tokens.keep("c3", {"kind": "refresh"}, 6.0)

    assert list(tokens.copy().parts()[1]) == ["c2", "c3"]


def test_the_oldest_tokens_leave(bounds, reached):
    tokens = Tokens(bounds)
    for n in range(5):
        issue(tokens, n)

    assert [list(part) for part in tokens.parts()] == [["a2", "a3", "a4"], ["r2", "r3", "r4"]]
    assert reached == {"access_tokens": 2, "refresh_tokens": 2}


def limits_by(limits):
    return [by for _, by, *_ in limits.levels()]


def test_a_bucket_that_is_full_again_is_dropped(bounds):
    limits, spec = Limits(bounds), LimitSpec.model_validate({"rate": "2/s"})
    limits.take("shop", "a", spec, 0.0)
    limits.take("shop", "b", spec, 0.4)
    limits.take("shop", "c", spec, 0.5)

    assert limits_by(limits) == ["b", "c"]


def test_the_bucket_that_was_used_longest_ago_leaves(bounds, reached):
    limits, spec = Limits(bounds), LimitSpec.model_validate({"rate": "2/h"})
    for by in "abcad":
        limits.take("shop", by, spec, 0.0)

    assert limits_by(limits) == ["c", "a", "d"]
    assert reached == {"limit_keys": 1}


def test_a_bucket_with_a_call_under_way_stays_and_goes_when_it_is_over(bounds):
    limits, spec = Limits(bounds), LimitSpec.model_validate({"in_flight": 1})
    for by in "abcd":
        assert not limits.take("shop", by, spec, 0.0).is_over
    assert limits.take("shop", "a", spec, 0.0).is_over

    for by in "abcd":
        limits.release("shop", by)

    assert limits_by(limits) == []


def test_the_position_that_was_used_longest_ago_begins_anew_and_generates_nothing_twice(bounds, reached):
    positions = SequenceStates(bounds)
    for per in "abcad":
        position = positions.used(("shop/r", per), "v")
        position.number += 1
        position.draws += 1

    assert [key for key, _ in positions.items()] == [("shop/r", per) for per in "cad"]
    again = positions.used(("shop/r", "b"), "v")
    assert (again.number, again.draws) == (0, 1)
    assert reached == {"per_keys": 2}


def test_positions_of_routes_are_not_bounded(bounds):
    positions = SequenceStates(bounds)
    for n in range(10):
        positions.used(f"shop/r{n}", "v")

    assert len(positions) == 10


def test_the_oldest_effects_leave(bounds, reached):
    effects = Effects(bounds)
    for n in range(5):
        effects.add({"kind": "paid", "n": n})

    assert [effect["n"] for effect in effects] == [2, 3, 4]
    assert (effects.dropped, effects.total) == (2, 5)
    assert reached == {"effects": 2}


def test_effects_are_bounded_in_bytes():
    effects = Effects(Bounds(size_bytes=10_000))
    for n in range(50):
        effects.add({"kind": "paid", "n": n, "text": "x" * 1_000})

    assert 3 < len(effects) < 10
    assert effects.size_bytes <= 10_000


def delivery(number, body=b""):
    return Delivery(
        number, namespace="default", call="c-000001", route="shop/r", url="http://app/", body=body,
        message_id="m", created_s=0.0, due_s=0.0,
    )  # fmt: skip


def test_the_oldest_settled_webhook_leaves_and_one_under_way_never(bounds, reached):
    deliveries = Deliveries(bounds)
    for n in range(1, 4):
        deliveries.add(delivery(n))
    deliveries.get(2).state = DeliveryState.DELIVERED

    deliveries.add(delivery(4))

    assert [one.number for one in deliveries] == [1, 3, 4]
    assert (deliveries.dropped, reached) == (1, {"deliveries": 1})


def test_a_webhook_without_room_beside_those_under_way_has_failed_and_says_why(reached):
    deliveries = Deliveries(Bounds(size_bytes=12_000, reached=lambda kind: reached.update([kind])))
    for n in range(1, 4):
        deliveries.add(delivery(n, b"x" * 4_000))

    assert [one.state for one in deliveries] == [DeliveryState.WAITING] * 2 + [DeliveryState.FAILED]
    assert "--max-entries-bytes" in deliveries.get(3).error
    assert deliveries.get(3).body == b""
    assert reached == {"deliveries": 1}


def test_state_is_refused_at_the_bound_and_what_is_there_can_be_changed_and_removed(bounds):
    state = State({"a": 1}, lambda: 0.0, bounds)
    for key in "bc":
        state.write(key, 1)

    with pytest.raises(StoreFullError) as caught:
        state.check([("d", 1, None)])

    assert caught.value.kind == "state"
    state.check([("a", 2, None)])
    state.check([("a", None, None), ("d", 1, None)])
    with pytest.raises(StoreFullError):
        state.check([("a", None, None), ("d", 1, None), ("e", 1, None)])


def test_state_that_has_expired_makes_room(bounds):
    now_s = [0.0]
    state = State({}, lambda: now_s[0], bounds)
    for key in "abc":
        state.write(key, 1, ttl_s=10)
    now_s[0] = 10.0

    state.check([("d", 1, None)])

    assert state.parts() == ({}, {})


def test_state_is_bounded_in_bytes():
    state = State({}, lambda: 0.0, Bounds(size_bytes=10_000))
    state.write("a", "x" * 8_000)

    with pytest.raises(StoreFullError):
        state.check([("b", {"deep": ["x" * 2_000]}, None)])
    state.check([("a", "x" * 9_000, None)])
    state.write("a", None)
    assert state.size_bytes == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"), st.integers(0, 50), st.none() | st.integers(0, 20), st.booleans()
        )
    )
)
def test_there_is_never_more_than_the_bound_but_for_what_is_under_way(puts):
    under_way = set()
    entries = Bounded("any", Bounds(entries=4, size_bytes=1_000), lambda value: value not in under_way)
    for now_s, (key, size, until_s, is_settled) in enumerate(puts):
        (under_way.discard if is_settled else under_way.add)(key)
        entries.expire(now_s)
        entries.put(key, key, size, until_s)

        assert under_way <= set(entries.values())
        if any(value not in under_way for value in entries.values()):
            assert (len(entries) <= 4 and entries.size_bytes <= 1_000) or key in under_way
        assert entries.size_bytes == sum(entries._sizes.values())
        expiry = entries._expiry
        assert len(expiry._queue) + len(expiry._heap) <= 2 * len(expiry) + 64 + 1
