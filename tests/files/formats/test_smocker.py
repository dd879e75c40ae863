import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.importing import lost, routes, written

from mockserver.errors import InvalidInputError
from mockserver.formats import smocker
from mockserver.scenarios.yaml.yaml12 import parse

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def read(tmp_path, text):
    (tmp_path / "shop.yml").write_text(text, "utf-8")
    return smocker.read(tmp_path / "shop.yml")


@pytest.fixture
def served(tmp_path, serving):
    def serve(text):
        imported = read(tmp_path, text)
        assert lost(imported) == []
        folder = tmp_path / "scenarios"
        folder.mkdir()
        return serving(written(imported, folder))

    return serve


RETRY = """
- request: {method: POST, path: /data}
  response: {headers: {Content-Type: application/json}, body: '{"success": true}'}
- request: {method: POST, path: /data}
  context: {times: 2}
  response: {status: 503}
"""


def test_mocks_that_are_used_up_become_a_sequence_from_the_end_of_the_file(tmp_path, served):
    assert routes(read(tmp_path, RETRY)) == [
        {
            "request": "POST /data",
            "reply": [{"status": 503, "times": 2}, {"json": {"success": True}}],
            "expect": {"min": 2},
        }
    ]
    server = served(RETRY)
    assert [server.ask("POST", "/data").status for _ in range(4)] == [503, 503, 200, 200]


def test_the_mock_that_was_added_last_answers(served):
    server = served(
        "[{request: {path: /a}, response: {body: first}}, {request: {path: /a}, response: {body: last}}]"
    )

    assert server.ask("GET", "/a").text == "last"


def test_a_mock_with_times_is_expected_just_so_often(tmp_path, served):
    text = "[{request: {path: /a}, context: {times: 2}, response: {body: x}}]"

    assert routes(read(tmp_path, text))[0]["expect"] == 2
    server = served(text)
    assert [server.ask("GET", "/a").status for _ in range(3)] == [200, 200, 404]


PATHS = [
    ("/a/b", ["/a/b"], ["/a/B"]),
    ({"matcher": "ShouldMatch", "value": r"/orders/\d+$"}, ["/orders/7", "/v1/orders/7"], ["/orders/7/x"]),
    ({"matcher": "ShouldNotEqual", "value": "/a"}, ["/b"], ["/a"]),
    ({"matcher": "ShouldStartWith", "value": "/a"}, ["/ab"], ["/b"]),
    ({"matcher": "ShouldNotStartWith", "value": "/a"}, ["/b"], ["/ab"]),
    ({"matcher": "ShouldEndWith", "value": "z"}, ["/a/z"], ["/a"]),
    ({"matcher": "ShouldContainSubstring", "value": "mid"}, ["/a/mid/b"], ["/a"]),
    ({"matcher": "ShouldNotContainSubstring", "value": "mid"}, ["/a"], ["/a/mid"]),
]


@pytest.mark.parametrize(("path", "fits", "not_"), PATHS, ids=[str(one[0]) for one in PATHS])
def test_paths_are_told_apart_as_smocker_does(served, path, fits, not_):
    server = served(f"[{{request: {{path: {path!r}}}, response: {{body: x}}}}]".replace("\\\\", "\\"))

    assert [one for one in fits if server.ask("GET", one).status != 200] == []
    assert [one for one in not_ if server.ask("GET", one).status != 404] == []


TEXTS = [
    ("ShouldEqual", "ab", ["ab"], ["abc", "AB"]),
    ("ShouldResemble", "ab", ["ab"], ["abc"]),
    ("ShouldNotEqual", "ab", ["abc"], ["ab"]),
    ("ShouldMatch", "a.$", ["xab"], ["abc"]),
    ("ShouldNotMatch", "a.$", ["abc"], ["xab"]),
    ("ShouldContainSubstring", "b", ["abc"], ["a"]),
    ("ShouldNotContainSubstring", "b", ["a"], ["abc"]),
    ("ShouldStartWith", "a", ["ab"], ["ba"]),
    ("ShouldNotStartWith", "a", ["ba"], ["ab"]),
    ("ShouldEndWith", "b", ["ab"], ["ba"]),
    ("ShouldNotEndWith", "b", ["ba"], ["ab"]),
    ("ShouldBeEmpty", "", [""], ["a"]),
    ("ShouldNotBeEmpty", "", ["a"], [""]),
]


