"""Pacts of versions 2 to 4, as scenarios and back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recordings import JSON, Played, only

from mockserver.errors import InvalidInputError
from mockserver.formats import pact
from mockserver.formats.pact.rules import tokens_of


def a_pact(*interactions, version="3.0.0", **more):
    return {
        "consumer": {"name": "Web"},
        "provider": {"name": "Orders API"},
        "interactions": list(interactions),
        "metadata": {"pactSpecification": {"version": version}},
        **more,
    }


def interaction(description="reads", request=None, response=None, **more):
    return {
        "description": description,
        "request": {"method": "GET", "path": "/orders", **(request or {})},
        "response": {"status": 200, **(response or {})},
        **more,
    }


def rule(**matcher):
    return {"combine": "AND", "matchers": [matcher]}


@pytest.fixture
def read(tmp_path):
    def imported(document):
        file = tmp_path / "web-orders.json"
        file.write_text(json.dumps(document))
        return pact.read(file)

    return imported


def routes(imported):
    return only(imported)["routes"]


def posting(body, rules=None, **more):
    request = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": body, **more}
    return interaction(request=request | ({"matchingRules": {"body": rules}} if rules else {}))


def json_of(imported):
    return routes(imported)[0]["match"]["json_exact"]


# What is asked


def test_an_interaction_is_a_route_that_asks_for_what_was_promised_and_no_more(read):
    imported = read(
        a_pact(
            interaction(
                "creates an order",
                {"method": "post", "query": {"dry": ["1"], "tag": ["a", "b"]}, "headers": {"Content-Type": "application/json", "X-A": "1"}, "body": {"amount": 5}},
                {"status": 201, "headers": {"Content-Type": "application/json"}, "body": {"id": 7}},
            )
        )
    )  # fmt: skip

    assert list(imported.scenarios) == ["Orders-API"]
    assert only(imported) == {
        "description": "What Web asks of Orders API.",
        "x-consumer": "Web",
        "x-provider": "Orders API",
        "routes": [{
            "name": "creates an order",
            "request": "POST /orders",
            "match": {
                "headers": {"content-type": {"starts_with": "application/json"}, "x-a": 1},
                "query": {"dry": 1, "tag": ["a", "b"]},
                "json_exact": {"amount": 5},
            },
            "reply": {"status": 201, "json": {"id": 7}},
        }],
    }  # fmt: skip
    assert imported.lost == []


def test_the_query_of_version_2_is_a_text(read):
    imported = read(a_pact(interaction(request={"query": "a=1&b=x%20y&b=z"}), version="2.0.0"))

    assert routes(imported)[0]["match"]["query"] == {"a": 1, "b": ["x y", "z"]}


@pytest.mark.parametrize(
    ("value", "matcher", "condition"),
    [
        ("x", {"match": "type"}, {"$type": "string"}),
        (5, {"match": "type"}, {"$type": "number"}),
        (True, {"match": "type"}, {"$type": "boolean"}),
        (None, {"match": "type"}, None),
        (5, {"match": "integer"}, {"$type": "integer"}),
        (5.5, {"match": "decimal"}, {"$type": "number"}),
        ("ab", {"match": "regex", "regex": "^[a-z]+$"}, {"$matches": "^[a-z]+$"}),
        ("ab", {"match": "regex", "regex": "b"}, {"$matches": "(?s:.*)(?:b)(?s:.*)"}),
        ("ab", {"match": "include", "value": "a"}, {"$contains": "a"}),
        ("ab", {"match": "equality"}, "ab"),
        ("2026-01-31", {"match": "date", "format": "yyyy-MM-dd"}, {"$matches": r"\d{4}\-\d{2}\-\d{2}"}),
        ("1.2.3", {"match": "semver"}, {"$matches": r"\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?"}),
        ([1], {"match": "notEmpty"}, {"$length": {"$gte": 1}}),
        ([], {"match": "type", "max": 5}, {"$type": "array", "$length": {"$lte": 5}}),
    ],
)
def test_a_matcher_is_a_condition_that_the_example_fulfils(read, value, matcher, condition):
    imported = read(a_pact(posting({"a": value}, {"$.a": rule(**matcher)})))

    assert json_of(imported) == {"a": condition}
    played = Played(imported)
    assert played.ask("POST /orders", json={"a": value}).status == 200
    assert played.ask("POST /orders", json={"a": value, "b": 1}).status == 404
    assert imported.lost == []


def test_the_rule_of_a_type_holds_below_unless_another_is_nearer(read):
    rules = {
        "$": rule(match="type"),
        "$.b.exact": rule(match="equality"),
        "$.list[*].n": rule(match="integer"),
    }
    imported = read(a_pact(posting({"a": "x", "b": {"c": 1, "exact": 2}}, rules)))

    assert json_of(imported) == {"a": {"$type": "string"}, "b": {"c": {"$type": "number"}, "exact": 2}}


def test_of_two_rules_the_more_exact_one_counts(read):
    rules = {"$.list[*].n": rule(match="integer"), "$.list[0].n": rule(match="equality")}
    imported = read(a_pact(posting({"list": [{"n": 1}, {"n": 2}]}, rules)))

    assert json_of(imported) == {"list": [{"n": 1}, {"n": {"$type": "integer"}}]}


def test_several_matchers_hold_all_or_any(read):
    matchers = [{"match": "include", "value": "a"}, {"match": "include", "value": "b"}]
    both = read(a_pact(posting({"x": "ab"}, {"$.x": {"combine": "AND", "matchers": matchers}})))
    either = read(a_pact(posting({"x": "ab"}, {"$.x": {"combine": "OR", "matchers": matchers}})))

    assert json_of(both) == {"x": {"$all_of": [{"$contains": "a"}, {"$contains": "b"}]}}
    assert json_of(either) == {"x": {"$any_of": [{"$contains": "a"}, {"$contains": "b"}]}}


def test_the_rules_of_version_2_stand_in_one_mapping(read):
    rules = {
        "$.body.a": {"match": "type"},
        "$.headers.X-A": {"regex": r"\d+"},
        "$.query.q[0]": {"match": "type"},
        "$.path": {"match": "regex", "regex": r"^\/orders\/\d+$"},
    }
    request = {
        "method": "PUT",
        "path": "/orders/7",
        "query": "q=1",
        "headers": {"X-A": "5"},
        "body": {"a": 1},
        "matchingRules": rules,
    }
    imported = read(a_pact(interaction(request=request), version="2.0.0"))

    assert routes(imported)[0]["request"] == r"PUT /orders/{p1:\d+}"
    assert routes(imported)[0]["match"] == {
        "headers": {"x-a": {"matches": r"\d+"}}, "query": {"q": "present"}, "json_exact": {"a": {"$type": "number"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("regex", "path"),
    [
        (r"^/users/\d+$", r"/users/{p1:\d+}"),
        (r"\/users\/[^/]+\/posts", "/users/{p1}/posts"),
        (r"/files/v\d\.txt", r"/files/{p1:v\d\.txt}"),
        (r"/a\.b/(?:x|y)/[0-9]{2}", r"/a.b/{p1:(?:x|y)}/{p2:[0-9]{2}}"),
    ],
)
def test_the_rule_of_a_path_is_a_path_with_parameters(read, regex, path):
    imported = read(a_pact(interaction(request={"path": "/x", "matchingRules": {"path": rule(match="regex", regex=regex)}})))  # fmt: skip

    assert routes(imported)[0]["request"] == f"GET {path}"
    assert Played(imported)


def test_the_content_of_version_4_is_told_with_its_type(read):
    one = interaction(
        "v4",
        {
            "method": "POST",
            "body": {"content": {"a": 1}, "contentType": "application/json", "encoded": False},
        },
        {"body": {"content": "aGVsbG8=", "contentType": "text/plain", "encoded": "base64"}},
        type="Synchronous/HTTP",
    )
    imported = read(a_pact(one, version="4.0"))

    assert json_of(imported) == {"a": 1}
    assert routes(imported)[0]["reply"] == {"text": "hello"}


@pytest.mark.parametrize(
    ("headers", "body", "match"),
    [
        ({"Content-Type": "text/plain"}, "hello", {"text": "hello"}),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            "a=1&b=2&b=3",
            {"form": {"a": 1, "b": [2, 3]}},
        ),
        ({}, None, {}),
        ({"Content-Type": "application/json"}, "text", {"json_exact": "text"}),
    ],
)
def test_a_body_is_asked_for_as_what_it_is(read, headers, body, match):
    imported = read(a_pact(interaction(request={"method": "POST", "headers": headers, "body": body})))

    found = routes(imported)[0].get("match", {})
    assert {key: value for key, value in found.items() if key != "headers"} == match


# States


def test_provider_states_are_tags(read):
    imported = read(a_pact(interaction(providerStates=[{"name": "an order exists"}, {"name": "it is paid"}])))

    assert routes(imported)[0]["tags"] == ["given an order exists", "given it is paid"]


def test_what_asks_the_same_in_other_states_answers_by_the_state(read):
    imported = read(
        a_pact(
            interaction("finds", providerStates=[{"name": "an order exists"}]),
            interaction("misses", response={"status": 404}, providerState="there is none"),
            interaction("any", response={"status": 500}),
        )
    )
    played = Played(imported)

    assert only(imported)["state"] == {"given": "an order exists"}
    assert "PUT /__admin/state/given" in imported.remarks["Orders-API"][0]
    assert played.ask("GET /orders").status == 200
    played.engine.default.memory.state.write("given", "there is none")
    assert played.ask("GET /orders").status == 404


def test_a_literal_path_is_asked_before_one_with_parameters(read):
    by_rule = {"path": "/orders/7", "matchingRules": {"path": rule(match="regex", regex="/orders/[^/]+")}}
    imported = read(
        a_pact(interaction("one", by_rule), interaction("mine", {"path": "/orders/mine"}, {"status": 204}))
    )

    assert Played(imported).ask("GET /orders/mine").status == 204


# What is answered


@pytest.mark.parametrize(
    ("generator", "example", "template"),
    [
        ({"type": "Uuid"}, "x", "{{ uuid() }}"),
        ({"type": "RandomInt", "min": 1, "max": 9}, 5, "{{ random_int(1, 9) }}"),
        ({"type": "RandomString", "size": 4}, "abcd", "{{ random_string(4) }}"),
        ({"type": "ProviderState", "expression": "${id}"}, "7", "{{ state['id'] | default('7') }}"),
        ({"type": "ProviderState", "expression": "id"}, 7, "{{ state['id'] | default(7) }}"),
        (
            {"type": "MockServerURL", "example": "http://localhost/orders/7"},
            "x",
            "{{ request.base_url }}/orders/7",
        ),
        (
            {"type": "DateTime", "format": "yyyy-MM-dd'T'HH:mm:ss"},
            "x",
            "{{ date(now, '', '%Y-%m-%dT%H:%M:%S') }}",
        ),
        ({"type": "Date", "format": "dd MMM yyyy"}, "x", "{{ date(now, '', '%d %b %Y') }}"),
        ({"type": "DateTime", "format": "HH:mmXXX"}, "x", "{{ date(now, '', '%H:%M%z') }}"),
    ],
)
def test_a_generator_is_a_template(read, generator, example, template):
    response = {"headers": {"X-A": "1"}, "body": {"items": [{"a": example}]}, "generators": {"body": {"$.items[0].a": generator}}}  # fmt: skip
    imported = read(a_pact(interaction(response=response)))

    assert routes(imported)[0]["reply"]["json"] == {"items": [{"a": template}]}
    assert Played(imported).ask("GET /orders").status == 200
    assert imported.lost == []


def test_a_generator_of_a_header_is_a_template(read):
    response = {"headers": {"X-Id": "1"}, "generators": {"header": {"X-Id": {"type": "Uuid"}}}}

    assert routes(read(a_pact(interaction(response=response))))[0]["reply"]["headers"] == {
        "x-id": "{{ uuid() }}"
    }


# What is lost


MESSAGE = {"type": "Asynchronous/Messages", "description": "an event"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (a_pact(MESSAGE), "interactions[0]: 'an event' of type Asynchronous/Messages is not HTTP."),
        (a_pact(interaction(transport="grpc")), "interactions[0]: 'reads' of type Synchronous/HTTP is not HTTP."),
        (a_pact(messages=[{"description": "an event"}]), "messages[0]: the message 'an event' is not HTTP."),
        (a_pact(interaction(pending=True)), "interactions[0].pending: the mock answers it like any other."),
        (a_pact(interaction(providerStates=[{"name": "x", "params": {"id": 7}}])), "interactions[0].providerStates[0].params: {'id': 7} is not kept"),
        (a_pact(interaction(request={"generators": {"path": {}}})), "interactions[0].request.generators: they are for"),
        (a_pact(interaction(response={"matchingRules": {"body": {"$": rule(match="type"), "$.a": rule(match="type")}}})), "interactions[0].response.matchingRules: 2 rules for what a provider may answer"),
        (a_pact(interaction(response={"body": {"a": 1}, "generators": {"body": {"$.a": {"type": "Regex"}}}})), "interactions[0].response.generators.body: $.a: there is no template"),
        (a_pact(interaction(response={"body": {"a": 1}, "generators": {"body": {"$.b": {"type": "Uuid"}}}})), "interactions[0].response.generators.body: $.b: there is no template"),
        (a_pact(posting({"a": [{"b": 1}]}, {"$.a": rule(match="type", min=1)})), "interactions[0].request.body: $.a: what the list's items are like is not matched."),
        (a_pact(posting({"a": "x"}, {"$.a": rule(match="regex", regex="(?=x).")})), "interactions[0].request.body: $.a: the expression '(?=x).' needs more than linear time"),
        (a_pact(posting({"a": "x"}, {"$.a": rule(match="time", format="HH")})), "interactions[0].request.body: $.a: the format 'HH' is not matched."),
        (a_pact(posting({"a": "x"}, {"$.a": rule(match="plugin")})), "interactions[0].request.body: $.a: the matcher 'plugin' matches only the type."),
        (a_pact(interaction(request={"matchingRules": {"path": rule(match="regex", regex="(/a|/b)")}})), "interactions[0].request.matchingRules.path: the expression '(/a|/b)' can't be taken apart"),
        (a_pact(interaction(request={"matchingRules": {"path": rule(match="type")}})), "interactions[0].request.matchingRules.path: a path that only differs by type"),
        (a_pact(interaction(response={"status": 100})), "interactions[0]: it can't be read"),
        (a_pact(interaction("a"), interaction("b")), "b: another interaction has the same request and state."),
        (a_pact({"description": "x"}), "interactions[0]: it can't be read: KeyError('request')"),
        (a_pact(5), "interactions[0]: it is not an interaction."),
    ],
)  # fmt: skip
def test_what_can_not_be_carried_over_is_told_with_its_place(read, document, said):
    imported = read(document)

    assert [str(one)[: len(said)] for one in imported.lost] == [said]
    assert Played(imported)


@pytest.mark.parametrize(
    "document", [[], {}, {"provider": {"name": "x"}}, {"provider": 5, "interactions": []}]
)
def test_what_is_no_pact_is_refused(read, document):
    with pytest.raises(InvalidInputError, match="is not a pact"):
        read(document)


def test_paths_of_rules_are_taken_apart():
    assert tokens_of("$") == ()
    assert tokens_of("$['a b'].c[0][*].d") == ("a b", "c", "0", "*", "d")


# Out


SHOP = {
    "routes": [
        {
            "name": "read",
            "request": "GET /users/{id:\\d+}",
            "match": {"query": {"full": 1}, "headers": {"x-a": {"matches": "[a-z]+"}}},
            "tags": ["given a user exists", "smoke"],
            "reply": {"json": {"id": "{{ uuid() }}", "n": "{{ random_int(1, 9) }}", "name": "Ann"}},
        },
        {
            "request": "POST /users",
            "match": {"json_exact": {"age": {"$type": "integer"}, "name": "Ann"}},
            "reply": [503, {"status": 201, "headers": {"x-b": ["1", "2"]}, "text": "done"}],
        },
    ]
}


def written(scenario, **options):
    exported = pact.write({"shop": scenario}, **options)
    (content,) = exported.files.values()
    return json.loads(content), [str(one) for one in exported.lost]


def test_a_route_is_an_interaction_of_version_4():
    document, lost = written(SHOP, consumer="Web")
    read, first, second = document["interactions"]

    assert lost == []
    assert (document["consumer"], document["provider"]) == ({"name": "Web"}, {"name": "shop"})
    assert document["metadata"] == {"pactSpecification": {"version": "4.0"}}
    assert read == {
        "type": "Synchronous/HTTP",
        "description": "read",
        "pending": False,
        "providerStates": [{"name": "a user exists"}],
        "request": {
            "method": "GET",
            "path": "/users/0",
            "query": {"full": ["1"]},
            "headers": {"x-a": ["a"]},
            "matchingRules": {
                "path": rule(match="regex", regex=r"^/users/\d+$"),
                "header": {"x-a": rule(match="regex", regex="[a-z]+")},
            },
        },
        "response": {
            "status": 200,
            "headers": {"content-type": ["application/json"]},
            "body": {
                "content": {"id": "e2490de5-5bd3-43d5-b7c4-526e33f71304", "n": 1, "name": "Ann"},
                "contentType": "application/json",
                "encoded": False,
            },
            "matchingRules": {"body": {"$": rule(match="type")}},
            "generators": {
                "body": {"$.id": {"type": "Uuid"}, "$.n": {"type": "RandomInt", "min": 1, "max": 9}}
            },
        },
    }
    assert first["request"]["body"]["content"] == {"age": 1, "name": "Ann"}
    assert first["request"]["matchingRules"]["body"] == {"$.age": rule(match="integer")}
    assert (second["description"], second["providerStates"]) == (
        "POST /users (2)",
        [{"name": "POST /users has been answered 1 time"}],
    )
    assert second["response"]["body"] == {"content": "done", "contentType": "text/plain", "encoded": False}


def test_version_3_has_bodies_and_header_lines_as_they_are():
    document, _ = written(SHOP, version=3)
    read, _, last = document["interactions"]

    assert document["metadata"] == {"pactSpecification": {"version": "3.0.0"}}
    assert "type" not in read
    assert read["response"]["body"]["name"] == "Ann"
    assert last["response"]["headers"] == {"x-b": "1, 2", "content-type": "text/plain"}


def test_each_scenario_is_a_pact_unless_one_provider_is_named():
    two = {
        "a": {"routes": [{"request": "GET /a", "reply": 200}]},
        "b": {"routes": [{"request": "GET /b", "reply": 200}]},
    }

    assert set(pact.write(two).files) == {"consumer-a.json", "consumer-b.json"}
    (content,) = pact.write(two, provider="both").files.values()
    assert len(json.loads(content)["interactions"]) == 2


def test_what_a_pact_can_not_say_is_told_with_its_key_path():
    _, lost = written({
        "resources": [{"path": "/x"}],
        "routes": [
            {"request": "GET /a", "reply": {"fault": "reset"}},
            {
                "request": "POST /b", "when": {"x": 1},
                "match": {"json": {"n": {"$gt": 3}}, "headers": {"x": "absent"}, "xml": {"//a": "1"}},
                "reply": {"json": {"a": "{{ call.number }}"}, "delay": "1s"},
            },
        ],
    })  # fmt: skip

    assert [one.partition(": ")[2].partition(": ")[0] for one in lost] == [
        "resources", "routes[0].reply.fault", "routes[1].reply.delay", "routes[1].when.x", "routes[1].match.headers.x",
        "routes[1].match.json.n", "routes[1].match.json", "routes[1].match.xml", "routes[1].reply.json.a",
    ]  # fmt: skip


# The calls of a test run


def test_the_calls_of_a_run_are_a_pact(serving):
    from mockserver.cli.exporting import _archive

    server = serving("""
