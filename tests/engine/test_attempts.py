"""Which calls are tries of one operation, and how long the client waited. Calls by hand, times to the millisecond."""

import pytest
from support.calls import Calls

from mockserver.engine.attempts import KEY_FIELDS, KEY_HEADERS, known_key, operation_view, operations
from mockserver.model.plan import Outcome


@pytest.fixture
def call():
    return Calls()


def grouped(call, by=None):
    """The numbers of the calls of each operation."""
    return [[one.call.number for one in found.tries] for found in operations(call.made, by)]


def the_tries(call):
    (operation,) = operations(call.made)
    return operation.tries


# Which calls are tries of one operation


@pytest.mark.parametrize("name", KEY_HEADERS)
def test_calls_that_share_a_known_key_header_are_tries_of_one_operation(call, name):
    for at_s, key in enumerate(["a", "b", "a"]):
        call(at_s, json={"order": at_s}, headers={name.title(): key})

    assert grouped(call) == [[1, 3], [2]]


@pytest.mark.parametrize("name", KEY_FIELDS)
@pytest.mark.parametrize("kind", ["json", "form"])
def test_a_key_may_be_a_field_of_the_body(call, name, kind):
    for at_s, key in enumerate(["a", "b", "a"]):
        call(at_s, **{kind: {name: key, "order": at_s}})

    assert grouped(call) == [[1, 3], [2]]
    assert known_key(call.made[0].request) == (f"{kind}.{name}", "a")


def test_a_key_of_another_route_is_another_operation(call):
    call(0, headers={"Idempotency-Key": "a"})
    call(1, headers={"Idempotency-Key": "a"}, route="pay/capture", line="POST /v1/charges/1/capture")

    assert grouped(call) == [[1], [2]]


@pytest.mark.parametrize("value", ["", None, 5, ["a"], {"a": 1}])
def test_a_field_that_holds_no_text_is_no_key(call, value):
    call(0, json={"idempotency_key": value})

    assert known_key(call.made[0].request) is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"[1]", "application/json"), (b"\xff", "application/json"),
     (b"a=1", "text/plain"), (b"", "application/json")],
)  # fmt: skip
def test_a_body_that_can_not_be_read_has_no_key_and_stops_nothing(call, body, kind):
    call(0, status=503, body=body, headers={"Content-Type": kind})
    call(1, body=body, headers={"Content-Type": kind})

    assert grouped(call) == [[1, 2]]


def test_calls_that_share_a_traceparent_are_tries_of_one_operation(call):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    call(0, json={"n": 1}, headers={"traceparent": trace})
    call(1, json={"n": 2}, headers={"traceparent": trace})
    call(2, json={"n": 3}, headers={"traceparent": trace.replace("4bf9", "0000")})

    assert grouped(call) == [[1, 2], [3]]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_a_call_like_one_that_failed_is_its_next_try(call, status):
    call(0, status=status, json={"amount": 5})
    call(1, json={"amount": 5})

    assert grouped(call) == [[1, 2]]


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 404, 409, 422])
def test_two_honest_purchases_stay_two(call, status):
    call(0, status=status, json={"amount": 5})
    call(1, json={"amount": 5})

    assert grouped(call) == [[1], [2]]


def test_an_honest_purchase_after_one_that_needed_a_retry_is_another(call):
    call(0, status=503, json={"amount": 5})
    call(1, json={"amount": 5})
    call(2, json={"amount": 5})

    assert grouped(call) == [[1, 2], [3]]


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.RESET,
        Outcome.CLOSE,
        Outcome.TRUNCATE,
        Outcome.GARBAGE,
        Outcome.MALFORMED_CHUNK,
        Outcome.CLIENT_LEFT,
    ],
)
def test_what_broke_under_a_good_status_has_failed(call, outcome):
    call(0, status=200, outcome=outcome)
    call(1)

    assert grouped(call) == [[1, 2]]


def test_a_fault_is_a_failure_whatever_the_outcome_says(call):
    call(0, status=200, fault="hang")
    call(1)

    assert grouped(call) == [[1, 2]]


