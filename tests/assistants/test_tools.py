"""Each tool: its result, its errors with place and fix, and what it says of itself."""

import json

import pytest
from support.http import ask

from mockserver.mcp.all_tools import TOOLS
from mockserver.mcp.bounded import MOST_CHARS

from .conftest import OneByOne, in_memory

READING = {
    "explain_request", "get_call", "get_route", "get_scenario", "list_attempts", "list_calls", "list_namespaces",
    "list_routes", "list_scenarios", "list_unmatched", "read_reference", "server_status", "sweep_results", "verify_calls",
}  # fmt: skip
ADDING = {"add_route", "create_namespace"}


@pytest.fixture
def assistant(server):
    return OneByOne(server.url)


async def test_every_tool_says_what_it_changes(server, tmp_path):
    async with in_memory(server.url, report=str(tmp_path / "report.json")) as assistant:
        tools = {tool.name: tool for tool in (await assistant.client.list_tools()).tools}

    assert tools.keys() == TOOLS.keys()
    assert {name for name, tool in tools.items() if tool.annotations.read_only_hint} == READING
    destructive = {name for name, tool in tools.items() if tool.annotations.destructive_hint}
    assert destructive == TOOLS.keys() - READING - ADDING
    for name, tool in tools.items():
        assert tool.title, name
        assert len(tool.description) > 40, name
        assert tool.annotations.open_world_hint is False
        for key, about in tool.input_schema.get("properties", {}).items():
            assert about["description"], (name, key)


async def test_reading_tools_change_nothing(server, assistant):
    """What a snapshot of the admin API shows is the same before and after all of them."""

    def seen():
        paths = ("/calls", "/counts", "/routes", "/scenarios", "/state", "/outage", "/namespaces", "/effects")
        return [server.admin.get(path) for path in paths if path != "/outage"] + [
            server.admin.call("GET", "/outage").json()
        ]

    ask(server.url, "POST", "/data")
    ask(server.url, "POST", "/nowhere")
    before = seen()
    arguments = {
        "explain_request": {"request": "POST /data"}, "get_call": {"id": "c-000001"}, "get_route": {"route": "data"},
        "get_scenario": {"name": "shop"},
    }  # fmt: skip
    for name in READING - {"sweep_results"}:
        await assistant.call(name, **arguments.get(name, {}))

    assert seen() == before


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("get_call", {"id": "c-000099"}, "There is no call 'c-000099'"),
        ("get_call", {}, "the key 'id' is missing"),
        ("get_call", {"idd": "c-1"}, "idd: unknown key. Did you mean 'id'?"),
        ("get_call", {"id": 1}, "id: expected a text"),
        ("list_calls", {"limit": 0}, "limit: expected at least 1"),
        ("list_calls", {"status": "x"}, "status: 'x' is not a valid status. Write 503, 5xx, or UNAVAILABLE"),
        ("list_calls", {"namespace": "nobody"}, "There is no namespace 'nobody'"),
        ("get_route", {"route": "dta"}, "Did you mean"),
        ("add_route", {"yaml": "{request: GET /x, repli: 200}"}, "repli: unknown key. Did you mean 'reply'?"),
        ("add_route", {"yaml": "{request: [}"}, "yaml: "),
        ("add_route", {"yaml": "just text"}, "yaml: this is not one mapping. Write it in YAML"),
        ("put_scenario", {"name": "x", "yaml": "routes: [{request: GET /x, reply: {stauts: 1}}]"}, "Did you mean 'status'?"),
        ("verify_calls", {"checks": [{"route": "dta"}]}, "Did you mean"),
        ("verify_calls", {"checks": [{"effects": {"kind": "piad"}, "times": 0}]}, "Did you mean 'paid'?"),
        ("start_outage", {"reply": {"stauts": 503}}, "Did you mean 'status'?"),
        ("move_clock", {}, "the clock needs exactly one action"),
        ("reset", {"what": ["cals"]}, "what[0]"),
        ("remove_namespace", {"name": "default"}, "The namespace 'default' always exists"),
        ("remove_rout", {"route": "x"}, "There is no tool 'remove_rout'. Did you mean 'remove_route'?"),
    ],
)  # fmt: skip
async def test_an_error_names_place_and_fix_and_changes_nothing(server, assistant, tool, arguments, said):
    before = server.admin.get("/routes"), server.admin.get("/scenarios")

    assert said in await assistant.refused(tool, **arguments)
    assert (server.admin.get("/routes"), server.admin.get("/scenarios")) == before


