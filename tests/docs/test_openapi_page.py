"""docs/openapi.md: the document becomes the scenario that is shown, and what is asked is answered so."""

import json
import re

import pytest
from support.pages import Message, is_like, page

from mockserver.formats.openapi.reader import read
from mockserver.scenarios.yaml.writer import dump
from mockserver.schema.scenario import ScenarioSpec
from mockserver.verification.checking import check_paths

BLOCKS = re.findall(r"^```(\S+) ?(\S*)\n(.*?)^```$", page("docs/openapi.md"), re.DOTALL | re.MULTILINE)
SPEC = next(text for _, name, text in BLOCKS if name == "spec.yaml")


def conversations():
    """Each scenario of the page with the blocks that follow it."""
    found = []
    for language, name, text in BLOCKS:
        if name == "orders.yaml":
            found.append((text, []))
        elif language == "http":
            found[-1][1].append(text)
    return found


def test_the_document_becomes_the_scenario_on_the_page(tmp_path):
    (tmp_path / "spec.yaml").write_text(SPEC)

    imported = read(tmp_path / "spec.yaml")

    assert dump(imported.scenarios["orders"], ScenarioSpec) == next(
        text for _, name, text in BLOCKS if name == "imported"
    )
    assert imported.lost == []


@pytest.mark.parametrize(("scenario", "talk"), conversations())
def test_the_answers_are_those_on_the_page(serving, scenario, talk):
    server = serving({"orders.yaml": scenario, "spec.yaml": SPEC})
    for text in talk:
        asked, _, answered = text.partition("\n\n")
        said, expected = Message.read(asked), Message.read(answered)
        headers = [("Content-Type", "application/json")] if said.body else []
        answer = server.ask(*said.first.split(), said.body or None, headers=headers)
        assert answer.status == int(expected.first), answer.text
        assert all(answer.header(name) == value for name, value in expected.headers)
        assert is_like(json.loads(expected.body), answer.json()), answer.text


def test_the_warning_reads_as_it_does_on_the_page(write, monkeypatch):
    scenario = "base: /v1\nopenapi: spec.yaml\nroutes:\n  - {request: POST /orders, reply: {status: 201, json: {id: 1, amount: 5}}}\n"
    monkeypatch.chdir(write({"orders.yaml": scenario, "spec.yaml": SPEC}))

    (said,) = check_paths(["orders.yaml"])[1]

    assert said == next(text for language, _, text in BLOCKS if language == "text").strip()
