"""Real GraphQL clients, each with a sequence of failures that is judged: gql, Apollo Client and urql."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import tenacity
from gql import Client as GqlClient
from gql import gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from gql.transport.websockets import WebsocketsTransport

from mockserver.server import Server

pytestmark = pytest.mark.slow
HERE = Path(__file__).parents[1] / "graphql_calls"
SCENARIO = """
graphql: shop.graphql
routes:
  - name: partial
    request: GRAPHQL Query.user
    match: {arguments: {id: partial}}
    reply: {json: {name: Bob}, errors: [{message: No mail, path: [email]}]}
  - name: user
    request: GRAPHQL Query.user
    per: "{{ request.arguments.id }}"
    reply: [503, 503, {json: {name: Ann}}]
  - name: shop
    request: GRAPHQL Query.shop
    reply: [200, 503, {json: {name: Open}}]
  - name: paid
    request: GRAPHQL Subscription.paid
    reply: {events: [{data: {amount: 1}}, {delay: 20ms, data: {amount: 2}}]}
"""
USER = "query User($id: ID!) { user(id: $id) { __typename id name email } }"
BOTH = "query Both($id: ID!) { user(id: $id) { name } shop { name } }"
PAID = "subscription Paid($order: ID!) { paid(order: $order) { amount } }"


@pytest.fixture
def server(tmp_path):
    (tmp_path / "shop.yaml").write_text(SCENARIO)
    shutil.copy(HERE / "shop.graphql", tmp_path)
    with Server(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A folder with the clients of Node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("graphql")
    packages = [
        "@apollo/client@4", "rxjs@7", "@urql/core@6", "@urql/exchange-retry@2", "graphql@16", "graphql-ws@6", "ws@8",
    ]  # fmt: skip
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", *packages]
    if subprocess.run(install, cwd=folder, capture_output=True, timeout=300, check=False).returncode:
        pytest.skip("npm could not fetch Apollo Client and urql")
    shutil.copy(HERE / "clients.mjs", folder)
    return folder


def judged(server, operations):
    """Check that each client sent its operation three times, and no more."""
    route = server.route("user")
    route.assert_attempts(operations=operations, max=3, after="retryable")
    assert route.calls.statuses == [503, 503, 200] * operations


def test_gql_retries_an_operation_of_two_routes_which_is_judged_for_each(server):
    async def run():
        client = GqlClient(transport=AIOHTTPTransport(f"{server.url}/graphql"))
        session = await client.connect_async(reconnecting=True, retry_execute=_retried())
        try:
            return await session.execute(asked(BOTH, id="gql"))
        finally:
            await client.close_async()

    assert asyncio.run(run()) == {"user": {"name": "Ann"}, "shop": {"name": "Open"}}
    judged(server, 1)
    shop = server.route("shop")
    shop.assert_attempts(3, operations=1, max=3, after="retryable")
    assert shop.calls.statuses == [503, 503, 200]
    assert [call.routes for call in shop.calls] == [["shop/user", "shop/shop"]] * 3
    assert server.count("GRAPHQL Query.shop") == server.count("POST /graphql") == 3


def test_gql_sends_a_batch(server):
    client = GqlClient(transport=HTTPXTransport(f"{server.url}/graphql"))
    quote = asked("query { quote }")

    answers = client.execute_batch([asked("query { shop { name } }"), quote])
    with pytest.raises(TransportQueryError, match="No mail"):
        client.execute_batch([quote, asked(USER, id="partial")])

    assert [list(answer) for answer in answers] == [["shop"], ["quote"]]
    assert [call.routes for call in server.calls] == [["shop/shop"], ["shop/partial"]]


def test_gql_retries_reports_errors_and_subscribes(server):
    async def run():
        client = GqlClient(
            transport=AIOHTTPTransport(f"{server.url}/graphql"), fetch_schema_from_transport=True
        )
        session = await client.connect_async(reconnecting=True, retry_execute=_retried())
        try:
            found = await session.execute(asked(USER, id="gql"))
            with pytest.raises(TransportQueryError) as raised:
                await session.execute(asked(USER, id="partial"))
        finally:
            await client.close_async()
        transport = WebsocketsTransport(
            f"{server.url.replace('http', 'ws')}/graphql",
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        async with GqlClient(transport=transport) as socket:
            events = [event async for event in socket.subscribe(asked(PAID, order="gql"))]
        return client, found, raised.value, events

    client, found, error, events = asyncio.run(run())

    assert client.schema.type_map["User"], "it has fetched the schema by introspection"
    assert found["user"]["name"] == "Ann"
    assert error.errors[0]["message"] == "No mail"
    assert error.data["user"]["name"] == "Bob"
    assert [event["paid"]["amount"] for event in events] == [1, 2]
    judged(server, 1)


def asked(text, **variables):
    request = gql(text)
    request.variable_values = variables
    return request


def _retried():
    return tenacity.retry(
        retry=tenacity.retry_if_not_exception_type(TransportQueryError),
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_fixed(0.02),
    )


def test_apollo_and_urql_retry_report_errors_and_subscribe(server, node):
    command = ["node", "clients.mjs", server.url]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60, check=False)

    assert not done.returncode, done.stderr
    wanted = {"name": "Ann", "partial": "Bob", "error": "No mail", "events": [1, 2]}
    assert json.loads(done.stdout) == {
        "apollo": wanted,
        "urql": wanted,
        "both": {"user": "Ann", "shop": "Open"},
        "batch": {"names": ["Ann", "Bob", "Open"], "error": "No mail"},
    }
    judged(server, 4)
    shop = server.route("shop")
    shop.assert_attempts(6, operations=2, max=3, after="retryable")
    assert [call.routes for call in shop.calls] == [["shop/user", "shop/shop"]] * 3 + [
        ["shop/user", "shop/partial", "shop/shop"]
    ] * 3
    assert server.count("GRAPHQL Query.shop") == 6