routes:
  - {name: create, request: POST /orders, reply: [503, {status: 201, json: {id: 7}}]}
  - {name: read, request: "GET /orders/{id}", reply: {json: {id: "{{ path.id }}"}}}
  - {name: breaks, request: GET /breaks, reply: {fault: close}}
""")
    for _ in range(3):
        server.ask("POST", "/orders", '{"n":1}', headers={"Content-Type": "application/json", "Authorization": "Bearer x"})  # fmt: skip
    for target in ("/orders/1", "/orders/2?full=1", "/nowhere"):
        server.ask("GET", target)
    with pytest.raises(Exception, match=r".*"):
        server.ask("GET", "/breaks")
    server.closed_call(7)

    exported = pact.from_calls(_archive(server.url, None, reveal=False), consumer="Web", provider="Orders")
    document = json.loads(exported.files["Web-Orders.json"])

    found = [
        (one["description"], one.get("providerStates"), one["response"]["status"])
        for one in document["interactions"]
    ]
    assert found == [
        ("create", None, 503),
        ("create: POST /orders", [{"name": "create has been answered otherwise 1 time"}], 201),
        ("read", None, 200),
        ("read: GET /orders/2?full=1", None, 200),
    ]
    created = document["interactions"][1]
    assert created["request"]["headers"] == {"content-type": ["application/json"]}
    assert created["request"]["body"]["content"] == {"n": 1}
    assert created["response"]["matchingRules"] == {"body": {"$": rule(match="type")}}
    assert [str(one).partition(":")[0] for one in exported.lost] == [
        "log.entries[5]", "log.entries[6]", "request headers",
    ]  # fmt: skip
    assert "authorization" in str(exported.lost[2])


# Both ways


_PARTS = st.sampled_from(["a", "b c", "ä", "1", "present", ""])


@st.composite
def pacts(draw):
    found = []
    for number in range(draw(st.integers(1, 4))):
        request = {"method": draw(st.sampled_from(["GET", "POST"])), "path": f"/{number}"}
        query = draw(
            st.dictionaries(st.sampled_from(["q", "r"]), st.lists(_PARTS, min_size=1, max_size=2), max_size=2)
        )
        if query:
            request["query"] = query
        if request["method"] == "POST":
            body = {"x": draw(JSON), "n": 1, "s": "ab"}
            request["body"] = {"content": body, "contentType": "application/json", "encoded": False}
            if draw(st.booleans()):
                request["matchingRules"] = {
                    "body": {"$.n": rule(match="integer"), "$.s": rule(match="regex", regex="ab?")}
                }
        response = {"status": draw(st.sampled_from([200, 404]))}
        if draw(st.booleans()):
            response["body"] = {
                "content": draw(JSON.filter(lambda value: "{" not in json.dumps(value).lstrip("{["))),
                "contentType": "application/json",
                "encoded": False,
            }
        given = [
            {"name": name}
            for name in draw(st.lists(st.sampled_from(["x is", "y is"]), unique=True, max_size=2))
        ]
        found.append(
            interaction(f"i{number}", request, response, type="Synchronous/HTTP", providerStates=given)
        )
    return a_pact(*found, version="4.0")  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(pacts())
def test_a_pact_that_was_imported_and_written_says_the_same(tmp_path_factory, document):
    file = tmp_path_factory.mktemp("pact") / "x.json"
    file.write_text(json.dumps(document))
    once = pact.read(file)
    exported = pact.write(once.scenarios)
    (content,) = exported.files.values()

    assert (once.lost, exported.lost) == ([], [])
    assert said(json.loads(content)) == said(document)

    file.write_bytes(content)
    assert only(pact.read(file)) == only(once)


def said(document):
    """What both have: examples and rules of requests, examples of responses, states."""
    found = []
    for one in document["interactions"]:
        request, response = one["request"], one["response"]
        found.append((
            one["description"], one.get("providerStates") or [], request["method"], request["path"], request.get("query", {}),
            (request.get("body") or {}).get("content", {}).get("x"), request.get("matchingRules", {}).get("body"),
            response["status"], repr((response.get("body") or {}).get("content")),
        ))  # fmt: skip
    return document["consumer"], document["provider"], sorted(found, key=lambda one: one[0])
