"""The works are what they say: their scenarios load, their bodies have the promised size, other tools are told the same."""

import json
import shutil

import pytest
import yaml

from benchmarks import loading, machine, traffic, wrk
from benchmarks.peers import PEERS
from benchmarks.peers.peer import Job, rules
from benchmarks.scale import QUICK
from benchmarks.works import PEER_WORKS, works

WORKS = {work.key: work for work in works(QUICK)}


def test_a_work_is_compared_only_with_what_there_is():
    for work in WORKS.values():
        for against in work.against:
            assert against.key in {*WORKS, "nginx", "bare aiohttp"}


@pytest.mark.parametrize(
    "key", ["get", "sdk", "bodies", "sequence", "machine", "template", "intent", "some", "parameters"]
)
def test_its_proof_is_what_the_server_answers(serving, key):
    work = WORKS[key]
    server = serving({"work.scenario.json": json.dumps({"scenario": "work", **work.document})})

    assert [ask.slip(server.address[1]) for ask in work.proof] == [""] * len(work.proof)


def test_a_proof_tells_a_wrong_answer(serving):
    server = serving("routes: [{request: GET /one, reply: {json: {ok: false}}}]")

    assert "expected" in WORKS["get"].proof[0].slip(server.address[1])


def test_a_body_has_about_a_kibibyte():
    assert len(traffic.document("k100")) == pytest.approx(1024, rel=0.05)


def test_no_two_calls_of_a_client_are_alike_and_all_are_as_long():
    first, second = traffic.SDK.raw(1), traffic.SDK.raw(2)

    assert first != second
    assert len(first) == len(second) == len(traffic.SDK.raw(80_000_000))
    assert first.endswith(b"metadata[order]=10000001")


DISTINCT = ["get", "sdk", "bodies", "parameters", "intent"]


@pytest.mark.parametrize("key", DISTINCT)
def test_a_later_load_goes_on_with_the_numbers(key):
    first = WORKS[key].traffic

    assert first.after(0) == first
    assert f"n = {traffic.FIRST + 7}" in first.after(7).lua


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
@pytest.mark.parametrize("key", DISTINCT)
def test_no_two_requests_of_a_script_are_alike(serving, tmp_path, key):
    server = serving("routes: [{request: ANY /any, reply: 200}]", calls=100_000, calls_bytes=10**9)
    said = wrk.load(server.address[1], WORKS[key].traffic.after(1_000_000), 1, tmp_path, requests=1_000)

    assert said.count <= machine.LOAD_THREADS * (1_000 + wrk.CONNECTIONS)
    calls = server.admin.get("/calls?limit=1000")["items"]
    sent = [{name: call["request"][name] for name in ("target", "headers", "body")} for call in calls]
    assert len({json.dumps(one) for one in sent}) == len(sent) >= 100  # in a second of a busy machine


def test_the_text_that_is_loaded_has_as_many_routes_as_it_says():
    assert len(yaml.safe_load(loading.text_of(20))["routes"]) == 20


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_another_tool_is_told_every_work_that_it_is_not_excused_from(peer, tmp_path):
    """Its files are written; that it does the work, it proves before it is timed."""
    jar = tmp_path / "node_modules/wiremock/build/wiremock-standalone-1.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    for key in set(PEER_WORKS) - set(peer.cannot):
        job = Job(tmp_path, 1001, 1002, rules(key, QUICK))

        command = " ".join(peer.command(tmp_path, job))

        assert str(tmp_path) in command


def test_versions_of_other_tools_are_pinned():
    for peer in PEERS:
        assert all("==" in package or "@" in package[1:] for package in peer.packages)
        assert peer.version[0].isdigit()
