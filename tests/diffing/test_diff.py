"""`mockserver diff`: a planted drift is found, and none where there is none."""

from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner
from support.real_api import TOKEN, RealApi, run_the_clients_own_tests
from support.upstreams import Upstream, reply

from mockserver.cli import main
from mockserver.recording.drift_shapes import drifts
from mockserver.recording.scenario import scenario_of
from mockserver.recording.writing import place_for, save

SHOP = """
base: /v1
routes:
  - request: GET /items
    match: {query: {page: "2"}}
    reply: {json: {items: [{id: 1, name: saw, price: 1.5}], next: null}}
"""


@pytest.fixture
def upstream():
    made = []

    def make(document, *lines, status="200 OK"):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        made.append(Upstream(reply(body, *(lines or ("Content-Type: application/json",)), status=status)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def diff(path, url, *args):
    """Its exit code, and what it says on stdout."""
    result = CliRunner().invoke(main, ["diff", str(path), "--against", url, *args])
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout + result.stderr


# Against the API that was recorded


@pytest.fixture
def api(server_loop):
    api = RealApi(server_loop).start()
    yield api
    api.stop()


@pytest.fixture
def recorded(serving, api, tmp_path):
    """The recording, and the API as it was before."""
    server = serving("routes: []", on_unmatched="record", forward_to=api.url)
    run_the_clients_own_tests(server.url)
    server.admin.post("/recordings/r-1/stop")
    recording = server.app.engine.default.recordings.kept["r-1"]
    place = place_for(str(tmp_path / "recorded" / "shop.yaml"), force=False)
    save(scenario_of(recording.exchanges, "shop"), place)
    api.shop.__init__()
    return place.file


AS_ANN = ("-H", f"Authorization: Bearer {TOKEN}")


def test_a_service_that_stayed_as_it_was_has_not_drifted(recorded, api):
    code, said = diff(recorded, api.url, *AS_ANN)
    assert code == 0, said
    assert "= shop/GET /v1/events (GET /v1/events)" in said
    assert " 0 different" in said
    assert TOKEN not in said


def test_nor_has_it_where_it_is_asked_for_more_than_reading(recorded, api):
    code, said = diff(recorded, api.url, *AS_ANN, "--unsafe")
    assert code == 0, said
    assert "= shop/POST /v1/items #2 (POST /v1/items)" in said
    assert "shop/POST /v1/login: skipped: a secret in its request was masked" in said


def test_what_only_reads_is_asked_unless_told_otherwise(recorded, api):
    _, said = diff(recorded, api.url, *AS_ANN)
    assert "shop/POST /v1/items: skipped: POST may change data; use --unsafe" in said
    assert len(api.shop.items) == 5


def test_a_planted_drift_is_found_field_by_field(recorded, api):
    api.shop.item_fields = {"price": {"amount": "9.95", "unit": "piece"}}
    code, said = diff(recorded, api.url, *AS_ANN)
    assert code == 1
    found = said.partition("≠ shop/GET /v1/items (GET /v1/items)")[2] or said.partition("≠ ")[2]
    assert "    json.data[].price.amount: is string; the scenario has number\n" in found
    assert "    json.data[].price.currency: is gone; the scenario has string\n" in found
    assert "    json.data[].price.unit: is new: string\n" in found


# One route at a time


def test_what_is_equal_in_shape_and_types_has_not_drifted(write, upstream):
    real = upstream({"items": [{"id": 99, "name": "other", "price": 3}], "next": None})
    code, said = diff(write(SHOP), real.url)
    assert (code, said) == (
        0,
        "= shop/GET /v1/items (GET /v1/items?page=2)\n1 compared, 0 different, 0 skipped\n",
    )
    assert real.head[0] == "GET /v1/items?page=2 HTTP/1.1"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            {"items": [{"id": 1, "name": "a", "price": "1"}], "next": None},
            "json.items[].price: is string; the scenario has number",
        ),
        (
            {"items": [{"id": 1, "name": "a"}], "next": None},
            "json.items[].price: is gone; the scenario has number",
        ),
        (
            {"items": [{"id": 1, "name": None, "price": 1}], "next": None},
            "json.items[].name: is null; the scenario has string",
        ),
        ({"items": [], "next": None, "total": 0}, "json.total: is new: number"),
        ({"items": {}, "next": None}, "json.items: is object; the scenario has array"),
        ([], "json: is array; the scenario has object"),
    ],
)
def test_a_field_that_drifted_is_told(write, upstream, document, said):
    code, text = diff(write(SHOP), upstream(document).url)
    assert code == 1
    assert said in text


def test_an_empty_list_says_nothing_of_its_items(write, upstream):
    assert diff(write(SHOP), upstream({"items": [], "next": None}).url)[0] == 0


def test_another_status_is_a_drift(write, upstream):
    code, said = diff(write(SHOP), upstream({}, status="410 Gone").url)
    assert (code, "    status: is 410; the scenario has 200" in said) == (1, True)