@pytest.mark.parametrize(("matcher", "value", "fits", "not_"), TEXTS, ids=[one[0] for one in TEXTS])
def test_texts_are_told_apart_as_smocker_does(served, matcher, value, fits, not_):
    asked = f"{{matcher: {matcher}, value: '{value}'}}"
    server = served(
        f"- {{request: {{path: /q, query_params: {{n: {asked}}}}}, response: {{body: x}}}}\n"
        f"- {{request: {{path: /h, headers: {{X-N: [{asked}]}}}}, response: {{body: x}}}}\n"
        f"- {{request: {{path: /b, body: {asked}}}, response: {{body: x}}}}\n"
        f"- {{request: {{path: /j, body: {{a.n: {asked}}}}}, response: {{body: x}}}}\n"
        f"- {{request: {{path: /f, headers: {{Content-Type: application/x-www-form-urlencoded}}, body: {{'n[0]': {asked}}}}}, response: {{body: x}}}}\n"
    )

    for text in [*fits, *not_]:
        wanted = 200 if text in fits else 404
        assert server.ask("GET", f"/q?n={text}").status == wanted
        assert server.ask("GET", "/h", headers={"X-N": text}).status == wanted
        assert server.ask("POST", "/b", text).status == wanted
        assert server.ask("POST", "/j", f'{{"a": {{"n": "{text}"}}}}').status == wanted
        assert server.ask("POST", "/f", f"n={text}", headers=FORM).status == wanted
    assert server.ask("GET", "/q").status == server.ask("GET", "/h").status == 404


def test_several_matchers_of_one_name_have_all_to_hold(served):
    server = served(
        "[{request: {query_params: {t: [a, {matcher: ShouldStartWith, value: b}]}}, response: {body: x}}]"
    )

    assert server.ask("GET", "/?t=bc&t=a").status == 200
    assert server.ask("GET", "/?t=a").status == 404


def test_fields_of_a_body_are_compared_as_they_print(served):
    server = served(
        "[{request: {method: POST, body: {id: '7', 'l[1].on': 'true'}}, response: {body: x}},"
        " {request: {method: PUT, body: {matcher: ShouldEqualJSON, value: '{\"a\": [1]}'}}, response: {body: y}}]"
    )

    assert server.ask("POST", "/", '{"id": 7, "l": [0, {"on": true}], "more": 1}').text == "x"
    assert server.ask("POST", "/", '{"id": "7", "l": [0, {"on": "true"}]}').text == "x"
    assert server.ask("POST", "/", '{"id": 8, "l": [0, {"on": true}]}').status == 404
    assert server.ask("PUT", "/", '{ "a" : [1] }').text == "y"
    assert server.ask("PUT", "/", '{"a": [1], "b": 2}').status == 404


def test_methods_and_answers(tmp_path, served):
    text = """
- request: {method: {matcher: ShouldMatch, value: ^(PUT|PATCH)$}, path: /x}
  response:
    status: 201
    headers: {X-One: 1.10, X-Word: no, Set-Cookie: [a=1, b=2], Content-Type: text/csv}
    body: "a,{{b}}"
    delay: {min: 1ms, max: 2ms}
- request: {path: /late}
  response: {delay: 1.5ms, status: 204}
"""
    server = served(text)

    answer = server.ask("PATCH", "/x")
    assert (answer.status, answer.text, answer.media_type) == (201, "a,{{b}}", "text/csv")
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert (answer.header("x-one"), answer.header("x-word")) == ("1.10", "no")
    assert server.ask("GET", "/x").status == 405
    assert routes(read(tmp_path, text))[1]["reply"]["delay"] == {"min": "1ms", "max": "2ms"}


@pytest.mark.parametrize(
    ("mock", "what"),
    [
        ("{request: {path: /a}, dynamic_response: {engine: lua, script: 'x'}}", "its answer is made by a lua script"),
        ("{request: {path: {matcher: ShouldAlmostEqual, value: '1'}}, response: {}}", "the matcher 'ShouldAlmostEqual' can't be applied to a path"),
        ("{request: {body: {matcher: Odd, value: '1'}}, response: {}}", "the matcher 'Odd' is unknown"),
        ("{request: {headers: {a: {matcher: ShouldMatch, value: '('}}}, response: {}}", "the regular expression '('"),
        ("{request: {path: {matcher: ShouldNotMatch, value: 'a+'}}, response: {}}", "the pattern 'a+' is combined with another condition on the path, or is negated"),
        ("{request: {}, response: {delay: soon}}", "its delay 'soon' is not a duration"),
        ("{request: {}, response: {status: 999}}", "the status 999 can't be served"),
        ("5", "no mock"),
    ],
)  # fmt: skip
def test_a_mock_that_would_answer_wrongly_is_left_out(tmp_path, mock, what):
    imported = read(tmp_path, f"- {mock}\n- {{request: {{path: /kept}}, response: {{body: x}}}}\n")

    [said] = lost(imported)
    assert said.startswith(f"shop.yml: [0]: {what}")
    assert [route["request"] for route in routes(imported)] == ["ANY /kept"]


def test_keys_without_a_counterpart_are_told(tmp_path):
    imported = read(tmp_path, "[{request: {path: /a, cookies: {}}, response: {trailers: {}}, other: 1}]")

    assert [one.split(": ")[1] for one in lost(imported)] == [
        "[0].other",
        "[0].request.cookies",
        "[0].response.trailers",
    ]


def test_a_proxy_is_passed_on(tmp_path):
    imported = read(
        tmp_path, "[{request: {path: /a}, proxy: {host: 'https://api.example', keep_host: true}}]"
    )

    assert routes(imported) == [{"request": "ANY /a", "proxy": "https://api.example"}]
    assert "[0].proxy.keep_host" in lost(imported)[0]


