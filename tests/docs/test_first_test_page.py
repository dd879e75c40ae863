"""docs/first-test.md: a reader who follows it sees what it shows, and the sweep finds the bug."""

import sys

import pytest
from support.pages import page
from support.suites import INI
from support.sweeping import run, run_here

pytest_plugins = "pytester"

PAGE = page("docs/first-test.md")


def block(title):
    return PAGE.partition(f'title="{title}"\n')[2].partition("\n```")[0]


def shown(after):
    return PAGE.partition(f"{after}\n```\n\n```text\n")[2].partition("```")[0].splitlines()


@pytest.mark.slow
def test_a_reader_finds_the_bug(pytester, monkeypatch):
    pytester.makeini(INI)
    tmp_path = pytester.path
    created = run(tmp_path, sys.executable, "-m", "mockserver", "init").output
    assert [line for line in shown("mockserver init") if line not in created.splitlines()] == []
    assert shown("pytest")[0] in run_here(pytester, monkeypatch).output
    test = tmp_path / "test_payments.py"
    text = test.read_text()
    assert block("before") in text
    test.write_text(text.replace(block("before"), block("after")))

    found = run(
        tmp_path, sys.executable, "-m", "mockserver", "sweep", "--only", "*/reset-after-effect",
        "--", sys.executable, "-m", "pytest", "-q",
    )  # fmt: skip
    assert found.code == 1  # 2 if the test fails without an injected failure
    assert shown("mockserver sweep --jobs 4 -- pytest -q")[0] in found.output
    test.write_text(text)
    assert "11 survived, 1 failed cleanly" in run_here(pytester, monkeypatch, "--mock-server-sweep").output
