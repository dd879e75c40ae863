"""docs/migrating.md: what stands on our side does what it says, and what is imported is what is shown."""

import ast
import json
import re
import sys

import pytest
from support.pages import blocks, page
from support.recordings import Played
from support.suites import INI
from support.sweeping import run

from mockserver.formats import format_named, offered
from mockserver.recording.conversion import Imported
from mockserver.scenarios.yaml.yaml12 import parse

PAGE = page("docs/migrating.md")
PEERS = {section.partition("\n")[0]: blocks(section) for section in PAGE.split("\n## ")[1:]}
SEED = blocks(PAGE.partition("\n## ")[0])
ORDERED = ["WireMock", "MockServer", "mountebank", "Smocker", "Mockoon", "VCR"]
CHOSEN = {"Prism": ("prefer", "code=503"), "Postman": ("x-mock-response-name", "down")}
IMPORTED = {"VCR": "vcr", "Postman": "postman", "Pact": "pact"}


def ours(peer):
    return Played(Imported({"shop": parse(PEERS[peer][-1][1])}))


def statuses(played, times=3):
    answers = [played.ask("POST /data") for _ in range(times)]
    assert json.loads(answers[-1].body) == {"success": True}
    return [one.status for one in answers]


def test_every_peer_is_there_with_both_sides():
    assert set(PEERS) == {
        "WireMock", "MockServer", "mountebank", "Hoverfly", "Smocker", "Mockoon", "Prism", "pytest-httpserver",
        "respx", "responses", "requests-mock", "VCR", "Postman", "Pact",
    }  # fmt: skip
    assert {peer: len(sides) for peer, sides in PEERS.items()} == dict.fromkeys(PEERS, 2)


def test_the_scenario_of_the_head_fails_twice():
    ((_, text),) = SEED

    assert statuses(Played(Imported({"shop": parse(text)}))) == [503, 503, 200]


@pytest.mark.parametrize("peer", ORDERED)
def test_our_side_fails_twice(peer):
    played = ours(peer)

    assert statuses(played) == [503, 503, 200]
    if peer in ("mountebank", "Mockoon"):
        assert statuses(played) == [503, 503, 200]


def test_our_side_of_hoverfly_fails_once():
    assert statuses(ours("Hoverfly"), 2) == [503, 200]


@pytest.mark.parametrize("peer", CHOSEN)
def test_who_asks_chooses(peer):
    played = ours(peer)

    assert statuses(played, 1) == [200]
    assert played.ask("POST /data", [CHOSEN[peer]]).status == 503


def test_a_state_chooses():
    played = ours("Pact")
    assert played.ask("POST /data").status == 503

    played.engine.default.memory.state.write("given", "up")
    assert statuses(played, 1) == [200]


@pytest.mark.parametrize("peer", IMPORTED)
def test_what_is_imported_is_what_is_shown(tmp_path, peer):
    assert IMPORTED[peer] in offered()
    source = tmp_path / "data.yaml"
    source.write_text(PEERS[peer][0][1])

    (document,) = format_named(IMPORTED[peer]).read(source).scenarios.values()
    shown = parse(PEERS[peer][1][1])
    assert {key: value for key, value in document.items() if key in ("state", "routes")} == shown


def test_what_stands_on_the_other_side_can_be_read():
    for peer, ((language, text), _) in PEERS.items():
        if language == "json":
            json.loads(text)
        elif language == "python":
            ast.parse(text)
        else:
            assert (language == "yaml" and parse(text)) or peer == "Prism"


@pytest.mark.slow
def test_our_tests_pass(tmp_path):
    bodies = [sides[1][1] for sides in PEERS.values() if sides[1][0] == "python"]
    numbered = (
        re.sub(r"def test_data", f"def test_data_{number}", text) for number, text in enumerate(bodies)
    )
    (tmp_path / "test_ours.py").write_text("import httpx\nimport requests\n\n" + "\n\n".join(numbered))
    (tmp_path / "pytest.ini").write_text(INI)

    done = run(tmp_path, sys.executable, "-m", "pytest", "-q")
    assert done.code == 0, done.output
    assert f"{len(bodies)} passed" in done.output
