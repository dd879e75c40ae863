"""Routes that answer fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.attempts.retryable import retryable
from mockserver.compiler import editing
from mockserver.errors import InvalidInputError
from mockserver.formats.steps import steps_of
from mockserver.graphql.execution import Execution
from mockserver.model.plan import Break, Send, Wait
from mockserver.recording.conversion import Losses
from mockserver.verification.explain import ExplainSpec, as_request, explain
from tests.support.engine import InMemory, effects
from tests.support.graphql import GraphQLInMemory, answer_of

PAY = "mutation Pay($order: ID!, $amount: Int!) { pay(order: $order, amount: $amount) { id amount } }"


def test_the_json_of_a_reply_is_the_value_of_the_field_and_the_rest_is_sampled() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.user
    reply: {json: {name: "Ann {{ request.arguments.id }}", email: null, orders: [{total: 5}, {}]}}
""")

    user = shop.answer("{ user(id: 7) { id name email orders { id total } } }")["data"]["user"]

    assert (user["id"], user["name"], user["email"]) == ("7", "Ann 7", None)
    assert user["orders"][0]["total"] == 5
    assert isinstance(user["orders"][1]["total"], int)
    assert user["orders"][1]["id"]


def test_conditions_are_those_on_arguments_and_on_the_request() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.user
    match: {arguments: {id: 1}}
    reply: {json: {name: one}}
  - request: GRAPHQL Query.user
    match: {arguments: {id: {$matches: "9.*"}}, headers: {x-beta: "yes"}}
    reply: {json: {name: beta}}
  - request: GRAPHQL Query.user
    match: {graphql: {operation: Me}}
    reply: {json: {name: me}}
""")
    name = "user { name }"

    def named(text: str, **headers: str) -> str:
        return str(shop.answer(text, **headers)["data"]["user"]["name"])

    assert named("{ user(id: 1) { name } }") == "one"
    assert named("query A($id: ID! = 1) { user(id: $id) { name } }") == "one"
    assert named("{ user(id: 99) { name } }", x_beta="yes") == "beta"
    assert named("{ user(id: 99) { name } }").startswith("name "), name
    assert named("query Me { user(id: 3) { name } }") == "me"


def test_a_sequence_takes_one_step_for_an_operation() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.user
    effect: {kind: seen}
    reply: [{errors: [Try again], times: 2}, {json: {name: "Ann {{ call.number }}"}}]
""")
    query = "{ a: user(id: 1) { name } b: user(id: 2) { name } }"

    first = shop.answer(query)
    assert effects(shop.default) == [], "a reply with errors alone has failed"
    again, last = shop.answer(query), shop.answer(query)

    assert again == first
    assert first["data"] == {"a": None, "b": None}
    assert [error["path"] for error in first["errors"]] == [["a"], ["b"]]
    assert last == {"data": {"a": {"name": "Ann 3"}, "b": {"name": "Ann 3"}}}


def test_errors_are_partial_and_null_propagates_to_the_nearest_nullable_field() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Order.total
    reply: {errors: {message: No price, extensions: {code: INTERNAL_SERVER_ERROR}}}
""")

    answer = shop.answer("{ shop { name } user(id: 1) { name orders { total } } }")

    assert answer["data"]["user"]["orders"] is None, "Order.total and its list's items are not nullable"
    assert answer["data"]["user"]["name"]
    assert answer["data"]["shop"]["name"]
    error = answer["errors"][0]
    assert error["message"] == "No price"
    assert error["path"][:3] == ["user", "orders", 0]
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert list(answer) == ["errors", "data"]
    assert shop.answer("{ users { orders { total } } }")["data"]["users"][0]["orders"] is None


def test_an_error_of_a_field_that_is_not_nullable_makes_data_null() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.shop, reply: {errors: Closed}}
""")

    call = shop.query("{ shop { name } user(id: 1) { id } }", accept="application/graphql-response+json")

    assert call.status == 200, "the operation was executed"
    assert answer_of(call)["data"] is None


def test_errors_with_a_path_are_below_the_field_beside_its_value() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.user
    reply:
      json: {name: Ann, orders: [{total: 1}, {total: 2}]}
      errors:
        - {message: No friend, path: [friend]}
        - {message: No mail, path: [email], extensions: {code: GONE}}
