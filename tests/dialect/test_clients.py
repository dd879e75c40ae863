"""The clients that teams have: `wiremock` from PyPI as it is, and `wiremock-captain` from npm."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from support.http import ask
from wiremock.client import (
    HttpMethods,
    Mapping,
    MappingRequest,
    MappingResponse,
    Mappings,
    NearMisses,
    NearMissMatchPatternRequest,
    NearMissMatchRequest,
    Requests,
    Scenarios,
)
from wiremock.constants import Config
from wiremock.exceptions import InvalidInputException, NotFoundException

CAPTAIN = "wiremock-captain@3.6.0"


@pytest.fixture
def url(serving, monkeypatch):
    server = serving("routes: []", wiremock_port=0)
    monkeypatch.setattr(Config, "base_url", f"{server.app.wiremock_url}/__admin")
    return server.app.wiremock_url


def stub(path: str, status: int = 200, **more) -> Mapping:
    request = MappingRequest(method=HttpMethods.GET, url=path)
    return Mapping(
        request=request, response=MappingResponse(status=status, body="hi"), persistent=False, **more
    )


# PyPI's wiremock


def test_python_adds_looks_at_changes_and_removes_stubs(url):
    made = Mappings.create_mapping(mapping=stub("/a", priority=1))
    assert ask(url, "GET", "/a").text == "hi"
    assert Mappings.retrieve_all_mappings().meta.total == 1
    assert Mappings.retrieve_mapping(made.id).request.url == "/a"

    made.response.status = 503
    Mappings.update_mapping(made)
    assert ask(url, "GET", "/a").status == 503

    Mappings.delete_mapping(made.id)
    assert ask(url, "GET", "/a").status == 404
    with pytest.raises(NotFoundException):
        Mappings.retrieve_mapping(made.id)


def test_python_counts_and_finds_requests(url):
    Mappings.create_mapping(mapping=stub("/a"))
    for path in ("/a", "/a", "/b"):
        ask(url, "GET", path)
    wanted = NearMissMatchPatternRequest(url="/a", method="GET")
    assert Requests.get_matching_request_count(wanted).count == 2
    assert [one.url for one in Requests.get_matching_requests(wanted).requests] == ["/a", "/a"]
    assert [one.url for one in Requests.get_unmatched_requests().requests] == ["/b"]

    received = Requests.get_all_received_requests().requests
    assert [one.request.url for one in received] == ["/b", "/a", "/a"]
    assert Requests.get_request(received[0].id).request.url == "/b"

    Requests.reset_request_journal()
    assert Requests.get_matching_request_count(wanted).count == 0


def test_python_asks_for_near_misses(url):
    Mappings.create_mapping(mapping=stub("/abcd"))
    ask(url, "GET", "/abcx")
    [of_unmatched] = Requests.get_unmatched_requests_near_misses().near_misses
    assert of_unmatched.request.url == "/abcx"
    [of_request] = NearMisses.find_nearest_misses_by_request(
        NearMissMatchRequest(url="/abcx", method="GET")
    ).near_misses
    assert 0 < of_request.match_result.distance < 1
    [of_pattern] = NearMisses.find_nearest_misses_by_request_pattern(
        NearMissMatchPatternRequest(url="/abcd", method="GET")
    ).near_misses
    assert of_pattern.request.url == "/abcx"


def test_python_moves_scenarios_and_resets_all_of_it(url):
    first, then = stub("/a", 503), stub("/a")
    for mapping, state, new in ((first, "Started", "up"), (then, "up", None)):
        mapping.scenario_name, mapping.required_scenario_state, mapping.new_scenario_state = "s", state, new
        Mappings.create_mapping(mapping=mapping)
    assert [ask(url, "GET", "/a").status for _ in range(3)] == [503, 200, 200]
    Scenarios.reset_all_scenarios()
    assert ask(url, "GET", "/a").status == 503
    Mappings.reset_mappings()
    assert ask(url, "GET", "/a").status == 404


def test_python_removes_stubs_by_metadata_and_all(url):
    Mappings.create_mapping(mapping=stub("/a", metadata={"team": "pay"}))
    Mappings.create_mapping(mapping=stub("/b"))
    Mappings.delete_mapping_by_metadata({"matchesJsonPath": "$.team"})
    assert [ask(url, "GET", path).status for path in ("/a", "/b")] == [404, 200]
    Mappings.delete_all_mappings()
    assert Mappings.retrieve_all_mappings().meta.total == 0


def test_python_hears_what_can_not_be_done(url):
    mapping = stub("/a")
    mapping.response.transformers = ["mine"]
    with pytest.raises(InvalidInputException, match=r"response\.transformers"):
        Mappings.create_mapping(mapping=mapping)


# npm's wiremock-captain

SUITE = r"""
const assert = require('node:assert');
const { WireMock, MatchingAttributes, DelayType } = require('wiremock-captain');
(async () => {
  const url = process.argv[2];
  const mock = new WireMock(url);
  const made = await mock.register(
    { method: 'POST', endpoint: '/users', body: { name: 'ann' }, headers: { accept: 'json' } },
    { status: 201, body: { id: 7 }, headers: { 'X-A': 'b' } },
    { requestHeaderFeatures: { accept: MatchingAttributes.Contains }, stubPriority: 1,
      responseDelay: { type: DelayType.FIXED, constantDelay: 1 } },
  );
  const post = (body) => fetch(url + '/users', { method: 'POST', body: JSON.stringify(body), headers: { accept: 'application/json' } });
  let answer = await post({ name: 'ann' });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('x-a'), 'b');
  assert.deepEqual(await answer.json(), { id: 7 });
  assert.equal((await post({ name: 'bob' })).status, 404);
  assert.equal((await mock.getAllMappings()).length, 1);
  assert.equal((await mock.getMapping(made.id)).id, made.id);
  assert.equal((await mock.getAllRequests()).length, 2);
  assert.equal((await mock.getRequestsForAPI('POST', '/users')).length, 2);
  assert.equal((await mock.getUnmatchedRequests()).length, 1);
  for (const [required, next, status] of [['Started', 'up', 503], ['up', undefined, 200]]) {
    await mock.register({ method: 'GET', endpoint: '/s' }, { status, body: {} },
      { scenario: { scenarioName: 's', requiredScenarioState: required, newScenarioState: next } });
  }
  const statuses = [];
  for (let i = 0; i < 2; i++) statuses.push((await fetch(url + '/s')).status);
  assert.deepEqual(statuses, [503, 200]);
  assert.equal((await mock.getAllScenarios())[0].state, 'up');
  await mock.resetAllScenarios();
  assert.equal((await fetch(url + '/s')).status, 503);
  await mock.register({ method: 'GET', endpoint: '/f' }, { status: 200 }, { fault: 'CONNECTION_RESET_BY_PEER' });
  await assert.rejects(fetch(url + '/f'));
  await mock.deleteMapping(made.id);
  await mock.clearAllRequests();
  assert.equal((await mock.getAllRequests()).length, 0);
  await mock.clearAllMappings();
  assert.equal((await mock.getAllMappings()).length, 0);
  await mock.resetMappings();
  console.log('all of it');
})().catch((why) => { console.error(why); process.exit(1); });
"""


@pytest.mark.slow
def test_captain_drives_a_whole_suite(serving, tmp_path):
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    home = tmp_path / "captain"
    home.mkdir()
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", str(home), CAPTAIN]
    installed = subprocess.run(install, capture_output=True, timeout=120, check=False)
    if installed.returncode:
        pytest.skip(f"npm could not fetch {CAPTAIN}")
    (home / "suite.js").write_text(SUITE)
    url = serving("routes: []", wiremock_port=0).app.wiremock_url
    run = subprocess.run(
        [node, "suite.js", url], cwd=home, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "all of it\n"
