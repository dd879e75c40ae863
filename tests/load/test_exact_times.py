"""Rules on load at their limits, by exact times: `0.1-0.2 503` is a call of an operation of its own, `0.1-0.2 503 #7` one of operation 7."""

import pytest
from support.calls import Calls
from support.clients_under_load import judged

from mockserver.attempts import Attempt, Operation
from mockserver.attempts.findings import HELD, FindingState
from mockserver.load.timeline import timeline_of
from mockserver.model.plan import Outcome

BREAKER = {"breaker": {"opens_after": 3, "stays_open": "500ms"}}
ROW = ("0.1-0.11 503", "0.2-0.21 503", "0.3-0.31 503")
BUDGET = {"budget": {"retries": 0, "window": "1s", "min": 2}}


class Written:
    """Calls as written, grouped by the numbers of their operations."""

    def __init__(self, lines):
        calls, found = Calls(), {}
        for i, line in enumerate(sorted(lines, key=lambda line: float(line.split()[0].partition("-")[0]))):
            times, status, *number = line.split()
            at_s, _, end_s = times.partition("-")
            left = status == "left"
            call = calls(
                float(at_s),
                float(end_s) if end_s else None,
                int(status) if status.isdigit() else None,
                outcome=Outcome.CLIENT_LEFT if left else Outcome.DONE,
            )
            key = number[0] if number else f"own {i}"
            operation = found.setdefault(key, Operation(len(found) + 1, call.route_id, key))
            operation.attempts.append(Attempt(call, None))
        self._operations = list(found.values())

    def operations(self, _):
        return self._operations


def found(rules, *lines):
    return judged(Written(lines), rules)


# breaker


def test_failures_of_calls_from_before_the_breaker_closed_need_not_count():
    late = ("0.00-1.70 503", "0.01-1.75 503", "0.02-1.80 503")

    assert found(BREAKER, *late, *ROW, "0.9-0.95 200", "2.0-2.1 503") is HELD
    again = ("1.70-1.71 503", "1.75-1.76 503", "1.80-1.81 503")
    assert found(BREAKER, *again, *ROW, "0.9-0.95 200", "2.0-2.1 503").state is FindingState.BROKEN


def test_the_client_may_open_as_late_as_the_server_sees_that_it_has_left():
    row = ("0.1-0.11 503", "0.2-0.21 503", "0.22-0.3 left")

    assert found(BREAKER, *row, "0.345-0.36 503", "0.9-0.91 200") is HELD
    assert found(BREAKER, *row, "0.355-0.36 503", "0.9-0.91 200").state is FindingState.BROKEN


def test_a_client_that_cannot_have_opened_yet_may_at_the_next_failure():
    beside_success = ("0.0-0.1 200", "0.05-0.11 503")
    hedged = ("0.13-0.33 503 #7", "0.16-0.21 503 #7")
    lines = (*beside_success, "0.12-0.2 503", *hedged, "0.34-0.45 503")

    assert found(BREAKER, *lines, "0.84-0.85 200") is HELD
    assert found(BREAKER, *lines, "0.7-0.71 200").state is FindingState.BROKEN


def test_a_success_that_was_under_way_may_close_the_breaker():
    assert found(BREAKER, *ROW, "0.05-0.5 200", "0.6-0.7 503").state is not FindingState.BROKEN
    assert found(BREAKER, *ROW, "0.05-0.8 200", "0.6-0.7 503").state is FindingState.BROKEN


def test_a_hedge_is_part_of_the_probe_and_another_operation_is_not():
    probe = ("0.9-1.2 503 #1", "1.0-1.3 200 #1", "1.4-1.5 200")

    assert found(BREAKER, *ROW, *probe) is HELD
    assert found(BREAKER, *ROW, *(line.replace("#1", "") for line in probe)).state is FindingState.BROKEN


# What became of an attempt


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        (("0.0-1.0 left #1", "0.5-0.9 200 #1"), [("cancelled",), ("hedge", "succeeded", "superseded")]),
        (("0.0-1.0 left #1", "1.1-1.2 200 #1"), [("failed",), ("succeeded",)]),
        (("0.0-1.0 left #1", "0.98-1.2 200 #1"), [("failed",), ("succeeded",)]),
        (("0.0-1.0 left #1", "0.5-0.9 503 #1"), [("failed",), ("hedge", "failed", "superseded")]),
        (("0.0-1.0 503 #1", "1.0-1.1 503 #1"), [("failed",), ("failed",)]),
        (("0.0 open #1", "0.5-0.9 503 #1"), [("open",), ("hedge", "failed", "superseded")]),
    ],
)
def test_attempts_that_overlap_are_hedges(lines, facts):
    names = ("hedge", "failed", "succeeded", "superseded")
    neither = ("cancelled",), ("open",)

    calls = timeline_of(Written(lines).operations(None))

    assert [tuple(name for name in names if getattr(call, name)) for call in calls] == [
        () if fact in neither else fact for fact in facts
    ]


# in_flight and rate


