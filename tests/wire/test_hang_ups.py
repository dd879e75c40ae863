"""
Clients that leave at any point, by an RST or by a FIN, while a request comes, waits or is answered. Each call that was
begun ends in the record, the counts are exact, and nothing of the connection stays.
"""

import asyncio
import gc
import re

import pytest
from support.in_memory import ClosedSocket, connected, feed, listener
from support.server import until
from support.wire import Wire

from mockserver.http.performer import Performer
from mockserver.model.plan import Outcome

SCENARIO = """
routes:
  - {request: GET /plain, reply: {text: hello}}
  - {request: GET /slow, reply: {text: hello, delay: 2ms}}
  - {request: GET /pieces, reply: {text: hello, throttle: {chunks: 3, over: 2ms}}}
  - {request: GET /hang, reply: {fault: hang}}
  - {request: GET /hang-after, reply: {text: hello, fault: {kind: hang, after: 2}}}
  - {request: GET /cut, reply: {text: hello, fault: truncate}}
  - {request: GET /reset, reply: {text: hello, fault: reset}}
  - {request: POST /echo, reply: {text: "{{ request.text }}"}}
"""
TARGETS = ["/plain", "/slow", "/pieces", "/hang", "/hang-after", "/cut", "/reset", "/nothing"]
REQUESTS = {
    **{target: f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for target in TARGETS},
    "head": b"HEAD /plain HTTP/1.1\r\nHost: x\r\n\r\n",
    "length": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "chunks": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "bad chunks": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
    "too large": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n" + b"a" * 99,
    "too large in chunks": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n"
    + b"a" * 32,
    "continue": b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "no namespace": b"POST /@nobody/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "no request": b"GARBAGE\r\n\r\n",
}
PLAIN = REQUESTS["/plain"]


def resets(transport):
    transport.lose(ConnectionResetError("the client has disconnected"))


def ends(transport):
    """Ends its half, and closes once nothing more comes."""
    if not transport.is_closing() and not transport.protocol.eof_received():
        transport.close()


async def leaves(how, pieces, turns):
    """Feeds the pieces, and leaves after so many turns of the loop. The listener, once all is over."""
    server = listener(SCENARIO, max_body_bytes=20, hang_limit_s=60)
    transport = connected(server.connection())
    transport.socket = ClosedSocket()
    await feed(transport, pieces)
    for _ in range(turns):
        await asyncio.sleep(0)
    how(transport)
    async with asyncio.timeout(20):
        await transport.closed.wait()
        await server._idle.wait()
    await asyncio.sleep(0)
    assert not server.connections
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return server, transport


def settled(server):
    """The outcomes of all calls, after they and the counts were found to be over."""
    ns = server.engine.default
    calls = list(ns.call_log)
    assert [call for call in calls if call.home is not None or call.outcome is Outcome.OPEN] == []
    assert ns.counts.total == len(calls) == ns.last_number
    assert ns.counts.incomplete == sum(not call.request.complete for call in calls)
    for id_, route in ns.counts.routes.items():
        assert route.in_flight == 0
        assert route.calls == sum(call.route_id == id_ for call in calls)
        answered = [call.answer for call in calls if call.route_id == id_ and call.answer is not None]
        assert sorted(map(str, answered)) == sorted(
            str(answer) for answer, times in route.statuses.items() for _ in range(times)
        )
    assert server._busy == 0
    return [call.outcome for call in calls]


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog):
    yield
    gc.collect()
    assert [record.message for record in caplog.get_records("call")] == []


