"""What a limit adds to answers: headers on every one, names of one's own, and the answer over the limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engine import InMemory, text

from mockserver.errors import MockServerError
from mockserver.schema.policies import LimitSpec
from mockserver.store.bounds import Bounds
from mockserver.store.rate_limits import Limits


def world(limit: str, more: str = "reply: {text: in}") -> InMemory:
    return InMemory(f"routes: [{{request: ANY /a, limit: {limit}, {more}}}]")


def headers(call: Any, *names: str) -> list[str | None]:
    return [call.response.header(name) for name in names]


STANDARD = ("ratelimit-policy", "ratelimit", "retry-after")


def test_every_answer_has_the_standard_headers():
    limited = world("{rate: 2/m, headers: true}")
    policy = '"default";q=2;w=60'
    assert [headers(limited.ask("GET /a"), *STANDARD) for _ in range(3)] == [
        [policy, '"default";r=1;t=30', None],
        [policy, '"default";r=0;t=60', None],
        [policy, '"default";r=0;t=30', "30"],
    ]
    limited.now_s += 45
    assert headers(limited.ask("GET /a"), *STANDARD) == [policy, '"default";r=0;t=45', None]


@pytest.mark.parametrize(("written", "over"), [("", "30"), (", headers: false", None)])
def test_without_them_an_answer_within_the_limit_has_none(written, over):
    limited = world(f"{{rate: 2/m, burst: 1{written}}}")
    assert headers(limited.ask("GET /a"), *STANDARD) == [None, None, None]
    refused = limited.ask("GET /a")
    assert (refused.status, headers(refused, "retry-after")) == (429, [over])


def test_calls_in_flight_are_counted_in_them():
    limited = world("{in_flight: 2, headers: true}")
    first, second, third = (limited.begin("GET /a") for _ in range(3))
    lines = [headers(call, "ratelimit-policy", "ratelimit") for call in (first, second, third)]
    assert lines == [['"in-flight";q=2', f'"in-flight";r={left}'] for left in (1, 0, 0)]
    assert third.status == 429


OWN = """{rate: 2/m, burst: 1, headers: {
  X-RateLimit-Limit: "{{ limit.limit }}", X-RateLimit-Remaining: "{{ limit.remaining }}",
  X-RateLimit-Reset: "{{ (now.timestamp() | int) + limit.reset_s }}"}}"""


def test_own_headers_replace_the_standard_ones():
    limited = world(OWN)
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", *STANDARD)
    reset = str(int(limited.now_s) + 30)
    assert headers(limited.ask("GET /a"), *names) == ["2", "0", reset, None, None, None]
    assert headers(limited.ask("GET /a"), *names) == ["2", "0", reset, None, None, "30"]


def test_the_reply_over_the_limit_is_ones_own():
    reply = "{json: {error: 'wait {{ limit.retry_after_s }} s for {{ request.path }}'}, headers: {Retry-After: soon}}"
    limited = world(f"{{rate: 2/m, burst: 1, reply: {reply}}}")
    limited.ask("GET /a")
    refused = limited.ask("GET /a")
    assert (refused.status, text(refused)) == (429, '{"error":"wait 30 s for /a"}')
    assert headers(refused, *STANDARD) == ['"default";q=2;w=60', '"default";r=0;t=30', "soon"]
    assert world("{rate: 1/h, reply: 503}").statuses("GET /a", "GET /a") == [200, 503]


def test_a_header_of_the_route_stays_and_a_replay_has_the_level_of_its_own_call():
    limited = world(
        "{rate: 5/m, headers: true}",
        "idempotency: {header: key}, reply: {status: 201, headers: {RateLimit-Policy: own}}",
    )
    lines = [headers(limited.ask("POST /a", key="k"), "ratelimit-policy", "ratelimit") for _ in range(2)]
    assert lines == [["own", '"default";r=4;t=12'], ["own", '"default";r=3;t=24']]


@pytest.mark.parametrize(
    ("limit", "place"),
    [
        ("{rate: 1/s, headers: 5}", "limit.headers"),
        ("{rate: 1/s, headers: {'a b': c}}", "limit.headers"),
        ("{rate: 1/s, headers: {a: '{{ limit. }}'}}", "limit.headers.a"),
        ("{rate: 1/s, headers: {a: '{{ call.number }}'}}", "limit.headers.a"),
        ("{rate: 1/s, reply: {times: 2}}", "limit.reply"),
        ("{rate: 1/s, reply: {text: '{{ let.id }}'}}", "limit.reply.text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(limit, place):
    with pytest.raises(MockServerError) as caught:
        world(limit)
    assert place in str(caught.value)


@given(
    burst=st.integers(1, 5),
    steps=st.lists(st.integers(0, 90), min_size=1, max_size=30),
)
def test_as_many_calls_remain_as_it_says(burst, steps):
    spec = LimitSpec.model_validate({"rate": "2/m", "burst": burst})
    limits, now_s = Limits(Bounds()), 0.0
    for step in steps:
        now_s += step
        level = limits.take("a", None, spec, now_s)
        twin = limits.copy()
        allowed = [not twin.take("a", None, spec, now_s).is_over for _ in range(level.remaining + 1)]
        assert allowed == [True] * level.remaining + [False]
        twin = limits.copy()
        assert (
            not twin.take("a", None, spec, now_s + max(1, level.retry_after_s)).is_over or not level.is_over
        )
        assert limits.copy().take("a", None, spec, now_s + level.reset_s).remaining == burst - 1
