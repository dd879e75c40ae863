"""docs/graphql.md: its examples run as written."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import yaml

from mockserver.graphql import limits
from mockserver.graphql.operations import MOST_BATCHED
from mockserver.http.websocket.graphql import MOST_OPERATIONS
from mockserver.matching.graphql_requests import MAX_QUERY_CHARS
from mockserver.server import Server
from tests.support.graphql import SCHEMA, GraphQLInMemory

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "graphql.md").read_text()


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_example_runs_as_written(tmp_path):
    (tmp_path / "shop.graphql").write_text(blocks("graphql")[0])
    (tmp_path / "shop.yaml").write_text(blocks("yaml")[0])
    printed = io.StringIO()
    with Server(tmp_path) as server, redirect_stdout(printed):
        exec(blocks("python")[0].replace("http://localhost:8080", server.url), {})
    assert printed.getvalue() == blocks("text")[0]


def test_the_example_of_policies_loads():
    shop = GraphQLInMemory(blocks("yaml")[1].replace("graphql: shop.graphql\n", "", 1))
    pay = "mutation { pay(order: 1, amount: 2) { id } }"
    answers = [shop.query(pay), *(shop.query(pay, authorization="Bearer secret") for _ in range(11))]
    codes = [re.findall(rb'"code":"(\w+)"', call.response.body) for call in answers]
    assert codes == [[b"UNAUTHENTICATED"], *[[]] * 10, [b"RATE_LIMITED"]]
    assert answers[-1].response.header("retry-after") == "6"


def test_the_example_of_resources_loads():
    schema = SCHEMA.read_text().replace(
        "type Subscription",
        "extend type Mutation { updateUser(input: UserInput!, id: ID!): User }\ntype Subscription",
    )
    text = blocks("yaml")[2].replace("graphql: shop.graphql\n", "", 1)
    shop = GraphQLInMemory(text, schema=schema)
    change = 'mutation { updateUser(id: 1, input: {name: "Eve"}) { name } }'
    assert shop.answer(change) == {"data": {"updateUser": {"name": "Eve"}}}
    assert shop.answer("{ user(id: 1) { id name } }") == {"data": {"user": {"id": "1", "name": "Eve"}}}


def test_the_example_of_a_subscription_loads():
    route = yaml.safe_load(blocks("yaml")[3])
    shop = GraphQLInMemory(yaml.safe_dump({"routes": [route]}))
    query = 'subscription { paid(order: "1") { amount } }'
    call = shop.query(query, accept="text/event-stream")
    assert call.fault == "reset"
    assert call.response.body.count(b"event: next") == 5


def test_the_limits_are_those_of_the_code():
    for number in (
        limits.MOST_TOKENS, limits.MOST_SELECTIONS, limits.DEEPEST, limits.MOST_ARGUMENTS, limits.MOST_MEMBERS,
        limits.MOST_STEPS, MOST_OPERATIONS, MOST_BATCHED,
    ):  # fmt: skip
        assert f"{number:,} " in PAGE.partition("## Limits")[2].replace("\n", " "), number
    assert f"{MAX_QUERY_CHARS // 1024} KiB" in PAGE
