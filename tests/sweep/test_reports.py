"""The report as JSON, JUnit XML, page and table: the same facts, secrets masked, nothing run that came over the wire."""

import base64
import hashlib
import json
import re
from xml.etree import ElementTree as ET

import pytest
from support.sweeps import baseline, big_sweep, did, ran, seen, sweep_of, tries

from mockserver.sweep.cells import sample
from mockserver.sweep.junit import junit
from mockserver.sweep.page import embedded, page
from mockserver.sweep.results import Trial
from mockserver.sweep.table import budget, table
from mockserver.sweep.writing import write_report

CHARGE = {"kind": "charge", "id": "ch_aaaaaa", "card": "4242424242424242"}
AGAIN = {**CHARGE, "id": "ch_bbbbbb"}


def ended(sweep, trouble, *effects, passed=True, error="", call="pay#1", hits=(1,), **more):
    cell = next(cell for cell in sweep.planned if (cell.call, cell.trouble) == (call, trouble))
    calls = [seen("shop/pay", one) for one in effects] or [
        seen("shop/pay", status=None, first_ms=None, outcome="reset")
    ]
    evidence = ran(*calls, hits=hits, **more)
    return sweep.add(Trial(cell=cell, passed=passed, duration_s=0.25, evidence=evidence, error=error))


@pytest.fixture
def sweep():
    create = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    ended(create, "500", AGAIN)
    ended(create, "503-for-good", passed=False, error="E  RuntimeError: sk_test_1234567890 was refused")
    ended(create, "reset-after-effect", AGAIN, {**CHARGE, "id": "ch_cccccc"})
    return create


def test_every_cell_has_its_verdict_and_the_command_that_runs_it_again(sweep):
    cells = sweep.document()["cells"]
    assert [(cell["test"], cell["call"], cell["trouble"], cell["verdict"]) for cell in cells] == [
        ("t.py::test_pay", "pay#1", "500", "survived"),
        ("t.py::test_pay", "pay#1", "503-for-good", "failed_cleanly"),
        ("t.py::test_pay", "pay#1", "reset-after-effect", "harmed"),
    ]
    assert cells[2]["command"] == "pytest --mock-server-sweep-only 'test_pay/pay#1/reset-after-effect'"
    assert cells[2]["reasons"] == ['twice: charge card="****4242"']


def test_the_order_of_the_results_is_that_of_the_plan(sweep):
    ended(sweep, "503-once", AGAIN)
    assert [cell["trouble"] for cell in sweep.document()["cells"]] == [
        "500",
        "503-once",
        "503-for-good",
        "reset-after-effect",
    ]


def test_what_was_not_tried_is_told_apart(sweep):
    ended(sweep, "503-once", AGAIN, hits=())
    ended(sweep, "503-twice", passed=None, error="it was skipped")
    document = sweep.document()
    why = {one["trouble"]: one["why"] for one in document["unreached"]}
    assert why["503-once"] == "the call was not made this time"
    assert why["503-twice"] == "it was skipped"
    assert why["time-out"] == "it was not run to its end"
    assert not {"503-once", "503-twice"} & {cell["trouble"] for cell in document["cells"]}


def test_a_red_test_that_did_not_make_its_call_says_why(sweep):
    ended(
        sweep,
        "503-once",
        AGAIN,
        hits=(),
        passed=False,
        error="E   boom\nshop.py:7: RuntimeError: sk_test_1234567890\n",
    )
    ended(sweep, "503-twice", AGAIN, hits=(), passed=False, error="no such order\n(exit code 1)")
    ended(sweep, "time-out", AGAIN, hits=(), passed=False)
    why = {one["trouble"]: one["why"] for one in sweep.document()["unreached"]}
    assert (
        why["503-once"]
        == "the call was not made this time; the test is red: shop.py:7: RuntimeError: ****7890"
    )
    assert why["503-twice"] == "the call was not made this time; the test is red: no such order (exit code 1)"
    assert why["time-out"] == "the call was not made this time"


def test_what_a_cap_left_out_is_listed():
    whole = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    cut = sweep_of(*whole.baselines, planned=sample(whole.planned, 4, ""))
    document = cut.document()
    assert document["budget"] == {
        "tests": 1,
        "calls": 1,
        "troubles": 14,
        "possible": 12,
        "planned": 4,
        "possible_pairs": 0,
        "pairs": 0,
    }
    assert len(document["left_out"]) == 8


