"""Real WebSocket clients: the seed case, what each reports of a broken connection, and many connections at once."""

import asyncio
import importlib.util
import json
import ssl
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import websockets
from support.websocket import TEXT, Socket, frame

from mockserver.client import Client, VerificationFailed
from mockserver.http.websocket.conversation import CLOSE_TIMEOUT_S

pytestmark = pytest.mark.in_memory  # replicas refuse handshakes
PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "websocket.md").read_text()
SEED = """
routes:
  - name: feed
    request: WS /feed
    expect: 3
    reply:
      - {status: 503, headers: {retry-after: "0.1"}}
      - 503
      - websocket:
          - {receive: {json: {type: subscribe}}}
          - {send: {json: {type: subscribed, call: "{{ call.number }}"}}}
"""
GAPS_S = (0.15, 0.3)
SUBSCRIBE = '{"type": "subscribe"}'


def _script():
    sys.path.insert(0, str(PROJECT / "scripts"))
    try:
        spec = importlib.util.spec_from_file_location(
            "websocket_table", PROJECT / "scripts" / "websocket_table.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(PROJECT / "scripts"))
    return module


websocket_table = _script()
written = websocket_table.fault_table


@pytest.fixture(scope="session")
def node_clients(tmp_path_factory):
    """A folder with ws and undici."""
    folder = tmp_path_factory.mktemp("node")
    if not websocket_table.install_node_clients(folder):
        pytest.skip("node and npm are not installed, or npm could not fetch ws and undici")
    return folder


def in_ws(url, path="/feed"):
    return url.replace("http", "ws", 1) + path


async def by_websockets(url):
    for gap_s in (*GAPS_S, None):
        try:
            async with websockets.connect(url, proxy=None) as connection:
                await connection.send(SUBSCRIBE)
                return json.loads(await connection.recv())
        except websockets.InvalidStatus:
            await asyncio.sleep(gap_s)
    raise AssertionError("it was never accepted")


async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session:
        for gap_s in (*GAPS_S, None):
            try:
                async with session.ws_connect(url) as connection:
                    await connection.send_str(SUBSCRIBE)
                    return await connection.receive_json()
            except aiohttp.WSServerHandshakeError:
                await asyncio.sleep(gap_s)
    raise AssertionError("it was never accepted")


NODE = """
const WebSocket = process.argv[2] === 'ws' ? require('ws').WebSocket : require('undici').WebSocket;
const gaps = GAPS.slice();
(function connect() {
  const socket = new WebSocket(process.argv[3]);
  let failed = false;
  socket.addEventListener('error', () => {
    if (failed) return;
    failed = true;
    setTimeout(connect, gaps.shift());
  });
  socket.addEventListener('open', () => socket.send('{"type": "subscribe"}'));
  socket.addEventListener('message', (event) => {
    console.log(event.data);
    socket.addEventListener('close', () => process.exit(0));
    socket.close(1000);
  });
})();
"""


def judged(server):
    """What a test asserts of the retries: the count, and the waits."""
    with Client(server.url) as client:
        client.route("feed").assert_attempts(3, honours="retry-after", gaps="100ms", overlap=False)
        client.route("feed").assert_received(1, json={"type": "subscribe"}, within=5)
        client.verify()
        with pytest.raises(VerificationFailed, match="expected at least 2"):
            client.route("feed").assert_attempts(3, gaps="2s")


@pytest.mark.slow
@pytest.mark.parametrize("connect", [by_websockets, by_aiohttp])
def test_a_client_in_python_connects_again_until_it_is_accepted(serving, connect):
    server = serving(SEED)
    assert asyncio.run(connect(in_ws(server.url))) == {"type": "subscribed", "call": 3}
    assert server.admin.post("/count", {"request": "WS /feed"})["count"] == 3
    judged(server)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ws", "undici"])
def test_a_client_in_node_connects_again_until_it_is_accepted(serving, node_clients, kind):
    server = serving(SEED)
    (node_clients / "seed.js").write_text(
        NODE.replace("GAPS", json.dumps([gap_s * 1000 for gap_s in GAPS_S]))
    )
    command = ["node", "seed.js", kind, in_ws(server.url)]
    done = subprocess.run(command, cwd=node_clients, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"type": "subscribed", "call": 3}), done.stderr
    judged(server)
    assert server.closed_call(3)["websocket"]["closed"]["code"] == 1000


