"""docs/payment-patterns.md: every pattern is a test that passes."""

import re

import pytest
from support.pages import page
from support.suites import INI
from support.sweeping import run_here

pytest_plugins = "pytester"

PAGE = page("docs/payment-patterns.md")
FILES = re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_every_pattern_passes(pytester, monkeypatch):
    pytester.makeini(INI)
    for name, text in FILES:
        (pytester.path / name).write_text(text)
    done = run_here(pytester, monkeypatch, "-q")
    passed = re.search(r"(\d+) passed", done.output)
    assert done.code == 0, done.output
    assert int(passed[1]) >= sum(text.count("\ndef test_") for _, text in FILES)


def test_every_block_is_a_file():
    assert len(FILES) == len(re.findall(r"^```\w", PAGE, re.MULTILINE))
