"""The gallery's rows and its pages: nothing in them is written by hand, and nothing is left behind."""

import re

import pytest

from gallery import manifest, page, sweeping

CLIENTS = manifest.load()


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_a_row_has_a_program_with_pins_a_scenario_and_a_result_of_these_pins(client):
    assert client.scenario_file.is_file()
    assert (client.folder / ("main.mjs" if client.is_node else "main.py")).is_file()

    pins = sweeping.versions(client)
    assert pins or client.name == "fetch"
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pins.values())

    kept = sweeping.saved(client)
    assert kept is not None, f"run scripts/gallery {client.name}"
    assert kept["versions"] == pins, f"a pin has changed: run scripts/gallery {client.name}"


def test_every_folder_of_clients_is_a_row():
    folders = {path.name for path in manifest.CLIENTS.iterdir() if path.is_dir()} - {"results"}
    assert folders == {one.program for one in CLIENTS}


def test_names_are_unique_and_results_are_of_rows():
    names = [one.name for one in CLIENTS]
    assert len(set(names)) == len(names)
    assert {path.stem for path in sweeping.RESULTS.glob("*.json")} <= set(names)


def test_the_pages_are_what_is_written_from_the_results(tmp_path, monkeypatch):
    written = {path.name: path.read_text("utf-8") for path in page.TIMELINES.glob("*.md")}
    gallery = page.PAGE.read_text("utf-8")
    (tmp_path / "gallery.md").write_text(gallery, "utf-8")
    monkeypatch.setattr(page, "PAGE", tmp_path / "gallery.md")
    monkeypatch.setattr(page, "TIMELINES", tmp_path / "gallery")

    page.write(CLIENTS)

    assert (tmp_path / "gallery.md").read_text("utf-8") == gallery
    assert {path.name: path.read_text("utf-8") for path in (tmp_path / "gallery").glob("*.md")} == written


def test_a_program_name_means_all_of_its_rows_and_a_wrong_one_is_told_the_near_one():
    assert [one.name for one in manifest.chosen(CLIENTS, ["openai"])] == ["openai", "openai-stream"]
    assert [one.name for one in manifest.chosen(CLIENTS, ["openai-stream"])] == ["openai-stream"]
    assert manifest.chosen(CLIENTS, []) == CLIENTS
    with pytest.raises(LookupError, match=r"no client 'strip' in .* Did you mean 'stripe'"):
        manifest.chosen(CLIENTS, ["strip"])


CALL = {"route": "create-charge", "outcome": "done", "replayed": False, "status": 200, "effects": []}
CELL = {
    "call": "create-charge#1",
    "trouble": "reset-after-effect",
    "verdict": "survived",
    "reasons": [],
    "remarks": [],
    "error": "",
    "timeline": {
        "calls": [
            {**CALL, "route": "token", "arrived_ms": 0.0, "end_ms": 5.0},
            {**CALL, "outcome": "reset", "arrived_ms": 10.0, "end_ms": 20.0, "effects": [{"kind": "charge"}]},
            {**CALL, "arrived_ms": 520.0, "end_ms": 1020.0, "replayed": True},
        ]
    },
}


def result(**changes):
    report = {"troubles": [{"name": "reset-after-effect"}], "cells": [{**CELL, **changes}], "unreached": []}
    return sweeping.result(manifest.chosen(CLIENTS, ["urllib3"])[0], report)


def test_a_cell_says_verdict_tries_gaps_and_effects_of_the_call_that_was_struck():
    assert page._short(result()["cells"][0]) == "✓ 2× 0.5 •"  # noqa: RUF001


def test_what_few_services_can_do_has_a_table_of_its_own():
    cells = [{**CELL, "trouble": name} for name in ("500", "rare")]
    few, most = CLIENTS[0], CLIENTS[1:3]

    def kept(client, cells):
        report = {"troubles": [{"name": "500"}, {"name": "rare"}], "cells": cells, "unreached": []}
        return client, sweeping.result(client, report)

    _, common, _, rare, _ = page._table([kept(few, cells), *(kept(one, cells[:1]) for one in most)])
    assert common.splitlines()[0] == "| client | `500` |"
    assert len(common.splitlines()) == 5
    assert rare.splitlines()[0] == "| client | `rare` |"
    assert [line.split("]")[0] for line in rare.splitlines()[2:]] == [f"| [{few.name}"]


def test_a_timeline_draws_tries_by_time_and_says_what_became_of_them():
    text = page.timelines(manifest.chosen(CLIENTS, ["urllib3"])[0], result())
    bars = [line for line in text.splitlines() if "█" in line]
    assert bars == [
        "  0.00 s  " + "█".ljust(32) + "  reset • charge",
        "  0.51 s  " + " " * 16 + "█" * 16 + "  200, replayed",
    ]


def test_what_a_client_says_is_kept_without_what_differs_from_run_to_run():
    error = (
        "warned of something\nMaxRetryError: http://127.0.0.1:4711/@sweep-x-1/plain/charges\n(exit code 1)"
    )
    assert result(error=error)["cells"][0]["said"] == "MaxRetryError: http://…/…/plain/charges"
