"""What a recording or a comparison makes of calls is made on a thread, so that the loop can do its other work."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from support.cost import allowed_s

from mockserver.admin.endpoints.recordings import recorded_answer
from mockserver.cli import diff_session as diffing
from mockserver.cli import record_session as recording
from mockserver.model.exchange import Exchange
from mockserver.model.http import Request, Response
from mockserver.store.recordings import Recording


def exchange(number):
    body = {"id": number, "price": number / 100, "fill": "x" * (40_000 if number % 50 == 0 else 10)}
    lines = [("Content-Type", "application/json")]
    request = Request("GET", f"/items/{number}", [("Host", "localhost")])
    return Exchange(request, Response(200, lines, json.dumps(body).encode()), "https://api.example")


def test_the_loop_spends_no_time_on_the_scenario_of_thousands_of_calls():
    made = Recording("r-1", "api", None, 0.0, 1.0, exchanges=[exchange(number) for number in range(2000)])

    async def answered():
        before_s = time.thread_time()
        answer = await recorded_answer(made)
        pieces = [piece async for piece in answer.pieces]
        return answer.response, b"".join(pieces), time.thread_time() - before_s

    head, body, spent_s = asyncio.run(answered())

    document = json.loads(body)
    assert head.header("content-length") == str(len(body))
    assert document["yaml"].count("GET /items/") == 2000
    assert len(document["files"]) == 40
    assert document["calls"] == 2000
    assert spent_s < allowed_s(0.02, spent_s)


@pytest.fixture
def on_a_thread(monkeypatch):
    """Has a function of a module say on which thread it ran."""
    threads = []

    def watch(module, name):
        real = getattr(module, name)

        def watched(*arguments, **options):
            threads.append(threading.current_thread())
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, watched)
        return threads

    return watch


def test_the_command_writes_a_recording_on_a_thread(on_a_thread, tmp_path, monkeypatch):
    threads = on_a_thread(recording, "_write")
    monkeypatch.setattr(asyncio.Event, "wait", lambda _self: asyncio.sleep(0))
    options = recording.RecordOptions(to="http://127.0.0.1:9", output=str(tmp_path / "a.yaml"), port=0)
    assert recording.run(options) == recording.NOTHING
    assert threads
    assert threading.main_thread() not in threads


def test_a_comparison_runs_on_a_thread(on_a_thread, tmp_path):
    threads = on_a_thread(diffing, "answers")
    file = tmp_path / "a.yaml"
    file.write_text("routes: [{request: GET /a, reply: {json: {price: 10.5}}}]")
    diffing.run(diffing.DiffOptions(paths=(str(file),), against="http://127.0.0.1:9"))
    assert threads
    assert threading.main_thread() not in threads