@pytest.mark.parametrize(
    "other",
    [{"line": "PUT /v1/charges"}, {"line": "POST /v1/charge"}, {"json": {"amount": 6}}, {"route": "x"}],
)
def test_another_method_path_body_or_route_is_no_try_of_what_failed(call, other):
    call(0, status=503, json={"amount": 5})
    call(1, **{"json": {"amount": 5}, **other})

    assert grouped(call) == [[1], [2]]


def test_another_query_or_header_is_a_try_all_the_same(call):
    call(0, status=503, line="POST /v1/charges?try=1", headers={"X-Try": "1"})
    call(1, line="POST /v1/charges?try=2", headers={"X-Try": "2"})

    assert grouped(call) == [[1, 2]]
    assert the_tries(call)[1].changed == ("query",)


def test_a_new_key_for_each_try_is_caught_through_the_body(call):
    for at_s, (key, status) in enumerate([("a", 503), ("b", 503), ("c", 201)]):
        call(at_s, status=status, json={"amount": 5}, headers={"Idempotency-Key": key})

    assert grouped(call) == [[1, 2, 3]]
    assert [one.changed for one in the_tries(call)] == [
        (),
        ("headers.idempotency-key",),
        ("headers.idempotency-key",),
    ]


def test_a_changed_body_is_caught_through_the_key(call):
    call(0, status=503, json={"amount": 5}, headers={"Idempotency-Key": "a"})
    call(1, json={"amount": 6}, headers={"Idempotency-Key": "a"})

    assert grouped(call) == [[1, 2]]
    assert the_tries(call)[1].changed == ("body",)


def test_a_key_that_is_left_out_at_the_retry_is_named(call):
    call(0, status=503, form={"a": "1"}, headers={"Idempotency-Key": "a"})
    call(1, form={"a": "1"})

    assert the_tries(call)[1].changed == ("headers.idempotency-key",)


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        (
            {"json": {"idempotency_key": "a"}},
            {"headers": {"Idempotency-Key": "b"}},
            "headers.idempotency-key",
        ),
        ({"headers": {"Idempotency-Key": "a"}}, {"json": {"idempotency_key": "b"}}, "json.idempotency_key"),
    ],
)
def test_a_key_that_moved_is_named_by_its_new_place(call, first, second, changed):
    call(0, status=503, **first)
    call(1, **second)

    (operation,) = operations(call.made, lambda _: "all")
    assert operation.tries[1].changed == (changed, "body")


def test_belonging_together_is_transitive(call):
    call(0, status=200, json={"n": 1}, headers={"Idempotency-Key": "a"})
    call(1, status=503, json={"n": 2}, headers={"Idempotency-Key": "b"})
    call(2, status=503, json={"n": 1}, headers={"Idempotency-Key": "b"})
    call(3, status=503, json={"n": 2}, headers={"Idempotency-Key": "a"})
    call(4, json={"n": 9})

    assert grouped(call) == [[1, 2, 3, 4], [5]]


def test_a_call_that_belongs_to_two_joins_them(call):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    call(0, json={"n": 1}, headers={"Idempotency-Key": "a"})
    call(1, json={"n": 2}, headers={"traceparent": trace})
    call(2, json={"n": 3}, headers={"Idempotency-Key": "a", "traceparent": trace})

    assert grouped(call) == [[1, 2, 3]]


def test_with_by_it_is_that_alone(call):
    for at_s, (key, order) in enumerate([("a", "1"), ("a", "2"), ("b", "1")]):
        call(at_s, status=503, json={"order": order}, headers={"Idempotency-Key": key})

    by_order = lambda one: one.request.json["order"]  # noqa: E731
    assert grouped(call, by_order) == [[1, 3], [2]]
    assert [one.key for one in operations(call.made, by_order)] == ["1", "2"]


def test_by_keeps_routes_apart(call):
    call(0)
    call(1, route="pay/refund")

    assert grouped(call, lambda _: "all") == [[1], [2]]


