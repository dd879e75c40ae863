"""What an assistant does, with the official client: over stdio, over HTTP, and with the MCP server in this process."""

import asyncio
import re

import pytest
from support.http import ask

from .conftest import SCENARIO, in_memory, over_http, over_stdio


async def sent(url, *lines):
    """Statuses of requests of the application, such as `POST /data`."""
    return [(await asyncio.to_thread(ask, url, *line.split(), b"{}")).status for line in lines]


async def mend_and_verify(assistant, url):
    """Find an unmatched request, add the suggested route, see it matched, and verify the retries."""
    assert await sent(url, "POST /date") == [404]
    text, data = await assistant.call("list_unmatched")
    assert "nearest: shop/data (POST /data)" in text
    (found,) = data["unmatched"]

    await assistant.call("add_route", yaml=found["suggestion"])
    text, _ = await assistant.call("explain_request", request="POST /date", json={})
    assert text.startswith("runtime/POST /date answers, step 1: status 200")
    await assistant.call("change_route", route="POST /date", yaml="reply: [503, 503, 201]")
    assert await sent(url, "POST /date", "POST /date", "POST /date") == [503, 503, 201]

    text, data = await assistant.call("list_calls", path="/date")
    assert [call["status"] for call in data["calls"]] == [404, 503, 503, 201]
    text, data = await assistant.call("list_attempts", route="POST /date")
    assert data["operations"][-1]["statuses"] == [503, 503, 201]
    checks = [{"route": "runtime/POST /date", "times": 3, "attempts": {"operations": 1, "same": ["body"]}}]
    text, data = await assistant.call("verify_calls", checks=checks)
    assert data["ok"], text


async def test_with_the_server_in_this_process(server):
    async with in_memory(server.url) as assistant:
        await mend_and_verify(assistant, server.url)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_over_http_with_new_and_old_clients(server, mode):
    async with over_http(f"{server.admin.url}/mcp", mode=mode) as assistant:
        await mend_and_verify(assistant, server.url)


@pytest.mark.slow
async def test_over_stdio_for_a_running_server(serving, tmp_path):
    server = serving(SCENARIO, admin_token="s3cret")
    server.admin.call("POST", "/namespaces", {"name": "n1"}, headers={"Authorization": "Bearer s3cret"})

    token = {"MOCKSERVER_ADMIN_TOKEN": "s3cret"}
    async with over_stdio(tmp_path, "--url", server.url, "--namespace", "n1", env=token) as assistant:
        _, status = await assistant.call("server_status")
        assert status["url"] == f"{server.url}/@n1"
        await mend_and_verify(assistant, status["url"])


@pytest.mark.slow
async def test_over_stdio_with_a_server_of_its_own_that_ends_with_it(write, tmp_path):
    folder = write("routes: [{name: data, request: POST /data, reply: 201}]")

    async with over_stdio(tmp_path, str(folder)) as assistant:
        _, status = await assistant.call("server_status")
        assert await sent(status["url"], "POST /data") == [201]
        (folder / "shop.yaml").write_text("routes: [{name: data, request: POST /data, reply: 202}]")
        await assistant.call("reload_scenarios")
        assert await sent(status["url"], "POST /data") == [202]
        (folder / "shop.yaml").write_text("routes: [{request: POST /data, reply: {stauts: 1}}]")
        assert re.search(
            r"shop\.yaml:1:\d+: .*unknown key.*'status'", await assistant.refused("reload_scenarios")
        )

    with pytest.raises(OSError, match=r"refused"):
        await sent(status["url"], "POST /data")
