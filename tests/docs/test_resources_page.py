"""Every example of docs/resources.md: what is written is compiled, what is asked is answered so."""

import json
import re
from pathlib import Path

import pytest
from support.engine import InMemory
from support.resources import Answer, World

from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.schema.resource import ENVELOPE, EVENTS

PAGE = (Path(__file__).parents[2] / "docs" / "resources.md").read_text()
BLOCKS = re.findall(r"^```(yaml|yaml scenario|http)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
HEADER = re.compile(r"([A-Za-z-]+): (.*)")


def conversations():
    """Each resource and each scenario, as text, of the page with the blocks that follow it."""
    found = []
    for language, text in BLOCKS:
        if language == "yaml":
            found.append((parse(text), []))
        elif language == "yaml scenario":
            found.append((text, []))
        elif language == "http":
            found[-1][1].append(text)
    return found


def split(message):
    """First line, headers and body of one half of a block."""
    first, *lines = message.strip("\n").split("\n")
    headers = {}
    while lines and (header := HEADER.fullmatch(lines[0])):
        headers[header[1]] = header[2]
        del lines[0]
    return first, headers, "\n".join(lines)


@pytest.mark.parametrize(("written", "blocks"), conversations())
def test_the_answers_are_those_on_the_page(written, blocks):
    is_scenario = isinstance(written, str)
    world = InMemory(written) if is_scenario else World(written, host="localhost:8080")
    for block in blocks:
        asked, _, answered = block.partition("\n\n")
        line, headers, body = split(asked)
        method, target = line.split()
        if is_scenario:
            response = world.ask(line).response
            answer = Answer(response.status, response.headers, response.body)
        else:
            kind = headers.get("Content-Type", "application/json") if body else None
            answer = world.ask(method, target, body.encode() if body else None, content_type=kind)
        status, headers, body = split(answered)
        expected = (int(status), headers, json.loads(body) if body else None)
        assert (answer.status, {name: answer.headers[name] for name in headers}, answer.json) == expected


def test_the_page_has_examples_in_both_languages():
    assert {language for language, _ in BLOCKS} == {"yaml", "yaml scenario", "http"}
    assert sum(len(blocks) for _, blocks in conversations()) >= 20


def test_a_scenario_on_the_page_holds_resources():
    for language, text in BLOCKS:
        if language == "yaml scenario":
            data = parse(text)
            base = data.get("base", "")
            for written in data["resources"]:
                assert World(written, base=base).ask("POST", base + written["path"], {}).status == 201


@pytest.mark.parametrize("word", [*EVENTS, *ENVELOPE])
def test_every_word_stands_on_the_page(word):
    assert f"`{word}`" in PAGE
