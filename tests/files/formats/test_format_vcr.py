"""Cassettes of vcrpy and of Ruby's VCR, as scenarios and back."""

import gzip
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recordings import Played, exchanges, meant, only

from mockserver.errors import InvalidInputError
from mockserver.formats import vcr
from mockserver.formats.exchanges_to_routes import fold

CASSETTE = r"""
interactions:
- request:
    body: '{"amount": 5}'
    headers:
      Content-Type: [application/json]
    method: POST
    uri: https://api.example/charges?expand=1
  response:
    body: {string: ''}
    headers:
      Retry-After: ['1']
    status: {code: 503, message: Service Unavailable}
- request:
    body: '{"amount": 5}'
    headers:
      Content-Type: [application/json]
    method: POST
    uri: https://api.example/charges?expand=1
  response:
    body: {string: '{"id": "ch_1"}'}
    headers:
      Content-Type: [application/json; charset=utf-8]
      Date: [2026-01-01]
      Set-Cookie: [a=1, b=2]
    status: {code: 201, message: Created}
version: 1
"""


@pytest.fixture
def read(tmp_path):
    def imported(text, name="shop.yaml"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return vcr.read(file)

    return imported


def cassette(response, **request):
    return {
        "interactions": [{"request": {"method": "GET", "uri": "https://a.example/x", "body": None, "headers": {}, **request}, "response": response}],
        "version": 1,
    }  # fmt: skip


def test_the_order_of_a_cassette_is_a_sequence(read):
    imported = read(CASSETTE)

    assert only(imported) == {
        "x-origin": "https://api.example",
        "routes": [{
            "request": "POST /charges",
            "match": {"query": {"expand": 1}},
            "reply": [
                {"status": 503, "headers": {"retry-after": "1"}},
                {"status": 201, "headers": {"set-cookie": ["a=1", "b=2"]}, "json": {"id": "ch_1"}},
            ],
        }],
    }  # fmt: skip
    assert imported.lost == []


def test_a_cassette_in_json_is_read_as_well(read):
    imported = read(json.dumps(yaml.safe_load(CASSETTE.replace("2026-01-01", "x"))), "shop.json")

    assert only(imported)["routes"][0]["reply"][1]["status"] == 201


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"string": b"hello"}, {}),
        ({"string": gzip.compress(b"hello")}, {"Content-Encoding": ["gzip"]}),
        ({"string": "hello"}, {"Content-Encoding": ["gzip"]}),
        ({"base64_string": "aGVsbG8="}, {}),
        ("hello", {"Content-Type": "text/plain"}),
    ],
)
def test_a_body_may_be_text_bytes_coded_or_base64(read, body, headers):
    data = cassette({"body": body, "headers": headers, "status": {"code": 200}})
    imported = read(yaml.safe_dump(data))

    assert Played(imported).ask("GET /x").body == b"hello"
    assert imported.lost == []


def test_older_ones_with_content_and_status_code_are_read(read):
    data = cassette({"content": "hello", "headers": {}, "status_code": 404, "http_version": "HTTP/1.1"})

    assert Played(read(yaml.safe_dump(data))).ask("GET /x").status == 404


