import base64
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.http import ask
from support.importing import as_json, lost, routes, written

from mockserver.errors import InvalidInputError
from mockserver.formats import hoverfly
from mockserver.formats.hoverfly.templates import translated
from mockserver.recording.conversion import NotConvertibleError


def simulation(*pairs, version="v5.2", **data):
    return {"data": {"pairs": list(pairs), **data}, "meta": {"schemaVersion": version}}


def exact(value):
    return [{"matcher": "exact", "value": value}]


def pair(request, **response):
    return {"request": request, "response": {"status": 200, "body": "", **response}}


def read(tmp_path, *pairs, **data):
    return hoverfly.read(as_json(tmp_path / "simulation.json", simulation(*pairs, **data)))


@pytest.fixture
def served(tmp_path, serving):
    def serve(*pairs, **data):
        imported = read(tmp_path, *pairs, **data)
        assert lost(imported) == []
        folder = tmp_path / "scenarios"
        folder.mkdir()
        return serving(written(imported, folder))

    return serve


def test_a_pair_becomes_a_route_as_a_person_would_write_it(tmp_path):
    imported = read(
        tmp_path,
        pair(
            {"method": exact("POST"), "path": exact("/charges"), "headers": {"X-Mode": exact("fast")}},
            status=201,
            body='{"id": 7}',
            headers={"Content-Type": ["application/json"], "Date": ["today"]},
            fixedDelay=30,
        ),
    )

    assert routes(imported) == [
        {
            "request": "POST /charges",
            "match": {"headers": {"X-Mode": "fast"}},
            "reply": {"status": 201, "json": {"id": 7}, "delay": "30ms"},
        }
    ]
    assert imported.lost == []


def test_each_destination_is_a_scenario_with_its_host(tmp_path, served):
    server = served(
        pair({"destination": exact("api.example"), "path": exact("/x")}, body="api"),
        pair({"destination": exact("pay.example:8080"), "path": exact("/x")}, body="pay"),
        pair({"destination": [{"matcher": "glob", "value": "*.test"}], "path": exact("/x")}, body="test"),
        pair({"path": exact("/x")}, body="any"),
    )

    def at(host):
        return server.ask("GET", "/x", headers={"Host": host}).text

    assert [at(host) for host in ("api.example", "pay.example:8080", "a.test", "other")] == [
        "api",
        "pay",
        "test",
        "any",
    ]


PATHS = [
    ("exact", "/a/b", ["/a/b"], ["/a/B", "/a"]),
    ("glob", "/api/*", ["/api/", "/api/x/y"], ["/apix"]),
    ("glob", "*/list", ["/a/list"], ["/list/a"]),
    ("glob", "*mid*", ["/a/mid/b"], ["/a"]),
    ("glob", "/a/*/c*d", ["/a/b/cxd", "/a/x/y/cd"], ["/a/c"]),
    ("regex", r"^/orders/\d+$", ["/orders/12"], ["/orders/x", "/orders/1/2"]),
    ("regex", "orders", ["/v1/orders/2", "/orders"], ["/order"]),
    ("regex", r"(\Ad|/d)", ["/d", "/a/d"], ["/a"]),
    ("negate", "/a", ["/b"], ["/a"]),
]


@pytest.mark.parametrize(
    ("kind", "value", "fits", "not_"), PATHS, ids=[f"{one[0]} {one[1]}" for one in PATHS]
)
def test_paths_are_told_apart_as_hoverfly_does(served, kind, value, fits, not_):
    server = served(pair({"path": [{"matcher": kind, "value": value}]}, body="yes"))

    assert [path for path in fits if server.ask("GET", path).text != "yes"] == []
    assert [path for path in not_ if server.ask("GET", path).status != 404] == []


TEXTS = [
    ({"matcher": "exact", "value": "Fast"}, ["Fast"], ["fast", "Faster"]),
    ({"matcher": "glob", "value": "F*t"}, ["Fast", "Ft"], ["aFt"]),
    ({"matcher": "regex", "value": "a.t"}, ["Fast"], ["Fat"]),
    ({"matcher": "negate", "value": "Fast"}, ["slow"], ["Fast"]),
    ({"matcher": "glob", "value": "F*", "doMatch": {"matcher": "regex", "value": "t$"}}, ["Fast"], ["Fast!", "t"]),
]  # fmt: skip


