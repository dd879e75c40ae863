"""Decimals keep their text on the way out to every other tool's format, and back in."""

import json

import pytest

from mockserver.formats import FORMATS, format_named
from mockserver.scenarios.yaml.writer import dump
from mockserver.scenarios.yaml.yaml12 import parse

SCENARIO = parse("""
routes:
  - request: POST /price
    match: {json: {amount: 1.10}, query: {n: 2.20}}
    reply: {headers: {X-Rate: 7.70}, json: {total: 3.30, items: [4.40, {tax: 5.50}], none: [], whole: 2.0}}
  - request: GET /bare
    reply: {json: 6.60}
""")
WRITTEN = [f for f in FORMATS if hasattr(format_named(f), "write")]
ASKED_FOR_IN_ONE_ROUTE = {"har", "vcr", "postman"}
"""Formats of examples, of which a body is asked for only where it tells routes apart."""


def back(format_, content, folder):
    source = folder / ("one.yaml" if format_ in ("vcr", "smocker") else "one.json")
    source.write_text(content, "utf-8")
    scenarios = format_named(format_).read(source).scenarios
    return "\n".join(dump(document) for document in scenarios.values())


@pytest.mark.parametrize("format_", WRITTEN)
def test_they_keep_their_text_there_and_back(format_, tmp_path):
    made = format_named(format_).write({"shop": SCENARIO}, None)
    [content] = [content.decode() for name, content in made.files.items()]
    for number in ("1.10", "2.20", "3.30", "4.40", "5.50", "6.60", "7.70", "2.0"):
        assert number in content
    again = back(format_, content, tmp_path)
    for number in ("2.20", "3.30", "4.40", "5.50", "6.60", "7.70", "2.0"):
        assert number in again
    assert ("1.10" in again) is (format_ not in ASKED_FOR_IN_ONE_ROUTE)


BODY = '{"a": 1.10, "b": [2.0, 3.30]}'
WRITTEN_ELSEWHERE = {
    "wiremock": ['{"request": {"url": "/a", "bodyPatterns": [{"equalToJson": %s}]}, "response": {"jsonBody": %s}}'],
    "mountebank": ['{"imposters": [{"port": 1, "protocol": "http", "stubs": [{"predicates": [{"equals": {"path": "/a"}}], "responses": [{"is": {"body": %s}}]}]}]}'],
    "mockserver": ['[{"httpRequest": {"path": "/a", "body": {"type": "JSON", "json": %s}}, "httpResponse": {"body": %s}}]', '[{"httpRequest": {"path": "/a"}, "httpResponse": {"body": {"type": "JSON", "json": %s}}}]'],
    "smocker": ['[{"request": {"path": "/a"}, "response": {"body": %s}}]'],
    "hoverfly": ['{"data": {"pairs": [{"request": {"path": [{"matcher": "exact", "value": "/a"}], "body": [{"matcher": "json", "value": %s}]}, "response": {"status": 200, "body": %s}}]}, "meta": {"schemaVersion": "v5.3"}}'],
    "har": ['{"log": {"entries": [{"request": {"method": "GET", "url": "http://x/a", "headers": []}, "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "text": %s}}}]}}'],
    "postman": ['{"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}, "item": [{"name": "a", "request": {"method": "GET", "url": "http://x/a"}, "response": [{"name": "a", "code": 200, "header": [{"key": "Content-Type", "value": "application/json"}], "body": %s}]}]}'],
    "pact": ['{"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": [{"description": "d", "request": {"method": "GET", "path": "/a"}, "response": {"status": 200, "body": %s}}], "metadata": {"pactSpecification": {"version": "3.0.0"}}}'],
    "openapi": ['{"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": {"responses": {"200": {"description": "d", "content": {"application/json": {"example": %s}}}}}}}}'],
}  # fmt: skip
ONLY_TEXT = {"hoverfly", "har", "postman", "smocker"}
ONLY_TREE = {"openapi"}
READ = [
    (name, one, body)
    for name, some in WRITTEN_ELSEWHERE.items()
    for one in some
    for body in [BODY] * (name not in ONLY_TEXT) + [json.dumps(BODY)] * (name not in ONLY_TREE)
]


@pytest.mark.parametrize(("format_", "template", "body"), READ)
def test_they_are_read_as_they_stand_in_a_tree_or_a_text(format_, template, body, tmp_path):
    again = back(format_, template.replace("%s", body), tmp_path)
    for number in ("1.10", "2.0", "3.30"):
        assert again.count(number) == template.count("%s")
