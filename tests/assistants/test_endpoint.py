"""`/__admin/mcp`: who may use it, what it answers to what is not of the protocol, and that it needs an extra."""

import json
import sys

import pytest
from support.http import ask

from .conftest import over_http

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_calls", "arguments": {}}}
KINDS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def post(server, document=CALL, path="/mcp", **headers):
    lines = {**KINDS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    body = document if isinstance(document, bytes) else json.dumps(document)
    return ask(server.admin.url, "POST", path, body, lines)


def test_only_who_has_the_token_may_use_it(serving):
    server = serving(admin_token="s3cret")

    assert post(server).status == 401
    assert post(server, Authorization="Bearer wrong").status == 401
    answer = post(server, Authorization="Bearer s3cret")
    assert (answer.status, answer.json()["result"]["content"][0]["text"]) == (200, "No calls.")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Host": "evil.example"}],
)
def test_web_pages_of_others_are_refused(server, headers):
    answer = post(server, **headers)

    assert answer.status == 403
    assert answer.media_type == "application/problem+json"


@pytest.mark.parametrize(
    "settings",
    [
        {"admin_port": 0},
        {"host": "0.0.0.0"},
        {"host": "::1"},
        {"tls": True},
        {"public_url": "https://mock.example"},
    ],
)
def test_it_reaches_its_own_server_wherever_that_listens(serving, settings):
    server = serving(**settings)

    answer = ask(server.app.own_admin_url, "POST", "/mcp", json.dumps(CALL), KINDS)
    assert answer.json()["result"]["content"][0]["text"] == "No calls."


def test_a_namespace_in_the_path_is_the_default_of_the_tools(server):
    server.admin.call("POST", "/namespaces", {"name": "n1"})
    ask(server.url, "POST", "/@n1/data")

    text = post(server, path="/@n1/mcp").json()["result"]["content"][0]["text"]
    assert text.startswith("c-000001  POST /@n1/data  503")
    assert post(server, path="/@nobody/mcp").status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b'{"jsonrpc": "2.0"}', 400), (b'"' + b"x" * 5_000_000 + b'"', 413)],
)  # fmt: skip
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_what_is_not_of_the_protocol_is_refused_and_the_server_goes_on(server, body, status, version):
    answer = post(server, body, Mcp_Protocol_Version=version)

    assert answer.status == status
    assert post(server).status == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_sessions_to_listen_to_or_to_end(server, method):
    answer = ask(server.admin.url, method, "/mcp", headers=KINDS)

    assert (answer.status, answer.header("allow")) == (405, "POST")


def test_an_unknown_method_is_an_error_of_the_protocol(server):
    answer = post(server, {"jsonrpc": "2.0", "id": 7, "method": "no/such"})

    assert (answer.json()["id"], answer.json()["error"]["code"]) == (7, -32601)


async def test_tools_at_once_do_not_wait_for_each_other(server):
    """A check that waits does not hold up the call that it waits for."""
    import asyncio

    async with over_http(f"{server.admin.url}/mcp") as assistant:
        check = {"route": "data", "times": 1, "within": "30s"}
        waiting = asyncio.create_task(assistant.call("verify_calls", checks=[check]))
        while not server.waits:
            await assistant.call("list_calls")
        await asyncio.to_thread(ask, server.url, "POST", "/data")
        _, data = await waiting
        assert data["ok"]


def test_without_the_extra_the_answer_names_it(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    for name in [name for name in sys.modules if name.startswith(("mockserver.mcp.", "mcp."))]:
        monkeypatch.delitem(sys.modules, name)

    answer = post(server)
    assert answer.status == 501
    assert answer.json()["detail"] == "Install the extra mockserver[mcp]"
    assert server.admin.get("/health")["status"] == "ok"
