"""Survived, failed cleanly, harmed: by the test's outcome and by what really happened."""

import pytest
from support.sweeps import baseline, did, ran, seen

from mockserver.schema.trouble import TroubleEffectsSpec
from mockserver.sweep.verdicts import CellVerdict, assess

NO_RULES = TroubleEffectsSpec()


def charge(n=1, **fields):
    return {"kind": "charge", "id": f"ch_{n:06d}", "order": 7, **fields}


def verdict(clean, cell, *, passed, second=None, rules=NO_RULES):
    assessment = assess(baseline(clean, second), cell, rules, passed=passed)
    return assessment.verdict.value, list(assessment.reasons)


# One charge

ONE = did(charge(1))
ONE_AGAIN = did(charge(2))


@pytest.mark.parametrize(
    ("cell", "passed", "expected", "reason"),
    [
        (did(charge(3)), True, "survived", None),
        (did(charge(3), charge(4)), True, "harmed", "twice: charge order=7"),
        (did(charge(3), charge(4), charge(5)), True, "harmed", "3 times: charge order=7"),
        (did(), True, "harmed", "lost: charge order=7"),
        (did(charge(3, order=8)), True, "harmed", "lost: charge order=7"),
        (did(charge(3), {"kind": "refund"}), True, "harmed", "not in the clean run: refund"),
        (did(), False, "failed_cleanly", None),
        (did(charge(3)), False, "failed_cleanly", None),
        (did(charge(3), charge(4)), False, "harmed", "twice: charge order=7"),
        (did(charge(3), {"kind": "refund", "charge": "ch_000003"}), False, "failed_cleanly", None),
    ],
)
def test_one_charge(cell, passed, expected, reason):
    found, reasons = verdict(ONE, cell, passed=passed, second=ONE_AGAIN)
    assert found == expected
    assert reasons[:1] == ([reason] if reason else [])


def test_several_are_twice_only_above_their_number():
    two = did(charge(1), charge(2))
    assert (
        verdict(two, did(charge(3), charge(4)), passed=True, second=did(charge(5), charge(6)))[0]
        == "survived"
    )
    found, reasons = verdict(
        two, did(*(charge(n) for n in range(3))), passed=True, second=did(charge(5), charge(6))
    )
    assert (found, reasons) == ("harmed", ["3 times: charge order=7 (2 in the clean run)"])


# Orders whose ids the application makes up


def order(name, *, key=None, n=1):
    return seen("shop/pay", {"kind": "charge", "id": f"ch_{n:06d}", "order": name}, likeness=name, key=key)


MADE_UP = ran(order("order-aaa"), order("order-bbb"))
MADE_UP_AGAIN = ran(order("order-ccc", n=2), order("order-ddd", n=3))


def test_one_order_twice_while_another_was_lost_is_found_by_its_request():
    cell = ran(order("order-eee", n=4), order("order-eee", n=5))
    found, reasons = verdict(MADE_UP, cell, passed=True, second=MADE_UP_AGAIN)
    assert (found, reasons) == ("harmed", ["twice by one request, while another did not: charge"])
    assert verdict(MADE_UP, cell, passed=False, second=MADE_UP_AGAIN)[0] == "harmed"


def test_it_is_found_by_its_key_too():
    clean = ran(order("order-aaa", key="k1"), order("order-bbb", key="k2"))
    again = ran(order("order-ccc", key="k3", n=2), order("order-ddd", key="k4", n=3))
    cell = ran(order("order-eee", key="k5", n=4), order("order-fff", key="k5", n=5))
    found, reasons = verdict(clean, cell, passed=True, second=again)
    assert (found, reasons) == ("harmed", ["twice by one idempotency key, while another did not: charge"])


def test_equal_requests_that_the_clean_run_makes_are_no_harm():
    clean = ran(order("order-aaa"), order("order-aaa", n=2))
    again = ran(order("order-ccc", n=3), order("order-ccc", n=4))
    cell = ran(order("order-eee", n=5), order("order-eee", n=6))
    assert verdict(clean, cell, passed=True, second=again)[0] == "survived"


# What belongs together


def authorized(n):
    return {"kind": "authorization", "id": f"auth_{n:06d}", "amount": 5}


def captured(n):
    return {"kind": "capture", "authorization": f"auth_{n:06d}"}


