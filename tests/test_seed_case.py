"""The promises of the server's first day: the seed case, its two base URLs, exactness, and curl that waits."""

import asyncio
import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
import requests
from requests.adapters import HTTPAdapter
from support.server import PROJECT, until
from urllib3.util import Retry

SEED = "routes: [{request: POST /data, reply: [503, 503, {json: {success: true}}]}]"


@pytest.fixture
def session():
    """What an application has: requests with urllib3's Retry."""
    with requests.Session() as session:
        retry = Retry(total=5, backoff_factor=0, status_forcelist=[503], allowed_methods=None)
        session.mount("http://", HTTPAdapter(max_retries=retry))
        yield session


# 1 and 6


@pytest.mark.smoke
@pytest.mark.parametrize("base", ["", "/mock"])
def test_a_client_that_retries_gets_through_and_the_record_shows_how(serving, session, base):
    server = serving(SEED)

    answer = session.post(f"{server.url}{base}/data", json={"order": 42}, headers={"X-Trace": "t-1"})

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert server.admin.post("/count", {"request": "POST /data"}) == {"count": 3, "exact": True}
    calls = server.calls()
    assert [call["reply"]["status"] for call in calls] == [503, 503, 200]
    assert [call["step"] for call in calls] == [1, 2, 3]
    for call in calls:
        assert call["request"]["path"] == "/data"
        assert call["request"]["target"] == f"{base}/data"
        assert json.loads(call["request"]["body"]["text"]) == {"order": 42}
        assert ["X-Trace", "t-1"] in call["request"]["headers"]
        assert call["times"]["arrived"].endswith("Z")
        assert call["times"]["first_byte_ms"] >= 0
    arrived = [call["times"]["arrived"] for call in calls]
    assert arrived == sorted(arrived)


def test_the_shipped_seed_case_is_the_same(serving, session):
    server = serving(PROJECT / "scenarios" / "data.yaml")

    assert session.post(f"{server.url}/data").json() == {"success": True}
    assert server.admin.get("/counts")["total"] == 3


def test_after_its_last_reply_a_sequence_repeats_it(serving):
    server = serving(SEED)

    assert [server.ask("POST", "/data").status for _ in range(5)] == [503, 503, 200, 200, 200]


# 3


async def storm(url, requests_in_all, connections, path):
    """So many requests over so many connections; the bodies of the answers."""
    left = iter(range(requests_in_all))
    bodies = []

    async def one(client):
        for _ in left:
            async with client.post(f"{url}{path}") as answer:
                bodies.append((answer.status, await answer.read()))

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as client:
        await asyncio.gather(*(one(client) for _ in range(connections)))
    return bodies


@pytest.mark.slow
async def test_twenty_thousand_requests_are_counted_to_the_last_one(process):
    server = process("--calls", "500", scenarios=SEED)

    answers = await storm(server.url, 20_000, 64, "/data")

    assert Counter(status for status, _ in answers) == {503: 2, 200: 19_998}
    assert server.admin.post("/count", {"route": "POST /data"}) == {"count": 20_000, "exact": True}
    assert server.admin.post("/count", {"request": "POST /data"}) == {"count": 20_000, "exact": True}
    counts = server.admin.get("/counts")
    assert (counts["total"], counts["unmatched"], counts["incomplete"]) == (20_000, 0, 0)
    route = counts["routes"]["shop/POST /data"]
    assert (route["calls"], route["statuses"], route["in_flight"]) == (20_000, {"200": 19_998, "503": 2}, 0)
    assert 1 <= route["most_in_flight"] <= 64
    kept = server.admin.get("/calls?limit=10000")["items"]
    assert [call["number"] for call in kept] == list(range(19_501, 20_001))


def hundred(then="repeat", **route):
    replies = [{"json": {"n": n}} for n in range(100)]
    return json.dumps({"routes": [{"request": "POST /next", "reply": replies, "then": then, **route}]})


@pytest.mark.parametrize("body", ['{"n": 1}', None], ids=["templated", "fixed"])
async def test_each_of_a_hundred_replies_is_given_exactly_once(serving, body):
    replies = [{"json": {"n": "{{ %d }}" % n if body else n}} for n in range(100)]  # noqa: UP031  (braces)
    server = serving(json.dumps({"routes": [{"request": "POST /next", "reply": replies, "then": "stop"}]}))

    answers = await storm(server.url, 100, 100, "/next")

    assert Counter(body for _, body in answers) == Counter(b'{"n":%d}' % n for n in range(100))
    assert server.ask("POST", "/next").status == 404


async def test_a_cycle_gives_every_reply_as_often(serving):
    server = serving(hundred("cycle"))

    answers = await storm(server.url, 1000, 50, "/next")

    assert set(Counter(body for _, body in answers).values()) == {10}


async def test_replies_that_wait_are_given_exactly_once_too(serving):
    replies = [{"json": {"n": n}, "delay": "20ms"} for n in range(100)]
    server = serving(json.dumps({"routes": [{"request": "POST /next", "reply": replies, "then": "stop"}]}))

    answers = await storm(server.url, 100, 100, "/next")

    assert sorted(json.loads(body)["n"] for _, body in answers) == list(range(100))
    assert server.admin.get("/counts")["routes"]["shop/POST /next"]["most_in_flight"] > 1


# 4


def curl(server, check):
    """curl as a shell script calls it, with no content type of its own."""
    return subprocess.run(
        ["curl", "--fail-with-body", "-sS", f"{server.admin.url}/verify", "-d", json.dumps(check)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


CHARGES = "routes: [{name: create-charge, request: POST /v1/charges, reply: [503, 503, 201]}]"


def test_curl_waits_for_the_third_call_and_succeeds(serving):
    server = serving(CHARGES)
    for _ in range(2):
        server.ask("POST", "/v1/charges")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(curl, server, {"route": "create-charge", "times": 3, "within": "20s"})
        until(lambda: server.waits)
        assert not waiting.done()

        server.ask("POST", "/v1/charges")
        done = waiting.result(10)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True


def test_curl_fails_with_a_body_that_a_person_can_act_on(serving):
    server = serving(CHARGES)
    for path in ("/v1/charges", "/v1/charges", "/v1/charge"):
        server.ask("POST", path, headers={"Idempotency-Key": "4f1c"})

    done = curl(server, {"route": "create-charge", "times": 3, "within": "50ms"})

    assert done.returncode == 22
    assert "409" in done.stderr
    problem = json.loads(done.stdout)
    assert problem["status"] == 409
    lines = problem["detail"].splitlines()
    assert lines[0] == "create-charge: expected 3 calls, saw 2"
    assert len(lines) == 4
    assert "key=4f1c" in lines[1]
    assert "nearest: create-charge, path differs: '/v1/charge' is not '/v1/charges'" in lines[3]