def test_a_limit_is_tested_where_it_was_reached_or_could_have_been_exceeded():
    two, one = {"in_flight": {"max": 2}}, {"in_flight": {"max": 1}}
    at_once, in_turn = ("0.0-1.0 200", "0.1-1.0 200"), ("0.0-0.1 200", "0.2-0.3 200", "0.4-0.5 200")

    assert found(two, *at_once) is found(two, *in_turn) is found(one, *in_turn[:2]) is HELD
    for rules, lines in ((two, in_turn[:2]), (one, in_turn[:1]), (two, ())):
        assert found(rules, *lines).state is FindingState.NOTHING

    rates = {"rate": {"max": "4/s"}}
    assert found(rates, "0.0-0.1 200", "0.1-0.2 200", "0.2-0.3 200", "0.3-0.4 200") is HELD
    assert found(rates, "0.0-0.1 200", "0.1-0.2 200", "0.2-0.3 200").state is FindingState.NOTHING
    assert found(rates, *(f"{number / 2}-{number / 2} 200" for number in range(5))) is HELD
    assert found({"rate": {"max": "1/s"}}, "0.0-0.1 200").state is FindingState.NOTHING


@pytest.mark.parametrize(
    ("lines", "late"),
    [
        (("0.0 open", "0.01 open"), True),
        (("0.0 open", "0.01-0.02 200"), True),
        (("0.0 open", "0.01 open", "0.07-0.08 200"), False),
        (("0.0-0.02 200", "0.01-0.02 200"), False),
        (("0.0-0.02 200", "0.01-0.02 200", "0.03 open"), False),
    ],
)
def test_a_call_that_is_open_may_be_one_that_the_client_has_just_left(lines, late):
    finding = found({"in_flight": {"max": 1}}, *lines)

    assert (finding.state, finding.late) == (FindingState.BROKEN, late)


# amplification and budget


def test_later_operations_can_still_lower_the_amplification():
    finding = found({"amplification": {"max": 1.2}}, "0.0-0.1 503 #1", "0.2-0.3 503 #1")

    assert (finding.state, finding.late) == (FindingState.BROKEN, True)


def retried(number, wait_s):
    """Operations that fail at the same time, and are sent again after waits that grow."""
    for each in range(number):
        again_s = 0.1 + wait_s * (each + 1)
        yield f"0.0{each}-0.1 503 #{each}"
        yield f"{again_s:.2f}-{again_s + 0.01:.2f} 200 #{each}"


def test_a_retry_counts_when_it_is_decided_or_when_it_is_sent():
    assert found(BUDGET, *retried(5, 0.6)) is HELD, "decided together, sent one after the other"
    apart = (
        line
        for each in range(4)
        for line in (f"{each}.0-{each}.1 503 #{each}", f"{4.5 - each / 100}-4.6 200 #{each}")
    )
    assert found(BUDGET, *apart).state is FindingState.NOTHING, "decided one after the other, sent together"
    assert found(BUDGET, *retried(5, 0.1)).state is FindingState.BROKEN


@pytest.mark.parametrize(("more", "late"), [((), True), (("0.5-0.6 200",), False)])
def test_first_attempts_beside_the_last_retry_may_be_on_their_way(more, late):
    finding = found(BUDGET, *retried(3, 0.01), *more)

    assert (finding.state, finding.late) == (FindingState.BROKEN, late)


# spread


def herd(number, *, failed_s=0.0, waits=(), times=2):
    """So many operations that fail by turns within `failed_s`, and wait as long as `waits` tells for each."""
    for each in range(number):
        at_s = failed_s * each / max(1, number - 1)
        for _ in range(times - 1):
            yield f"{at_s:.3f}-{at_s + 0.01:.3f} 503 #{each}"
            at_s += 0.01 + waits[each]
        yield f"{at_s:.3f}-{at_s + 0.01:.3f} 503 #{each}"


def spread(*lines, clients=5):
    return found({"spread": {"window": "1s", "clients": clients}}, *lines)


def even(number, within_s):
    return [0.3 + within_s * each / (number - 1) for each in range(number)]


def test_few_clients_are_closer_by_chance_than_many():
    assert spread(*herd(5, waits=even(5, 0.1))) is HELD
    assert spread(*herd(5, waits=even(5, 0.05))).state is FindingState.BROKEN
    assert spread(*herd(15, waits=even(15, 0.2))).state is FindingState.BROKEN
    assert spread(*herd(15, waits=even(15, 0.3))) is HELD


def test_equal_waits_and_equal_arrivals_are_both_a_herd():
    equal_waits = herd(5, failed_s=0.09, waits=[0.5] * 5)
    one_moment = herd(5, failed_s=0.09, waits=[0.5 - 0.0225 * each for each in range(5)])

    assert spread(*equal_waits).state is FindingState.BROKEN
    assert spread(*one_moment).state is FindingState.BROKEN


def test_those_that_have_not_returned_may_come_later_until_the_window_has_passed():
    gone = [f"0.0-0.01 503 #gone{each}" for each in range(10)]
    back = list(herd(10, waits=[0.05] * 10))

    assert "the others may come later" in spread(*gone, *back).text
    assert spread(*gone, *back, "1.1-1.2 200").state is FindingState.BROKEN


def test_an_operation_that_fails_several_times_at_once_is_one_of_the_herd():
    assert spread(*herd(5, waits=[0.01] * 5, times=4)).state is FindingState.BROKEN
    assert spread(*herd(1, waits=[0.005], times=8)).state is FindingState.NOTHING


def test_a_herd_behind_others_that_failed_before_is_found():
    others = [line.replace("#", "#other") for line in herd(6, failed_s=0.02, waits=even(6, 0.9))]
    later = [f"{0.07 + each / 200:.3f}-{0.08 + each / 200:.3f} 503 #{each}" for each in range(10)]
    again = [f"{0.9 + each / 200:.3f}-{0.95 + each / 200:.3f} 200 #{each}" for each in range(10)]

    assert spread(*others, *later, *again, clients=10).state is FindingState.BROKEN
