"""The works are what they say: their scenarios load, their bodies have the promised size, other tools are told the same."""

import json

import pytest
import yaml

from benchmarks import loading, traffic
from benchmarks.peers import PEERS
from benchmarks.peers.peer import Job, rules
from benchmarks.scale import QUICK
from benchmarks.works import works

WORKS = {work.key: work for work in works(QUICK)}


def test_a_work_is_compared_only_with_what_there_is():
    for work in WORKS.values():
        for against in work.against:
            assert against.key in {*WORKS, "nginx", "bare aiohttp"}


@pytest.mark.parametrize(
    "key", ["one", "some", "told", "sequence", "machine", "template", "template different"]
)
def test_its_proof_is_what_the_server_answers(serving, key):
    work = WORKS[key]
    server = serving({"work.scenario.json": json.dumps({"scenario": "work", "routes": work.routes})})

    assert [ask.slip(server.address[1]) for ask in work.proof] == [""] * len(work.proof)


def test_a_proof_tells_a_wrong_answer(serving):
    server = serving("routes: [{request: GET /one, reply: {json: {ok: false}}}]")

    assert "expected" in WORKS["one"].proof[0].slip(server.address[1])


def test_a_body_has_about_a_kibibyte():
    assert len(traffic.post_body("a100")) == pytest.approx(1024, rel=0.05)
    assert json.loads(traffic.post_body("a1", "7"))["number"] == "7"


def test_the_text_that_is_loaded_has_as_many_routes_as_it_says():
    assert len(yaml.safe_load(loading.text_of(20))["routes"]) == 20


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_another_tool_is_told_every_work_that_it_is_not_excused_from(peer, tmp_path):
    """Its files are written; that it does the work, it proves before it is timed."""
    jar = tmp_path / "node_modules/wiremock/build/wiremock-standalone-1.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    for key in {"one", "some", "many", "told", "sequence", "template"} - set(peer.cannot):
        job = Job(tmp_path, 1001, 1002, rules(key, QUICK))

        command = " ".join(peer.command(tmp_path, job))

        assert str(tmp_path) in command


def test_versions_of_other_tools_are_pinned():
    for peer in PEERS:
        assert all("==" in package or "@" in package[1:] for package in peer.packages)
        assert peer.version[0].isdigit()
