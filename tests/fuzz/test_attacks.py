"""No request and no admin call holds the event loop: what is made to do so is bounded, or done in pieces."""

import json
from http.client import HTTPConnection

import pytest
from support.holding import longest_s
from support.http import ask
from support.server import InProcess

from fuzz.attacks import ATTACKS, CALL, JSON, SCENARIO
from mockserver.settings import Settings

CALLS = 10_000
BOUND_S = 0.25
"""Of processor time. The goal is 50 ms on a machine that does nothing else; what holds the loop takes many times this."""


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks")
    (folder / "shop.yaml").write_text(SCENARIO)
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    connection = HTTPConnection(*server.address)
    for n in range(CALLS):
        connection.request("POST", f"/plain?n={n}", CALL, JSON)
        connection.getresponse().read()
    connection.close()
    yield server
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_holds_the_loop(server, monkeypatch, name):
    method, path, body, headers = ATTACKS[name]

    def attack():
        answer = ask(server.url, method, path, body, headers, timeout_s=300)
        assert answer.status != 503
        if name == "a scenario of 1,000 routes":
            ask(server.url, "DELETE", "/__admin/scenarios/large")

    took_s = longest_s(server, monkeypatch, attack)
    if took_s >= BOUND_S:  # a busy machine, or the garbage collector
        took_s = min(took_s, longest_s(server, monkeypatch, attack))
    assert took_s < BOUND_S


def test_the_record_is_full(server):
    assert json.loads(ask(server.url, "GET", "/__admin/counts").body)["total"] >= CALLS