@pytest.mark.parametrize(("matcher", "fits", "not_"), TEXTS)
def test_texts_are_told_apart_as_hoverfly_does(served, matcher, fits, not_):
    server = served(
        pair({"path": exact("/h"), "headers": {"x-mode": [matcher]}}),
        pair({"path": exact("/q"), "query": {"mode": [matcher]}}),
        pair({"path": exact("/b"), "body": [matcher]}),
        pair({"path": exact("/f"), "body": [{"matcher": "form", "value": {"mode": [matcher]}}]}),
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    for value in [*fits, *not_]:
        wanted = 200 if value in fits else 404
        assert server.ask("GET", "/h", headers={"X-Mode": value}).status == wanted
        assert server.ask("GET", f"/q?mode={value}").status == wanted
        assert server.ask("POST", "/b", value).status == wanted
        assert server.ask("POST", "/f", f"mode={value}", headers=form).status == wanted
    assert server.ask("GET", "/h").status == server.ask("GET", "/q").status == 404


BODIES = [
    ("json", '{"a": [1, 2], "b": "x"}', ['{"b":"x","a":[1,2]}'], ['{"a":[2,1],"b":"x"}', '{"a":[1,2],"b":"x","c":1}', "x"]),
    ("jsonPartial", '{"a": {"b": 1}, "l": [{"n": 2}, 3]}', ['{"a":{"b":1,"c":2},"l":[3,{"n":2,"m":1}]}'], ['{"a":{"b":2},"l":[{"n":2},3]}', '{"a":{"b":1},"l":[3]}']),
    ("jsonpath", "$.a.b", ['{"a":{"b":1}}'], ['{"a":1}', "no JSON"]),
    ("xpath", "//order[@id='7']", ['<x><order id="7"/></x>'], ['<x><order id="8"/></x>', "no XML"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "fits", "not_"), BODIES, ids=[one[0] for one in BODIES])
def test_bodies_are_told_apart_as_hoverfly_does(served, kind, value, fits, not_):
    server = served(pair({"body": [{"matcher": kind, "value": value}]}, body="yes"))

    assert [server.ask("POST", "/", body).status for body in fits] == [200] * len(fits)
    assert [server.ask("POST", "/", body).status for body in not_] == [404] * len(not_)


def test_what_a_query_finds_is_matched_on(served):
    server = served(
        pair(
            {
                "body": [
                    {
                        "matcher": "jsonpath",
                        "value": "$.user.id",
                        "doMatch": {"matcher": "exact", "value": "1"},
                    }
                ]
            },
            body="json",
        ),
        pair(
            {"body": [{"matcher": "xpath", "value": "//id", "doMatch": {"matcher": "glob", "value": "o*"}}]},
            body="xml",
        ),
    )

    assert server.ask("POST", "/", '{"user": {"id": 1}}').text == "json"
    assert server.ask("POST", "/", '{"user": {"id": "1"}}').text == "json"
    assert server.ask("POST", "/", '{"user": {"id": 2}}').status == 404
    assert server.ask("POST", "/", "<r><id>one</id></r>").text == "xml"


def test_arrays_of_values(served):
    values = ["a", "b"]
    loose = {"ignoreUnknown": True, "ignoreOrder": True, "ignoreOccurrences": True}
    server = served(
        pair({"path": exact("/same"), "query": {"t": [{"matcher": "containsexactly", "value": values}]}}),
        pair(
            {
                "path": exact("/set"),
                "query": {"t": [{"matcher": "array", "value": values, "config": {"ignoreOrder": True}}]},
            }
        ),
        pair(
            {"path": exact("/some"), "query": {"t": [{"matcher": "array", "value": values, "config": loose}]}}
        ),
        pair({"path": exact("/none"), "query": {}}),
    )

    def statuses(path):
        return [
            server.ask("GET", f"{path}?{query}").status
            for query in ("t=a&t=b", "t=b&t=a", "t=b&t=c&t=a", "t=a")
        ]

    assert statuses("/same") == [200, 404, 404, 404]
    assert statuses("/set") == [200, 200, 404, 404]
    assert statuses("/some") == [200, 200, 200, 404]
    assert server.ask("GET", "/none").status == 200
    assert server.ask("GET", "/none?t=a").status == 404


def test_the_strongest_match_answers_and_of_equals_the_last(served):
    server = served(
        pair({"path": [{"matcher": "glob", "value": "/a*"}]}, body="weak"),
        pair({"path": exact("/a"), "method": exact("GET")}, body="first of equals"),
        pair({"path": exact("/a"), "method": exact("GET")}, body="last of equals"),
        pair({"path": [{"matcher": "regex", "value": "a"}]}, body="weak too"),
    )

    assert server.ask("GET", "/a").text == "last of equals"
    assert server.ask("POST", "/a").text == "weak too"
    assert server.ask("GET", "/ax").text == "weak too"


def test_what_is_asked_of_the_query_makes_a_match_stronger(served):
    server = served(
        pair({"path": exact("/a"), "query": {"q": exact("1")}}, body="with query"),
        pair({"path": exact("/a")}, body="without"),
    )

    assert server.ask("GET", "/a?q=1").text == "with query"
    assert server.ask("GET", "/a").text == "without"


def test_pairs_that_never_meet_stay_in_their_order(tmp_path):
    imported = read(
        tmp_path, pair({"path": [*exact("/b")]}), pair({"path": exact("/a"), "method": exact("GET")})
    )

    assert [route["request"] for route in routes(imported)] == ["ANY /b", "GET /a"]


def step(number, after=None, **response):
    state = {"requiresState": {"sequence:1": str(number)}}
    return pair(
        {"path": exact("/job"), **state},
        **response,
        **({"transitionsState": {"sequence:1": after}} if after else {}),
    )


def test_a_sequence_by_state_is_one_route(tmp_path):
    imported = read(tmp_path, step(1, "2", status=503), step(2, "3", status=503), step(3, body="done"))

    assert routes(imported) == [
        {"request": "ANY /job", "reply": [{"status": 503, "times": 2}, {"text": "done"}]}
    ]
    assert "state" not in imported.scenarios["simulation"]


@pytest.mark.parametrize(("after", "then"), [("1", "cycle"), ("4", "stop")])
def test_how_a_sequence_ends_is_kept(tmp_path, after, then):
    imported = read(tmp_path, step(1, "2", status=503), step(2, "3", status=504), step(3, after, body="done"))

    assert routes(imported)[0]["then"] == then


def test_state_is_asked_for_and_changed(served):
    server = served(
        pair({"path": exact("/basket"), "requiresState": {"eggs": "present"}}, body="eggs"),
        pair({"path": exact("/basket"), "method": exact("GET")}, body="empty"),
        pair({"path": exact("/add")}, transitionsState={"eggs": "present"}),
        pair({"path": exact("/pay")}, status=402, transitionsState={"paid": "no"}, removesState=["eggs"]),
    )

    told = [server.ask("POST", path).status for path in ("/basket", "/add")]
    assert told == [404, 200]
    assert server.ask("POST", "/basket").text == "eggs"
    server.ask("POST", "/pay")
    assert server.ask("POST", "/basket").status == 404


def test_bodies_in_base64_in_gzip_and_in_files(tmp_path, serving):
    packed = base64.b64encode(gzip.compress(b"packed")).decode()
    (tmp_path / "big.bin").write_bytes(b"\x00big")
    imported = read(
        tmp_path,
        pair({"path": exact("/b64")}, body=base64.b64encode(b"\xff\x00").decode(), encodedBody=True),
        pair({"path": exact("/gz")}, body=packed, encodedBody=True, headers={"Content-Encoding": ["gzip"]}),
        pair({"path": exact("/file")}, bodyFile="big.bin"),
        pair({"path": exact("/out")}, bodyFile="../secret"),
    )
    (tmp_path / "scenarios").mkdir()
    server = serving(written(imported, tmp_path / "scenarios"))

    assert routes(imported)[1]["reply"] == {"headers": {"Content-Encoding": "gzip"}, "text": "packed"}
    assert server.ask("GET", "/b64").body == b"\xff\x00"
    assert gzip.decompress(server.ask("GET", "/gz").body) == b"packed"
    assert server.ask("GET", "/file").body == b"\x00big"
    assert lost(imported) == [
        "simulation.json: data.pairs[3]: its bodyFile ../secret is not a file beside the simulation, so this pair is left out."
    ]


def test_global_delays_go_to_the_routes_that_they_strike(tmp_path):
    delays = [
        {"urlPattern": "api.example/slow", "delay": 40, "httpMethod": "GET"},
        {"urlPattern": ".", "delay": 5},
    ]
    host = {"destination": exact("api.example")}
    imported = read(
        tmp_path,
        pair({**host, "method": exact("GET"), "path": exact("/slow/x")}),
        pair({**host, "method": exact("POST"), "path": exact("/slow/x")}),
        pair({**host, "method": exact("GET"), "path": exact("/y")}, fixedDelay=1),
        globalActions={"delays": delays},
    )

    assert [route["reply"]["delay"] for route in routes(imported)] == ["40ms", "5ms", "1ms"]


def test_a_lognormal_delay_keeps_its_median_and_mean(tmp_path):
    drawn = {"min": 0, "max": 2000, "mean": 120, "median": 100}

    imported = read(tmp_path, pair({}, logNormalDelay=drawn))
    out = json.loads(hoverfly.write(imported.scenarios).files["simulation.json"])

    assert routes(imported)[0]["reply"]["delay"] == {"median": "100ms", "sigma": 0.604, "max": "2s"}
    assert out["data"]["pairs"][0]["response"]["logNormalDelay"] == drawn


def test_templates_that_stand_for_one_value_are_translated(served):
    server = served(
        pair(
            {"path": [{"matcher": "glob", "value": "/users/*"}]},
            templated=True,
            body="{{ Request.Method }} {{Request.Path.[1]}} {{ Request.QueryParam.q }} {{Request.Header.X-Id}} {{ Literals.shop }}",
        ),
        pair(
            {"path": exact("/json")},
            templated=True,
            body="{{ Request.Body 'jsonpath' '$.a.b' }}|{{ Request.Body 'jsonpath' '$..c' }}",
        ),
        literals=[{"name": "shop", "value": "Zoë's"}],
    )

    assert server.ask("GET", "/users/7?q=x", headers={"X-Id": "i"}).text == "GET 7 x i Zoë's"
    assert server.ask("GET", "/users/7").text == "GET 7   Zoë's"
    assert server.ask("POST", "/json", '{"a": {"b": 1}, "c": 2}').text == "1|2"


@pytest.mark.parametrize(
    "said",
    ["faker 'Name'", "#each Request.Body", "Vars.x", "now '' '2006-Jan-02'", "replace Request.Body 'a' 'b'"],
)
def test_templates_that_have_no_counterpart_are_told(tmp_path, said):
    with pytest.raises(NotConvertibleError):
        translated("{{ " + said + " }}")

    imported = read(tmp_path, pair({}, templated=True, body="{{ " + said + " }}"))

    assert "so the body is sent with its braces" in lost(imported)[0]
    assert routes(imported)[0]["reply"] == {"text": "{{ " + said + " }}", "raw": True}


@pytest.mark.parametrize(
    ("request_", "response", "what"),
    [
        ({"body": [{"matcher": "xmltemplated", "value": "<a/>"}]}, {}, "the matcher 'xmltemplated' has no counterpart"),
        ({"headers": {"a": [{"matcher": "jwt", "value": "{}"}]}}, {}, "the matcher 'jwt' has no counterpart"),
        ({"body": [{"matcher": "json", "value": "{"}]}, {}, "its value is not valid JSON"),
        ({"deprecatedQuery": exact("a=b")}, {}, "its deprecatedQuery compares"),
        ({"query": {"a": [{"matcher": "array", "value": ["x"], "config": {"ignoreUnknown": True}}]}}, {}, "an array that takes"),
        ({"path": [{"matcher": "regex", "value": "(?=a)"}]}, {}, "the regular expression '(?=a)' is not valid in RE2"),
        ({}, {"status": 99}, "the status 99 can't be served"),
        ({}, {"body": "%", "encodedBody": True}, "the body is marked as Base64"),
    ],
)  # fmt: skip
def test_a_pair_whose_condition_is_lost_is_left_out(tmp_path, request_, response, what):
    imported = read(tmp_path, pair(request_, **response), pair({"path": exact("/kept")}))

    [said] = lost(imported)
    assert said.startswith(f"simulation.json: data.pairs[0]: {what}")
    assert "so this pair is left out" in said
    assert [route["request"] for route in routes(imported)] == ["ANY /kept"]


def test_keys_without_a_counterpart_are_told(tmp_path):
    imported = read(
        tmp_path,
        pair({}, postServeAction="hook", logNormalDelay={"median": 9, "mean": 9, "min": 3}),
        variables=[{"name": "v"}],
    )

    assert [one.split(": ")[1] for one in lost(imported)] == [
        "data.variables", "data.pairs[0].response.postServeAction", "data.pairs[0].response.logNormalDelay.min",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "what"), [({"data": {}, "meta": {"schemaVersion": "v4"}}, "v4"), ([], "no Hoverfly")]
)
def test_what_is_no_simulation_of_version_5_is_refused(tmp_path, content, what):
    with pytest.raises(InvalidInputError, match=what):
        hoverfly.read(as_json(tmp_path / "s.json", content))


WORDS = st.text("abXY1 é|.*", min_size=1, max_size=6).map(str.strip).filter(bool)
CONDITIONS = st.one_of(
    WORDS,
    WORDS.map(lambda text: {"starts_with": text}),
    WORDS.map(lambda text: {"contains": text}),
    st.sampled_from(["present", {"matches": r"\d+"}, {"matches": "(?i)a|b"}, {"matches": "a.*"}]),
).filter(
    lambda one: not (isinstance(one, dict) and "*" in str(one.get("starts_with", one.get("contains", ""))))
)
NAMES = st.sampled_from(["a", "b", "tag"])
VALUES = st.one_of(WORDS, st.integers(-9, 9), st.booleans())
TREES = st.recursive(
    VALUES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=4
)
OBJECTS = st.dictionaries(NAMES, TREES, min_size=1, max_size=3)
REPLIES = st.one_of(
    st.integers(201, 599).map(lambda status: {"status": status}),
    st.fixed_dictionaries(
        {"text": WORDS}, optional={"delay": st.just("20ms"), "headers": st.just({"X-A": "1"})}
    ),
    OBJECTS.map(lambda value: {"json": value}),
)


def as_route(parts):
    line, match, replies, then, state = parts
    steps = [one["status"] if list(one) == ["status"] else one for one in replies]
    route = {"request": line, "reply": steps[0] if len(steps) == 1 else steps}
    if len(steps) > 1 and then != "repeat":
        route["then"] = then
    if state and len(steps) == 1 and not isinstance(steps[0], int):
        route |= {"when": {"phase": "one"}, "set": {"phase": "two", "old": None}}
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
            "json": OBJECTS,
            "text": CONDITIONS,
        },
    ),
    st.lists(REPLIES, min_size=1, max_size=3, unique_by=str),
    st.sampled_from(["repeat", "cycle", "stop"]),
    st.booleans(),
).map(as_route)