async def test_null_stands_for_a_missing_argument(assistant):
    assert (await assistant.call("list_calls", route=None, namespace=None))[0] == "No calls."


async def test_a_failed_check_is_a_result_and_no_error(assistant):
    text, data = await assistant.call("verify_calls", checks=[{"route": "data", "times": 2}])

    assert data["ok"] is False
    assert text.startswith("FAILED: ")
    assert "expected 2 calls, saw 0" in text


async def test_without_checks_every_expect_is_verified(server, assistant):
    for _ in range(4):
        ask(server.url, "POST", "/data")

    text, data = await assistant.call("verify_calls")
    assert data["ok"] is False
    assert "expected at most 3 calls, saw 4" in text


async def test_a_check_waits_within_its_time(server, assistant):
    """The timeout of the client is longer than the check, however long that is."""
    _, data = await assistant.call("verify_calls", checks=[{"route": "data", "times": 1, "within": "1ms"}])

    assert data["ok"] is False


async def test_the_latest_calls_are_listed_and_the_earlier_ones_counted(server, assistant):
    for number in range(5):
        ask(server.url, "POST", f"/pay/{number}")

    text, data = await assistant.call("list_calls", route="pay", limit=2)
    assert data["earlier"] == 3
    assert [call["target"] for call in data["calls"]] == ["/pay/3", "/pay/4"]
    assert text.splitlines()[0] == "3 earlier calls not shown."
    assert "1 effect" in text
    _, data = await assistant.call("list_calls", q="PAY/3", until="c-000004")
    assert [call["target"] for call in data["calls"]] == ["/pay/3"]


async def test_the_latest_unmatched_requests_are_listed(server, assistant):
    for number in range(4):
        ask(server.url, "GET", f"/lost/{number}")
        ask(server.url, "POST", "/data")

    _, data = await assistant.call("list_unmatched", limit=2)
    assert [item["request"]["target"] for item in data["unmatched"]] == ["/lost/2", "/lost/3"]


async def test_secrets_are_masked(server, assistant):
    ask(
        server.url,
        "POST",
        "/data",
        b'{"password": "hunter2"}',
        {"Content-Type": "application/json", "Authorization": "Bearer abcdef123456"},
    )

    text, data = await assistant.call("get_call", id="c-000001")
    for said in (text, json.dumps(data)):
        assert "hunter2" not in said
        assert "abcdef123456" not in said


async def test_scenarios_and_routes_are_added_changed_and_removed(server, assistant):
    await assistant.call(
        "put_scenario", name="mail", yaml="routes: [{name: send, request: POST /mails, reply: 202}]"
    )
    assert ask(server.url, "POST", "/mails").status == 202
    await assistant.call("change_route", route="send", yaml="reply: 500")
    assert ask(server.url, "POST", "/mails").status == 500
    await assistant.call("use_scenarios", names=["shop"])
    assert ask(server.url, "POST", "/mails").status == 404
    text, _ = await assistant.call("list_scenarios")
    assert "mail  inactive, 1 routes, added at runtime" in text
    await assistant.call("remove_scenario", name="mail")
    await assistant.call("remove_route", route="data")
    assert ask(server.url, "POST", "/data").status == 404
    await assistant.call("reset")
    assert ask(server.url, "POST", "/data").status == 503


async def test_an_outage_and_the_clock(server, assistant):
    await assistant.call("start_outage", reply=500, **{"for": "1h"})
    assert ask(server.url, "POST", "/pay/1").status == 500
    assert "an outage is active" in (await assistant.call("server_status"))[0]
    await assistant.call("move_clock", advance="2h")
    assert ask(server.url, "POST", "/pay/1").status == 201
    _, data = await assistant.call("start_outage", reply=500, probability=0.5, ramp="1h")
    assert (data["outage"]["probability"], data["outage"]["ramp"]) == (0.5, "1h")
    await assistant.call("end_outage")
    assert ask(server.url, "POST", "/pay/1").status == 201


