"""Every example of docs/scenario-reference.md is served, asked, and answers as it stands there."""

import json
import re
from http.client import IncompleteRead

import jsonschema_rs
import pytest
import yaml
from support.http import ask
from support.pages import Message, blocks, is_like, page

from mockserver.schema.match import MatchSpec
from mockserver.schema.reply import BODY_KINDS, FaultKind, ReplySpec
from mockserver.schema.scenario import RouteSpec, ScenarioSpec, schema_document
from mockserver.schema.webhook import WebhookSpec

PAGE = page("docs/scenario-reference.md")


def conversations():
    """Each scenario of the page with the `http` blocks below it."""
    found = []
    for language, text in blocks(PAGE):
        if language == "yaml":
            found.append((text, []))
        else:
            assert language == "http", language
            found[-1][1].append(text)
    return found


CONVERSATIONS = conversations()


@pytest.mark.parametrize("number", range(len(CONVERSATIONS)))
def test_the_answers_are_those_on_the_page(serving, number):
    scenario, exchanges = CONVERSATIONS[number]
    server = serving({"example.yaml": scenario})

    for exchange in exchanges:
        asked, _, answered = exchange.partition("\n\n")
        request, expected = Message.read(asked), Message.read(answered)
        method, target = request.first.split()
        if expected.first == "broken":
            with pytest.raises((ConnectionError, IncompleteRead)):
                ask(server.url, method, target)
            continue
        lines = request.headers
        if request.body and "Content-Type" not in dict(lines):
            lines = [*lines, ("Content-Type", "application/json")]
        answer = ask(server.url, method, target, request.body or None, lines)
        assert str(answer.status) == expected.first, answer.text
        for name in dict(expected.headers):
            wanted = [value for key, value in expected.headers if key == name]
            came = [value for key, value in answer.headers if key.lower() == name.lower()]
            assert is_like(wanted, came), (name, came)
        if expected.body.startswith(('{"', "[")):
            assert is_like(json.loads(expected.body), answer.json()), answer.text
        elif expected.body:
            assert is_like(expected.body, answer.text.rstrip("\n")), answer.text


@pytest.mark.parametrize("number", range(len(CONVERSATIONS)))
def test_the_scenarios_of_the_page_agree_with_the_json_schema(number):
    jsonschema_rs.validate(schema_document(), yaml.safe_load(CONVERSATIONS[number][0]))


def keys(spec):
    return {field.alias or name for name, field in spec.model_fields.items()}


def table_after(heading):
    """What stands in the first column of the first table below a heading, word by word."""
    below = PAGE[PAGE.index(f"\n{heading}\n") :]
    rows = re.search(r"\n\| .*?\n\|[ -|]+\n((?:\|.*\n)+)", below)[1].splitlines()
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


@pytest.mark.parametrize(
    ("heading", "spec"),
    [("## The file", ScenarioSpec), ("## A route", RouteSpec), ("## A reply", ReplySpec)],
)
def test_every_key_stands_in_its_table_and_no_other(heading, spec):
    assert table_after(heading) == keys(spec)


def test_every_key_of_a_webhook_stands_in_its_table():
    assert table_after("## Effects and webhooks") == keys(WebhookSpec)


def test_every_fault_stands_in_its_table():
    assert table_after("### Faults") == set(FaultKind)


@pytest.mark.parametrize("word", sorted({*keys(MatchSpec), *BODY_KINDS}))
def test_every_other_word_stands_on_the_page(word):
    assert f"`{word}`" in PAGE


def test_what_stands_for_anything_is_no_pass_for_all():
    assert is_like({"id": "ch_…", "…": "…"}, {"id": "ch_1", "more": 1})
    assert not is_like({"id": "ch_…"}, {"id": "ch_1", "more": 1})
    assert not is_like({"id": "ch_…"}, {"id": "re_1"})
    assert not is_like([1], [1, 2])
    assert is_like([1, "…"], [1, 2])
    assert not is_like(1, True)