@settings(max_examples=30, deadline=None)
@given(ROUTES)
def test_a_route_of_ours_comes_back_the_same(tmp_path_factory, route):
    exported = hoverfly.write({"simulation": {"scenario": "simulation", "routes": [route]}})
    assert exported.lost == []
    path = tmp_path_factory.mktemp("again") / "simulation.json"
    path.write_bytes(exported.files["simulation.json"])

    back = hoverfly.read(path)

    assert back.lost == []
    assert routes(back) == [route]


def test_order_and_hosts_survive_the_way_out_and_back(tmp_path):
    imported = read(
        tmp_path,
        pair(
            {"destination": exact("api.example"), "path": [{"matcher": "glob", "value": "/a*"}]}, body="weak"
        ),
        pair({"destination": exact("api.example"), "path": exact("/a")}, body="strong"),
    )
    exported = hoverfly.write(imported.scenarios)
    (tmp_path / "again.json").write_bytes(exported.files["simulation.json"])

    assert exported.lost == []
    assert hoverfly.read(tmp_path / "again.json").scenarios == imported.scenarios


def test_what_hoverfly_lacks_is_told(tmp_path):
    scenario = {
        "routes": [
            {"request": "GET /a", "match": {"headers": {"x": "absent"}}, "reply": 200},
            {"request": "GET /b", "reply": {"fault": "reset"}},
            {"request": "GET /c", "when": {"a": {"any_of": ["x", "y"]}}, "reply": 200},
            {"request": "GET /{x}", "reply": {"text": "first here"}},
            {"request": "GET /d", "expect": 1, "reply": {"text": "second here"}},
        ]
    }

    exported = hoverfly.write({"shop": scenario})

    assert [str(one).split(": ")[1] for one in exported.lost] == ["routes[0]", "routes[1]", "routes[2]", "routes[4].expect", "routes[4]"]  # fmt: skip
    assert "this one is stronger than routes[3]" in lost(exported)[-1]


def test_a_sequence_answers_in_its_order_and_then_repeats_its_last(served):
    server = served(
        step(1, "2", status=503), step(2, body='{"a": 1}', headers={"Content-Type": ["application/json"]})
    )

    assert [ask(server.url, "GET", "/job").status for _ in range(3)] == [503, 200, 200]
