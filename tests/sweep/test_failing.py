"""What fails a sweep: harm, and retry rules that are certainly broken."""

from xml.etree import ElementTree as ET

import pytest
from support.sweeps import baseline, did, ran, seen, sweep_of, tries

from mockserver.sweep.failing import parse_fail_on
from mockserver.sweep.junit import junit
from mockserver.sweep.page import page
from mockserver.sweep.results import Trial
from mockserver.sweep.table import table

CHARGE, AGAIN = {"kind": "charge", "id": "ch_aaaaaa"}, {"kind": "charge", "id": "ch_bbbbbb"}
KEY = "headers.idempotency-key"
BROKEN = {
    "Retry-After broken": tries((1, None, []), (2, 5.0, []), retry_after="broken"),
    "new idempotency key": tries((1, None, []), (2, 5.0, [KEY]), key="a"),
    "tries overlap": tries((1, None, []), (2, -51.0, [])),
}


def swept(*operations, passed=True, clean=(), **more):
    """A sweep of one cell in which the client came through, retrying as the operations say."""
    whole = sweep_of(baseline(ran(seen("shop/pay", CHARGE), operations=list(clean)), did(AGAIN)), **more)
    sweep = sweep_of(*whole.baselines, planned=whole.planned[:1], **more)
    evidence = ran(seen("shop/pay"), seen("shop/pay", AGAIN), hits=(1,), operations=list(operations))
    sweep.add(Trial(cell=sweep.planned[0], passed=passed, duration_s=0.1, evidence=evidence))
    return sweep


def cell(sweep):
    (found,) = sweep.document()["cells"]
    return found


@pytest.mark.parametrize("rule", BROKEN)
@pytest.mark.parametrize("passed", [True, False])
def test_a_rule_that_is_certainly_broken_fails_the_sweep_whatever_the_verdict(rule, passed):
    sweep = swept(BROKEN[rule], passed=passed)
    assert cell(sweep)["verdict"] == ("survived" if passed else "failed_cleanly")
    assert (cell(sweep)["fails"], cell(sweep)["broken_rules"]) == (["rules"], [rule])
    assert sweep.failed
    assert sweep.document()["failed"] is True


@pytest.mark.parametrize("rule", BROKEN)
def test_the_old_way_fails_for_harm_alone(rule):
    sweep = swept(BROKEN[rule], fail_on=("harmed",))
    assert not sweep.failed
    assert cell(sweep)["fails"] == []
    assert cell(sweep)["remarks"] == [rule]
    assert ET.fromstring(junit(sweep.document())).find(".//failure") is None
    assert f"The sweep does not fail for 1 cell with a broken retry rule ({rule}): --fail-on harmed" in table(
        sweep
    )


@pytest.mark.parametrize("rule", BROKEN)
def test_what_is_not_certain_fails_nothing(rule):
    sweep = swept({**BROKEN[rule], "certain": False})
    assert not sweep.failed
    assert cell(sweep)["remarks"] == [rule]


def test_as_many_operations_as_in_the_clean_run_are_certain():
    """A client with a key for each attempt: by its requests alone it may be two operations."""
    uncertain = {**BROKEN["new idempotency key"], "certain": False}
    assert swept(uncertain, clean=[tries((1, None, []))]).failed
    assert not swept(uncertain, clean=[tries((1, None, [])), tries((2, None, []))]).failed


def test_the_summary_the_case_and_the_page_say_so():
    sweep = swept(BROKEN["Retry-After broken"])
    lines = list(table(sweep))
    at = lines.index("RULES test_pay/pay#1/500")
    assert lines[at + 1 : at + 3] == [
        "    Retry-After broken",
        "    pytest --mock-server-sweep-only 'test_pay/pay#1/500'",
    ]
    assert lines[-2:] == [
        "The sweep fails for 1 cell with a broken retry rule (Retry-After broken). With --fail-on harmed, only harm fails it",
        "1 survived",
    ]
    suite = ET.fromstring(junit(sweep.document())).find("testsuite")
    failure = suite.find("testcase/failure")
    assert (suite.get("failures"), failure.get("type")) == ("1", "rules")
    assert failure.get("message") == "Retry-After broken"
    assert '"broken_rules":1,"fail_on":["harmed","rules"],"failed":true' in page(sweep.document())


def test_a_sweep_without_a_broken_rule_says_nothing_of_rules():
    sweep = swept(tries((1, None, []), (2, 512.0, []), key="a", retry_after="kept"))
    assert not sweep.failed
    assert not [line for line in table(sweep) if "RULES" in line or "sweep fails" in line]


@pytest.mark.parametrize(
    ("text", "words"), [("harmed", ("harmed",)), ("rules", ("rules",)), ("rules,harmed", ("harmed", "rules"))]
)
def test_the_option_takes_one_or_both(text, words):
    assert parse_fail_on(text) == words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule", "Did you mean 'rules'"),
        ("", "'' is not one of harmed, rules"),
        ("harmed,none", "'none' is not"),
    ],
)
def test_any_other_word_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        parse_fail_on(text)