def rows():
    """The cells of the page, by client."""
    text = PAGE.partition(written.BEGIN)[2].partition(written.END)[0]
    lines = [line.strip("|\n").split(" | ") for line in text.splitlines() if line[:1] == "|"]
    names = [name.strip() for name in lines[0][1:]]
    return {name: [line[i + 1].strip(" |") for line in lines[2:]] for i, name in enumerate(names)}


@pytest.mark.slow
def test_clients_report_what_the_table_of_the_page_says(serving, node_clients):
    server = serving(websocket_table.scenario())
    assert websocket_table.reports(server.url, node_clients) == rows()


@pytest.mark.slow
def test_a_hundred_connections_at_once_are_counted_exactly(serving):
    server = serving(
        "routes: [{name: echo, request: WS /echo, reply: {websocket: "
        '[{on: [{receive: {json: {n: {$gte: 0}}}, steps: {send: {json: {n: "{{ message.json.n }}"}}}}]}]}}]'
    )

    async def talk():
        async with AsyncExitStack() as stack:
            opened = [
                stack.enter_async_context(websockets.connect(in_ws(server.url, "/echo"), proxy=None))
                for _ in range(100)
            ]
            connections = await asyncio.gather(*opened)

            async def exchange(number, connection):
                for n in range(5):
                    await connection.send(json.dumps({"n": n, "of": number}))
                return [json.loads(await connection.recv())["n"] for _ in range(5)]

            came = await asyncio.gather(*(exchange(i, each) for i, each in enumerate(connections)))
            reached = server.admin.post("/websockets/send", {"route": "echo", "text": "all"})
            assert await asyncio.gather(*(each.recv() for each in connections)) == ["all"] * 100
            return came, reached

    came, reached = asyncio.run(talk())
    assert came == [[0, 1, 2, 3, 4]] * 100
    assert len(reached["calls"]) == 100
    counts = server.admin.get("/counts")["routes"]["shop/echo"]
    assert (counts["calls"], counts["most_in_flight"], counts["statuses"]) == (100, 100, {"101": 100})
    for message, times in (({}, 500), ({"json": {"of": 7}}, 5), ({"json": {"n": 4}}, 100)):
        server.admin.post("/verify", {"route": "echo", "received": message, "times": times})


@pytest.mark.slow
def test_connections_over_tls_and_through_the_https_proxy_are_the_same(serving):
    server = serving(
        "host: feed.example\nroutes: [{request: WS /feed, reply: {websocket: [{send: {text: hello}}, {close: 1000}]}}]",
        tls=True,
    )
    context = ssl.create_default_context(cadata=server.app.ca_pem.decode())
    port = server.address[1]

    async def talk():
        direct = websockets.connect(
            f"wss://localhost:{port}/feed", ssl=context, proxy=None, additional_headers={}
        )
        proxied = websockets.connect("wss://feed.example/feed", ssl=context, proxy=server.url)
        came = []
        async with proxied as connection:
            came.append(await connection.recv())
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect("wss://feed.example/feed", ssl=context, proxy=server.url) as connection,
        ):
            came.append(await connection.receive_str())
        with pytest.raises(websockets.InvalidStatus):  # the Host is another one
            async with direct:
                pass
        return came

    assert asyncio.run(talk()) == ["hello", "hello"]
    assert [call["websocket"] is not None for call in server.calls()] == [True, True, False]


@pytest.mark.slow
def test_after_an_error_over_tls_the_server_closes_the_connection(serving):
    """TLS has no half-closed connections, so the client waits for the server."""
    server = serving("routes: [{request: WS /feed, reply: {websocket: []}}]", tls=True)
    context = ssl.create_default_context(cadata=server.app.ca_pem.decode())
    with Socket(server.address, host="localhost", timeout_s=CLOSE_TIMEOUT_S - 1, tls=context) as socket:
        socket.send(frame(TEXT, b"\xff"))
        assert socket.frame().close[0] == 1007
        assert socket.is_closed()
