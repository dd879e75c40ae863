"""The cases of tests/cases/judgements, each compared with the operations that its client meant."""

import pytest
from support.judging_cases import Played, cases

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_operations_are_those_that_the_client_meant(case):
    document = case.document
    if "operations" not in document:
        assert document["checks"]
        return
    said, certain = Played(document).grouped()

    assert sorted(said) == sorted(document["operations"])
    if "certain" in document:
        assert certain == document["certain"]


@pytest.mark.parametrize(
    ("case", "check"),
    [(case, check) for case in CASES for check in case.document.get("checks", [])],
    ids=str,
)
def test_the_verdict_of_each_check_is_the_true_one(case, check):
    verdict = Played(case.document).verdict(check["verify"])

    assert verdict.ok == check["holds"], verdict.text
    assert [word for word in check.get("says", []) if word not in verdict.text] == []
