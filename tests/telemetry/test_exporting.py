"""What a collector gets: spans joined to the client's, metrics; and that a collector that is away hurts no call."""

import logging
import signal
import sys

import pytest
from support.collector import Collector, plain
from support.http import ask

from mockserver.app import App
from mockserver.errors import InvalidInputError, MissingExtraError
from mockserver.server import running
from mockserver.settings import Settings

SCENARIO = """
routes:
  - {name: pay, request: "POST /pay/{id}", reply: [503, {status: 201, json: {}}]}
  - {name: broken, request: GET /broken, reply: {fault: reset}}
"""
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    one = Collector()
    yield one
    one.close()


def test_a_call_is_a_span_of_the_clients_trace(serving, collector, monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop")
    server = serving(SCENARIO, otlp=collector.url)
    joined = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}
    for headers in (joined, joined, {}):
        ask(server.url, "POST", "/pay/7", b"{}", headers)
    with pytest.raises(ConnectionError):
        ask(server.url, "GET", "/broken")
    calls = server.calls()
    server.stop()  # which sends what is left

    spans = {plain(span.attributes)["mockserver.call"]: span for span in collector.spans}
    first, second, apart, broken = (spans[f"c-00000{number}"] for number in range(1, 5))
    assert {
        (span.trace_id.hex(), span.parent_span_id.hex(), span.trace_state) for span in (first, second)
    } == {(TRACE, PARENT, "a=b")}
    assert apart.trace_id.hex() != TRACE
    assert apart.parent_span_id == b""
    assert [(span.name, span.kind, span.status.code) for span in (first, second, broken)] == [
        ("POST /pay/{id}", 2, 2), ("POST /pay/{id}", 2, 0), ("GET /broken", 2, 2),
    ]  # fmt: skip
    assert plain(broken.attributes)["error.type"] == "reset"
    for span, call in zip((first, second, apart), calls, strict=False):
        took_ms = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        assert took_ms == pytest.approx(call["times"]["last_byte_ms"], abs=0.002)
    (resource,) = {tuple(sorted(one.items())) for one in collector.resources}
    assert {("service.name", "mockserver"), ("deployment.environment.name", "test")} <= set(resource)
    assert collector.headers[0]["x-tenant"] == "shop"


def test_metrics_count_calls_faults_and_namespaces(serving, collector):
    server = serving(SCENARIO, otlp=collector.url)
    for line in ("POST /pay/1", "POST /pay/2", "GET /nowhere"):
        ask(server.url, *line.split())
    with pytest.raises(ConnectionError):
        ask(server.url, "GET", "/broken")
    server.admin.call("POST", "/namespaces", {"name": "n1"})
    server.stop()

    points = {
        (
            values["http.request.method"],
            values.get("http.route"),
            values.get("http.response.status_code"),
        ): point.count
        for point in collector.points("http.server.request.duration")
        for values in [plain(point.attributes)]
    }
    assert points == {
        ("POST", "/pay/{id}", 503): 1, ("POST", "/pay/{id}", 201): 1, ("GET", None, 404): 1, ("GET", "/broken", None): 1,
    }  # fmt: skip
    faults = {
        plain(point.attributes)["mockserver.fault"]: point.as_int
        for point in collector.points("mockserver.faults")
    }
    assert faults == {"reset": 1}
    assert [point.as_int for point in collector.points("mockserver.namespaces")] == [2]


@pytest.mark.parametrize(
    ("variable", "value", "exported"),
    [
        ("OTEL_METRICS_EXPORTER", "none", {"traces"}),
        ("OTEL_TRACES_EXPORTER", "none", {"metrics"}),
        ("OTEL_TRACES_SAMPLER", "always_off", {"metrics"}),
        ("OTEL_SDK_DISABLED", "true", set()),
    ],
)
def test_the_standard_variables_leave_parts_out(serving, collector, monkeypatch, variable, value, exported):
    monkeypatch.setenv(variable, value)
    server = serving(SCENARIO, otlp=collector.url)
    assert ask(server.url, "POST", "/pay/1").status == 503
    server.stop()

    assert {name for name in ("traces", "metrics") if getattr(collector, name)} == exported


