"""The sweep's page in a real browser: seen in light and dark, wide and narrow, and used by keyboard alone."""

import os
import re
from pathlib import Path

import pytest
from support.server import PROJECT
from support.sweeps import baseline, big_sweep, did, ran, seen, sweep_of, tries

from mockserver.sweep.cells import PossiblePairs
from mockserver.sweep.kinds import load_kinds
from mockserver.sweep.page import page as written
from mockserver.sweep.results import Trial

ARTEFACTS = Path(os.environ.get("MOCKSERVER_TEST_ARTEFACTS", PROJECT / "test-artefacts")) / "sweep-report"
"""Where the screenshots are kept, for people to look at."""


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(written(big_sweep().document()))
    return file.as_uri()


def focused(page):
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_hundred_rows_are_seen_in_every_light(big, show, scheme, width):
    page = show(big, width=width, height=844 if width < 500 else 800, scheme=scheme)
    assert page.locator("td[role=gridcell]").count() == 1500
    assert page.locator("thead th").count() == 16
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"grid-{scheme}-{width}.png")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width, "only the grid scrolls sideways"
    page.locator("td.harmed").first.click()
    page.screenshot(path=ARTEFACTS / f"cell-{scheme}-{width}.png")
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    for outer, inner in (("dialog", "dialog *"), (".timeline", ".timeline *:not(.spoken)")):
        right = page.locator(outer).evaluate("one => one.getBoundingClientRect().right")
        furthest = page.eval_on_selector_all(
            inner, "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
        )
        assert furthest <= right + 1, f"something sticks out of {outer}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_words_can_be_read(big, show, scheme):
    """Contrast by WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    page = show(big, scheme=scheme)
    page.locator("td.harmed").first.click()
    ratios = page.evaluate("""() => {
        const part = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
        const light = (colour) => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number); return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
        const ground = (one) => { for (; one; one = one.parentElement) { const c = getComputedStyle(one).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return getComputedStyle(document.documentElement).backgroundColor; };
        return ["td.survived", "td.failed_cleanly", "td.harmed", "td.unreached", "#budget", "#keys", "#verdicts li", ".facts dt", ".caption .effect", ".tick", "pre"].map((name) => {
            const one = document.querySelector(name);
            const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
            return [name, (a + 0.05) / (b + 0.05)];
        });
    }""")
    assert {name: round(ratio, 1) for name, ratio in ratios if ratio < 4.5} == {}


def test_verdicts_are_told_apart_without_colour(big, show):
    page = show(big)
    signs = {
        kind: page.locator(f"td.{kind}").first.inner_text()[0]
        for kind in ("survived", "failed_cleanly", "harmed", "unreached")
    }
    assert len(set(signs.values())) == 4
    legend = page.locator("#legend").inner_text()
    assert all(sign in legend for sign in signs.values())


def test_it_is_used_by_keyboard_alone(big, show):
    page = show(big)
    for _ in range(3):
        press(page, "Tab")  # the two filters, then the grid: one stop
    assert page.evaluate("document.activeElement.getAttribute('role')") == "gridcell"
    assert "harmed" in focused(page), "it begins at the first harm"
    assert page.locator("td[tabindex='0']").count() == 1

    press(page, "Control+Home")
    assert focused(page).startswith("price#1, 500: ")
    press(page, "ArrowRight", "ArrowRight", "ArrowDown")
    assert focused(page).startswith("quote#1, 503-twice: ")
    press(page, "ArrowLeft", "ArrowUp")
    assert focused(page).startswith("price#1, 503-once: ")
    press(page, "End", "ArrowRight")
    assert focused(page).startswith("price#1, 402-declined: ")
    press(page, "PageDown")
    assert focused(page).startswith("price#1, 402-declined: ")
    press(page, "Control+End", "ArrowDown")
    assert focused(page).startswith("create-charge#1, 402-declined: ")
    assert page.locator("td[tabindex='0']").count() == 1
    in_sight = page.evaluate(
        "(() => { const a = document.activeElement.getBoundingClientRect(); return a.top >= 0 && a.bottom <= innerHeight; })()"
    )
    assert in_sight

    press(page, "Enter")
    assert focused(page) == "create-charge#1 / 402-declined"
    assert page.locator("dialog").is_visible()
    press(page, "ArrowLeft")
    assert focused(page) == "create-charge#1 / webhook-late"
    press(page, "Escape")
    assert not page.locator("dialog").is_visible()
    assert focused(page).startswith("create-charge#1, webhook-late: "), "back at the cell that was open last"


def test_a_grid_says_what_it_is(big, show):
    page = show(big)
    assert page.get_by_role("grid", name="Verdicts by call and trouble").count() == 1
    assert page.get_by_role("columnheader", name="reset-after-effect").count() == 1
    assert page.get_by_role("rowheader", name="create-charge#1").count() == 20


def test_a_cell_tells_its_story(show, tmp_path):
    charge = {"kind": "charge", "order": 7}
    sweep = sweep_of(baseline(did(charge)))
    cell = next(cell for cell in sweep.planned if cell.trouble == "reset-after-effect")
    struck = seen(
        "shop/pay", charge, status=201, first_ms=None, outcome="reset", arrived_ms=0.001, end_ms=4.0
    )
    again = seen("shop/pay", charge, arrived_ms=516.0, claimed_ms=516.5, end_ms=520.0)
    changed = ["headers.idempotency-key"]
    operations = [tries((1, None, []), (2, 512.0, changed), key="k", statuses=[201, 201])]
    trial = Trial(
        cell=cell, passed=True, duration_s=0.6, evidence=ran(struck, again, hits=(1,), operations=operations)
    )
    sweep.add(trial)
    document = sweep.document()
    document["cells"][0]["timeline"]["webhooks"] = [{"call": "c-000001", "at_ms": 300.0, "status": 500}]
    (tmp_path / "report.html").write_text(written(document))
    page = show((tmp_path / "report.html").as_uri() + "#test_pay%2Fpay%231%2Freset-after-effect")

    told = page.locator("dialog").inner_text()
    for words in ("harmed", "twice: charge order=7", "⚡ fault · no status · reset", "201 · took 4.0 ms · gap 512 ms", "◆ charge",
                  "pytest --mock-server-sweep-only 'test_pay/pay#1/reset-after-effect'", "new idempotency key", "520 ms", "it saw\nnothing, 201"):  # fmt: skip
        assert words in told, words
    gap, bar = page.locator(".gap").bounding_box(), page.locator(".bar-of-call").nth(1).bounding_box()
    track = page.locator(".lane").first.bounding_box()
    assert gap["x"] - track["x"] == pytest.approx(track["width"] * 4 / 520, abs=3)
    assert gap["x"] + gap["width"] == pytest.approx(bar["x"], abs=2)
    assert page.locator(".mark").all_inner_texts() == ["◆", "▼", "◆"], "in the order in which it happened"


def test_rows_can_be_sifted(big, show):
    page = show(big)
    assert page.locator("#shown").inner_text() == "100 of 100 rows"
    page.get_by_label("Named").fill("test_07")
    assert page.locator("#shown").inner_text() == "5 of 100 rows"
    assert page.locator("tr.test:visible").count() == 1
    page.get_by_label("Rows").select_option("harmed")
    page.get_by_label("Named").fill("nothing of that name")
    assert page.locator("#shown").inner_text() == "0 of 100 rows"
    page.get_by_label("Named").fill("")
    assert all("harmed" in classes for classes in page.eval_on_selector_all("tbody tr:not(.test)", "rows => rows.filter(row => !row.hidden).map(row => row.innerHTML)"))  # fmt: skip


HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


def test_nothing_that_came_over_the_wire_is_run_or_drawn(show, tmp_path):
    effect = {"kind": HOSTILE, "note": HOSTILE}
    call = seen(f"shop/{HOSTILE}", effect, path=f"/{HOSTILE}")
    sweep = sweep_of(baseline(ran(call), test=f"t.py::test[{HOSTILE}]"))
    for cell in sweep.planned:
        evidence = ran(
            seen(f"shop/{HOSTILE}", effect, effect, path=f"/{HOSTILE}"),
            hits=(1,),
            operations=[tries((1, None, []))],
        )
        sweep.add(Trial(cell=cell, passed=True, duration_s=0.1, evidence=evidence, error=HOSTILE))
    (tmp_path / "report.html").write_text(written(sweep.document()))
    page = show((tmp_path / "report.html").as_uri())

    page.locator("td.harmed").first.click()
    assert HOSTILE in page.locator("dialog").inner_text()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hit") is None
    assert re.search(r"twice: ", page.locator(".reasons").inner_text())


def test_pairs_have_a_list_of_their_own_and_open_as_cells_do(show, tmp_path):
    charge = {"kind": "charge", "order": 7}
    taught = baseline(ran(seen("shop/pay", charge)))
    singles = sweep_of(taught).planned
    names = ["pay#1/500,pay#1/time-out", "pay#1/reset-before-effect,pay#1/reset-after-effect"]
    pairs = PossiblePairs(singles, load_kinds()).select(names)
    sweep = sweep_of(taught, possible=singles, planned=[*singles, *pairs])
    for cell, charges in zip([singles[0], *pairs], (1, 1, 2), strict=True):
        calls = [seen("shop/pay", charge) for _ in range(charges)]
        sweep.add(Trial(cell=cell, passed=True, duration_s=0.1, evidence=ran(*calls, hits=(1,))))
    file = tmp_path / "report.html"
    file.write_text(written(sweep.document()))
    page = show(file.as_uri())

    listed = page.locator("#beside button")
    assert [text.partition(":")[0] for text in listed.all_inner_texts()] == ["✗ harmed", "✓ survived"]
    listed.first.click()
    told = page.locator("#told")
    assert told.locator("h2").inner_text() == "pay#1 / reset-before-effect, then pay#1 / reset-after-effect"
    assert "before the effect: reset, then after the effect: reset" in told.inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent").startswith("✗ harmed")
    assert page.locator("#grid td.survived").count() == 1