""")

    answer = shop.answer("{ user(id: 1) { name email friend { id } orders { total } } }")

    assert answer["data"]["user"] == {
        "name": "Ann", "email": None, "friend": None, "orders": [{"total": 1}, {"total": 2}],
    }  # fmt: skip
    assert {(error["message"], tuple(error["path"])) for error in answer["errors"]} == {
        ("No friend", ("user", "friend")),
        ("No mail", ("user", "email")),
    }


def test_several_errors_of_one_field_are_all_returned() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, reply: {errors: [One, Two, Three]}}
""")

    errors = shop.answer("{ user(id: 1) { id } }")["errors"]

    assert [(error["message"], error["path"]) for error in errors] == [
        ("One", ["user"]), ("Two", ["user"]), ("Three", ["user"]),
    ]  # fmt: skip


def test_another_status_is_the_whole_response() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.shop
    reply: [{status: 503, headers: {retry-after: 1}, text: overloaded}, 200]
""")
    query = "{ user(id: 1) { id } shop { name } }"

    first, second = shop.query(query), shop.query(query)

    assert first.status == 503
    assert first.response is not None
    assert first.response.header("retry-after") == "1"
    assert first.response.body == b"overloaded"
    assert second.status == 200
    assert answer_of(second)["data"]["shop"]["name"]


def test_delays_headers_and_faults_of_routes_are_those_of_the_response() -> None:
    shop = GraphQLInMemory("""
defaults: {headers: {x-shop: "1"}}
routes:
  - {request: GRAPHQL Query.shop, reply: {delay: 2s, headers: {x-a: a}}}
  - {request: GRAPHQL Query.user, reply: {delay: 1s, headers: {x-a: b, x-b: b}, json: {id: 1}}}
  - {request: GRAPHQL Query.node, reply: {fault: {kind: reset, after: 10}}}
""")

    slow = shop.begin("POST /graphql", json={"query": "{ user(id: 1) { id } shop { name } }"})
    broken = shop.begin("POST /graphql", json={"query": "{ node(id: 1) { id } }"})

    assert [step for step in slow.plan if isinstance(step, Wait)] == [Wait(2.0)], "the longest of them"
    (sent,) = [step.response for step in slow.plan if isinstance(step, Send)]
    assert [sent.header(name) for name in ("x-a", "x-b", "x-shop")] == ["b", "b", "1"]
    assert broken.fault == "reset"
    assert any(isinstance(step, Break) for step in broken.plan)
    plain = shop.query("{ users { id } }")
    assert plain.response is not None
    assert plain.response.header("x-shop") == "1"


def test_side_effects_of_all_routes_are_written_together() -> None:
    shop = GraphQLInMemory("""
state: {paid: 0}
routes:
  - request: GRAPHQL Mutation.pay
    let: {id: "p_{{ call.number }}"}
    set: {paid: "{{ state.paid + request.arguments.amount }}"}
    effect: {kind: payment, amount: "{{ request.arguments.amount }}", id: "{{ let.id }}"}
    reply: {json: {id: "{{ let.id }}"}}
  - {request: GRAPHQL Payment.amount, effect: {kind: audit}, reply: 200}
""")

    answer = shop.answer(PAY, {"order": "1", "amount": 5})

    assert answer["data"]["pay"] == {"id": "p_1", "amount": 5}
    assert [(item["kind"], item.get("amount")) for item in effects(shop.default)] == [
        ("payment", 5),
        ("audit", None),
    ]
    assert shop.default.memory.state.read("paid") == 5


def test_a_failing_template_is_a_problem_that_names_its_route_and_writes_nothing() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, effect: {kind: seen}, reply: {json: {name: Ann}}}
  - {request: GRAPHQL Query.shop, name: broken, reply: {json: {name: "{{ 1 / 0 }}"}}}
""")

    call = shop.query("{ user(id: 1) { name } shop { name } }")

    assert call.status == 500
    assert "broken" in answer_of(call)["detail"]
    assert effects(shop.default) == []
    assert shop.default.position(next(r for r in shop.default.routes() if "user" in r.id), None).number == 0


def test_choices_cases_and_state_select_a_reply() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Query.user
    reply:
      cases:
        - {match: {arguments: {id: 1}}, json: {name: one}}
        - {if: "request.arguments.id == '2'", errors: [two]}
        - {choose: [{json: {name: left}}, {json: {name: left}}]}
