"""Operations over WebSocket, by the protocol graphql-transport-ws."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from mockserver.client.namespaces import Namespace
from mockserver.server import Server
from tests.support.graphql import SCHEMA

pytestmark = pytest.mark.in_memory  # replicas refuse handshakes
PROTOCOL = "graphql-transport-ws"
PAID = 'subscription { paid(order: "1") { amount } }'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.yaml").write_text("graphql: shop.graphql\n")
    shutil.copy(SCHEMA, folder)
    with Server(folder) as server:
        yield server


@pytest.fixture
def mock(server: Server) -> Iterator[Namespace]:
    with server.namespace() as mock:
        yield mock


class Socket:
    """A connection, as a client of the protocol uses it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, **message: Any) -> None:
        self._connection.send(json.dumps(message))

    def receive(self) -> Any:
        return json.loads(self._connection.recv(timeout=10))

    def init(self, payload: dict[str, Any] | None = None) -> None:
        self.send(type="connection_init", payload=payload)
        assert self.receive() == {"type": "connection_ack"}

    def subscribe(self, query: str, name: str = "1", **payload: Any) -> None:
        self.send(id=name, type="subscribe", payload={"query": query, **payload})

    def types_until(self, last: str) -> set[str] | int:
        """Return the types of the messages up to one, or the code with which the server closes the connection."""
        types: set[str] = set()
        try:
            while last not in types:
                types.add(self.receive()["type"])
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006
        return types

    def closed(self) -> int:
        """Return the code with which the server closes the connection."""
        try:
            while True:
                self._connection.recv(timeout=10)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006


@pytest.fixture
def socket(mock: Namespace) -> Iterator[Socket]:
    url = mock.url.replace("http", "ws", 1) + "/graphql"
    with connect(url, subprotocols=[PROTOCOL], proxy=None) as connection:  # type: ignore[list-item]
        assert connection.subprotocol == PROTOCOL
        yield Socket(connection)


def test_operations_are_answered_with_results(mock: Namespace, socket: Socket) -> None:
    mock.on("GRAPHQL Query.user").reply(json={"name": "Ann"}, delay=0.05)
    mock.on("GRAPHQL Subscription.paid").reply(
        events=[{"data": {"amount": 1}}, {"delay": 0.01, "data": {"amount": 2}}]
    )
    socket.init()

    socket.subscribe("query A($id: ID!) { user(id: $id) { id name } }", "slow", variables={"id": "7"})
    socket.subscribe(PAID, "events")

    got = [socket.receive() for _ in range(5)]
    assert [item for item in got if item["id"] == "events"] == [
        {"id": "events", "type": "next", "payload": {"data": {"paid": {"amount": 1}}}},
        {"id": "events", "type": "next", "payload": {"data": {"paid": {"amount": 2}}}},
        {"id": "events", "type": "complete"},
    ]
    assert [item for item in got if item["id"] == "slow"] == [
        {"id": "slow", "type": "next", "payload": {"data": {"user": {"id": "7", "name": "Ann"}}}},
        {"id": "slow", "type": "complete"},
    ]


def test_each_operation_is_a_call_with_its_attempts(mock: Namespace, socket: Socket) -> None:
    route = mock.on("GRAPHQL Query.user").reply(503, 503, {"json": {"name": "Ann"}})
    socket.init({"authorization": "Bearer t", "x-bad": "a\r\nb", "number": 1})

    for name in "123":
        socket.subscribe("{ user(id: 1) { name } }", name)
        first = socket.receive()
        if first["type"] == "next":
            assert socket.receive()["type"] == "complete"
        else:
            assert first["type"] == "error"
            assert "503" in first["payload"][0]["message"]

    assert route.calls.statuses == [503, 503, 200]
    route.assert_attempts(max=3, operations=1, after="retryable")
    headers = route.calls[0].request.headers
    assert headers["authorization"] == "Bearer t" or "•" in headers["authorization"]
    assert "x-bad" not in headers
    assert mock.count("WS /graphql") == 1


def test_an_operation_that_is_not_valid_is_an_error(socket: Socket) -> None:
    socket.init()

    socket.subscribe("{ nothing }", "bad")

    message = socket.receive()
    assert (message["id"], message["type"]) == ("bad", "error")
    assert "nothing" in message["payload"][0]["message"]


def test_complete_ends_an_operation_of_the_client(mock: Namespace, socket: Socket) -> None:
    route = mock.on("GRAPHQL Subscription.paid").reply(
        events=[{"data": {"amount": 1}}, {"delay": 60, "data": {"amount": 2}}]
    )
    socket.init()
    socket.subscribe(PAID)
    assert socket.receive()["type"] == "next"

    socket.send(id="1", type="complete")
    socket.send(type="ping")

    assert socket.receive() == {"type": "pong"}
    socket.subscribe("{ user(id: 1) { id } }", "1")
    assert socket.receive()["payload"] == {"data": {"user": {"id": "1"}}}
    assert route.calls[0].outcome == "client_left"


@pytest.mark.parametrize("kind", ["reset", "close", "truncate"])
def test_a_fault_breaks_the_connection(mock: Namespace, socket: Socket, kind: str) -> None:
    route = mock.on("GRAPHQL Subscription.paid").reply(
        events=[{"data": {"amount": 1}}, {"data": {"amount": 2}}], fault={"kind": kind, "after": "1 event"}
    )
    socket.init()
    socket.subscribe(PAID)

    assert socket.receive()["type"] == "next"
    assert socket.closed() == 1006
    assert route.calls.statuses == [200]


def test_another_subprotocol_is_not_acceptable(mock: Namespace) -> None:
    url = mock.url.replace("http", "ws", 1) + "/graphql"
    with connect(url, subprotocols=["graphql-ws"], proxy=None) as connection:  # type: ignore[list-item]
        assert Socket(connection).closed() == 4406


def test_any_message_is_answered_or_closes_the_connection(mock: Namespace) -> None:
    url = mock.url.replace("http", "ws", 1) + "/graphql"
    init, query = {"type": "connection_init"}, {"query": "{ shop { name } }"}
    for odd in (
        None, 7, "x", [], {}, {"type": None}, {"type": "subscribe", "id": 7, "payload": query}, {"type": "pong", "id": []},
        {"type": "subscribe", "id": "1", "payload": {"query": 7}}, {"type": "subscribe", "id": "1", "payload": {}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ x", "variables": []}}, {"type": "complete", "id": {}},
    ):  # fmt: skip
        with connect(url, subprotocols=[PROTOCOL], proxy=None) as connection:  # type: ignore[list-item]
            socket = Socket(connection)
            socket.init(init)
            connection.send(json.dumps(odd))
            with suppress(ConnectionClosed):  # it may be closed already
                connection.send(json.dumps({"type": "ping"}))
            types = socket.types_until("pong")
            assert types == 4400 or types <= {"pong", "error"}
    assert not [call for call in mock.calls if call.error]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ shop { name } }"}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "nonsense"}], 4400),
        ([{"type": "connection_init"}, {"id": "1"}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "payload": {"query": "{ shop { name } }"}}], 4400),
        ([{"type": "connection_init"}, *[{"type": "subscribe", "id": "1", "payload": {"query": PAID}}] * 2], 4409),
    ],
)  # fmt: skip
def test_a_message_that_is_not_allowed_closes_the_connection(
    mock: Namespace, socket: Socket, messages: list[dict[str, Any]], code: int
) -> None:
    mock.on("GRAPHQL Subscription.paid").reply(events=[{"delay": 60, "data": {"amount": 2}}])

    for message in messages:
        socket.send(**message)

    assert socket.closed() == code