async def test_a_namespace_is_apart_from_others(server, assistant):
    _, data = await assistant.call("create_namespace", name="n1")
    ask(data["namespace"]["url"], "POST", "/data")

    assert (await assistant.call("list_calls"))[0] == "No calls."
    assert len((await assistant.call("list_calls", namespace="n1"))[1]["calls"]) == 1
    assert "n1" in (await assistant.call("list_namespaces"))[0]
    await assistant.call("remove_namespace", name="n1")
    assert "There is no namespace 'n1'" in await assistant.refused("list_calls", namespace="n1")


async def test_large_answers_are_bounded(server, assistant):
    reply = {"json": {"text": "x" * 100_000, "list": list(range(20_000))}}
    server.admin.post("/routes", {"name": "large", "request": "GET /large", "reply": reply})

    for name, arguments in (
        ("get_route", {"route": "large"}),
        ("explain_request", {"request": "GET /large"}),
    ):
        text, data = await assistant.call(name, **arguments)
        assert len(text) <= MOST_CHARS + 200
        assert len(json.dumps(data, ensure_ascii=False)) <= MOST_CHARS
        assert text.endswith("Ask for less: a lower `limit`, a filter, or one item by its id.")


async def test_a_server_that_does_not_answer_is_an_error_of_the_tool():
    async with in_memory("http://127.0.0.1:1") as assistant:
        assert "No mock server answers at http://127.0.0.1:1" in await assistant.refused("list_calls")


async def test_a_wrong_token_is_an_error_of_the_tool(serving):
    server = serving(admin_token="s3cret")
    async with in_memory(server.url, token="wrong") as assistant:
        assert "The admin token is wrong" in await assistant.refused("list_calls")
    async with in_memory(server.url, token="s3cret") as assistant:
        assert (await assistant.call("list_calls"))[0] == "No calls."


REPORT = {
    "failed": True, "verdicts": {"survived": 1, "failed_cleanly": 0, "harmed": 1},
    "cells": [
        {"id": "t/1/reset", "test": "t", "call": "pay", "trouble": "reset", "verdict": "survived", "passed": True, "reasons": [],
         "remarks": [], "broken_rules": [], "fails": [], "error": "", "command": "pytest t"},
        {"id": "t/1/lost", "test": "t", "call": "pay", "trouble": "lost", "verdict": "harmed", "passed": True,
         "reasons": ["paid: 2 instead of 1"], "remarks": [], "broken_rules": [], "fails": ["harmed"], "error": "",
         "command": "pytest t --lost"},
    ], "unreached": [],
}  # fmt: skip


async def test_the_results_of_a_sweep_are_read_from_its_report(server, tmp_path):
    report = tmp_path / "report.json"
    async with in_memory(server.url, report=str(report)) as assistant:
        said = await assistant.refused("sweep_results")
        assert "can't be read: No such file or directory. Run `pytest --mock-server-sweep`" in said
        report.write_text("[]")
        assert "is not the report of a sweep" in await assistant.refused("sweep_results")
        report.write_text(json.dumps(REPORT))
        text, data = await assistant.call("sweep_results")
        assert text.startswith("1 survived, 0 failed cleanly, 1 harmed")
        assert "paid: 2 instead of 1\n  again: pytest t --lost" in text
        assert [cell["id"] for cell in data["cells"]] == ["t/1/lost", "t/1/reset"]
        assert [
            cell["id"] for cell in (await assistant.call("sweep_results", verdict="survived"))[1]["cells"]
        ] == ["t/1/reset"]


async def test_files_are_only_read_for_the_own_process_of_a_user(server):
    async with in_memory(server.url) as assistant:
        assert "sweep_results" not in {tool.name for tool in (await assistant.client.list_tools()).tools}
        assert "There is no tool 'sweep_results'" in await assistant.refused(
            "sweep_results", report="/etc/passwd"
        )
