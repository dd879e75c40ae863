"""A real-looking API, its client's own tests, and no difference between the API and its recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.real_api import TOKEN, USER, RealApi, run_the_clients_own_tests

from mockserver.recording.scenario import scenario_of, written
from mockserver.recording.writing import place_for, save
from mockserver.verification.checking import check_paths


@pytest.fixture
def api(server_loop):
    api = RealApi(server_loop).start()
    yield api
    api.stop()


@pytest.fixture
def recorded(serving, api, tmp_path: Path):
    """The client's tests, run through a recorder; the scenario in its file, and the API switched off."""
    server = serving("routes: []", on_unmatched="record", forward_to=api.url)
    run_the_clients_own_tests(server.url)
    server.admin.post("/recordings/r-1/stop")
    recording = server.app.engine.default.recordings.kept["r-1"]
    place = place_for(str(tmp_path / "recorded" / "shop.yaml"), force=False)
    save(scenario_of(recording.exchanges, "shop", recording.left_out), place)
    return place.file


def test_the_clients_own_tests_hold_against_the_api_itself(api):
    run_the_clients_own_tests(api.url)


def test_and_stay_green_against_the_recording_with_the_api_switched_off(recorded, serving, api):
    api.stop()
    calls = api.shop.calls
    replay = serving(recorded.parent)
    run_the_clients_own_tests(replay.url)
    assert replay.admin.get("/counts")["unmatched"] == 0
    assert api.shop.calls == calls


def test_the_recording_is_right_and_every_route_can_be_reached(recorded):
    errors, warnings, _ = check_paths([str(recorded)])
    assert (errors, warnings) == ([], [])


def test_no_secret_stands_in_it(recorded):
    everything = b"".join(path.read_bytes() for path in recorded.parent.rglob("*") if path.is_file())
    assert TOKEN.encode() not in everything
    assert USER["password"].encode() not in everything


def test_it_is_what_a_person_would_have_written(recorded):
    text = recorded.read_text()
    assert "base: /v1\n" in text
    assert (
        "  - request: GET /flaky\n"
        "    reply:\n"
        "      - status: 503\n"
        "        json: {title: Try again, status: 503}\n"
        "        times: 2\n"
        "      - {json: {done: true}}\n"
    ) in text
    assert "  - request: PATCH /items/{id}\n" in text
    assert '        stock: "{{ request.json.stock }}"\n' in text
    assert "    match: {json: {name: $absent}}\n    reply:\n      status: 422\n" in text
    assert '        - {id: "0", event: sale, data: {number: 0}}\n' in text
    assert "      file: shop/get-v1-logo.png\n" in text
    assert '      headers: {location: "{{ request.base_url }}/v1/items"}\n' in text
    assert 'authorization: {starts_with: "Bearer ", ends_with: "9xZ7"}' in text
    for noise in ("X-Request-Id", "date:", "server:", "x-ratelimit", "content-encoding"):
        assert noise not in text.partition("routes:")[2]
    assert len(text.splitlines()) < 1200


def test_the_same_calls_make_the_same_file(serving, api):
    server = serving("routes: []", on_unmatched="record", forward_to=api.url)
    run_the_clients_own_tests(server.url)
    server.admin.post("/recordings/r-1/stop")
    exchanges = server.app.engine.default.recordings.kept["r-1"].exchanges
    assert written(scenario_of(exchanges, "shop"), "shop") == written(scenario_of(exchanges, "shop"), "shop")