def test_tags_of_python_and_ruby_are_read_as_what_they_mean(read):
    imported = read("""
http_interactions:
- request:
    method: get
    uri: http://a.example/x
    body: {encoding: US-ASCII, string: ''}
    headers: {Accept: ["*/*"]}
  response:
    status: {code: 200, message: OK}
    headers: {Content-Type: [!!python/unicode text/plain]}
    body: {encoding: UTF-8, string: !binary aGVsbG8=}
  recorded_at: Tue, 01 Nov 2011 04:58:44 GMT
recorded_with: VCR 2.0.0
""")

    assert only(imported)["routes"] == [{"request": "GET /x", "reply": {"text": "hello"}}]


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"body": {"string": b"\x1f\x8bno"}, "headers": {"content-encoding": ["gzip"]}, "status": {"code": 200}}, "interactions[0].response.body: it is not gzip"),
        ({"body": {"string": 5}, "headers": {}, "status": {"code": 200}}, "interactions[0]: it is not an interaction"),
        ({"headers": {}}, "interactions[0]: it is not an interaction"),
        ({"body": None, "headers": {}, "status": {"code": 100}}, "interactions[0]: 100 is not a final status"),
    ],
)  # fmt: skip
def test_what_can_not_be_carried_over_is_told_with_its_place(read, response, said):
    (one,) = read(yaml.safe_dump(cassette(response))).lost

    assert str(one).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a list of interactions"),
        ("interactions: 5", "expected a list of interactions, got 5"),
        ("interactions: []\nversion: 2", "version 2 is unknown"),
        ("a: [", "it is not valid YAML"),
        ("{", "it is not a cassette"),
        ("!!python/object/apply:os.system [ls]", "it is not valid YAML"),
    ],
)
def test_what_is_no_cassette_is_refused(read, text, said):
    with pytest.raises(InvalidInputError, match=said.replace("[", r"\[")):
        read(text)


# Out


def test_each_scenario_is_a_cassette_and_each_answer_an_interaction():
    exported = vcr.write({
        "shop": {"x-origin": "https://a.example", "routes": [{"request": "GET /x", "reply": [503, {"base64": "/wA="}]}]},
        "other": {"routes": [{"request": "GET /y", "reply": {"fault": "reset"}}]},
    })  # fmt: skip
    shop, other = (yaml.safe_load(exported.files[name]) for name in ("shop.yaml", "other.yaml"))

    assert [one["response"]["status"] for one in shop["interactions"]] == [
        {"code": 503, "message": "Service Unavailable"},
        {"code": 200, "message": "OK"},
    ]
    assert shop["interactions"][1]["response"]["body"] == {"string": b"\xff\x00"}
    assert shop["interactions"][0]["request"]["uri"] == "https://a.example/x"
    assert (other["interactions"], other["version"]) == ([], 1)
    assert [str(one) for one in exported.lost] == [
        "other: routes[0].reply: a cassette holds no broken answers: reset."
    ]


def test_the_calls_of_an_archive_are_a_cassette_in_their_order():
    entry = {"request": {"method": "GET", "url": "http://a/x"}, "response": {"status": 204, "content": {}}}
    exported = vcr.from_calls({"log": {"entries": [entry, {**entry, "response": {"status": 0}}]}})

    (one,) = yaml.safe_load(exported.files["cassette.yaml"])["interactions"]
    assert one["response"]["status"]["code"] == 204
    assert [one.place for one in exported.lost] == ["log.entries[1]"]


# Both ways


@settings(max_examples=20, deadline=None)
@given(st.lists(exchanges(), min_size=1, max_size=5))
def test_a_cassette_that_was_written_and_imported_answers_the_same(recorded):
    lost = []
    document = yaml.load(vcr._cassette(recorded, lost), vcr._Loader)
    imported = fold(vcr._exchanges(document, lost), "shop")
    assert lost == imported.lost == []

    played = Played(imported)
    for exchange in recorded:
        assert meant(played.repeat(exchange)) == meant(exchange)


@settings(max_examples=20, deadline=None)
@given(st.lists(exchanges(of_text=True), min_size=1, max_size=5))
def test_a_scenario_that_was_written_and_imported_is_the_same(recorded):
    once = fold(recorded, "shop")
    exported = vcr.write(once.scenarios)
    document = yaml.load(exported.files["shop.yaml"], vcr._Loader)
    again = fold(vcr._exchanges(document, exported.lost), "shop")

    assert plain(again) == plain(once)


def plain(imported):
    text = json.dumps(imported.scenarios)
    return text.replace('{"$type": "string"}', '"text"').replace('"present"', '"text"').replace('{"equals": "text"}', '"text"')  # fmt: skip
