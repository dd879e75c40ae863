"""Sampled answers, and what graphql-core does with them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from graphql import build_schema, get_introspection_query
from hypothesis import given
from hypothesis import strategies as st

from mockserver.model.call import Call
from tests.support.graphql import SCHEMA, GraphQLInMemory, answer_of

USER = "query User($id: ID!) { user(id: $id) { id name email createdAt orders { id total status } } }"


@pytest.fixture(scope="module")
def shop() -> GraphQLInMemory:
    return GraphQLInMemory()


def test_a_query_is_answered_with_typed_samples(shop: GraphQLInMemory) -> None:
    user = shop.answer(USER, {"id": "7"})["data"]["user"]

    assert user["id"] == "7", "an argument is returned in the field of its name"
    assert user["name"].startswith("name ")
    assert user["email"].endswith("@example.test")
    assert user["createdAt"].startswith("2024-")
    assert len(user["orders"]) == 2
    assert all(
        isinstance(order["total"], int) and order["status"] in ("OPEN", "PAID") for order in user["orders"]
    )
    assert user["orders"][0]["id"] != user["orders"][1]["id"]


def test_a_sample_depends_on_seed_field_and_arguments_alone() -> None:
    shop = GraphQLInMemory()
    first = shop.answer("{ shop { name } user(id: 1) { name } }")["data"]
    other = shop.engine.make_namespace("other", seed="another")

    assert (
        shop.answer("{ again: user(id: 1) { email name } }")["data"]["again"]["name"] == first["user"]["name"]
    )
    assert shop.answer("{ user(id: 2) { name } }")["data"]["user"] != first["user"]
    assert shop.answer("{ shop { name } user(id: 1) { name } }", ns=other)["data"] != first


def test_fragments_directives_aliases_interfaces_and_unions_are_executed(shop: GraphQLInMemory) -> None:
    found = shop.answer(
        """
        query Find($all: Boolean!, $text: String = "x") {
          search(text: $text) { __typename ...User ... on Order { total } }
          node(id: "n") { __typename id }
          shop @include(if: $all) { name }
          left: shop @skip(if: $all) { owner { id } }
        }
        fragment User on User { name friend { ...Name } }
        fragment Name on User { name }
        """,
        {"all": False},
    )["data"]

    assert all(
        set(item)
        == {"User": {"__typename", "name", "friend"}, "Order": {"__typename", "total"}}[item["__typename"]]
        for item in found["search"]
    )
    assert found["node"]["__typename"] in ("User", "Order")
    assert found["node"]["id"] == "n"
    assert "shop" not in found
    assert found["left"]["owner"]["id"]


def test_a_mutation_returns_what_was_sent(shop: GraphQLInMemory) -> None:
    create = "mutation Create($input: UserInput!) { createUser(input: $input) { name email } }"

    assert shop.answer(create, {"input": {"name": "Ann", "email": "ann@example.test"}}) == {
        "data": {"createUser": {"name": "Ann", "email": "ann@example.test"}}
    }


def test_operation_name_selects_one_of_several(shop: GraphQLInMemory) -> None:
    document = "query A { shop { name } } query B { user(id: 1) { id } }"

    assert shop.answer(document, operation="B") == {"data": {"user": {"id": "1"}}}
    assert "several operations" in shop.answer(document)["errors"][0]["message"]
    assert "no operation 'C'" in shop.answer(document, operation="C")["errors"][0]["message"]


def test_introspection_gives_the_schema_that_was_read(shop: GraphQLInMemory) -> None:
    call = shop.begin("POST /graphql", json={"query": get_introspection_query()})
    assert call.consult is not None, "it is answered beside the event loop"
    call.consult.answered(call.consult.ask())

    given_types = {item["name"] for item in answer_of(call)["data"]["__schema"]["types"]}
    assert given_types >= {
        name for name in build_schema(SCHEMA.read_text()).type_map if not name.startswith("__")
    }
    again = shop.query(get_introspection_query())
    assert answer_of(again) == answer_of(call)
    assert again.consult is None, "the answer was kept"


# GraphQL over HTTP


def get(shop: GraphQLInMemory, query: str, **headers: str) -> Call:
    return shop.ask(f"GET /graphql?query={quote(query)}", **headers)


def test_queries_can_be_sent_with_get_and_mutations_can_not(shop: GraphQLInMemory) -> None:
    assert answer_of(get(shop, "{ user(id: 1) { id } }")) == {"data": {"user": {"id": "1"}}}

    refused = get(shop, "mutation { pay(order: 1, amount: 2) { id } }")

    assert refused.status == 405
    assert refused.response is not None
    assert refused.response.header("allow") == "POST"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"query": "{ user(id: 1) { nam } }"}, 400, "Cannot query field 'nam' on type 'User'"),
        ({"query": "{ user { name } }"}, 400, "is required"),
        ({"query": "{ user(id: 1) "}, 400, "Syntax Error"),
        ({"query": "query A($id: ID!) { user(id: $id) { id } }"}, 400, "'$id'"),
        ({"query": "{ shop { name } }", "variables": []}, 400, "variables are not a mapping"),
        ({"query": "{ shop { name } }", "operationName": 7}, 400, "operationName is not a text"),
        ({"query": 7}, 400, "not a text"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, 400, "PersistedQueryNotFound"),
    ],
)
def test_an_operation_that_is_not_valid_is_refused(
    shop: GraphQLInMemory, body: Any, status: int, said: str
) -> None:
    call = shop.ask("POST /graphql", json=body, accept="application/graphql-response+json")

    assert call.status == status
    assert said in answer_of(call)["errors"][0]["message"]
    assert "data" not in answer_of(call)


def test_the_media_type_is_that_of_accept(shop: GraphQLInMemory) -> None:
    bad = {"query": "{ nothing }"}
    modern, old = "application/graphql-response+json", "application/json"

    calls = [shop.ask("POST /graphql", json=bad, accept=accept) for accept in (f"{modern}, {old};q=0.9", old)]

    assert [call.status for call in calls] == [400, 200], "clients of application/json expect 200"
    assert [call.response.header("content-type") for call in calls if call.response] == [modern, old]


def test_errors_have_their_locations(shop: GraphQLInMemory) -> None:
    (error,) = shop.answer("{\n  nothing\n}")["errors"]

    assert error["locations"] == [{"line": 2, "column": 3}]


# Limits


def deep(levels: int) -> str:
    return "{ user(id: 1) " + "{ friend " * levels + "{ id }" + " }" * levels + " }"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (deep(60), "levels"),
        (deep(2_000), "too"),
        ("{ " + " ".join(f"a{i}: shop {{ name }}" for i in range(1_200)) + " }", "tokens"),
        ("{ " + "shop { name } " * 400 + " }", "response name 'shop'"),
        ("{ users { " + "orders { buyer { " * 10 + "id" + " } }" * 10 + " } }", "resolves too many"),
        ("{ user(id: 1) { ...A } } " + " ".join(f"fragment {chr(65 + i)} on User {{ a: friend {{ ...{chr(66 + i)} }} b: friend {{ ...{chr(66 + i)} }} }}" for i in range(16)) + " fragment Q on User { id }", "2000 fields"),
        ("{ shop(" + ",".join(f"a{i}: 1" for i in range(60)) + ") { name } }", "arguments"),
    ],
)  # fmt: skip
def test_an_operation_is_bounded(shop: GraphQLInMemory, query: str, said: str) -> None:
    answer = shop.answer(query)

    assert said in answer["errors"][0]["message"]
    assert "data" not in answer


def test_in_a_large_schema_few_unknown_names_are_compared_with_the_known_ones() -> None:
    fields = " ".join(f"field{i}: Int" for i in range(1_500))
    large = GraphQLInMemory(schema=f"type Query {{ {fields} }}")
    query = "{ " + " ".join(f"unknown{i}" for i in range(20)) + " }"

    assert len(large.answer(query)["errors"]) < 5
    assert len(GraphQLInMemory().answer(query)["errors"]) > 5


def test_the_items_of_a_list_are_bounded() -> None:
    numbers = ", ".join(["1"] * 3_000)
    shop = GraphQLInMemory(
        f"routes: [{{request: GRAPHQL Query.numbers, reply: {{json: [{numbers}]}}}}]",
        schema="type Query { numbers: [Int!]! }",
    )

    assert "resolves too many" in shop.answer("{ numbers }")["errors"][0]["message"]


def test_variables_are_bounded(shop: GraphQLInMemory) -> None:
    query = "query A($ids: [ID!]) { shop { name } }"

    assert "variables" in shop.answer(query, {"ids": ["1"] * 20_000})["errors"][0]["message"]


TYPES: dict[str, Any] = {
    "Int": int, "Float": (int, float), "String": str, "Boolean": bool, "ID": str, "Kind": str, "Free": str,
}  # fmt: skip


@st.composite
def kinds(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from([*TYPES, "Thing", "Named", "Either"]))
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["[{}]", "{}!"])).format(kind.rstrip("!"))
    return kind


def selected(kind: str) -> str:
    named = kind.strip("[]!")
    if named in TYPES:
        return ""
    return " { __typename id }" if named in ("Thing", "Named") else " { __typename ... on Named { id } }"


def fits(kind: str, value: Any) -> bool:
    if kind.endswith("!"):
        return value is not None and fits(kind[:-1], value)
    if kind.startswith("["):
        return isinstance(value, list) and all(fits(kind[1:-1], item) for item in value)
    if kind in TYPES:
        return isinstance(value, TYPES[kind]) and (kind == "Boolean" or not isinstance(value, bool))
    return value["__typename"] in ("Thing", "Other") and isinstance(value["id"], str)


@given(st.lists(kinds(), min_size=1, max_size=5))
def test_every_sample_has_its_type(fields: list[str]) -> None:
    """Whatever the schema: graphql-core itself checks what it completes, and would give an error."""
    schema = (
        "scalar Free enum Kind { A B } interface Named { id: ID! } union Either = Thing | Other\n"
        "type Thing implements Named { id: ID! } type Other implements Named { id: ID! }\n"
        "type Query { " + " ".join(f"f{i}: {kind}" for i, kind in enumerate(fields)) + " }"
    )
    query = "{ " + " ".join(f"f{i}{selected(kind)}" for i, kind in enumerate(fields)) + " }"

    answer = GraphQLInMemory(schema=schema).answer(query)

    assert "errors" not in answer, json.dumps(answer)
    assert all(fits(kind, answer["data"][f"f{i}"]) for i, kind in enumerate(fields))


WORDS = [
    "{", "}", "(", ")", ":", "!", "$", "...", "on", "fragment", "query", "mutation", "subscription", "user", "users",
    "id", "name", "orders", "User", "F", "$id", "ID", "1", '"x"', "[", "]", "@include", "if", "true", "null", "__schema",
    "__typename", "search", "text", "=", "alias:", "pay", "node", "\ud800", "#",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join) | st.text(max_size=80),
    st.none() | st.dictionaries(st.sampled_from(["id", "x"]), st.integers() | st.text(max_size=3) | st.none(), max_size=2),
    st.sampled_from(["application/json", "text/event-stream", "application/graphql-response+json", "*/*"]),
)  # fmt: skip
def test_any_text_gets_an_answer(shop: GraphQLInMemory, text: str, variables: Any, accept: str) -> None:
    call = shop.query(text, variables, accept=accept)

    assert call.consult is not None or call.status in (200, 400, 406)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["query", "variables", "operationName", "extensions", "x"]), below, max_size=4), max_leaves=6))  # fmt: skip
def test_any_body_gets_an_answer(shop: GraphQLInMemory, body: Any) -> None:
    assert shop.ask("POST /graphql", json=body).status in (200, 400)
