"""The call log is kept beside the state file: what it shows, and what no crash or invalid file may show."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.engine import InMemory
from support.events import following
from support.wire import Wire

from mockserver.engine.namespace import Namespace
from mockserver.model.plan import Outcome
from mockserver.persistence import saved_calls
from mockserver.persistence.errors import StateFileError
from mockserver.persistence.keeper import Keeper
from mockserver.store.call_log import CallLogLimits

pytestmark = pytest.mark.smoke

SHOP = """
routes:
  - name: pay
    request: POST /pay
    tags: [money]
    let: {fee: "{{ request.json.amount }}"}
    idempotency: {header: idempotency-key}
    reply: [{status: 503, headers: {Retry-After: "1"}}, {status: 201, json: {paid: true}, effect: {kind: charge}}]
  - {name: broken, request: GET /broken, reply: {text: abcdef, fault: {kind: truncate, after: 3}}}
  - {name: binary, request: PUT /binary, reply: {base64: "/wABAg=="}}
"""
SEEN = (
    "/calls?reveal=true", "/calls/c-000001?reveal=true", "/calls?tag=money", "/calls?q=paid", "/unmatched?reveal=true",
    "/calls.har?reveal=true", "/attempts", "/counts", "/load",
)  # fmt: skip
CHECKS = (
    {"route": "pay", "times": 3},
    {"request": "POST /pay", "match": {"json": {"amount": 5}}, "attempts": {"operations": 2}},
    {"request": "PUT /binary", "match": {"headers": {"host": "present"}}, "times": 1},
    {"unmatched": 0},
)


def names(state_file):
    return sorted(path.name for path in state_file.parent.iterdir())


def seen(server):
    """Everything that is computed from the call log."""
    views = {path: server.admin.call("GET", path).text for path in SEEN}
    checks = [server.admin.call("POST", "/verify", check).json() for check in CHECKS]
    count = server.admin.post("/count", {"request": "POST /pay", "match": {"json": {"amount": 5}}})
    return views, checks, count


def test_everything_that_is_shown_of_calls_is_as_it_was(kept, state_file):
    server = kept(SHOP)
    given = {"Content-Type": "application/json", "Idempotency-Key": "k1", "Authorization": "Bearer secret"}
    for key in ("k1", "k1", "k2"):
        server.ask("POST", "/pay", '{"amount": 5}', headers={**given, "Idempotency-Key": key})
    server.ask("GET", "/pya?token=abc")
    server.ask("PUT", "/binary", b"\xff\x00" * 40_000)
    with Wire(server.address) as wire:
        wire.send("GET /broken HTTP/1.1\r\nHost: x\r\nX-Odd: \xe4\r\n\r\n".encode("latin-1"))
        wire.rest()
    server.closed_call(6)
    before = seen(server)

    server = kept(server.folder)

    assert seen(server) == before
    assert [check["ok"] for check in before[1]] == [True, True, False, False]
    assert before[2] == {"count": 3, "exact": False}  # a body is kept in part only
    assert len(server.calls()) == 6
    server.stop()
    assert names(state_file) == ["mock.json", "mock.json.calls", "mock.json.lock"]
    assert state_file.with_name("mock.json.calls").stat().st_mode & 0o777 == 0o600


def test_who_resumes_the_stream_after_a_restart_gets_the_calls_since_then(kept):
    server = kept(SHOP)
    for _ in range(4):
        server.ask("GET", "/none", headers={"x-a": "1"})
    server.closed_call(4)

    server = kept(server.folder)
    server.ask("GET", "/none", headers={"x-a": "1"})
    with following(server.admin.url, after="c-000002") as events:
        assert [events.call()["number"] for _ in range(3)] == [3, 4, 5]
    counted = server.admin.post("/count", {"request": "GET /none", "match": {"headers": {"x-a": "1"}}})
    assert counted == {"count": 5, "exact": True}


# In memory: saves are made by hand, and may fail

ROUTES = "routes: [{name: a, request: GET /a, reply: 200}]"


class Run:
    """An engine in memory with a state file, until it crashes: nothing is saved then."""

    def __init__(self, path: Path, *, calls: int = 1000) -> None:
        self.memory = InMemory(ROUTES, limits=CallLogLimits(calls=calls))
        self.keeper = Keeper(str(path), self.memory.engine, lambda: self.memory.now_s, "")

    async def start(self) -> Run:
        await self.keeper.open()
        assert self.keeper._task is not None
        self.keeper._task.cancel()  # saves are made by hand
        return self

    @property
    def ns(self) -> Namespace:
        return self.memory.default

    def ask(self, count: int = 1) -> None:
        for _ in range(count):
            self.memory.ask("GET /a")

    async def save(self) -> None:
        self.keeper.changed(0.0)
        await self.keeper._save()

    def crash(self) -> None:
        self.keeper._calls.close()
        self.keeper._disk.unlock()

    def numbers(self) -> list[int]:
        return [call.number for call in self.ns.call_log]


@pytest.fixture
def running(state_file: Path) -> Callable[[Callable[..., Awaitable[None]]], None]:
    """Runs a test with a function that crashes the run before, and starts the next."""

    def run(test: Callable[..., Awaitable[None]]) -> None:
        runs: list[Run] = []

        async def again(**settings: int) -> Run:
            if runs:
                runs.pop().crash()
            runs.append(await Run(state_file, **settings).start())
            return runs[0]

        try:
            asyncio.run(test(again))
        finally:
            for left in runs:
                left.crash()

    return run


def rows(state_file: Path) -> list[int]:
    """The numbers of all calls in the file."""
    db = sqlite3.connect(state_file.with_name("mock.json.calls"))
    try:
        return [number for (number,) in db.execute("SELECT number FROM calls ORDER BY number")]
    finally:
        db.close()


def fails(*_: Any) -> None:
    raise StateFileError("no space")


def test_a_crash_between_the_two_files_shows_no_call_that_is_not_counted(running, monkeypatch):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.ask()
        run.ns.forget_call(run.ns.call_log.get(2))
        monkeypatch.setattr(run.keeper._disk, "write", fails)
        with pytest.raises(StateFileError):
            await run.save()

        run = await again()
        assert (run.ns.counts.total, run.numbers(), run.ns.call_log.dropped) == (3, [1, 3], 1)

        # The number of the call that was not counted is used again: its row must not appear as another call.
        run.memory.begin("GET /a")
        await run.save()
        run = await again()
        assert (run.ns.counts.total, run.numbers(), run.ns.call_log.dropped) == (4, [1, 3], 2)

    running(test)


def test_calls_that_were_reset_do_not_come_back(running, monkeypatch):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.ns.forget_calls()
        await run.save()
        run = await again()
        assert run.numbers() == []

        run.ask(2)
        await run.save()
        run.ns.forget_calls()
        run.ask()
        monkeypatch.setattr(run.keeper._disk, "write", fails)
        with pytest.raises(StateFileError):
            await run.save()
        run = await again()
        assert (run.ns.counts.total, run.numbers(), run.ns.call_log.dropped) == (2, [], 2)

    running(test)


def test_a_deleted_call_does_not_come_back(running, state_file):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.ns.forget_call(run.ns.call_log.get(2))
        await run.save()
        run = await again()
        assert (run.ns.counts.total, run.numbers(), run.ns.call_log.dropped) == (2, [1, 3], 0)
        await run.save()

    running(test)
    assert rows(state_file) == [1, 3]


def test_a_namespace_made_again_under_the_same_name_has_no_calls_of_the_old_one(running, monkeypatch):
    async def test(again):
        run = await again()
        engine = run.memory.engine
        old = engine.make_namespace("n")
        for _ in range(5):
            run.memory.ask("GET /a", old)
        await run.save()
        engine.remove_namespace(old)
        run.memory.ask("GET /a", engine.make_namespace("n"))
        monkeypatch.setattr(run.keeper._disk, "write", fails)
        with pytest.raises(StateFileError):
            await run.save()

        run = await again()
        ns = run.memory.engine.namespaces["n"]
        assert (ns.counts.total, len(ns.call_log), ns.call_log.dropped) == (5, 0, 5)

    running(test)


def test_the_calls_of_a_removed_namespace_are_deleted(running, state_file):
    async def test(again):
        run = await again()
        run.ask()
        gone = run.memory.engine.make_namespace("n")
        for _ in range(3):
            run.memory.ask("GET /a", gone)
        await run.save()
        run.memory.engine.remove_namespace(gone)
        await run.save()

    running(test)
    assert rows(state_file) == [1]


def test_after_a_failure_everything_is_written_again(running, monkeypatch):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.ask(2)
        run.ns.forget_call(run.ns.call_log.get(2))
        file = run.keeper._calls._file
        file.close()
        with monkeypatch.context() as patched:
            patched.setattr(
                sqlite3,
                "connect",
                lambda *_, **__: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")),
            )
            with pytest.raises(
                StateFileError, match=r"can't save calls in .*mock\.json\.calls: disk full\. "
            ):
                await run.save()
        await run.keeper._save()  # by itself

        run = await again()
        assert (run.ns.counts.total, run.numbers(), run.ns.call_log.dropped) == (4, [1, 3, 4, 5], 0)

    running(test)


def test_a_file_that_is_damaged_while_it_is_used_is_replaced(running, state_file):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.keeper._calls.close()
        state_file.with_name("mock.json.calls").write_bytes(b"garbage" * 1000)
        run.ask()
        with pytest.raises(StateFileError, match="not a database"):
            await run.save()
        await run.keeper._save()

        run = await again()
        assert run.numbers() == [1, 2, 3, 4]

    running(test)


def test_a_call_that_completes_without_another_change_is_saved(running):
    async def test(again):
        run = await again()
        first = run.memory.begin("GET /a")
        run.ask()
        await run.save()
        run.memory.engine.finish(first, Outcome.DONE)
        await run.keeper._save()  # nobody has asked anything since

        run = await again()
        assert (run.numbers(), run.ns.call_log.dropped) == ([1, 2], 0)

    running(test)


def test_a_call_in_progress_is_dropped(running):
    async def test(again):
        run = await again()
        run.memory.begin("GET /a")
        run.ask()
        await run.save()

        run = await again()
        assert (run.numbers(), run.ns.call_log.dropped) == ([2], 1)

    running(test)


def test_the_file_has_the_calls_that_the_log_has(running, state_file):
    async def test(again):
        run = await again(calls=4)
        for _ in range(3):
            run.ask(3)
            await run.save()
        run = await again(calls=4)
        assert (run.numbers(), run.ns.call_log.dropped) == ([6, 7, 8, 9], 5)
        run = await again(calls=2)
        assert (run.numbers(), run.ns.call_log.dropped) == ([8, 9], 7)

    running(test)
    assert rows(state_file) == [8, 9]


def test_a_log_without_calls_has_no_file(running, state_file):
    async def test(again):
        run = await again(calls=0)
        run.ask(3)
        await run.save()

    running(test)
    assert names(state_file) == ["mock.json", "mock.json.lock"]


def test_each_call_is_encoded_once(running, monkeypatch):
    encoded: list[int] = []
    of = saved_calls.call_row
    monkeypatch.setattr(
        saved_calls, "call_row", lambda call, clock_s: encoded.append(call.number) or of(call, clock_s)
    )

    async def test(again):
        run = await again()
        for _ in range(3):
            run.ask(2)
            await run.save()
            await run.save()
        run = await again()
        await run.save()
        assert len(run.numbers()) == 6

    running(test)
    assert encoded == [1, 2, 3, 4, 5, 6]


def test_a_deleted_state_file_starts_from_scratch(running, state_file, caplog):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.crash()
        state_file.unlink()
        run = await again()
        assert run.numbers() == []
        run.ask()
        await run.save()

    running(test)
    assert rows(state_file) == [1]
    assert not caplog.records


# Invalid files


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_no_link_beside_the_file_is_followed(running, state_file, tmp_path, suffix):
    precious = tmp_path / "precious"
    precious.write_text("keep me")

    async def test(again):
        run = await again()
        run.ask()
        await run.save()
        run.crash()
        state_file.with_name(f"mock.json.calls{suffix}").symlink_to(precious)
        run = await again()
        run.ask(2)
        await run.save()
        assert precious.read_text() == "keep me"

    running(test)
    assert rows(state_file) == [1, 2, 3]


def _other_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (a)")
    db.close()


def _sql(text: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as db:
            db.execute(text)
        db.close()

    return change


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "it is missing"),
        (lambda path: path.write_bytes(b"garbage" * 1000), "file is not a database. The file is now"),
        (_other_program, "it is not a file of mockserver. The file is now"),
        (_sql("PRAGMA user_version = 2"), "its version is 2, and this mockserver reads version 1. The file is now"),
        (_sql("UPDATE calls SET document = '{' WHERE number = 2"), "they can't be read (JSONDecodeError: "),
        (_sql("UPDATE calls SET document = '{}' WHERE number = 2"), "they can't be read (KeyError: "),
        (_sql("DROP TABLE calls"), "no such table: calls. The file is now"),
        (_folder, "it is not a regular file. The file is now"),
        (_link, "it is not a regular file. The file is now"),
    ],
    ids=["missing", "garbage", "foreign", "newer", "torn", "other", "empty", "folder", "link"],
)  # fmt: skip
def test_an_invalid_file_is_reported_and_the_server_starts_without_its_calls(
    running, state_file, caplog, spoil, said
):
    async def test(again):
        run = await again()
        run.ask(3)
        await run.save()
        run.crash()
        spoil(state_file.with_name("mock.json.calls"))

        run = await again()
        assert (run.ns.counts.total, run.numbers(), run.ns.call_log.dropped) == (3, [], 3)
        (warning,) = caplog.records
        assert warning.message.startswith(f"the calls in {state_file}.calls are not restored: {said}")
        assert "\n" not in warning.message

        run.ask()
        await run.save()
        run = await again()
        assert (run.numbers(), run.ns.call_log.dropped) == ([4], 3)
        assert len(caplog.records) == 1

    running(test)


def test_the_file_of_another_server_has_no_calls_of_this_one(running, state_file, tmp_path):
    async def test(again):
        other = await Run(tmp_path / "other.json").start()
        other.ask(2)
        await other.save()
        other.crash()
        run = await again()
        run.ask(3)
        await run.save()
        run.crash()
        (tmp_path / "other.json.calls").replace(state_file.with_name("mock.json.calls"))

        run = await again()
        assert (run.numbers(), run.ns.call_log.dropped) == ([], 3)

    running(test)


def test_a_state_file_without_calls_is_read(running, state_file, caplog):
    """As one of an earlier version is."""

    async def test(again):
        run = await again(calls=0)
        run.ask(3)
        await run.save()
        assert "log" not in json.loads(state_file.read_bytes())["namespaces"]["default"]["about"]
        run = await again()
        assert (run.numbers(), run.ns.call_log.dropped) == ([], 3)

    running(test)
    assert not caplog.records
