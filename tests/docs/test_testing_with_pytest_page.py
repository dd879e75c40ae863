"""docs/testing-with-pytest.md: every example passes as it stands, and the report is printed as it is shown."""

import re

import pytest
from support.pages import blocks, page
from support.sweeping import run_here

pytest_plugins = "pytester"

PAGE = page("docs/testing-with-pytest.md")
BLOCKS = blocks(PAGE)
SHOP, *TESTS = (text for language, text in BLOCKS if language == "python")
INI = """
addopts = -p no:cacheprovider
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def block(language):
    return next(text for kind, text in BLOCKS if kind == language)


@pytest.fixture
def project(pytester):
    """What the page describes: a shop, a folder of scenarios, an ini file."""
    pytester.makeini(block("ini") + INI)
    pytester.mkdir("mocks")
    (pytester.path / "mocks/rates.yaml").write_text(block("yaml"))
    pytester.makepyfile(shop=SHOP)
    return pytester


def test_every_example_passes(project, monkeypatch):
    project.makepyfile(**{f"test_example_{i}": text for i, text in enumerate(TESTS)})
    result = run_here(project, monkeypatch)
    assert result.code == 0
    assert f"{sum(len(re.findall('def test_', text)) for text in TESTS)} passed" in result.output


def steady(text):
    """A report without what differs from run to run: times, ports, keys, random ends."""
    for varying, fixed in (
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"t\+\d\.\d{3}", "t+T"),
        (r"-[0-9a-f]{8}\b(?!-)", "-RANDOM"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"key=[0-9a-f]{4,12}\b", "key=KEY"),
        (r"'[0-9a-f-]{8,}…?'", "'UUID'"),
    ):
        text = re.sub(varying, fixed, text)
    return text


def broken():
    """The shop as somebody left it: a new key for every try, and a typo."""
    without_key = SHOP.replace("    key = str(uuid.uuid4())\n", "").replace(": key}", ": str(uuid.uuid4())}")
    return without_key.replace("/v1/receipts", "/v1/receipt")


def test_the_report_of_the_failing_test_is_printed_as_it_is_shown(project, monkeypatch):
    assert broken().count("uuid.uuid4()") == 1
    project.makepyfile(shop=broken(), test_shop=TESTS[0])
    lines = run_here(project, monkeypatch, columns=80).output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("____"))
    end = next(i for i, line in enumerate(lines) if "short test summary" in line)
    printed = "\n".join(line.rstrip() for line in lines[start:end])
    assert steady(printed).split("\n") == steady(block("text").rstrip("\n")).split("\n"), printed


def test_the_report_tells_all_that_is_wrong():
    shown = block("text")
    for fact in (
        "headers.idempotency-key",
        "'/v1/receipt' is not '/v1/receipts'",
        "POST /v1/charges  503",
        ".reply(",
    ):
        assert fact in shown


def test_what_it_leads_to_is_there():
    known = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-")
        for line in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        name, _, part = link.partition("#")
        if name:
            assert page(f"docs/{name}")
        else:
            assert part in known
