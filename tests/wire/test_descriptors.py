"""A server that runs out of file descriptors says so, counts it, and goes on once some are free."""

import contextlib
import resource
import socket
import sys
from pathlib import Path

import pytest
from support.server import until
from support.wire import Wire

SCENARIO = "routes: [{request: GET /plain, reply: 200}]"
ONE = b"GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it needs prlimit and /proc")
def test_running_out_of_descriptors_is_logged_once_and_counted_and_the_server_goes_on(process):
    server = process(scenarios=SCENARIO)
    with Wire(server.address) as wire:
        wire.send(ONE)
        assert wire.answer().status == 200
        pid = server.process.pid
        used = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limits[1]))
        with contextlib.ExitStack() as waiting:
            for _ in range(3):
                waiting.enter_context(socket.create_connection(server.address))
            server.wait_for_log("no connection can be accepted: Too many open files. Raise the limit")

            wire.send(ONE)  # who is connected notices nothing
            assert wire.answer().status == 200
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    until(lambda: server.ask("GET", "/plain").status == 200)
    assert server.admin.get("/health")["refused"]["descriptors"] >= 1
    assert server.stderr().count("no connection can be accepted") == 1
    assert "Traceback" not in server.stderr()