def test_another_media_type_is_a_drift(write, upstream):
    code, said = diff(write(SHOP), upstream(b"<a/>", "Content-Type: application/xml").url)
    assert (code, "    body: is application/xml; the scenario has application/json" in said) == (1, True)


def test_a_header_line_that_clients_go_by_is_missed(write, upstream):
    scenario = "routes: [{request: GET /x, reply: {status: 302, headers: {location: /y}}}]"
    code, said = diff(write(scenario), upstream(b"", "X: 1", status="302 Found").url)
    assert (code, "headers.location: is gone" in said) == (1, True)


def test_the_step_that_is_nearest_to_the_real_reply_is_compared(write, upstream):
    scenario = "routes: [{request: GET /x, reply: [503, {fault: reset}, {json: {a: 1}}]}]"
    assert diff(write(scenario), upstream({"a": 2}).url)[0] == 0


def test_values_are_compared_where_that_is_asked_but_for_what_changes_by_nature(write, upstream):
    scenario = (
        "routes: [{request: GET /x, reply: {json: {id: 1, currency: usd, at: '2026-01-01T00:00:00Z'}}}]"
    )
    real = upstream({"id": 2, "currency": "eur", "at": "2027-01-01T00:00:00Z"})
    assert diff(write(scenario), real.url)[0] == 0
    code, said = diff(write(scenario), real.url, "--values")
    assert code == 1
    assert said.splitlines()[1:-1] == ["    json.currency: is 'eur'; the scenario has 'usd'"]


def test_parameters_and_bodies_come_from_what_a_recording_has_kept(write, upstream):
    scenario = (
        "routes: [{request: 'POST /users/{id}', reply: {json: {id: '{{ path.id }}', name: '{{ request.json.name }}'}}}]\n"
        "x-requests: {'POST /users/{id}': {path: /users/ab7, json: {name: ann}}}"
    )
    real = upstream({"id": "ab7", "name": "ann"})
    assert diff(write(scenario), real.url, "--unsafe", "--values")[0] == 0
    assert real.head[0] == "POST /users/ab7 HTTP/1.1"
    assert json.loads(real.body) == {"name": "ann"}


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("request: 'GET /users/{id}', reply: 200", "its path has parameters: write one under x-requests"),
        ("request: GET /x, match: {headers: {x-a: present}}, reply: 200", "Give it with --header"),
        ("request: GET /x, when: {outage: 'yes'}, reply: 503", "skipped: no request could be made up"),
        ("request: GET /x, reply: {fault: reset}", "it does nothing but break"),
        ("request: GET /x, proxy: 'http://x'", "the real service answers it already"),
    ],
)
def test_what_can_not_be_asked_is_told_and_not_guessed(write, upstream, route, said):
    code, text = diff(write(f"routes: [{{{route}}}]"), upstream({}).url)
    assert code == 2
    assert said in text


def test_a_given_header_takes_the_place_of_the_scenarios_own(write, upstream):
    scenario = "routes: [{request: GET /x, match: {headers: {authorization: {starts_with: 'Bearer '}}}, reply: {json: {a: 1}}}]"
    real = upstream({"a": 1})
    assert diff(write(scenario), real.url, "-H", "Authorization: Bearer real")[0] == 0
    assert real.sent("authorization") == ["Bearer real"]


# What can't be asked


def test_a_service_that_is_down_ends_with_2(write):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        code, said = diff(write(SHOP), f"http://127.0.0.1:{sock.getsockname()[1]}")
    assert code == 2
    assert "! shop/GET /v1/items" in said
    assert "connection refused" in said


@pytest.mark.parametrize(
    ("scenario", "url", "said"),
    [
        ("routes: [{request: GET /x}]", "http://127.0.0.1:9", "the key 'reply' is missing"),
        (SHOP, "nowhere", "--against: 'nowhere' is not an http or https URL"),
    ],
)
def test_what_is_wrong_before_is_told_and_ends_with_2(write, scenario, url, said):
    code, text = diff(write(scenario), url)
    assert (code, said in text) == (2, True)


def test_a_json_report_says_the_same_for_programs(write, upstream):
    real = upstream({"items": [{"id": 1, "name": "a", "price": "1"}], "next": None})
    code, said = diff(write(SHOP), real.url, "--json")
    assert code == 1
    report = json.loads(said)
    assert (report["against"], report["result"]) == (real.url, "drifted")
    assert report["routes"] == [{
        "route": "shop/GET /v1/items", "asked": "GET /v1/items?page=2", "skipped": None, "failed": None,
        "differences": [{
            "where": "json.items[].price", "kind": "type", "expected": "number", "actual": "string",
            "text": "json.items[].price: is string; the scenario has number",
        }],
    }]  # fmt: skip


def test_fractional_numbers_are_compared_by_value():
    (drift,) = drifts({"a": 10.5, "b": 0.1}, {"a": 10.25, "b": 0.1}, values=True)
    assert (drift.where, drift.kind, drift.expected, drift.actual) == ("json.a", "value", "10.5", "10.25")
