"""Decimals of another tool's file, and of a recording, are sent as they came."""

from __future__ import annotations

import json

import pytest
from support.recordings import Played

from mockserver.files.formats import format_named
from mockserver.files.recorded.scenario import scenario_of
from mockserver.model.exchange import Exchange
from mockserver.model.http import Request, Response

BODY = '{"amount":10.50,"list":[0.00,1.0e3],"n":1.5}'
TEXT = json.dumps(BODY)
KIND = '"headers": [{"name": "Content-Type", "value": "application/json"}]'
HAR = f"""{{"log": {{"version": "1.2", "creator": {{"name": "x", "version": "1"}}, "entries": [{{"startedDateTime": "2026-01-01T00:00:00Z",
 "time": 1.50, "request": {{"method": "GET", "url": "https://api.example/a", "httpVersion": "HTTP/1.1", "headers": [], "queryString": [],
 "cookies": [], "headersSize": -1, "bodySize": 0}}, "response": {{"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", {KIND},
 "cookies": [], "content": {{"size": 1, "mimeType": "application/json", "text": {TEXT}}}, "redirectURL": "", "headersSize": -1, "bodySize": 1}},
 "cache": {{}}, "timings": {{"send": 0, "wait": 1, "receive": 0}}}}]}}}}"""
POSTMAN = f"""{{"info": {{"name": "x", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}, "item": [
 {{"name": "a", "request": {{"method": "GET", "url": "https://api.example/a"}}, "response": [{{"name": "ok", "code": 200,
 "originalRequest": {{"method": "GET", "url": "https://api.example/a"}}, "header": [{{"key": "Content-Type", "value": "application/json"}}], "body": {TEXT}}}]}}]}}"""
SOURCES = {
    "har": ("a.har", HAR),
    "vcr": ("a.yaml", (f"version: 1\ninteractions:\n- request: {{method: GET, uri: 'https://api.example/a', body: null, headers: {{}}}}\n"
            f"  response: {{status: {{code: 200, message: OK}}, headers: {{content-type: [application/json]}}, body: {{string: {TEXT}}}}}\n")),
    "postman": ("a.json", POSTMAN),
    "pact": ("a.json", ('{"consumer": {"name": "c"}, "provider": {"name": "p"}, "metadata": {"pactSpecification": {"version": "3.0.0"}}, "interactions": ['
             f'{{"description": "a", "request": {{"method": "GET", "path": "/a"}}, "response": {{"status": 200, "body": {BODY}}}}}]}}')),
    "wiremock": ("a.json", f'{{"request": {{"method": "GET", "url": "/a"}}, "response": {{"status": 200, "jsonBody": {BODY}}}}}'),
    "mountebank": ("a.json", ('{"imposters": [{"port": 1, "protocol": "http", "stubs": [{"predicates": [{"equals": {"path": "/a"}}], '
                   f'"responses": [{{"is": {{"body": {BODY}}}}}]}}]}}]}}')),
    "hoverfly": ("a.json", ('{"data": {"pairs": [{"request": {"path": [{"matcher": "exact", "value": "/a"}]}, "response": '
                 f'{{"status": 200, "body": {TEXT}}}}}], "globalActions": {{"delays": []}}}}, "meta": {{"schemaVersion": "v5"}}}}')),
    "mockserver": ("a.json", f'[{{"httpRequest": {{"path": "/a"}}, "httpResponse": {{"body": {BODY}}}}}]'),
    "smocker": ("a.yaml", f"- request: {{method: GET, path: /a}}\n  response: {{status: 200, headers: {{Content-Type: application/json}}, body: {TEXT}}}\n"),
}  # fmt: skip


@pytest.mark.parametrize("format_", SOURCES)
def test_an_imported_decimal_is_sent_as_it_came(format_, tmp_path):
    name, text = SOURCES[format_]
    source = tmp_path / name
    source.write_text(text)
    imported = format_named(format_).read(source)
    assert "".join(Played(imported).ask("GET /a").body.decode().split()) == BODY


def recorded(*exchanges):
    return Played(scenario_of(exchanges, "api"))


def exchange(line, body, **sent):
    method, path = line.split()
    lines = [("content-type", "application/json")] if sent else []
    reply = Response(200, [("Content-Type", "application/json")], body.encode())
    return Exchange(Request(method, path, [("host", "localhost"), *lines], json.dumps(sent.get("json")).encode() if sent else b""), reply, "https://api.example")  # fmt: skip


def test_a_recorded_decimal_is_sent_as_it_came():
    assert recorded(exchange("GET /a", BODY)).ask("GET /a").body.decode() == BODY


def test_a_recorded_decimal_beside_a_template_is_sent_as_it_came():
    played = recorded(
        exchange("GET /orders/7", '{"id":7,"amount":10.50}'),
        exchange("GET /orders/8", '{"id":8,"amount":10.50}'),
    )
    assert played.ask("GET /orders/9").body == b'{"id":9,"amount":10.50}'


def test_a_recorded_amount_that_the_request_gave_is_still_taken_from_the_request():
    played = recorded(exchange("POST /pay", '{"amount":10.50,"fee":0.30}', json={"amount": 10.5}))
    assert played.ask("POST /pay", json={"amount": 7.25}).body == b'{"amount":7.25,"fee":0.30}'


def test_two_recorded_texts_of_one_number_are_one_reply():
    played = recorded(exchange("GET /a", '{"a":1.50}'), exchange("GET /a", '{"a":1.5}'))
    assert [played.ask("GET /a").body for _ in range(2)] == [b'{"a":1.5}'] * 2


@pytest.mark.parametrize("body", ['{"a": 1e999}', "[-1e400]", '{"a": NaN}', "[Infinity]"])
def test_json_whose_number_no_double_holds_is_recorded_as_text(body):
    assert recorded(exchange("GET /a", body)).ask("GET /a").body.decode() == body


def test_the_text_of_a_decimal_goes_out_with_an_archive(tmp_path):
    source = tmp_path / "a.har"
    source.write_text(HAR)
    imported = format_named("har").read(source)
    exported = format_named("har").write(imported.scenarios, None)
    (archive,) = exported.files.values()
    assert json.loads(archive)["log"]["entries"][0]["response"]["content"]["text"] == BODY


def test_a_decimal_in_a_long_file_from_which_a_secret_was_taken_stays_as_it_came():
    body = '{"password":"hunter2","amount":10.50,"fill":"' + "ä" * 20_000 + '"}'
    made = scenario_of([exchange("GET /a", body)], "api")
    assert [data.decode() for data in made.files.values()] == [body.replace("hunter2", "****")]
