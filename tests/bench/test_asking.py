"""An exact number of calls: each is asked once, and a status is counted for each."""

import json

import pytest

from benchmarks.asking import ask


def get(path):
    return lambda number: f"GET {path}?n={number} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def test_each_call_is_asked_once(serving):
    server = serving("routes: [{request: GET /one, reply: [503, 200], then: cycle}]")

    assert await ask(server.address[1], get("/one"), 30, 4) == {503: 15, 200: 15}
    numbers = [call["request"]["target"] for call in server.admin.get("/calls?limit=100")["items"]]
    assert sorted(numbers) == sorted(f"/one?n={number}" for number in range(1, 31))


async def test_a_chunked_answer_is_read_to_its_end(serving):
    server = serving("routes: [{request: GET /events, reply: {events: [one, two]}}]")

    assert await ask(server.address[1], get("/events"), 3, 1) == {200: 3}


async def test_what_is_no_answer_is_an_error(serving):
    server = serving(
        json.dumps({"routes": [{"request": "GET /x", "reply": {"text": "x", "fault": "garbage"}}]})
    )

    with pytest.raises((ValueError, EOFError, OSError)):
        await ask(server.address[1], get("/x"), 1, 1)
