"""SECURITY.md: every test that it names is there, and its tables name one for each line."""

import re

import pytest
from support.defences import defences
from support.pages import page
from support.server import PROJECT

PAGE = page("SECURITY.md")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_tests_that_it_names_are_there(file, name):
    text = (PROJECT / file).read_text()

    assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE)


def test_every_promise_and_every_hole_has_its_test():
    rows = [row for row in ROWS if not re.match(r"\| (role|guarantee|vulnerability|\*\*)", row)]

    assert len(rows) > 20
    for row in rows:
        assert "`tests/" in row, row


def test_every_hole_that_was_tried_stands_in_it():
    text = (PROJECT / "tests/test_holes_of_peers.py").read_text()
    tried = set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))

    assert tried <= {name for _, name in NAMED}


def test_behind_every_test_there_is_a_defence_to_take_out_or_a_reason_why_not():
    """scripts/defences takes them out, and sees the tests fail."""
    known = {test for one in defences() for test in one.tests}

    assert {f"{file}::{name}" for file, name in NAMED if name} <= known
    assert all(one.changes or one.why for one in defences())


@pytest.mark.parametrize("defence", [one for one in defences() if one.changes], ids=lambda one: one.name)
def test_a_defence_is_found_where_it_is_taken_out(defence):
    for change in defence.changes:
        assert change.applied((PROJECT / change.file).read_text())