def test_secrets_are_masked_in_all_of_it(sweep, tmp_path):
    folder = write_report(sweep, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["junit.xml", "report.html", "report.json"]
    for path in folder.iterdir():
        text = path.read_text()
        assert "4242424242424242" not in text
        assert "sk_test_1234567890" not in text
        assert "****7890" in text
    assert "4242424242424242" not in "\n".join(table(sweep))


def test_the_timeline_has_what_is_drawn():
    sweep = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    operation = tries((1, None, []), (2, 9.0, []), key="k")
    ended(sweep, "500", AGAIN, AGAIN, operations=[operation])
    (cell,) = sweep.document()["cells"]
    first, second = cell["timeline"]["calls"]
    assert (first["struck"], second["struck"], second["gap_ms"]) == (True, False, 9.0)
    assert first["effects"][0]["kind"] == "charge"
    assert (first["operation"], second["operation"]) == (0, 0)
    assert cell["attempts"]["gaps_ms"] == [9.0]


# JUnit XML


def test_harmed_is_a_failure_and_failing_cleanly_is_none(sweep):
    ended(sweep, "503-once", AGAIN, hits=())
    root = ET.fromstring(junit(sweep.document()))
    suite, rest = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), rest.get("name")) == ("3", "1", "without verdict")
    cases = {case.get("name"): case for case in suite}
    assert [case.get("classname") for case in suite] == ["t.py::test_pay"] * 3
    failure = cases["pay#1/reset-after-effect"].find("failure")
    assert failure.get("message") == 'twice: charge card="****4242"'
    assert "--mock-server-sweep-only" in failure.text
    assert cases["pay#1/503-for-good"].find("failure") is None
    assert "RuntimeError" in cases["pay#1/503-for-good"].find("system-out").text
    verdicts = {name: case.find("properties/property").get("value") for name, case in cases.items()}
    assert verdicts["pay#1/503-for-good"] == "failed_cleanly"
    assert len(rest.findall("testcase/skipped")) == int(rest.get("skipped"))


def test_any_text_can_stand_in_it():
    sweep = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    ended(sweep, "500", passed=False, error="\x00\x1b[31m ]]> <b>\ud800 é")
    document = sweep.document()
    document["cells"][0]["reasons"] = ["\x07"]
    assert "]]> <b>" in ET.fromstring(junit(document)).find(".//system-out").text


# The page


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--", "<!--<script>", "\u2028", "]]>", "é\ud800"]
)
def test_no_text_can_leave_the_block_of_data(text):
    block = embedded({"a": text})
    assert "<" not in block
    assert block.isascii()
    assert json.loads(block) == {"a": text}


def test_the_page_holds_all_it_needs_and_its_policy_allows_nothing_else(sweep):
    text = page(sweep.document())
    assert not re.search(r"(?:src|href|url)\s*[=(]", text.partition('id="data"')[0])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'")
    for name in ("script", "style"):
        (inner,) = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(data) == sweep.document()


def test_its_script_writes_no_markup():
    script = re.search(r"<script>(.*?)</script>", page(big_sweep(5).document()), re.DOTALL)[1]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script
    )


# The table


def test_the_table_has_a_row_for_each_call_and_a_letter_for_each_verdict(sweep):
    lines = list(table(sweep))
    row = next(line for line in lines if line.startswith("  pay#1"))
    assert row.split() == ["pay#1", ".", "-", "-", "c", "-", "-", "H", "-", "-", "-", "-", "-"]
    assert lines[0].split() == [str(n) for n in range(1, 13)], "no call sends a webhook"
    assert "HARMED test_pay/pay#1/reset-after-effect" in lines
    assert lines[-1] == "1 survived, 1 failed cleanly, 1 harmed"


def test_a_mark_says_that_it_was_tried_again_wrongly():
    sweep = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    ended(sweep, "500", AGAIN, operations=[tries((1, None, []), (2, 1.0, []), retry_after="broken")])
    assert next(line for line in table(sweep) if line.startswith("  pay#1")).split()[1] == "!."


