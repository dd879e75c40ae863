"""`GET /verify` names each trouble and outage that affected no call, for every language."""

import pytest

SCENARIO = """
routes:
  - {name: pay, request: POST /pay, reply: 201, effect: {kind: charge}}
  - {name: see, request: GET /see, reply: 200}
"""


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


def unused_faults(server):
    answer = server.admin.call("GET", "/verify")
    return [check["saw"] for check in answer.json()["checks"] if "affects a call" in check["expected"]]


def test_a_trouble_that_struck_no_call_is_named_while_it_is_set_and_once_it_has_ended(server):
    server.admin.call("PUT", "/troubles", {"route": "pay", "before": 503})
    assert unused_faults(server) == ["no call yet"]
    server.admin.call("DELETE", "/troubles")
    assert unused_faults(server) == ["no call before it ended"]
    answer = server.admin.call("GET", "/verify")
    assert answer.status == 409
    assert answer.json()["detail"].startswith("trouble of shop/pay: it affected no call; no call came")


def test_each_of_several_has_to_strike(server):
    server.admin.call("PUT", "/troubles", [
        {"route": "pay", "name": "first", "before": 503},
        {"route": "pay", "name": "behind", "before": 502},
        {"route": "see", "name": "fine", "before": 502, "optional": True},
    ])  # fmt: skip
    server.ask("POST", "/pay")
    answer = server.admin.call("GET", "/verify").json()
    assert answer["detail"].startswith("trouble behind of shop/pay: it affected no call; 1 call came")


@pytest.mark.parametrize("body", [{"reply": 503}, {"reply": 503, "for": "1h"}, {"reply": 503, "times": 2}])
def test_an_outage_has_to_answer_a_call(server, body):
    server.admin.call("PUT", "/outage", body)
    server.admin.call("DELETE", "/outage")
    assert unused_faults(server) == ["no call before it ended"]
    server.admin.call("PUT", "/outage", {**body, "optional": True})
    assert unused_faults(server) == ["no call before it ended"]
    server.admin.call("POST", "/reset")
    server.admin.call("PUT", "/outage", body)
    assert server.ask("GET", "/see").status == 503
    assert unused_faults(server) == []


def test_an_outage_whose_time_is_over_has_ended(server):
    server.admin.call("PUT", "/outage", {"reply": 503, "for": "1h"})
    server.admin.call("POST", "/clock", {"advance": "2h"})
    assert unused_faults(server) == ["no call before it ended"]


@pytest.mark.parametrize("what", [None, ["calls", "routes"]])
def test_a_reset_forgets_those_that_it_ends(server, what):
    server.admin.call("PUT", "/outage", {"reply": 503})
    server.admin.call("PUT", "/troubles", {"route": "pay", "before": 503})
    server.admin.call("POST", "/reset", {"what": what} if what else {})
    assert unused_faults(server) == []


def test_a_reset_of_the_calls_alone_expects_what_is_set_to_strike(server):
    server.admin.call("PUT", "/troubles", {"route": "pay", "before": 503})
    server.admin.call("POST", "/reset", {"what": ["calls"]})
    assert unused_faults(server) == ["no call yet"]
    server.ask("POST", "/pay")
    assert unused_faults(server) == []
