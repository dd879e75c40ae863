"""The rule `honours`: no attempt comes before the wait that was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import KEY, WALL_S, Calls
from support.clients_in_memory import judged


@pytest.mark.parametrize(
    ("answer", "came_s", "said"),
    [
        ({"Retry-After": "2"}, 1.95, None),
        (
            {"Retry-After": "2"},
            1.94,
            "Retry-After: 2: the answer before asked to wait 2 s, it came after 1.940 s",
        ),
        ({"retry-after-ms": "300"}, 0.25, None),
        (
            {"retry-after-ms": "300"},
            0.2,
            "retry-after-ms: 300: the answer before asked to wait 0.3 s, it came after 0.200 s",
        ),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 9.0, None),
        (
            {"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"},
            8.0,
            "Retry-After: Thu, 01 Jan 2026 00:00:10 GMT: the answer before asked to wait 10 s, it came after 8.000 s",
        ),
    ],
)
def test_honours_asks_that_no_try_comes_before_retry_after_is_over(world, judged, answer, came_s, said):
    world(0, status=503, headers=KEY, answer=answer)
    world(came_s, headers=KEY)

    expected = "create-charge: operation 1 (key=4f1c-aaa): attempt 2 ignored "
    assert judged({"honours": "retry-after"}) == ([] if said is None else [expected + said])


@pytest.mark.parametrize("ended_s", [None, 5.0])
def test_a_try_that_did_not_even_wait_for_the_end_broke_it(world, judged, ended_s):
    world(0, ended_s, 503, headers=KEY, answer={"Retry-After": "2"})
    world(3, headers=KEY)

    assert judged({"honours": "retry-after"}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 2 ignored Retry-After: 2: the answer before asked to wait 2 s, it came before that answer had ended"
    ]


@pytest.mark.parametrize("rule", [True, "retry-after"])
@pytest.mark.parametrize(
    ("status", "answer", "wait_s"),
    [
        (503, {"Retry-After": "1.5"}, 1.5),
        (429, {"x-ratelimit-reset": "3"}, 3.0),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": "3"}, 3.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225603"}, 3.0),
        (503, {"x-ratelimit-reset": "1767225603000"}, 3.0),
    ],
)
def test_every_known_header_asks_for_a_wait(world, judged, rule, status, answer, wait_s):
    world(0, status=status, answer=answer)
    world(wait_s / 4)

    (line,) = judged({"honours": rule})
    assert "attempt 2 ignored" in line
    assert f"asked to wait {wait_s:g} s" in line


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, {"x-ratelimit-remaining": "59", "x-ratelimit-reset": "1767225603"}),
        (429, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "3"}),
        (500, {"x-ratelimit-reset": "3"}),
    ],
)
def test_a_reset_time_beside_what_is_not_used_up_asks_for_nothing(world, judged, status, answer):
    world(0, status=status, answer=answer)
    world(1)

    assert judged({"honours": True}) == [
        "create-charge: nothing to judge: no answer asked for a wait (by Retry-After, retry-after-ms, x-ratelimit-reset, grpc-retry-pushback-ms)"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Retry-After", "soon"),
        ("Retry-After", "-1"),
        ("retry-after-ms", "1s"),
        ("x-ratelimit-reset", "later"),
    ],
)
def test_an_invalid_wait_of_the_mock_is_quoted(world, judged, name, value):
    world(0, status=429, answer={name: value})
    world(1)

    assert judged({"honours": True}) == [
        f"create-charge: nothing to judge: the mock sent '{name}: {value}', which is not a valid wait: write seconds or an HTTP date"
    ]


def test_a_wait_that_nobody_followed_is_nothing_to_judge(world, judged):
    world(0, status=503, answer={"Retry-After": "1"})

    assert judged({"honours": True}) == [
        "create-charge: nothing to judge: an answer asked for a wait, and no attempt followed it"
    ]
    assert judged({"honours": True, "optional": True}) == []


def test_a_date_is_read_by_the_clock_of_the_namespace(world, judged):
    world.ns.clock.move_to(WALL_S + 3600)
    world(0, status=503, answer={"Retry-After": "Thu, 01 Jan 2026 01:00:05 GMT"})
    world(2)

    (line,) = judged({"honours": True})
    assert "asked to wait 5 s, it came after 2.000 s" in line


def test_a_clock_that_moves_later_does_not_change_what_was_asked(world, judged):
    world(-10, status=503, answer={"Retry-After": "Wed, 31 Dec 2025 23:59:55 GMT"})
    world(-5)
    world.ns.clock.move_to(WALL_S - 86_400)

    assert judged({"honours": True}) == []


def test_the_next_poll_waits_as_the_answer_asks(world, judged):
    for at_s in (0.0, 1.0, 1.2):
        world(at_s, status=202, line="GET /v1/charges", answer={"Retry-After": "1"})

    assert judged({"honours": True}) == [
        "create-charge: operation 3: the poll ignored Retry-After: 1: the answer before asked to wait 1 s, it came after 0.200 s"
    ]


def test_a_long_wait_is_told_without_an_exponent(world, judged):
    world(0, status=503, answer={"Retry-After": "97444900"})
    world(1)

    (line,) = judged({"honours": True})
    assert "asked to wait 97444900 s" in line


@pytest.mark.parametrize(
    "header", ["Retry-After: 0", "Retry-After: 0.05", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"]
)
def test_a_wait_that_no_client_can_ignore_is_nothing_to_judge(world, judged, header):
    name, _, value = header.partition(": ")
    world(0, status=503, headers=KEY, answer={name: value})
    world(0.001, headers=KEY)

    (line,) = judged({"honours": True})

    assert line.startswith(f"create-charge: nothing to judge: '{header}' asked for a wait that is within")
    assert judged({"honours": True, "optional": True}) == []


def test_a_wait_within_the_tolerance_is_ignored_by_a_request_before_the_end(world, judged):
    world(0, 1.0, 503, headers=KEY, answer={"Retry-After": "0"})
    world(0.5, headers=KEY)

    (line,) = judged({"honours": True})

    assert "it came before that answer had ended" in line


def test_the_next_page_is_not_the_next_poll(world, judged):
    for at_s, cursor in enumerate(("aGVsbG8gd29ybGQgMTIzNDU2Nzg5", "Z29vZGJ5ZSB3b3JsZCA5ODc2NTQzMjE")):
        world(at_s, line=f"GET /v1/charges?after={cursor}", answer={"Retry-After": "5"})

    assert judged({"honours": True, "optional": True}) == []
    assert "nothing to judge" in judged({"honours": True})[0]

    world(2, line="GET /v1/charges?after=aGVsbG8gd29ybGQgMTIzNDU2Nzg5")
    assert "operation 3: the poll ignored Retry-After: 5" in judged({"honours": True})[0]


@given(waits=st.permutations(range(2, 7)), count=st.integers(2, 5), counted=st.booleans())
def test_equal_requests_at_once_that_keep_their_waits_are_not_accused(waits, count, counted):
    call = _limited_at_once(waits[:count], counted=counted)
    for wait_s in sorted(waits[:count]):
        call(0.06 + wait_s, json={}, headers=_count(counted, 1))

    assert [text for text in judged(call.made, honours=True) if "can't tell" not in text] == []


@given(waits=st.permutations(range(2, 7)), count=st.integers(2, 5), counted=st.booleans())
def test_of_equal_requests_at_once_one_that_comes_before_every_wait_is_over_is_found(waits, count, counted):
    call = _limited_at_once(waits[:count], counted=counted)
    call(1.0, json={}, headers=_count(counted, 1))

    assert any("ignored Retry-After" in text for text in judged(call.made, honours=True))


def _limited_at_once(waits, *, counted):
    call = Calls()
    for i, wait_s in enumerate(waits):
        call(
            i * 0.001,
            0.05 + i * 0.001,
            429,
            json={},
            answer={"Retry-After": str(wait_s)},
            headers=_count(counted, 0),
        )
    return call


def _count(counted, number):
    return {"x-stainless-retry-count": str(number)} if counted else {}