def test_a_single_cell_is_told_call_by_call():
    whole = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    one = sweep_of(*whole.baselines, planned=whole.planned[:1], possible=whole.planned[:1])
    ended(one, "500", AGAIN, operations=[tries((1, None, []))])
    lines = list(table(one))
    assert "test_pay/pay#1/500: survived" in lines
    assert "    t+0.010  POST /pay  201  fault, effect: charge" in lines
    explained = [
        line.split()[1] for line in lines if re.search(r"(before|after) the effect|webhooks: ", line)
    ]
    assert explained == ["500"], "only what was tried is explained"


def test_what_the_test_of_a_single_cell_said_is_told():
    whole = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    one = sweep_of(*whole.baselines, planned=whole.planned[:1])
    ended(one, "500", passed=False, error="\n>   pay()\nE   RuntimeError: sk_test_1234567890\n")
    lines = list(table(one))
    assert "test_pay/pay#1/500: failed cleanly" in lines
    at = lines.index("    | >   pay()")
    assert lines[at + 1] == "    | E   RuntimeError: ****7890"


def test_the_same_harm_in_several_tests_is_told_once():
    tests = [baseline(did(CHARGE), did(AGAIN), test=f"t.py::test_pay[{name}]") for name in "abcdef"]
    sweep = sweep_of(*tests)
    for cell in sweep.planned:
        if cell.trouble == "reset-after-effect":
            twice = ran(seen("shop/pay", AGAIN), seen("shop/pay", {**AGAIN, "id": "ch_cccccc"}), hits=(1,))
            sweep.add(Trial(cell=cell, passed=True, duration_s=0.1, evidence=twice))
    told = [
        line
        for line in table(sweep)
        if line.startswith(("HARMED", "    twice", "    the same", "    pytest"))
    ]
    assert told == [
        "HARMED test_pay[a]/pay#1/reset-after-effect",
        '    twice: charge card="****4242"',
        "    the same in test_pay[b], test_pay[c], test_pay[d] and 2 more",
        "    pytest --mock-server-sweep-only 'test_pay[a]/pay#1/reset-after-effect'",
    ]


def test_half_done_says_how_to_allow_it():
    customer = {"kind": "customer", "id": "cu_aaaaaa"}
    bought = {"kind": "charge", "id": "ch_aaaaaa", "customer": "cu_aaaaaa"}
    again = [{**customer, "id": "cu_bbbbbb"}, {**bought, "id": "ch_bbbbbb", "customer": "cu_bbbbbb"}]
    sweep = sweep_of(baseline(did(customer, bought), did(*again)))
    ended(sweep, "503-for-good", again[0], passed=False)
    lines = list(table(sweep))
    assert "    half done: customer without charge" in lines
    assert lines[-2].startswith("half done: if a kind of effect may exist alone")
    assert lines[-2].endswith("effects: {alone: [customer]}")


def test_routes_without_an_effect_are_named():
    lines = list(table(sweep_of(baseline(ran(seen("shop/price"), seen("shop/pay", CHARGE))))))
    assert "without an effect: price: their cells can only survive or fail cleanly" in lines


def test_what_is_not_swept_is_told_with_the_reason():
    lines = list(table(sweep_of(baseline(ran(seen(None))), baseline(did(CHARGE), did(AGAIN)))))
    why = "it makes no call that a route takes; the first of 1 was POST /pay"
    assert f"not swept: t.py::test_pay: {why}" in lines


def test_the_budget_is_told_before():
    whole = sweep_of(baseline(did(CHARGE), did(AGAIN)))
    first, second = budget(whole, 1)
    assert first == "mock server sweep: 1 test with 1 call, 14 kinds of trouble: 12 cells"
    assert second == (
        "mock server sweep: less than a second at the speed of the clean runs, plus up to 7 s of waiting in the "
        "troubles, plus the back-off of the client"
    )
    cut = sweep_of(*whole.baselines, planned=sample(whole.planned, 4, "s"), seed="s")
    assert list(budget(cut, 2))[1] == "mock server sweep: 4 of them run, sampled evenly by the seed 's'"
    assert "on 2 workers" in list(budget(cut, 2))[2]
