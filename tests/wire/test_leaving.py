"""A client that goes in the middle: noticed at once, recorded with its time, and nothing of it stays."""

import asyncio
import contextlib
import resource
import signal
import socket
from pathlib import Path

import pytest
from support.wire import Wire

SCENARIO = """
routes:
  - {request: GET /delay, reply: {text: late, delay: 60s}}
  - {request: GET /hang, reply: {fault: hang}}
  - {request: GET /hang-after-headers, reply: {text: hello, fault: {kind: hang, after: headers}}}
  - {request: GET /hang-after-bytes, reply: {text: hello, fault: {kind: hang, after: 2}}}
  - {request: GET /stream, reply: {events: [one, {data: two, delay: 60s}]}}
  - {request: GET /hang-after-events, reply: {events: [one, two], fault: {kind: hang, after: 1 events}}}
  - {request: GET /throttled, reply: {text: hello, throttle: {chunks: 2, over: 60s}}}
  - {request: GET /fine, reply: {text: fine}}
"""
PLACES = [
    "/delay",
    "/hang",
    "/hang-after-headers",
    "/hang-after-bytes",
    "/stream",
    "/hang-after-events",
    "/throttled",
]
SILENT = {"/delay", "/hang"}
WAYS = {"by closing": Wire.close, "by a reset": Wire.reset, "by ending its half": Wire.ends_sending}


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"


BIG = {
    "shop.yaml": "routes: [{request: GET /big, reply: {file: big.bin}}]",
    "big.bin": bytes(32_000_000),  # more than the kernel takes
}


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


async def others():
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def ended(before):
    """Returns once every task that was not there before has ended; fails where one goes on."""
    while left := (await others()) - before:
        _, pending = await asyncio.wait(left, timeout=5)
        assert not pending
    await asyncio.sleep(0)  # transports close their sockets in the loop's next turn


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def leaves_nothing(server):
    """What a call used is free again when the test ends."""
    before = server.loop.run(others())
    files = open_files()
    yield
    server.loop.run(ended(before))
    server.loop.run(ended(before))
    assert open_files() <= files


def begun(server, target):
    server.admin.post("/verify", {"request": f"GET {target}", "within": "5s"})


def reached(wire, server, target):
    """Returns when the server has come to the place where it waits."""
    begun(server, target)
    if target not in SILENT:
        wire.until(b"\r\n\r\n")


@pytest.mark.parametrize("target", PLACES)
@pytest.mark.usefixtures("leaves_nothing")
def test_a_client_that_leaves_by_a_reset_takes_all_that_was_done_for_it_along(server, target):
    with Wire(server.address) as wire:
        wire.send(get(target))
        reached(wire, server, target)
        wire.reset()
        assert server.closed_call()["outcome"] == "client_left"


@pytest.mark.parametrize("target", [place for place in PLACES if "hang" in place])
@pytest.mark.parametrize("way", ["by closing", "by ending its half"])
@pytest.mark.usefixtures("leaves_nothing")
def test_so_does_one_that_ends_its_half_where_nothing_is_sent_any_more(server, target, way):
    with Wire(server.address) as wire:
        wire.send(get(target))
        reached(wire, server, target)
        WAYS[way](wire)
        assert server.closed_call()["outcome"] == "client_left"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", PLACES)
def test_a_client_that_leaves_is_noticed_and_recorded(server, target, way):
    with Wire(server.address) as wire:
        wire.send(get(target))
        reached(wire, server, target)
        assert server.admin.get("/counts")["routes"][f"shop/GET {target}"]["in_flight"] == 1

        WAYS[way](wire)
        call = server.closed_call()

    assert call["outcome"] == "client_left"
    assert call["times"]["left_ms"] > 0
    assert call["times"]["last_byte_ms"] is None
    assert (call["times"]["first_byte_ms"] is None) == (target in SILENT)
    assert call["request"]["complete"]
    assert server.admin.get("/counts")["routes"][f"shop/GET {target}"]["in_flight"] == 0


@pytest.mark.parametrize("behind", [1, 3, 200])
@pytest.mark.parametrize("target", ["/delay", "/hang-after-headers"])
@pytest.mark.parametrize("way", ["by closing", "by a reset"])
def test_it_is_noticed_too_where_requests_wait_behind(server, target, way, behind):
    """They have been read, or wait in the kernel: neither may hide that the client has gone."""
    with Wire(server.address) as wire:
        wire.send(get(target) + get("/fine") * behind)
        reached(wire, server, target)
        WAYS[way](wire)
        assert server.closed_call()["outcome"] == "client_left"

    assert server.admin.get("/counts")["total"] == 1


def test_a_client_that_doesnt_read_is_waited_for_and_may_leave(serving):
    server = serving(BIG)
    before = server.loop.run(others())
    with Wire(server.address, receive_buffer=4096) as wire:
        wire.send(get("/big"))
        begun(server, "/big")
        wire.until(b"\r\n\r\n")
        assert server.calls()[0]["outcome"] == "open"
        wire.reset()
        call = server.closed_call()

    assert (call["outcome"], call["times"]["last_byte_ms"]) == ("client_left", None)
    server.loop.run(ended(before))


def test_many_that_leave_at_once_are_all_recorded(server):
    before = server.loop.run(others())
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(server.address, timeout_s=30)) for _ in range(200)]
        for i, wire in enumerate(wires):
            wire.send(get(PLACES[i % len(PLACES)]))
        server.admin.post("/verify", [{"request": "GET /{any}", "times": 200, "within": "20s"}])
        for wire in wires:
            wire.reset()
    server.loop.run(ended(before))

    assert {call["outcome"] for call in server.calls("?limit=1000")} == {"client_left"}
    assert all(route["in_flight"] == 0 for route in server.admin.get("/counts")["routes"].values())


@pytest.mark.slow
def test_a_hang_ends_at_the_limit_of_the_server(process):
    server = process("--hang-limit", "50ms", scenarios=SCENARIO)
    for target, seen in (("/hang", b""), ("/hang-after-bytes", b"he")):
        with Wire(server.address) as wire:
            wire.send(get(target))
            data, end = wire.ending()
        assert data.endswith(seen)
        assert end == "FIN"
    outcomes = [(call["fault"], call["outcome"], call["times"]["left_ms"]) for call in server.calls()]
    assert outcomes == [("hang", "close", None)] * 2


@pytest.mark.slow
def test_five_thousand_hanging_clients_dont_hold_up_the_end(process):
    """Within a second on a machine with nothing else to do; here only the order of it is held."""
    count = 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 1000:
        pytest.skip(f"a process may have only {hard} files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 1000), hard))
    server = process(scenarios=SCENARIO)
    clients = []
    try:
        for i in range(count):
            client = socket.create_connection(server.address, timeout=30)
            clients.append(client)
            client.sendall(get("/hang" if i % 2 else "/delay").encode())
        server.admin.post("/verify", {"request": "GET /{any}", "times": count, "within": "60s"}, timeout_s=90)

        code = server.end(signal.SIGTERM, within_s=8)
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert code == 0