""")

    assert shop.answer("{ user(id: 1) { name } }")["data"]["user"]["name"] == "one"
    assert shop.answer("{ user(id: 2) { name } }")["errors"][0]["message"] == "two"
    assert shop.answer("{ user(id: 3) { name } }")["data"]["user"]["name"] == "left"


def test_a_route_made_at_runtime_comes_first_and_concerns_its_namespace_alone() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, reply: {json: {name: file}}}
""")
    other = shop.engine.make_namespace("other")
    data = {"request": "GRAPHQL Query.user", "reply": {"json": {"name": "runtime"}}}
    editing.add_route(shop.default, data)
    query = "{ user(id: 1) { name } }"

    assert shop.query(query).route_id == "runtime/GRAPHQL Query.user"
    assert shop.answer(query)["data"]["user"]["name"] == "runtime"
    assert shop.answer(query, ns=other)["data"]["user"]["name"] == "file"


def test_policies_of_the_scenario_apply_to_operations() -> None:
    shop = GraphQLInMemory("""
auth: {bearer: [secret]}
limit: {rate: 2/m}
routes:
  - {request: GRAPHQL Query.user, reply: {json: {name: Ann}}}
""")
    query = "{ user(id: 1) { name } }"

    assert shop.query(query).status == 401
    statuses = [shop.query(query, authorization="Bearer secret").status for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_an_idempotency_key_of_the_scenario_replays_the_whole_response() -> None:
    shop = GraphQLInMemory("""
idempotency: {header: idempotency-key}
routes:
  - {request: GRAPHQL Mutation.pay, effect: {kind: payment}, reply: {json: {id: "p_{{ call.number }}"}}}
""")

    answers = [shop.answer(PAY, {"order": "1", "amount": 5}, idempotency_key=key) for key in ("a", "a", "b")]

    assert [answer["data"]["pay"]["id"] for answer in answers] == ["p_1", "p_1", "p_2"]
    assert len(effects(shop.default)) == 2


def test_a_route_for_the_path_answers_before_the_schema() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: POST /graphql, match: {headers: {x-down: "1"}}, reply: 503}
""")

    assert shop.query("{ shop { name } }", x_down="1").status == 503
    assert shop.query("{ shop { name } }").status == 200


def test_two_apis_are_apart() -> None:
    files = {
        "a.graphql": b"type Query { name: String }",
        "b.graphql": b"type Query { name: String other: Int }",
    }
    from tests.support.engine import InMemory

    memory = InMemory(
        {
            "a": "base: /a\ngraphql: a.graphql\nroutes: [{request: GRAPHQL Query.name, reply: {json: A}}]",
            "b": "graphql: {schema: [b.graphql], path: /b/api}\nroutes: [{request: GRAPHQL Query.name, reply: {json: B}}]",
        },
        files=files,
    )

    def name(path: str) -> Any:
        return answer_of(memory.ask(f"POST {path}", json={"query": "{ name }"}))["data"]["name"]

    assert (name("/a/graphql"), name("/b/api")) == ("A", "B")
    assert memory.ask("POST /graphql", json={"query": "{ name }"}).status == 404


def test_webhooks_of_several_fields_have_the_variables_of_their_routes() -> None:
    shop = GraphQLInMemory("""
routes:
  - request: GRAPHQL Mutation.pay
    let: {kind: payment}
    webhook: {url: "http://app.test/{{ let.kind }}", json: {order: "{{ request.arguments.order }}", data: "{{ reply.json.data.pay.amount }}"}}
    reply: 200
  - request: GRAPHQL Payment.order
    webhook: {url: "http://app.test/order", json: {status: "{{ reply.status }}"}}
    reply: 200
""")

    call = shop.begin(
        "POST /graphql", json={"query": "mutation { pay(order: 5, amount: 7) { amount order { id } } }"}
    )

    sent = {due.delivery.url: json.loads(due.delivery.body) for due in call.due}
    assert sent == {
        "http://app.test/payment": {"order": "5", "data": 7},
        "http://app.test/order": {"status": 200},
    }


# Resources


RESOURCES = """
resources:
  - path: /users
    seed: [{id: "1", name: Ann}, {id: "2", name: Bob}]
    id: uuid
    graphql: {list: Query.users, read: Query.user, create: Mutation.createUser, delete: Mutation.deleteUser}
    on: {create: {effect: {kind: user, name: "{{ item.name }}"}}}