@pytest.mark.parametrize("text", ["a: 1", "- a: [", "- a: 1\n  a: 2", ""])
def test_what_is_no_list_of_mocks_is_refused(tmp_path, text):
    with pytest.raises(InvalidInputError, match=r"shop\.yml"):
        read(tmp_path, text)


WORDS = st.text("abXY1 é|.!", min_size=1, max_size=6).map(str.strip).filter(bool)
CONDITIONS = st.one_of(
    WORDS,
    WORDS.map(lambda text: {"starts_with": text}),
    WORDS.map(lambda text: {"contains": text}),
    WORDS.map(lambda text: {"present": True, "not": text}),
    st.sampled_from(
        ["present", {"matches": r"\d+"}, {"matches": "(?i)a|b"}, {"matches": "a.*"}, {"length": {"gte": 1}}]
    ),
)
NAMES = st.sampled_from(["a", "b", "tag"])
VALUES = st.one_of(WORDS, st.integers(-9, 9), st.booleans())
TREES = st.recursive(
    VALUES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=4
)
OBJECTS = st.dictionaries(NAMES, TREES, min_size=1, max_size=3)
BODIES = st.one_of(
    OBJECTS.map(lambda one: {"json_exact": one}),
    WORDS.map(lambda one: {"text": one}),
    WORDS.map(lambda one: {"text": {"contains": one}}),
    WORDS.map(lambda one: {"text": {"not": one}}),
    WORDS.map(lambda one: {"jsonpath": {"$.a.b": {"contains": {"starts_with": one}}}}),
    st.integers(0, 99).map(lambda one: {"jsonpath": {"$.l[0].n": {"contains": {"one_of": [one, str(one)]}}}}),
    st.just({}),
)
REPLIES = st.one_of(
    st.integers(201, 599).map(lambda status: {"status": status}),
    st.fixed_dictionaries(
        {"text": WORDS},
        optional={
            "delay": st.sampled_from(["20ms", {"min": "5ms", "max": "10ms"}]),
            "headers": st.just({"X-A": ["1", "2"]}),
        },
    ),
    OBJECTS.map(lambda value: {"json": value}),
)


def as_route(parts):
    line, match, body, replies, then = parts
    steps = [one["status"] if list(one) == ["status"] else one for one in replies]
    route = {"request": line, "reply": steps[0] if len(steps) == 1 else steps}
    match = {**match, **body}
    if then:
        route |= {"then": "stop", "expect": len(steps)}
    elif len(steps) > 1:
        route["expect"] = {"min": len(steps) - 1}
    return {**route, **({"match": match} if match else {})}


ROUTES = st.tuples(
    st.sampled_from(
        ["GET /a", "ANY /a/b", "PUT /users/{id}", r"GET /n/{n:\d+}/x", "DELETE /files/{rest:.+}"]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "query": st.dictionaries(NAMES, CONDITIONS, min_size=1),
            "headers": st.dictionaries(NAMES, CONDITIONS, min_size=1),
        },
    ),
    BODIES,
    st.lists(REPLIES, min_size=1, max_size=3, unique_by=str),
    st.booleans(),
).map(as_route)


@settings(max_examples=30, deadline=None)
@given(ROUTES)
def test_a_route_of_ours_comes_back_the_same(tmp_path_factory, route):
    exported = smocker.write({"shop": {"scenario": "shop", "routes": [route]}})
    assert exported.lost == []
    path = tmp_path_factory.mktemp("again") / "shop.yml"
    path.write_bytes(exported.files["shop.yml"])

    back = smocker.read(path)

    assert back.lost == []
    assert routes(back) == [route]


def test_the_order_of_routes_survives_the_way_out_and_back(tmp_path):
    made = [{"request": "GET /a", "reply": {"text": "a"}}, {"request": "GET /{x}", "reply": {"text": "b"}}]
    exported = smocker.write({"shop": {"routes": made}})

    assert [mock["response"]["body"] for mock in parse(exported.files["shop.yml"].decode())] == ["b", "a"]
    assert routes(read(tmp_path, exported.files["shop.yml"].decode())) == made


def test_what_smocker_lacks_is_told():
    scenario = {
        "routes": [
            {"request": "GET /a", "reply": [200, 201], "then": "cycle"},
            {"request": "GET /b", "when": {"a": "b"}, "reply": 200},
            {"request": "GET /c", "match": {"query": {"a": "absent"}}, "reply": 200},
            {"request": "GET /d", "reply": {"fault": "hang"}},
            {"request": "GET /e", "reply": {"base64": "AA=="}},
            {"request": "GET /f", "expect": 3, "reply": 200},
            {"request": "GET /g", "match": {"json": {"l": [1]}}, "reply": 200},
            {"request": "GET /h", "reply": {"delay": {"median": "5ms", "sigma": 1, "max": "9ms"}}},
        ]
    }

    exported = smocker.write({"shop": scenario})

    assert [one.split(": ")[1] for one in lost(exported)] == [
        "routes[0]", "routes[1]", "routes[2]", "routes[3]", "routes[4]", "routes[5].expect", "routes[6]",
        "routes[7].reply[0].delay",
    ]  # fmt: skip
