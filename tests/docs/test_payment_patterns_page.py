"""docs/payment-patterns.md: every pattern is a test that passes."""

import re
import sys

import pytest
from support.pages import page
from support.suites import INI
from support.sweeping import run

PAGE = page("docs/payment-patterns.md")
FILES = re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_every_pattern_passes(tmp_path):
    (tmp_path / "pytest.ini").write_text(INI)
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q")
    passed = re.search(r"(\d+) passed", done.output)
    assert done.code == 0, done.output
    assert int(passed[1]) >= sum(text.count("\ndef test_") for _, text in FILES)


def test_every_block_is_a_file():
    assert len(FILES) == len(re.findall(r"^```\w", PAGE, re.MULTILINE))
