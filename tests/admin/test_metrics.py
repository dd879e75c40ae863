"""`/metrics` as Prometheus reads it, and what its numbers say."""

import re
import sys

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
from support.http import ask

SHOP = """
routes:
  - {name: charge, request: POST /charges, reply: [503, 503, 201]}
  - {name: gone, request: GET /gone, reply: {fault: reset}}
  - {name: hook, request: POST /hook, reply: {status: 202, webhook: {url: "{{ request.base_url }}/got/{{ request.query.status }}"}}}
  - {name: got, request: "POST /got/{status}", reply: {status: "{{ path.status | int }}"}}
"""
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture
def server(serving):
    return serving(SHOP, allow_egress=("127.0.0.1",))


def samples(server):
    """Every sample by its name and labels."""
    text = server.admin.call("GET", "/metrics").text
    families = list(parser.text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples
    }  # fmt: skip


def test_calls_by_route_and_status(server):
    for _ in range(4):
        server.ask("POST", "/charges")
    server.ask("GET", "/nowhere")
    server.ask("OPTIONS", "/charges")

    found = samples(server)

    assert found["mockserver_calls_total", "shop/charge", "503"] == 2
    assert found["mockserver_calls_total", "shop/charge", "201"] == 2
    assert found["mockserver_unmatched_calls_total",] == 1
    assert found["mockserver_automatic_calls_total",] == 1
    assert found["mockserver_incomplete_calls_total",] == 0
    assert found["mockserver_record_calls",] == 6
    assert 4000 < found["mockserver_record_bytes",] < 20_000
    assert (found["mockserver_namespaces",], found["mockserver_scenarios",], found["mockserver_routes",]) == (
        1,
        1,
        4,
    )


def test_a_counter_only_grows_whatever_is_reset_or_removed(server):
    server.admin.post("/namespaces", {"name": "mine"})
    for target in ("/charges", "/@mine/charges", "/@mine/nowhere"):
        server.ask("POST", target)
    before = samples(server)

    server.admin.call("DELETE", "/namespaces/mine")
    server.admin.post("/reset")
    server.ask("POST", "/charges")
    after = samples(server)

    assert after["mockserver_calls_total", "shop/charge", "503"] == 3
    counters = [key for key in before if re.search(r"_total|_bucket|_count|_sum", key[0])]
    assert len(counters) > 20
    assert not {key: (before[key], after[key]) for key in counters if after[key] < before[key]}
    assert (after["mockserver_namespaces",], after["mockserver_record_calls",]) == (1, 1)


def test_faults_are_counted_by_kind_from_the_first(server):
    assert samples(server)["mockserver_faults_total", "reset"] == 0
    for _ in range(2):
        with pytest.raises(ConnectionError):
            server.ask("GET", "/gone")

    found = samples(server)

    assert (found["mockserver_faults_total", "reset"], found["mockserver_faults_total", "hang"]) == (2, 0)


def test_webhooks_are_counted_by_state_and_result(server):
    server.admin.post("/@default/clock", {"freeze": True})
    for status in (204, 500):
        server.ask("POST", f"/hook?status={status}")
    server.admin.post("/clock", {"advance": "1h"})
    found = samples(server)

    states = {key[1]: value for key, value in found.items() if key[0] == "mockserver_webhooks"}
    assert states == {"waiting": 0, "sending": 0, "delivered": 1, "failed": 1, "dropped": 0}
    assert found["mockserver_webhook_tries_total", "delivered"] == 1
    assert found["mockserver_webhook_tries_total", "refused"] >= 1
    assert found["mockserver_webhook_tries_total", "unanswered"] == 0


def test_the_histogram_has_every_call_that_was_kept_and_says_which_are_missing(serving):
    server = serving(SHOP, calls=2)
    for _ in range(5):
        server.ask("POST", "/charges")

    found = samples(server)

    assert (
        found["mockserver_own_latency_seconds_count",]
        == found["mockserver_own_latency_seconds_bucket", "+Inf"]
        == 2
    )
    assert found["mockserver_own_latency_unobserved_calls_total",] == 3
    assert found["mockserver_record_dropped_calls_total",] == 3
    buckets = [value for key, value in found.items() if key[0] == "mockserver_own_latency_seconds_bucket"]
    assert buckets == sorted(buckets)
    assert 0 < found["mockserver_own_latency_seconds_sum",] < 2


def test_a_namespace_that_came_and_went_between_two_scrapes_is_in_the_histogram(server):
    samples(server)
    server.admin.post("/namespaces", {"name": "mine"})
    server.ask("POST", "/@mine/charges")
    server.admin.call("DELETE", "/namespaces/mine")

    found = samples(server)
    assert found["mockserver_own_latency_seconds_count",] == 1
    assert found["mockserver_own_latency_unobserved_calls_total",] == 0


def test_what_a_limit_refused_is_counted_by_its_name(serving):
    server = serving(SHOP, max_body_bytes=10)
    server.ask("POST", "/charges", "x" * 20)

    assert samples(server)["mockserver_refused_total", "body"] == 1


def test_text_unless_open_metrics_are_accepted(server):
    server.ask("POST", "/charges")

    text = server.admin.call("GET", "/metrics")
    assert text.media_type == "text/plain"
    for accept in (
        "application/openmetrics-text",
        "application/openmetrics-text; version=1.0.0",
        PROMETHEUS_3,
    ):
        answer = server.admin.call("GET", "/metrics", headers={"Accept": accept})
        assert answer.media_type == "application/openmetrics-text"
        assert answer.text.endswith("# EOF\n")
        families = {family.name: family for family in openmetrics.text_string_to_metric_families(answer.text)}
        assert families["mockserver_calls"].type == "counter"
    for accept in ("*/*", "text/html", "application/openmetrics-text; version=x.y", "text/plain; version=a"):
        assert server.admin.call("GET", "/metrics", headers={"Accept": accept}).media_type == "text/plain"


def test_names_and_helps_follow_the_conventions(server):
    text = server.admin.call("GET", "/metrics").text
    families = [
        one for one in parser.text_string_to_metric_families(text) if one.name.startswith("mockserver_")
    ]

    assert len(families) > 12
    for family in families:
        assert re.fullmatch(r"[a-z][a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge", "histogram")
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)
    assert any(line.startswith("process_resident_memory_bytes ") for line in text.splitlines()) is (
        sys.platform == "linux"
    )


def test_a_route_with_odd_characters_is_a_label_all_the_same(server):
    server.admin.post("/routes", {"name": 'a "b" \\ ä', "request": "GET /odd", "reply": 200})
    server.ask("GET", "/odd")

    assert samples(server)["mockserver_calls_total", 'runtime/a "b" \\ ä', "200"] == 1


def test_without_the_library_the_extra_is_named(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    answer = ask(server.admin.url, "GET", "/metrics")

    assert (answer.status, answer.media_type) == (501, "application/problem+json")
    assert answer.json()["type"] == "urn:mockserver:missing-extra"
    assert "the extra mockserver[metrics]" in answer.json()["detail"]


def test_the_token_is_asked_for(serving):
    server = serving(SHOP, admin_token="s3cret")

    assert server.admin.call("GET", "/metrics").status == 401
    assert server.admin.call("GET", "/metrics", headers={"Authorization": "Bearer s3cret"}).status == 200


def test_it_stands_for_the_server_and_not_for_a_namespace(server):
    assert "namespace=" not in server.admin.call("GET", "/metrics").text
