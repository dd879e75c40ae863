"""docs/wiremock.md: its commands do what it says, its mappings become the scenario that it shows, its differences are those of the suite."""

import json
import re
import subprocess

import pytest
import yaml
from support.pages import blocks, is_like, page
from support.stubbing import DIFFERENCES, cases

from mockserver.formats import wiremock

PAGE = page("docs/wiremock.md")
BLOCKS = blocks(PAGE)
COMMANDS = [text for language, text in BLOCKS if language == "bash"]
ANSWERS = [text for language, text in BLOCKS if language == "json"]


@pytest.fixture
def shell(serving, tmp_path):
    server = serving("routes: []", wiremock_port=0)

    def run(command):
        theirs, ours = server.app.wiremock_url.split("//")[1], server.url.split("//")[1]
        script = "set -euo pipefail\n" + command.replace("localhost:8090", theirs).replace(
            "localhost:8080", ours
        )
        return subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
        ).stdout

    return run


def lines(text):
    """Several JSON documents, one after another."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


def test_its_commands_answer_as_they_are_shown(shell):
    assert COMMANDS[0] == "mockserver serve --wiremock-port 8090\n"
    for command, shown in zip(COMMANDS[1:], ANSWERS[:2], strict=True):
        printed = lines(shell(command))
        assert is_like(lines(shown), printed), printed


def test_its_mappings_become_the_scenario_that_it_shows(tmp_path):
    (tmp_path / "mappings.json").write_text(ANSWERS[2])
    found = wiremock.read(tmp_path / "mappings.json")
    [shown] = [yaml.safe_load(text) for language, text in BLOCKS if language == "yaml"]
    assert found.lost == []
    assert found.scenarios["mappings"]["routes"] == shown["routes"]


def test_every_difference_of_the_suite_stands_there_with_its_reason():
    told = " ".join(PAGE.split()).lower()
    for name, reason in yaml.safe_load(DIFFERENCES.read_text()).items():
        assert reason.lower() in told, name


def test_it_tells_how_many_cases_there_are():
    [said] = re.findall(r"compare (\d+) cases with the answers", PAGE)
    assert int(said) == len(cases())
