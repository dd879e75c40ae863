"""Killed at whatever moment, a server leaves a state file that is whole and fits together."""

import signal

import pytest
from support.crash import crash
from support.server import until


@pytest.mark.slow
def test_no_kill_leaves_a_state_file_that_is_not_whole(tmp_path):
    """A few of the 200 of scripts/crash, which holds it to its second too."""
    report = crash(tmp_path, rounds=6, seed=7, longest_s=0.5, promise_s=10)

    assert report.faults == []
    assert report.in_writing
    assert report.calls


@pytest.mark.slow
def test_what_was_written_is_there_after_a_kill(process, tmp_path):
    state = tmp_path / "state.json"
    server = process("--state-file", "state.json")
    assert server.ask("POST", "/data").status == 503
    server.admin.call("PUT", "/state/greeting", "hello")
    until(lambda: b"hello" in state.read_bytes())  # by itself, soon after

    server.end(signal.SIGKILL, within_s=10)
    server = process("--state-file", "state.json", scenarios=tmp_path / "scenarios")

    assert [server.ask("POST", "/data").status for _ in range(2)] == [503, 200]
    assert server.admin.get("/state") == {"greeting": "hello"}
    assert server.admin.get("/counts")["total"] == 3
    assert [call["reply"]["status"] for call in server.calls()] == [503, 503, 200]
    counted = server.admin.post(
        "/count", {"request": "POST /data", "match": {"headers": {"host": "present"}}}
    )
    assert counted == {"count": 3, "exact": True}


@pytest.mark.slow
def test_sigterm_writes_what_nobody_has_waited_for(process, tmp_path):
    server = process("--state-file", "state.json")
    server.ask("POST", "/data")

    code = server.end(signal.SIGTERM, within_s=10)
    server = process("--state-file", "state.json", scenarios=tmp_path / "scenarios")

    assert code == 0
    assert server.admin.get("/counts")["total"] == 1