def test_calls_without_the_part_that_by_names_are_together(call):
    call(0, headers={"X-Order": "1"})
    call(1)
    call(2)

    assert grouped(call, lambda one: one.request.headers.get("x-order")) == [[1], [2, 3]]


def test_automatic_and_incomplete_calls_are_no_tries(call):
    call(0, status=503)
    call(1, status=503, automatic=True)
    call(2).request.complete = False
    call(3)

    assert grouped(call) == [[1, 4]]


def test_a_body_that_was_cut_in_the_record_is_told_by_its_sum(call):
    call(0, status=503, body=b"x" * 10, body_sha256="sum-a")
    call(1, status=503, body=b"x" * 10, body_sha256="sum-b")
    call(2, body=b"x" * 10, body_sha256="sum-a")

    assert grouped(call) == [[1, 3], [2]]


def test_bodies_are_compared_without_their_coding(call):
    import gzip

    plain = b'{"amount": 5}'
    call(0, status=503, body=plain)
    call(1, body=gzip.compress(plain), headers={"Content-Encoding": "gzip"})

    assert grouped(call) == [[1, 2]]


# How long the client waited


def test_a_gap_runs_from_the_end_of_a_try_to_the_arrival_of_the_next(call):
    call(1.0, 1.5, 503)
    call(2.25, 3.25, 503)
    call(5.25, 5.5, 200)

    assert [one.gap_s for one in the_tries(call)] == [None, 0.75, 2.0]
    (operation,) = operations(call.made)
    assert operation.gaps_s == [0.75, 2.0]
    assert not operation.overlap


def test_the_end_of_a_try_may_be_the_client_leaving(call):
    call(0.0, 2.0, 200, outcome=Outcome.CLIENT_LEFT)
    call(2.5)

    assert the_tries(call)[1].gap_s == 0.5


def test_a_negative_gap_is_an_overlap(call):
    call(0.0, 1.0, 503)
    call(0.75, 2.0)

    assert the_tries(call)[1].gap_s == -0.25
    assert the_tries(call)[1].overlaps


def test_a_try_that_comes_at_the_very_end_of_the_one_before_does_not_overlap(call):
    call(0.0, 1.0, 503)
    call(1.0)

    assert the_tries(call)[1].gap_s == 0.0
    assert not the_tries(call)[1].overlaps


def test_a_try_beside_one_still_open_overlaps_without_a_gap(call):
    call(0.0, None, 200, headers={"Idempotency-Key": "a"})
    call(1.0, headers={"Idempotency-Key": "a"})

    assert the_tries(call)[1].gap_s is None
    assert the_tries(call)[1].overlaps


# Retry-After


@pytest.mark.parametrize(
    ("answer", "gap_s", "said"),
    [
        ({"Retry-After": "1"}, 1.0, "kept"),
        ({"Retry-After": "1"}, 0.951, "kept"),
        ({"Retry-After": "1"}, 0.949, "broken"),
        ({"Retry-After": "0"}, 0.0, "kept"),
        ({"Retry-After": "1.5"}, 1.44, "broken"),
        ({"retry-after-ms": "500"}, 0.451, "kept"),
        ({"retry-after-ms": "500"}, 0.449, "broken"),
        ({"retry-after-ms": "100", "Retry-After": "9"}, 0.1, "kept"),
        ({"retry-after-ms": "soon", "Retry-After": "1"}, 0.1, "broken"),
        ({"Retry-After": " 1 "}, 0.1, "broken"),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 8.0, "kept"),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"}, 7.9, "broken"),
        ({"Retry-After": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0, "kept"),
        ({"Retry-After": "soon"}, 0.0, "none"),
        ({"Retry-After": "nan"}, 0.0, "none"),
        ({"Retry-After": "inf"}, 0.0, "none"),
        ({"Retry-After": "-5"}, 0.0, "none"),
        ({"Retry-After": ""}, 0.0, "none"),
        ({"retry-after-ms": "nan"}, 0.0, "none"),
        ({}, 0.0, "none"),
    ],
)
def test_retry_after_is_kept_or_broken_with_its_tolerance(call, answer, gap_s, said):
    call(0.0, 1.0, 503, answer=answer)
    call(1.0 + gap_s)

    (operation,) = operations(call.made)
    assert operation.retry_after == said