"""


def test_a_resource_answers_fields_and_http_from_the_same_items() -> None:
    shop = GraphQLInMemory(RESOURCES)

    assert shop.answer("{ users { id name } }")["data"]["users"] == [
        {"id": "1", "name": "Ann"}, {"id": "2", "name": "Bob"},
    ]  # fmt: skip
    assert shop.answer("{ user(id: 2) { name } }") == {"data": {"user": {"name": "Bob"}}}
    assert shop.answer("{ user(id: 3) { name } }") == {"data": {"user": None}}

    made = shop.answer('mutation { createUser(input: {name: "Cy"}) { id name email } }')["data"]["createUser"]

    assert made["name"] == "Cy"
    assert shop.ask(f"GET /users/{made['id']}").status == 200
    assert effects(shop.default)[0]["name"] == "Cy"
    assert shop.answer("mutation { deleteUser(id: 1) }") == {"data": {"deleteUser": True}}
    assert shop.ask("GET /users/1").status == 404
    assert shop.answer("mutation { deleteUser(id: 1) }")["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


def test_a_route_stands_before_a_resource() -> None:
    shop = GraphQLInMemory(
        RESOURCES + "routes: [{request: GRAPHQL Query.user, reply: {json: {name: Own}}}]\n"
    )

    assert shop.answer("{ user(id: 2) { name } }") == {"data": {"user": {"name": "Own"}}}


# Mistakes


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("routes: [{request: GRAPHQL Query.usr, reply: 200}]", "Query has no field 'usr'. Did you mean 'user'?"),
        ("routes: [{request: GRAPHQL Qery.user, reply: 200}]", "Did you mean 'Query'?"),
        ("routes: [{request: GRAPHQL Node.id, reply: 200}]", "Node is not an object type"),
        ("routes: [{request: GRAPHQL user, reply: 200}]", "does not name a type and its field"),
        ("routes: [{request: GRAPHQL Query.user, reply: {json: {nam: 1}}}]", "routes[0].reply.json.nam: User has no field 'nam'"),
        ("routes: [{request: GRAPHQL Query.user, reply: {json: {name: null}}}]", "null is not a value of String!"),
        ("routes: [{request: GRAPHQL Query.user, reply: {json: [1]}}]", "expected a mapping for User"),
        ("routes: [{request: GRAPHQL Query.users, reply: {json: {}}}]", "expected a list of User!"),
        ("routes: [{request: GRAPHQL Order.total, reply: {json: many}}]", "'many' is not a value of Int"),
        ("routes: [{request: GRAPHQL Order.status, reply: {json: PAYD}}]", "Did you mean 'PAID'?"),
        ("routes: [{request: GRAPHQL Query.node, reply: {json: {__typename: Shop}}}]", "'Shop' is not a type of Node"),
        ("routes: [{request: GRAPHQL Query.node, reply: {json: {name: x, total: 1}}}]", "no type of Node has all of the fields"),
        ("routes: [{request: GRAPHQL Query.user, match: {arguments: {idd: 1}}, reply: 200}]", "Query.user has no argument 'idd'"),
        ("routes: [{request: GRAPHQL Query.user, reply: {text: hi}}]", "`text` is not supported in a reply of a field"),
        ("routes: [{request: GRAPHQL Query.user, reply: {events: [{data: {}}]}}]", "only the field of a subscription has events"),
        ("routes: [{request: GRAPHQL Subscription.paid, reply: {events: [{dat: {}}]}}]", "is not an event of a field"),
        ("routes: [{request: GRAPHQL Subscription.paid, reply: {events: [{data: {amount: x}}]}}]", "events[0].data.amount"),
        ("routes: [{request: GRAPHQL Query.user, idempotency: {header: k}, reply: 200}]", "`idempotency` is not supported in a GRAPHQL route: a key is that of a request"),
        ("routes: [{request: GRAPHQL Query.user, auth: none, reply: 200}]", "`auth: none` has no effect in a GRAPHQL route"),
        ("routes: [{request: GRAPHQL Query.user, limit: none, reply: 200}]", "`limit: none` has no effect in a GRAPHQL route"),
        ("routes: [{request: GRAPHQL Query.user, auth: oauth, reply: 200}]", "the scenario has no `oauth`"),
        ("routes: [{request: GRAPHQL Query.user, limit: {rate: 1/s, reply: {text: hi, status: 200}}, reply: 200}]", "limit.reply.text: `text` is not supported in a reply of a field"),
        ("routes: [{request: GRAPHQL Query.user, proxy: 'http://a.test'}]", "a field can't be forwarded"),
        ("routes: [{request: GRAPHQL Query.user, reply: {status: 500, errors: [x]}}]", "is the whole response"),
        ("routes: [{request: GRAPHQL Query.user, reply: UNAVAILABLE}]", "UNAVAILABLE is a status of gRPC"),
        ("routes: [{request: GRAPHQL Query.user, reply: {errors: []}}]", "`errors` is empty"),
        ("routes: [{request: GRAPHQL Query.user, reply: {errors: [{code: x}]}}]", "is not a valid GraphQL error"),
        ("routes: [{request: GET /x, reply: {errors: [x]}}]", "`errors` are those of a GraphQL field"),
        ("routes: [{request: GET /x, match: {arguments: {a: 1}}, reply: 200}]", "`arguments` are those of a GraphQL field"),
        ("resources: [{path: /users, graphql: {lst: Query.users}}]", "no field has the event 'lst'"),
        ("resources: [{path: /users, graphql: {list: Query.userz}}]", "Query has no field 'userz'"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_load(scenario: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        GraphQLInMemory(scenario)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("type Query {\n a: Strin }", "shop.graphql, line 2: Unknown type 'Strin'"),
        ("type Query {", "shop.graphql, line 1: Syntax Error"),
        ("type User { a: Int }", "Query root type must be provided"),
        ("type Query { a: Int a: Int }", "only be defined once"),
        ("type Query { a: In }", "Unknown type"),
    ],
)
def test_a_mistake_in_the_schema_is_found_at_load(schema: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        GraphQLInMemory(schema=schema)

    assert said in str(raised.value)


def test_a_route_without_a_schema_is_a_mistake() -> None:
    shop = GraphQLInMemory()
    for scenario in (
        "routes: [{request: GRAPHQL Query.user, reply: 200}]",
        "resources: [{path: /users, graphql: {list: Query.users}}]",
    ):
        with pytest.raises(InvalidInputError, match="no GraphQL schema"):
            InMemory(scenario)
    with pytest.raises(InvalidInputError, match="no field 'usr'"):
        editing.add_route(shop.default, {"request": "GRAPHQL Query.usr", "reply": 200})


@pytest.mark.parametrize(
    ("code", "retried"),
    [("SERVICE_UNAVAILABLE", True), ("RATE_LIMITED", True), ("BAD_USER_INPUT", False), (None, False)],
)
def test_the_code_of_an_error_says_whether_a_client_may_retry(code: str | None, retried: bool) -> None:
    extensions = "" if code is None else f", extensions: {{code: {code}}}"
    shop = GraphQLInMemory(f"""