PAIR, PAIR_AGAIN = did(authorized(1), captured(1)), did(authorized(2), captured(2))


def test_half_done_is_harm_though_the_test_is_red():
    found, reasons = verdict(PAIR, did(authorized(3)), passed=False, second=PAIR_AGAIN)
    assert (found, reasons) == ("harmed", ["half done: authorization without capture"])


def test_left_open_is_harm_where_success_was_reported():
    found, reasons = verdict(PAIR, did(authorized(3)), passed=True, second=PAIR_AGAIN)
    assert (found, reasons) == ("harmed", ["left open: authorization without capture"])


@pytest.mark.parametrize("passed", [True, False])
def test_what_came_twice_is_not_said_to_be_open_too(passed):
    found, reasons = verdict(
        PAIR, did(authorized(3), captured(3), captured(3)), passed=passed, second=PAIR_AGAIN
    )
    assert (found, reasons) == ("harmed", ["twice: capture"])


@pytest.mark.parametrize("cell", [did(), did(authorized(3), captured(3))])
def test_all_or_nothing_is_a_clean_failure(cell):
    assert verdict(PAIR, cell, passed=False, second=PAIR_AGAIN)[0] == "failed_cleanly"


def test_what_was_settled_in_another_way_is_not_half_done():
    cell = did(authorized(3), {"kind": "cancellation", "authorization": "auth_000003"})
    assert verdict(PAIR, cell, passed=False, second=PAIR_AGAIN)[0] == "failed_cleanly"


def test_one_of_two_orders_is_not_half_done():
    clean = did(authorized(1), captured(1), authorized(2), captured(2))
    again = did(authorized(3), captured(3), authorized(4), captured(4))
    assert verdict(clean, did(authorized(5), captured(5)), passed=False, second=again)[0] == "failed_cleanly"
    found, reasons = verdict(
        clean, did(authorized(5), captured(5), authorized(6)), passed=False, second=again
    )
    assert (found, reasons) == ("harmed", ["half done: authorization without capture"])


def test_two_orders_of_one_customer_stay_two():
    def orders(base, count):
        return did(
            {"kind": "customer", "id": f"cus_{base:06d}"},
            *(
                {"kind": "charge", "id": f"ch_{base + n:06d}", "customer": f"cus_{base:06d}"}
                for n in range(count)
            ),
        )

    assert verdict(orders(10, 2), orders(30, 1), passed=False, second=orders(20, 2))[0] == "failed_cleanly"


# What a file says


def test_a_kind_may_stand_alone():
    def made(n, *kinds):
        known = {
            "customer": {"kind": "customer", "id": f"cus_{n:06d}"},
            "charge": charge(n, customer=f"cus_{n:06d}"),
        }
        return did(*(known[kind] for kind in kinds))

    clean, again, cell = made(1, "customer", "charge"), made(2, "customer", "charge"), made(3, "customer")
    assert verdict(clean, cell, passed=False, second=again)[0] == "harmed"
    rules = TroubleEffectsSpec(alone=["customer"])
    assert verdict(clean, cell, passed=False, second=again, rules=rules)[0] == "failed_cleanly"
    assert verdict(clean, cell, passed=True, second=again, rules=rules)[0] == "harmed"


def test_what_was_taken_back_is_no_harm():
    cell = did(charge(3), {"kind": "refund", "charge": "ch_000003"}, charge(4))
    assert verdict(ONE, cell, passed=True, second=ONE_AGAIN)[0] == "harmed"
    for by in ("refund", ["void", "refund"]):
        rules = TroubleEffectsSpec(undone_by={"charge": by})
        assert verdict(ONE, cell, passed=True, second=ONE_AGAIN, rules=rules)[0] == "survived"
        everything = did(charge(3), {"kind": "refund", "charge": "ch_000003"})
        found, reasons = verdict(ONE, everything, passed=True, second=ONE_AGAIN, rules=rules)
        assert (found, reasons) == ("harmed", ["lost: charge order=7"])


def test_without_any_effect_only_the_outcome_speaks():
    clean = ran(seen("shop/price"))
    assert verdict(clean, ran(seen("shop/price")), passed=True)[0] == CellVerdict.SURVIVED
    assert verdict(clean, ran(seen("shop/price")), passed=False)[0] == CellVerdict.FAILED_CLEANLY