def test_a_date_is_counted_from_the_end_of_the_try_not_from_its_start(call):
    call(0.0, 6.0, 503, answer={"Retry-After": "Thu, 01 Jan 2026 00:00:10 GMT"})
    call(9.5)

    assert the_tries(call)[1].asked_s == 4.0
    assert the_tries(call)[1].retry_after == "kept"


def test_one_broken_wait_among_kept_ones_breaks_the_operation(call):
    call(0.0, 0.0, 503, answer={"Retry-After": "1"})
    call(0.1, 0.1, 503, answer={"Retry-After": "1"})
    call(1.5)

    assert [one.retry_after for one in the_tries(call)] == [None, "broken", "kept"]
    assert operations(call.made)[0].retry_after == "broken"


def test_a_try_beside_one_that_asked_to_wait_broke_it(call):
    call(0.0, None, 503, answer={"Retry-After": "1"}, headers={"Idempotency-Key": "a"})
    call(5.0, headers={"Idempotency-Key": "a"})

    assert the_tries(call)[1].retry_after == "broken"


def test_what_the_last_answer_asks_is_nobody_s_duty(call):
    call(0.0, 0.0, 503, answer={"Retry-After": "60"})

    assert operations(call.made)[0].retry_after == "none"


# How it ended, and how it is shown


@pytest.mark.parametrize(
    ("last", "final"),
    [
        ({"status": 201}, "succeeded"),
        ({"status": 302}, "succeeded"),
        ({"status": 503}, "failed"),
        ({"status": 402}, "failed"),
        ({"status": 200, "outcome": Outcome.RESET}, "failed"),
        ({"until_s": None}, "open"),
    ],
)
def test_how_an_operation_ended_is_how_its_last_try_did(call, last, final):
    call(0.0, 0.0, 503)
    call(1.0, **last)

    assert operations(call.made)[0].final == final


def test_an_operation_is_shown_as_the_contract_says(call):
    call(0.0, 0.25, 503, json={"a": 1}, headers={"Idempotency-Key": "a"}, answer={"Retry-After": "1"})
    call(1.5, 1.5, 201, json={"a": 2}, headers={"Idempotency-Key": "a"})

    (operation,) = operations(call.made)
    assert operation_view(operation, lambda unix_s: f"at {unix_s:.2f}") == {
        "key": "a",
        "route": "pay/create-charge",
        "tries": [
            {"call": "c-000001", "arrived": "at 1767225600.00", "duration_ms": 250.0, "gap_ms": None, "asked_ms": None, "retry_after": None,
             "status": 503, "outcome": "done", "key": "a", "changed": [], "effects": []},
            {"call": "c-000002", "arrived": "at 1767225601.50", "duration_ms": 0.0, "gap_ms": 1250.0, "asked_ms": 1000.0, "retry_after": "kept",
             "status": 201, "outcome": "done", "key": "a", "changed": ["body"], "effects": []},
        ],
        "statuses": [503, 201],
        "overlap": False,
        "retry_after": "kept",
        "final": "succeeded",
    }  # fmt: skip


def test_operations_stand_in_the_order_of_their_first_tries(call):
    for at_s, key in enumerate("cabac"):
        call(at_s, headers={"Idempotency-Key": key}, json={"key": key})

    assert [one.key for one in operations(call.made)] == ["c", "a", "b"]


@pytest.mark.slow
def test_ten_thousand_calls_are_judged_in_no_time_to_speak_of(call):
    for n in range(10_000):
        call(n, status=503 if n % 3 else 200, headers={"Idempotency-Key": f"k{n // 3}"})

    assert sum(len(one.tries) for one in operations(call.made)) == 10_000
