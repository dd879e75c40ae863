"""docs/sweep.md and docs/shortening-back-off.md: the shop is swept as the page tells, and prints what it shows."""

import json
import re
import sys

import pytest
from support.pages import blocks, is_like, page
from support.suites import INI
from support.sweeping import run, run_here, sweep, write

from mockserver.cli.sweep import sweep as command
from mockserver.pytest_plugin.options import add_sweep_options
from mockserver.sweep.kinds import load_kinds

pytest_plugins = "pytester"

PAGE = page("docs/sweep.md")
BLOCKS = blocks(PAGE)
SHOP, TEST, MENDED = (text for language, text in BLOCKS if language == "python")
HARMED, SAFE = (text for language, text in BLOCKS if language == "text")
BACK_OFF = page("docs/shortening-back-off.md")


def kinds_of(text, tmp_path):
    file = tmp_path / "troubles.yaml"
    file.write_text(text)
    return load_kinds(file)


def in_order(shown, printed):
    """Whether each line that is shown was printed, in that order."""
    lines = iter(line.rstrip() for line in printed.splitlines())
    return [line for line in shown.rstrip("\n").split("\n") if line not in lines]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    return sweep(folder, "--mock-server-sweep", shop__py=SHOP, test_shop__py=TEST)


@pytest.mark.slow
def test_the_walk_through_prints_what_it_shows(swept):
    assert in_order(HARMED, swept.output) == []
    assert swept.code == 1


@pytest.mark.slow
def test_the_mended_shop_is_harmed_nowhere(pytester, monkeypatch):
    mended = SHOP[: SHOP.index("    def buy")] + MENDED
    quick = ("--mock-server-sweep", "--mock-server-sweep-troubles", "troubles.yaml")
    write(pytester.path, shop__py=mended, test_shop__py=TEST)
    done = run_here(pytester, monkeypatch, *quick)
    assert in_order(SAFE, done.output) == []
    assert done.code == 0


@pytest.mark.slow
def test_the_report_is_as_it_is_shown(swept):
    (shown,) = (json.loads(text) for language, text in BLOCKS if language == "json")
    assert is_like(shown, swept.report)
    assert {path.name for path in (swept.folder / "mock-server-sweep").iterdir()} == set(
        re.findall(r"^- `([a-z]+\.[a-z]+)`: ", PAGE, re.MULTILINE)
    )


def test_every_shipped_trouble_stands_on_the_page():
    rows = re.findall(r"^\| ((?:`[a-z0-9-]+`(?:, )?)+) \|.*\| has (not )?happened \|$", PAGE, re.MULTILINE)
    told = {
        name: "after" if not before else "before"
        for names, before in rows
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert told == {kind.name: "before" if kind.spec.before is not None else "after" for kind in load_kinds()}


def test_the_file_of_troubles_does_what_it_says(tmp_path):
    (text,) = (text for language, text in BLOCKS if language == "yaml")
    found = kinds_of(text, tmp_path)
    names = [kind.name for kind in found]
    assert "truncated-body" not in names
    assert names[-1] == "declined"
    assert found.named("time-out").data["after"]["delay"] == "1s"
    assert found.named("declined").is_for("runtime/POST /v1/charges")
    assert not found.named("declined").is_for("runtime/POST /v1/refunds")
    assert (found.effects.undone_by, found.effects.alone) == ({"charge": "refund"}, ["customer"])


def test_every_option_stands_on_the_page():
    options = []

    class Group:
        def addoption(self, name, **_):
            options.append(name)

    class Parser:
        def addini(self, name, *_, **__):
            options.append(name)

    add_sweep_options(Group(), Parser())
    options.remove("--mock-server-sweep-learn")
    options += [name for one in command.params for name in one.opts if name.startswith("--")]
    assert {name for name in options if f"{name}`" not in PAGE and f"`{name} " not in PAGE} == set()


# Shortening back-off

PATCHES = """

import stripe


def test_it_is_quick(mock_server):
    import openai

    mock_server.post("/v1/charges").reply(503, 503, 503, {"status": 200, "json": {"id": "ch_1", "object": "charge"}})
    mock_server.get("/v1/models").reply(503, 503, {"status": 200, "json": {"object": "list", "data": []}})
    http = stripe.RequestsClient()
    client = stripe.StripeClient("sk_test_1", base_addresses={"api": mock_server.url}, max_network_retries=3, http_client=http)
    client.v1.charges.create({"amount": 1, "currency": "usd"})
    with openai.OpenAI(api_key="k", base_url=mock_server.url + "/v1", max_retries=2) as ai:
        ai.models.list()
    for path in ("/v1/charges", "/v1/models"):
        times = [one.arrived for one in mock_server.calls if one.request.path == path]
        slept_s = (times[-1] - times[0]).total_seconds()
        assert len(times) > 2 and slept_s < 1.0, "1.5 s of the one and about 1.2 s of the other were slept before"
    http.close()
"""


@pytest.mark.slow
def test_the_patches_shorten_the_waits(tmp_path):
    (patches,) = (text for language, text in blocks(BACK_OFF) if language == "python")
    (tmp_path / "conftest.py").write_text(patches)
    (tmp_path / "test_quick.py").write_text(PATCHES)
    (tmp_path / "pytest.ini").write_text(INI)
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q")
    assert done.code == 0, done.output


def test_the_other_names_on_the_page_are_there(tmp_path):
    from anthropic import _base_client

    assert _base_client.INITIAL_RETRY_DELAY
    assert _base_client.MAX_RETRY_DELAY
    (text,) = (text for language, text in blocks(BACK_OFF) if language == "yaml")
    assert kinds_of(text, tmp_path).named("429-retry-after").data["before"]["headers"] == {
        "retry-after-ms": "50"
    }