routes:
  - {{request: GRAPHQL Query.user, reply: {{errors: {{message: No{extensions}}}}}}}
  - {{request: GRAPHQL Query.shop, reply: {{json: {{name: SERVICE_UNAVAILABLE}}}}}}
""")

    assert retryable(shop.query("{ user(id: 1) { id } }")) is retried
    assert not retryable(shop.query("{ shop { name } }"))


def test_explain_names_the_route_of_the_field_and_changes_nothing() -> None:
    shop = GraphQLInMemory("""
routes:
  - {request: GRAPHQL Query.user, effect: {kind: seen}, reply: [{json: {name: Ann}}, 503]}
""")
    spec = ExplainSpec.model_validate(
        {"request": "POST /graphql", "json": {"query": "{ user(id: 1) { name } }"}}
    )

    for _ in range(2):
        view = explain(shop.default, as_request(spec, shop.default))
        assert (view["route"], view["step"]) == ("shop/GRAPHQL Query.user", 1)
        assert '"name":"Ann"' in view["reply"]["body"]
    assert effects(shop.default) == []


def test_a_mistake_in_this_package_is_not_hidden_in_an_error_of_a_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = GraphQLInMemory()
    monkeypatch.setattr(Execution, "_shaped", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        shop.query("{ user(id: 1) { name } }")


def test_other_formats_leave_fields_out() -> None:
    lost = Losses()
    document = {"routes": [{"request": "GRAPHQL Query.user", "reply": 200}]}

    assert list(steps_of({"shop": document}, lost)) == []
    assert any("no GraphQL" in item.what for item in lost)


def test_a_schema_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("mockserver.matching.extras.import_module", missing)

    with pytest.raises(InvalidInputError, match=r"mockserver\[graphql\]"):
        GraphQLInMemory()


def test_without_the_extra_for_websockets_there_is_no_route_for_handshakes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "shop/WS /graphql" in {route.id for route in GraphQLInMemory().default.routes()}
    monkeypatch.setattr("mockserver.compiler.graphql_routes.find_spec", lambda _: None)

    shop = GraphQLInMemory()

    assert {route.id for route in shop.default.routes()} == {"shop/POST,GET /graphql"}
    assert shop.query("{ shop { name } }").status == 200