@pytest.mark.parametrize("how", [resets, ends])
@pytest.mark.parametrize("name", REQUESTS)
def test_one_that_leaves_at_any_point_leaves_nothing_open(name, how):
    async def run():
        data = REQUESTS[name]
        for cut in {1, len(data) // 2, len(data) - 1}:
            server, _ = await leaves(how, [data[:cut]], 0)
            assert settled(server) in ([], [Outcome.CLIENT_LEFT], [Outcome.INCOMPLETE])
        for turns in range(7):
            for before, after in ((b"", b""), (PLAIN, PLAIN), (REQUESTS["/slow"], b""), (b"", data)):
                for pieces in ([before + data + after], [before, data, after]):
                    server, _ = await leaves(how, pieces, turns)
                    settled(server)

    asyncio.run(run())


@pytest.mark.parametrize("name", ["/slow", "/pieces", "/hang", "/hang-after"])
def test_a_call_that_waits_is_client_left(name):
    async def run():
        for turns in range(5):
            server, _ = await leaves(resets, [REQUESTS[name]], turns)
            assert settled(server) == [Outcome.CLIENT_LEFT]
            assert server.engine.default.call_log.get(1).left_at_s is not None

    asyncio.run(run())


def test_a_reset_whose_client_has_gone_is_no_defect():
    async def run():
        for turns in range(4):
            server, _ = await leaves(resets, [REQUESTS["/reset"]], turns)
            assert settled(server)[0] in (Outcome.CLIENT_LEFT, Outcome.RESET)

    asyncio.run(run())


@pytest.mark.parametrize("name", ["/plain", "/nothing", "head", "length", "/pieces"])
def test_a_call_whose_answer_can_not_be_written_is_client_left_and_none_behind_it_is_begun(name):
    """The client has reset the connection; nobody was told yet."""

    async def run():
        server = listener(SCENARIO)
        transport = connected(server.connection())
        transport.protocol.data_received(PLAIN * 2)
        transport.breaks_at = len(transport.sent)
        transport.protocol.data_received(REQUESTS[name] + PLAIN * 3)
        async with asyncio.timeout(20):
            await transport.closed.wait()
            await server._idle.wait()
        return server, transport

    server, transport = asyncio.run(run())
    assert settled(server) == [Outcome.DONE, Outcome.DONE, Outcome.CLIENT_LEFT]
    assert transport.sent.count(b"HTTP/1.1 200") == 2
    assert server.engine.default.call_log.get(3).last_byte_at_s is None


# The server stops


def stopped(pieces, then):
    """The server stops after the pieces have come; what the client still sends is `then`."""

    async def run():
        server = listener(SCENARIO, max_body_bytes=1000)
        transport = connected(server.connection())
        await feed(transport, pieces)
        settling = asyncio.create_task(server.settle(0.2))
        await asyncio.sleep(0)
        await feed(transport, then)
        busy = await settling
        await server.cut()
        async with asyncio.timeout(20):
            await transport.closed.wait()
        return server, bytes(transport.sent), busy

    server, said, busy = asyncio.run(run())
    return settled(server), re.findall(rb"HTTP/1.1 (\d+)", said), busy, said


@pytest.mark.parametrize("name", ["length", "chunks"])
@pytest.mark.parametrize("cut", [1, 5])
def test_an_upload_under_way_when_the_server_stops_is_taken_and_answered(name, cut):
    data = REQUESTS[name]

    outcomes, statuses, busy, said = stopped([data[:-cut]], [data[-cut:] + PLAIN])

    assert (outcomes, statuses, busy) == ([Outcome.DONE], [b"200"], 0)
    assert b"Connection: close" in said


def test_an_upload_that_stalls_when_the_server_stops_is_cut():
    outcomes, statuses, busy, _ = stopped([REQUESTS["length"][:-1]], [])

    assert (outcomes, statuses, busy) == ([Outcome.CLIENT_LEFT], [], 1)


@pytest.mark.parametrize(("name", "expected"), [("/slow", Outcome.DONE), ("/hang", Outcome.CLIENT_LEFT)])
def test_what_waits_when_the_server_stops_ends(name, expected):
    outcomes, _, _, _ = stopped([REQUESTS[name] + PLAIN], [PLAIN])

    assert outcomes == [expected]


@pytest.mark.parametrize("data", [b"", PLAIN, PLAIN[:9], PLAIN * 3000])
def test_what_is_not_busy_when_the_server_stops_is_closed(data):
    outcomes, _, busy, _ = stopped([data] if data else [], [PLAIN])

    assert busy == 0
    assert set(outcomes) <= {Outcome.DONE}


# Over sockets


@pytest.mark.parametrize("name", ["/plain", "/slow", "/hang", "length", "chunks", "continue", "too large"])
def test_hundreds_of_resets_leave_no_connection(serving, name):
    server = serving(SCENARIO, max_body_bytes=20)
    for n in range(200):
        wire = Wire(server.address)
        data = REQUESTS[name]
        wire.send(data if n % 2 else data[: n % len(data)])
        wire.reset()
    assert server.ask("GET", "/plain").status == 200  # by then all that came before was accepted
    front = server.app._listeners[0]
    until(lambda: not front.connections and front._busy == 0)

    settled(front)


def test_a_defect_that_shows_when_the_client_has_gone_ends_its_task(monkeypatch, caplog):
    async def perform(*_):
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("broken on purpose")

    monkeypatch.setattr(Performer, "perform", perform)

    async def run():
        failed = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        server, _ = await leaves(resets, [REQUESTS["/slow"]], 3)
        gc.collect()
        return settled(server), failed

    assert asyncio.run(run()) == ([Outcome.CLOSE], [])
    assert "broken on purpose" in caplog.text
    caplog.clear()


def test_nobody_is_told_twice_that_a_client_has_gone_who_reads_slowly():
    """What waited for the client to read has been given up before; its future holds no exception that nobody takes."""

    async def run():
        failed = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        connection = listener(SCENARIO).connection()
        transport = connected(connection)
        connection.pause_writing()
        waiting = asyncio.create_task(connection.drained())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        resets(transport)
        await transport.closed.wait()
        del waiting
        gc.collect()
        return failed

    assert asyncio.run(run()) == []
