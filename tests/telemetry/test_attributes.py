"""The name and the attributes of a call's span, from calls in memory."""

import re

import pytest
from support.engine import InMemory
from support.pages import page

from mockserver.model.plan import Outcome
from mockserver.telemetry.attributes import error_type, metric_attributes, span_attributes, span_name

SCENARIO = """
routes:
  - {name: pay, request: "POST /pay/{id}", reply: [503, {status: 201, json: {}}]}
  - {name: broken, request: GET /broken, reply: {fault: reset}}
"""


@pytest.fixture
def service():
    return InMemory(SCENARIO)


def test_a_call_has_the_attributes_of_the_conventions_and_its_own(service):
    service.ask("POST /pay/7?a=1", host="mock.example:8080", user_agent="shop/1", json={})
    call = service.ask("POST /pay/7?a=1", host="mock.example:8080", user_agent="shop/1", json={})

    assert span_name(call, "/pay/{id}") == "POST /pay/{id}"
    expected = {
        "http.request.method": "POST", "http.response.status_code": 201, "http.route": "/pay/{id}", "url.scheme": "http",
        "url.path": "/pay/7", "url.query": "a=1", "server.address": "mock.example", "server.port": 8080,
        "user_agent.original": "shop/1", "network.protocol.version": "1.1", "mockserver.route": "shop/pay", "mockserver.scenario": "shop",
        "mockserver.namespace": "default", "mockserver.step": 2, "mockserver.outcome": "done", "mockserver.matched": True,
        "mockserver.call": "c-000002",
    }  # fmt: skip
    assert expected.items() <= span_attributes(call, "/pay/{id}").items()
    assert "error.type" not in span_attributes(call, "/pay/{id}")


def test_an_unmatched_call_is_named_after_its_method(service):
    call = service.ask("GET /nowhere")

    assert span_name(call, None) == "GET"
    attributes = span_attributes(call, None)
    assert attributes["mockserver.matched"] is False
    assert not {"mockserver.route", "mockserver.step", "http.route"} & attributes.keys()


def test_what_broke_the_answer_is_the_type_of_the_error(service):
    failed, broken = service.ask("POST /pay/1"), service.ask("GET /broken", outcome=Outcome.RESET)
    unmatched = service.ask("GET /nowhere")

    assert [error_type(call) for call in (failed, broken, unmatched)] == ["503", "reset", None]
    assert span_attributes(broken, None)["mockserver.fault"] == "reset"


def test_metrics_have_attributes_of_few_values(service):
    call = service.ask("BREW /pay/1?x=2", host="a")

    assert metric_attributes(call, None) == {
        "http.request.method": "_OTHER", "url.scheme": "http", "http.response.status_code": 405 if call.status == 405 else call.status,
        "mockserver.matched": False,
    }  # fmt: skip
    assert span_name(call, None) == "HTTP"
    assert span_attributes(call, None)["http.request.method_original"] == "BREW"


def test_secrets_are_masked_and_texts_are_valid(service):
    call = service.ask("GET /x?password=hunter2&b=\udcff", host="[::1]:x")

    attributes = span_attributes(call, None)
    assert "hunter2" not in str(attributes)
    for value in attributes.values():
        str(value).encode()


def test_the_page_has_every_attribute_and_metric():
    sources = page("mockserver/telemetry/attributes.py") + page("mockserver/telemetry/exporting.py")
    named = set(re.findall(r'"(mockserver\.[a-z_.]+|http\.server\.[a-z.]+)"', sources))

    assert named == set(
        re.findall(r"`(mockserver\.[a-z_.]+|http\.server\.[a-z.]+)`", page("docs/opentelemetry.md"))
    )
