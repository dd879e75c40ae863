"""Postman collections, as scenarios and back."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recordings import JSON, Played, only

from mockserver.errors import InvalidInputError
from mockserver.formats import postman
from mockserver.formats.postman.variables import DYNAMIC
from mockserver.templating.fake import FAKES


def collection(*items, **more):
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    return {
        "info": {"name": "Shop API", "schema": schema, **more.pop("info", {})},
        "item": list(items),
        **more,
    }


def item(method="GET", url="https://api.example/data", *examples, name="", **request):
    more = {key: request.pop(key) for key in ("event", "variable") if key in request}
    found = {"name": name, "request": {"method": method, "url": url, **request}, **more}
    return found | ({"response": list(examples)} if examples else {})


def example(code=200, body="", name="", **more):
    headers = more.pop("header", [{"key": "Content-Type", "value": "application/json"}] if body else [])
    return {"name": name, "code": code, "header": headers, "body": body, **more}


def header(name, value):
    return {"key": name, "value": value}


@pytest.fixture
def read(tmp_path):
    def imported(document):
        file = tmp_path / "shop.postman_collection.json"
        file.write_text(json.dumps(document))
        return postman.read(file)

    return imported


def routes(imported):
    return only(imported)["routes"]


# What is asked


def test_a_saved_example_becomes_a_reply(read):
    imported = read(
        collection(
            item("POST", "{{base}}/charges", example(201, '{"id": "ch_1"}', header=[header("Content-Type", "application/json"), header("X-A", "1"), header("Date", "x")]), name="Create"),
            variable=[{"key": "base", "value": "https://api.example/v1"}],
        )
    )  # fmt: skip

    assert list(imported.scenarios) == ["Shop-API"]
    assert only(imported) == {
        "description": "Shop API",
        "x-origin": "https://api.example",
        "routes": [{"name": "Create", "request": "POST /v1/charges", "reply": {"status": 201, "headers": {"x-a": "1"}, "json": {"id": "ch_1"}}}],
    }  # fmt: skip
    assert imported.lost == []


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.example/users/:id/posts", "/users/{id}/posts"),
        ("https://api.example/users/{{user_id}}", "/users/{user_id}"),
        ("https://api.example/users/{{known}}", "/users/42"),
        ("{{nowhere}}/users", "/users"),
        ("{{nowhere}}", "/"),
        ("/users", "/users"),
        ("localhost:3000/users", "/users"),
        ("https://api.example/a{b}/{{x}}.json", "/a%7Bb%7D/{x}.json"),
        ("https://api.example/x/{{$guid}}", "/x/{guid}"),
        ({"raw": "https://api.example/a/b?x=1", "path": ["other"]}, "/a/b"),
        ({"protocol": "https", "host": ["api", "example"], "path": ["a", ":b"]}, "/a/{b}"),
        ({"host": "{{base}}", "path": "a/b"}, "/a/b"),
    ],
)
def test_the_path_of_a_url_may_hold_parameters(read, url, path):
    imported = read(collection(item("GET", url), variable=[{"key": "known", "value": "42"}]))

    assert routes(imported)[0]["request"] == f"GET {path}"


def test_a_url_alone_is_a_request(read):
    assert (
        routes(read(collection({"name": "x", "request": "https://api.example/x"})))[0]["request"] == "GET /x"
    )


def test_query_parameters_are_asked_for_but_for_those_that_are_switched_off(read):
    query = [header("page", "1"), {**header("old", "1"), "disabled": True}, header("token", "{{token}}")]
    imported = read(collection(item("GET", {"raw": "https://api.example/x?page=1", "query": query})))

    assert routes(imported)[0]["match"] == {"query": {"page": 1, "token": "present"}}


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ({"mode": "raw", "raw": '{"a": 1}', "options": {"raw": {"language": "json"}}}, {"json": {"a": 1}}),
        ({"mode": "raw", "raw": '{"a": "{{x}}"}'}, {"json": {"a": {"$type": "string"}}}),
        ({"mode": "raw", "raw": '{"a": "{{known}}"}'}, {"json": {"a": "42"}}),
        ({"mode": "raw", "raw": "hello"}, {"text": "hello"}),
        ({"mode": "urlencoded", "urlencoded": [header("a", "1"), header("b", "{{x}}"), {**header("c", "1"), "disabled": True}]}, {"form": {"a": 1, "b": "present"}}),
        ({"mode": "formdata", "formdata": [{**header("a", "x"), "type": "text"}, {"key": "f", "type": "file", "src": "/x"}]}, {"form": {"a": "x"}, "files": {"f": "present"}}),
        ({"mode": "graphql", "graphql": {"query": "mutation Pay($a: Int) { pay }", "variables": '{"a": 5}'}}, {"graphql": {"operation": "Pay", "variables": {"a": 5}}}),
        ({"mode": "graphql", "graphql": {"query": "{ me }"}}, {"json": {"query": "{ me }"}}),
    ],
)  # fmt: skip
def test_a_body_is_asked_for_where_it_tells_requests_apart(read, body, match):
    other = item("POST", "https://api.example/x", example(402))
    imported = read(
        collection(
            item("POST", "https://api.example/x", example(), body=body),
            other,
            variable=[header("known", "42")],
        )
    )

    assert [route.get("match") for route in routes(imported)] == [match, None]
    assert imported.lost == []
    assert Played(imported).ask("POST /x").status == 402


# What is answered


def test_of_several_examples_the_first_that_went_well_answers_and_the_others_whoever_names_them(read):
    imported = read(
        collection(item("GET", "https://api.example/x", example(404, name="Missing"), example(200, '"ok"', name="Found"), example(500, name="Broken"), example(503, name="Broken")))
    )  # fmt: skip
    played = Played(imported)

    assert played.ask("GET /x").body == b'"ok"'
    assert played.ask("GET /x", [("X-Mock-Response-Name", "Missing")]).status == 404
    assert played.ask("GET /x", [("X-Mock-Response-Name", "Broken")]).status == 500


def test_examples_of_other_requests_are_routes_of_their_own(read):
    def asked(page):
        return {"method": "GET", "url": {"raw": f"https://api.example/x?page={page}"}}

    imported = read(
        collection(item("GET", "https://api.example/x", example(200, "1", originalRequest=asked(1)), example(200, "2", originalRequest=asked(2)), name="List"))
    )  # fmt: skip

    assert [route["name"] for route in routes(imported)] == ["List", "List #2"]
    assert Played(imported).ask("GET /x?page=2").body == b"2"


def test_folders_are_tags_and_their_variables_hold_inside(read):
    inner = {
        "name": "Cards",
        "item": [item("GET", "https://{{host}}/x")],
        "variable": [header("host", "api.example")],
    }
    imported = read(collection({"name": "Pay", "item": [inner]}))

    assert routes(imported)[0]["tags"] == ["Pay", "Cards"]
    assert only(imported)["x-origin"] == "https://api.example"


def test_a_request_without_an_example_is_answered_and_told(read):
    imported = read(collection(item(name="Ping")))

    assert routes(imported)[0]["reply"] == 200
    assert imported.remarks["Shop-API"] == ["Without a saved example, answered with 200 and no body: Ping."]


def test_dynamic_variables_are_templates_and_constants_are_vars(read):
    body = '{"id": "{{$guid}}", "n": {{$randomInt}}, "t": "{{$timestamp}}", "shop": "{{shop}}", "x": "{{nobody}} {% y"}'
    imported = read(
        collection(
            item("GET", "https://api.example/x", example(200, body)),
            variable=[header("shop", "{{name}} GmbH"), header("name", "Acme"), header("unused", "1")],
        )
    )

    assert only(imported)["vars"] == {"shop": "Acme GmbH"}
    assert routes(imported)[0]["reply"]["json"] == {
        "id": "{{ uuid() }}",
        "n": "{{ random_int(0, 1000) }}",
        "t": "{{ now.timestamp() | int | string }}",
        "shop": "{{ vars.shop }}",
        "x": "{{ '{{nobody}}' }} {{ '{%' }} y",
    }
    assert [str(one) for one in imported.lost] == [
        "item[0].response[0]: {{nobody}} is not defined. It is sent unchanged"
    ]
    answer = json.loads(Played(imported).ask("GET /x").body)
    assert (answer["shop"], answer["x"]) == ("Acme GmbH", "{{nobody}} {% y")
    assert isinstance(answer["n"], int)
    assert answer["t"].isdigit()


def test_braces_that_are_no_variable_are_sent_as_they_stand(read):
    imported = read(collection(item("GET", "https://api.example/x", example(200, "{{ a b }}", header=[]))))

    assert Played(imported).ask("GET /x").body == b"{{ a b }}"


@pytest.mark.parametrize(("name", "expression"), DYNAMIC.items())
def test_every_dynamic_variable_has_a_template_that_is_one(read, name, expression):
    imported = read(collection(item("GET", "https://api.example/x", example(200, f"{{{{{name}}}}}", header=[header("Content-Type", "text/plain")]))))  # fmt: skip

    assert routes(imported)[0]["reply"] == {"text": f"{{{{ {expression} }}}}"}
    if expression.startswith("fake."):
        assert expression.removeprefix("fake.").removesuffix("()") in FAKES
    else:
        assert Played(imported).ask("GET /x").status == 200


# What is lost


SCRIPT = [{"listen": "test", "script": {"exec": ["pm.test()"]}}]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (collection(item(event=SCRIPT)), "item[0].event[0]: a script of kind 'test' is not run."),
        (collection(item(), event=SCRIPT), "event[0]: a script"),
        (collection(item(), auth={"type": "bearer"}), "auth: bearer is not required."),
        (collection(item(auth={"type": "basic"})), "item[0].request.auth: basic is not required."),
        (collection(item("GET", "https://a.example/x", example(100))), "item[0].response[0]: it can't be read: 100 is not a final status"),
        (collection(item(body={"mode": "file", "file": {"src": "/x"}})), "item[0].request.body: a body of mode 'file' is not matched"),
        (collection(item(body={"mode": "raw", "raw": '{"a": {{x}}}'})), "item[0].request.body: its variables are not defined"),
        (collection({"name": "x"}), "item[0]: it has neither a request nor items."),
        (collection(5), "item[0]: 5 is not an item."),
        (collection(item("GET", None)), "item[0]: it can't be read: its URL is missing."),
    ],
)  # fmt: skip
def test_what_can_not_be_carried_over_is_told_with_its_place(read, document, said):
    (one,) = read(document).lost

    assert str(one).startswith(said)


def test_a_variable_in_a_key_is_told_since_no_key_is_a_template(read):
    imported = read(collection(item("GET", "https://api.example/x", example(200, '{"{{a}}": "{{$guid}}"}'))))

    assert [one.what for one in imported.lost] == ["{{a}} is not defined"]
    assert routes(imported)[0]["reply"]["json"] == {"{{a}}": "{{ uuid() }}"}


@pytest.mark.parametrize("document", [[], {}, {"item": 5}, {"info": {}, "requests": []}])
def test_what_is_no_collection_is_refused(read, document):
    with pytest.raises(InvalidInputError, match=r"is not a collection of version 2\.1"):
        read(document)


def test_a_collection_as_the_api_gives_it_is_read(read):
    assert routes(read({"collection": collection(item())}))[0]["request"] == "GET /data"


# Out


def written(**scenario):
    exported = postman.write({"shop": scenario})
    return json.loads(exported.files["shop.postman_collection.json"]), [str(one) for one in exported.lost]


def test_a_route_is_an_item_with_its_replies_as_examples():
    document, lost = written(**{
        "x-origin": "https://api.example",
        "description": "A shop",
        "vars": {"shop": "Acme"},
        "routes": [{
            "name": "Read", "request": "GET /users/{id}", "match": {"query": {"full": 1}}, "tags": ["Users"],
            "reply": {"json": {"id": "{{ uuid() }}", "shop": "{{ vars.shop }}"}},
        }],
    })  # fmt: skip

    assert lost == []
    (folder,) = document["item"]
    (one,) = folder["item"]
    assert (folder["name"], one["name"], document["info"]["description"]) == ("Users", "Read", "A shop")
    assert one["request"]["url"] == {
        "raw": "{{baseUrl}}/users/:id?full=1", "host": ["{{baseUrl}}"], "path": ["users", ":id"],
        "query": [header("full", "1")], "variable": [header("id", "")],
    }  # fmt: skip
    assert one["response"][0]["body"] == '{"id":"{{$guid}}","shop":"{{shop}}"}'
    assert document["variable"] == [header("baseUrl", "https://api.example"), header("shop", "Acme")]


def test_what_a_collection_can_not_say_is_told_with_its_key_path():
    _, lost = written(routes=[
        {"request": "GET /u/{id:\\d+}", "reply": [503, 200]},
        {"request": "GET /x", "reply": {"json": {"a": "{{ call.number }}"}}},
        {"request": "GET /b", "reply": {"base64": "/wA="}},
    ])  # fmt: skip

    assert [one.partition(": ")[2].split(".")[0] for one in lost] == [
        "routes[0]", "routes[0]", "routes[0]", "routes[1]", "routes[2]",
    ]  # fmt: skip
    assert any("in which order its examples answer" in one for one in lost)
    assert any("there is no variable for {{ call.number }}" in one for one in lost)


# Both ways


_NAMES = st.text("abcXYZ -", min_size=1, max_size=8).map(str.strip).filter(bool)
_SEGMENTS = st.sampled_from(["users", ":id", "a%20b", "{{thing}}", "x.json"])


@st.composite
def collections(draw):
    items = []
    for number in range(draw(st.integers(1, 4))):
        url = "{{baseUrl}}/" + "/".join([str(number), *draw(st.lists(_SEGMENTS, max_size=2, unique=True))])
        body = draw(st.one_of(st.just(""), JSON.map(json.dumps).filter(lambda text: "{{" not in text)))
        if body and draw(st.booleans()):
            body = (
                f'{{"id": "{{{{$guid}}}}", "n": {{{{$randomInt}}}}, "t": "{{{{$timestamp}}}}", "v": {body}}}'
            )
        saved = example(draw(st.sampled_from([200, 201, 404])), body, f"e{number}")
        query = [header(name, value) for name, value in draw(st.dictionaries(_NAMES, st.sampled_from(["1", "a", ""]), max_size=2)).items()]  # fmt: skip
        items.append(item(draw(st.sampled_from(["GET", "POST"])), {"raw": url, "query": query}, saved, name=f"{draw(_NAMES)} {number}"))  # fmt: skip
    return collection({"name": "F", "item": items}, variable=[header("baseUrl", "https://api.example")])


@settings(max_examples=20, deadline=None)
@given(collections())
def test_a_collection_that_was_imported_and_written_says_the_same(tmp_path_factory, document):
    file = tmp_path_factory.mktemp("postman") / "shop.json"
    file.write_text(json.dumps(document))
    once = postman.read(file)
    exported = postman.write(once.scenarios)
    (content,) = exported.files.values()
    file.write_bytes(content)
    again = postman.read(file)

    assert (once.lost, exported.lost, again.lost) == ([], [], [])
    assert only(again)["routes"] == only(once)["routes"]
    assert said(json.loads(content)) == said(document)


def said(document):
    """What both sides can say of each item; `{{thing}}` in a path is a parameter, as `:thing` is."""
    found = []
    for folder in document["item"]:
        for one in folder["item"]:
            (saved,) = one["response"]
            url = one["request"]["url"]
            body = saved["body"].replace(":{{$randomInt}}", ': "n"').replace(": {{$randomInt}}", ': "n"')
            found.append((
                folder["name"], one["name"], one["request"]["method"],
                url["raw"].partition("?")[0].replace("{{thing}}", ":thing"),
                [(pair["key"], pair["value"]) for pair in url.get("query", [])],
                saved["code"], json.dumps(json.loads(body)) if body else "",
            ))  # fmt: skip
    return found


# Placeholders


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.example/accounts/<accountId>/items/<integer>", "/accounts/{accountId}/items/{integer}"),
        ("https://api.example/accounts/%3CaccountId%3E", "/accounts/{accountId}"),
        ("https://api.example/<integer>/x/<integer>/<integer>", "/{integer}/x/{integer2}/{integer3}"),
        ("https://api.example/{{id}}/x/:id", "/{id}/x/{id2}"),
        ("https://api.example/v<integer>/a.<format>", "/v{integer}/a.{format}"),
        ("https://api.example/{{account}}", "/{account}"),
    ],
)
def test_a_placeholder_in_a_path_is_a_parameter(read, url, path):
    imported = read(
        collection(item("GET", url, example(body="{}")), variable=[{"key": "account", "value": "<string>"}])
    )
    assert routes(imported)[0]["request"] == f"GET {path}"
    assert imported.lost == []
    assert Played(imported).ask("GET " + re.sub(r"\{\w+\}", "7", path)).status == 200


def test_placeholders_elsewhere_are_left_out_with_a_note(read):
    url = {
        "raw": "https://api.example/a?limit=<integer>&sort=name",
        "query": [{"key": "limit", "value": "<integer>"}, {"key": "sort", "value": "name"}],
    }
    sent = {
        "mode": "raw",
        "raw": '{"amount": "<number>", "tags": ["<string>", "x"], "kind": "a"}',
        "options": {"raw": {"language": "json"}},
    }
    lines = [header("Content-Type", "application/json"), header("X-Id", "<uuid>")]
    imported = read(collection(
        item("POST", url, example(body='{"id": "<long>", "price": 1.50, "list": [{"a": "<string>"}]}', header=lines), body=sent),
        item("POST", url, example(body="{}"), body={"mode": "urlencoded", "urlencoded": [{"key": "n", "value": "<integer>"}, {"key": "k", "value": "v"}]}),
    ))  # fmt: skip
    first, second = routes(imported)
    assert first["match"] == {"query": {"sort": "name"}, "json": {"tags": ["x"], "kind": "a"}}
    assert second["match"] == {"query": {"sort": "name"}, "form": {"k": "v"}}
    assert first["reply"] == {"json": {"price": 1.5, "list": [{}]}}
    assert [str(one) for one in imported.lost] == [
        "item[0].request: <integer>, <number>, <string>: a placeholder is not a value, and is left out. Write a value",
        "item[0].response[0]: <uuid>, <long>, <string>: a placeholder is not a value, and is left out. Write a value",
        "item[1].request: <integer>: a placeholder is not a value, and is left out. Write a value",
    ]


@pytest.mark.parametrize("text", ["<a>b</a>", '{"html": "<b>x</b>"}', '{"a": "x <integer>"}', "1 < 2 > 1"])
def test_what_only_looks_like_a_placeholder_stays(read, text):
    imported = read(collection(item("GET", "https://api.example/a", example(body=text))))
    assert imported.lost == []
    answered = Played(imported).ask("GET /a").body.decode()
    assert answered == text or json.loads(answered) == json.loads(text)