def test_a_collector_that_refuses_is_told_once_and_hurts_no_call(serving, collector, monkeypatch, caplog):
    collector.status = 400
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    server = serving(SCENARIO, otlp=collector.url)
    with caplog.at_level(logging.WARNING, "mockserver"):
        for number in range(1, 4):
            assert ask(server.url, "POST", f"/pay/{number}").status in (503, 201)
            collector.until(lambda one, count=number: len(one.headers) >= count)
        server.stop()

    told = [record.message for record in caplog.records if record.name == "mockserver"]
    assert len(told) == 1
    assert told[0].startswith(f"telemetry can't be exported to {collector.url}: ")


def test_a_collector_that_does_not_answer_holds_up_neither_a_call_nor_the_end(
    serving, collector, monkeypatch
):
    from mockserver.telemetry import exporting

    monkeypatch.setattr(exporting, "FLUSH_S", 0.05)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    collector.gate.clear()
    server = serving(SCENARIO, otlp=collector.url)
    assert ask(server.url, "POST", "/pay/1").status == 503
    collector.until(lambda one: one.headers)
    assert ask(server.url, "POST", "/pay/2").status == 201
    server.stop()

    assert len(collector.spans) == 1
    collector.gate.set()


def test_a_failing_export_does_not_fail_the_call(serving, collector, monkeypatch, caplog):
    from mockserver.telemetry import exporting

    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(exporting, "span_attributes", broken)
    server = serving(SCENARIO, otlp=collector.url)
    assert ask(server.url, "POST", "/pay/1").status == 503
    assert server.closed_call()["outcome"] == "done"
    server.stop()
    assert "a call was not exported" in caplog.text


async def test_a_wrong_url_and_a_missing_extra_are_errors_with_the_fix(monkeypatch):
    with pytest.raises(
        InvalidInputError, match=r"--otlp: 'localhost:4318' is not an http or https URL\. Write it as http://"
    ):
        await App(Settings(paths=(), otlp="localhost:4318")).start()
    monkeypatch.setitem(sys.modules, "mockserver.telemetry.exporting", None)
    with pytest.raises(
        MissingExtraError, match=r"--otlp needs a library .* Install the extra mockserver\[otel\]"
    ):
        await App(Settings(paths=(), otlp="http://localhost:4318")).start()


def test_serve_takes_the_standard_variable_where_nothing_else_is_said(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://standard:4318")

    assert running._with_collector(Settings()).otlp == "http://standard:4318"
    assert running._with_collector(Settings(otlp="http://own:4318")).otlp == "http://own:4318"
    monkeypatch.setattr(running, "_has_exporter", lambda: False)
    assert running._with_collector(Settings()).otlp == ""
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is ignored: install 'mockserver[otel]'" in caplog.text
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    assert running._with_collector(Settings()).otlp == ""


@pytest.mark.slow
def test_the_log_of_a_server_has_one_line_of_a_collector_that_refuses_and_none_of_mcp(process, collector):
    collector.status = 400
    server = process("--otlp", collector.url, scenarios=SCENARIO, env={"OTEL_BSP_SCHEDULE_DELAY": "1"})
    listing = '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    kinds = {"Accept": "application/json", "Content-Type": "application/json"}
    for number in range(1, 4):
        ask(server.url, "POST", f"/pay/{number}")
        collector.until(lambda one, count=number: len(one.headers) >= count)
        assert ask(server.admin.url, "POST", "/mcp", listing, kinds).status == 200
    assert server.end(signal.SIGTERM, within_s=10) == 0

    (line,) = server.stderr().splitlines()
    assert f"WARNING telemetry can't be exported to {collector.url}: " in line
