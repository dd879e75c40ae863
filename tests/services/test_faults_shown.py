"""A fault before the first byte is shown and counted as that fault everywhere, never as the status that was planned."""

import json
import re

import pytest
from support.wire import Wire

from mockserver.client import Client

FAULTS = ["reset", "close", "garbage", "hang"]


@pytest.fixture(params=FAULTS)
def fault(request):
    return request.param


@pytest.fixture
def server(serving, fault):
    server = serving(
        f"routes: [{{request: POST /pay, reply: [{{status: 503, headers: {{Retry-After: '9'}}, fault: {fault}}}, 201]}}]",
        hang_limit_s=0.02,
    )
    with Wire(server.address) as wire:
        wire.send("POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        wire.ending()
    server.closed_call()
    return server


def test_in_calls(server, fault):
    whole, brief = server.calls()[0], server.admin.get("/calls?brief=true")["items"][0]
    assert (whole["fault"], whole["reply"]) == (fault, None)
    assert (brief["fault"], brief["status"]) == (fault, None)
    assert server.admin.get("/calls?status=5xx")["items"] == []
    assert Client(server.url).calls[0].status is None


def test_in_counts_and_metrics(server, fault):
    assert server.admin.get("/counts")["routes"]["shop/POST /pay"]["statuses"] == {fault: 1}
    server.ask("POST", "/pay")
    assert server.admin.get("/counts")["routes"]["shop/POST /pay"]["statuses"] == {"201": 1, fault: 1}
    text = server.ask("GET", "/__admin/metrics").body.decode()
    counted = re.findall(r'mockserver_calls_total\{route="shop/POST /pay",status="(\w+)"\} (\S+)', text)
    assert sorted(counted) == sorted([("201", "1.0"), (fault, "1.0")])


def test_in_archives(server, fault):
    entry = json.loads(server.ask("GET", "/__admin/calls.har").body)["log"]["entries"][0]
    assert (entry["response"]["status"], entry["response"]["_error"]) == (0, fault)


def test_in_attempts(server, fault):
    server.ask("POST", "/pay")
    (operation,) = server.admin.get("/attempts")["items"]
    assert operation["statuses"] == [None, 201]
    assert operation["tries"][1]["retry_after"] is None, "what was never sent asks for nothing"


def test_in_messages(server, fault):
    shown = server.ask(
        "POST", "/__admin/verify", json.dumps({"request": "POST /pay", "times": 3})
    ).body.decode()
    assert f"--- {fault}" in shown
    assert "503" not in shown
