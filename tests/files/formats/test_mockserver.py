import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.importing import as_json, lost, routes, written

from mockserver.errors import InvalidInputError
from mockserver.formats import mockserver

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def expect(request, response=None, **keys):
    return {
        "httpRequest": request,
        **({"httpResponse": {"body": "yes"}} if response is None else response),
        **keys,
    }


def respond(**response):
    return {"httpResponse": response}


def once(times=1):
    return {"times": {"remainingTimes": times, "unlimited": False}}


def read(tmp_path, *expectations):
    return mockserver.read(as_json(tmp_path / "shop.json", list(expectations)))


@pytest.fixture
def served(tmp_path, serving):
    def serve(*expectations):
        imported = read(tmp_path, *expectations)
        assert lost(imported) == []
        folder = tmp_path / "scenarios"
        folder.mkdir()
        return serving(written(imported, folder))

    return serve


def test_an_expectation_becomes_a_route_as_a_person_would_write_it(tmp_path):
    imported = read(
        tmp_path,
        expect(
            {"method": "POST", "path": "/login", "body": {"username": "foo"}},
            respond(
                statusCode=302,
                headers={"Location": ["/home"], "Content-Length": ["0"]},
                cookies={"sid": "a1"},
                delay={"timeUnit": "MILLISECONDS", "value": 20},
            ),
            id="login",
            priority=5,
        ),
    )

    assert routes(imported) == [
        {
            "name": "login",
            "request": "POST /login",
            "match": {"json": {"username": "foo"}},
            "priority": 5,
            "reply": {
                "status": 302,
                "headers": {"Location": "/home", "set-cookie": "sid=a1"},
                "delay": "20ms",
            },
        }
    ]
    assert imported.lost == []


def test_one_expectation_alone_and_a_folder_of_them_are_read(tmp_path):
    (tmp_path / "team").mkdir()
    as_json(tmp_path / "a.json", expect({"path": "/a"}))
    as_json(tmp_path / "team" / "b.json", [expect({"path": "/b"})])

    imported = mockserver.read(tmp_path)

    assert {name: one["routes"][0]["request"] for name, one in imported.scenarios.items()} == {
        "a": "ANY /a",
        "team-b": "ANY /b",
    }


PATHS = [
    ("/some/path", {}, ["/some/path"], ["/some/path/", "/other"]),
    ("/some.*", {}, ["/some", "/something/else"], ["/som", "/a/some"]),
    ("!/some.*", None, [], []),
    ("!/some", {}, ["/other"], ["/some"]),
    (r"/orders/[0-9]+", {}, ["/orders/12"], ["/orders/x", "/orders/1/2"]),
    ("/a|/b", {}, ["/a", "/b"], ["/c", "/ab"]),
    ("/users/{id}/orders/{n}", {"id": ["[A-Z]+"], "n": ["7"]}, ["/users/AB/orders/7"], ["/users/1/orders/7", "/users/AB/orders/8"]),
    ("/users/{id}", {}, ["/users/9"], ["/users/9/x"]),
    ("/items/{n}", {"n": [{"schema": {"type": "integer"}}]}, ["/items/12"], ["/items/x"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "parameters", "fits", "not_"), PATHS, ids=[one[0] for one in PATHS])
def test_paths_are_told_apart_as_mockserver_does(tmp_path, served, path, parameters, fits, not_):
    request = {"path": path, **({"pathParameters": parameters} if parameters else {})}
    if parameters is None:
        assert "is negated" in lost(read(tmp_path, expect(request)))[0]
        return
    server = served(expect(request))

    assert [one for one in fits if server.ask("GET", one).status != 200] == []
    assert [one for one in not_ if server.ask("GET", one).status != 404] == []


@pytest.mark.parametrize(
    ("method", "fits", "not_"),
    [("GET", ["GET"], ["POST"]), ("!GET", ["POST", "PUT"], ["GET"]), ("P.*", ["POST", "PATCH"], ["GET"]), ("get", ["GET"], ["PUT"])],
)  # fmt: skip
def test_methods_are_told_apart_as_mockserver_does(served, method, fits, not_):
    server = served(expect({"method": method, "path": "/x"}))

    assert [server.ask(one, "/x").status for one in fits] == [200] * len(fits)
    assert {server.ask(one, "/x").status for one in not_} <= {404, 405}


VALUES = [
    ({"mode": ["fast"]}, ["fast"], ["slow", None]),
    ({"mode": ["f.*t"]}, ["fast", "ft"], ["faster", None]),
    ({"mode": ["!fast"]}, ["slow"], ["fast", None]),
    ({"!mode": [".*"]}, [None], ["fast"]),
    ({"?mode": ["fast"]}, ["fast", None], ["slow"]),
    ({"?mode": ["!fast"]}, ["slow", None], ["fast"]),
    ({"mode": [".*"]}, ["fast", ""], [None]),
    ({"mode": [{"schema": {"type": "string", "pattern": "^f"}}]}, ["fast"], ["slow", None]),
    ([{"name": "mode", "values": ["fast"]}], ["fast"], ["slow"]),
]


@pytest.mark.parametrize(("asked", "fits", "not_"), VALUES, ids=[str(one[0]) for one in VALUES])
def test_values_by_name_are_told_apart_as_mockserver_does(served, asked, fits, not_):
    server = served(
        expect({"path": "/q", "queryStringParameters": asked}),
        expect({"path": "/h", "headers": asked}),
        expect({"path": "/f", "body": {"type": "PARAMETERS", "parameters": asked}}),
    )

    for value in [*fits, *not_]:
        wanted = 200 if value in fits else 404
        assert server.ask("GET", "/q" if value is None else f"/q?mode={value}").status == wanted
        assert server.ask("GET", "/h", headers={} if value is None else {"Mode": value}).status == wanted
        assert (
            server.ask("POST", "/f", "x=1" if value is None else f"mode={value}", headers=FORM).status
            == wanted
        )


def test_several_values_under_one_name_have_all_to_come(served):
    server = served(expect({"queryStringParameters": {"t": ["a", "b.*"]}}))

    assert server.ask("GET", "/?t=bc&t=a&t=x").status == 200
    assert server.ask("GET", "/?t=a").status == 404


def test_cookies(served):
    server = served(expect({"cookies": {"sid": "[a-z]+"}}))

    assert server.ask("GET", "/", headers={"Cookie": "x=1; sid=abc"}).status == 200
    assert server.ask("GET", "/", headers={"Cookie": "sid=1"}).status == 404


SHA = base64.b64encode(b"\x00raw").decode()
BODIES = [
    ("a text", ["a text"], ["A text!"]),
    ({"type": "STRING", "string": "mid", "subString": True}, ["amidst"], ["md"]),
    ({"type": "STRING", "string": "no", "not": True}, ["yes"], ["no"]),
    ({"type": "REGEX", "regex": "a+b?"}, ["aab", "a"], ["ba"]),
    ({"regex": "a+"}, ["aa"], ["b"]),
    ({"a": 1, "l": [2]}, ['{"a":1,"b":2,"l":[3,2]}'], ['{"a":2,"l":[2]}', "x"]),
    ({"type": "JSON", "json": '{"a": [1, 2]}', "matchType": "STRICT"}, ['{"a":[1,2]}'], ['{"a":[2,1]}', '{"a":[1,2],"b":1}']),
    ({"type": "JSON", "json": {"a": {"b": 1}}, "matchType": "ONLY_MATCHING_FIELDS"}, ['{"a":{"b":1,"c":2}}'], ['{"a":{}}']),
    ({"type": "JSON", "json": {"id": "${json-unit.any-string}", "n": "${json-unit.any-number}", "c": "${json-unit.regex}[A-Z]+"}}, ['{"id":"x","n":2,"c":"AB"}'], ['{"id":1,"n":2,"c":"AB"}', '{"id":"x","n":2,"c":"ab"}']),
    ({"type": "JSON_PATH", "jsonPath": "$.items[?(@.price > 5)]"}, ['{"items":[{"price":9}]}'], ['{"items":[{"price":2}]}']),
    ({"type": "JSON_PATH", "jsonPath": "$.error", "not": True}, ['{"a":1}'], ['{"error":1}']),
    ({"type": "JSON_SCHEMA", "jsonSchema": '{"type":"object","required":["id"]}'}, ['{"id":1}'], ['{"a":1}']),
    ({"type": "XPATH", "xpath": "/order[@id='7']"}, ['<order id="7"/>'], ['<order id="8"/>']),
    ({"type": "BINARY", "base64Bytes": SHA}, ["\x00raw"], ["raw"]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "fits", "not_"), BODIES, ids=[str(one[0])[:50] for one in BODIES])
def test_bodies_are_told_apart_as_mockserver_does(served, body, fits, not_):
    server = served(expect({"method": "POST", "body": body}))

    assert [one for one in fits if server.ask("POST", "/", one).status != 200] == []
    assert [one for one in not_ if server.ask("POST", "/", one).status != 404] == []


def test_times_of_neighbours_become_a_sequence(served, tmp_path):
    down, up = respond(statusCode=503), respond(statusCode=200, body="up")
    server = served(
        expect({"path": "/x"}, down, **once(2)),
        expect({"path": "/x"}, up),
        expect({"path": "/y"}, up, **once()),
    )

    assert [server.ask("GET", "/x").status for _ in range(5)] == [503, 503, 200, 200, 200]
    assert [server.ask("GET", "/y").status for _ in range(2)] == [200, 404]
    imported = read(tmp_path, expect({"path": "/x"}, down, **once(2)), expect({"path": "/x"}, up))
    assert routes(imported) == [{"request": "ANY /x", "reply": [{"status": 503, "times": 2}, {"text": "up"}]}]


def test_expectations_are_asked_by_priority_and_then_in_their_order(served):
    server = served(
        expect({"path": "/.*"}, respond(body="any")),
        expect({"path": "/a"}, respond(body="late")),
        expect({"path": "/b"}, respond(body="first"), priority=10),
    )

    assert server.ask("GET", "/a").text == "any"
    assert server.ask("GET", "/b").text == "first"


XSD = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:int"/></xs:schema>'
)


def test_xml_is_compared_and_validated(tmp_path, served):
    server = served(
        expect({"path": "/a", "body": {"type": "XML", "xml": "<a b='1' c='2'/>"}}, respond(body="same")),
        expect({"path": "/b", "body": {"type": "XML_SCHEMA", "xmlSchema": XSD}}, respond(body="valid")),
    )

    assert server.ask("POST", "/a", '<a c="2" b="1"></a>').text == "same"
    assert server.ask("POST", "/a", '<a c="2"/>').status == 404
    assert server.ask("POST", "/b", "<n>7</n>").text == "valid"
    assert server.ask("POST", "/b", "<n>x</n>").status == 404


def test_answers(served):
    server = served(
        expect({"path": "/json"}, respond(body={"type": "JSON", "json": '{"a": [1]}'})),
        expect({"path": "/object"}, respond(body={"a": {"b": 2}})),
        expect({"path": "/xml"}, respond(body={"type": "XML", "xml": "<a/>"})),
        expect(
            {"path": "/bin"}, respond(body={"type": "BINARY", "base64Bytes": SHA, "contentType": "image/gif"})
        ),
        expect(
            {"path": "/text"}, respond(body={"type": "STRING", "string": "a{{b}}", "contentType": "text/csv"})
        ),
        expect({"path": "/nothing"}, respond()),
    )

    def told(path):
        answer = server.ask("GET", path)
        return answer.media_type, answer.body

    assert told("/json") == ("application/json", b'{"a":[1]}')
    assert told("/object") == ("application/json", b'{"a":{"b":2}}')
    assert told("/xml") == ("application/xml", b"<a/>")
    assert told("/bin") == ("image/gif", b"\x00raw")
    assert told("/text") == ("text/csv", b"a{{b}}")
    assert (server.ask("GET", "/nothing").status, server.ask("GET", "/nothing").body) == (200, b"")


def test_errors_break_the_connection(served, tmp_path):
    server = served(expect({"path": "/drop"}, {"httpError": {"dropConnection": True}}))

    with pytest.raises(ConnectionError):
        server.ask("GET", "/drop")
    noise = {"httpError": {"dropConnection": True, "responseBytes": "eA=="}}
    imported = read(tmp_path, expect({"path": "/noise"}, noise))
    assert routes(imported)[0]["reply"] == {"fault": "garbage"}
    assert lost(imported) == [
        "shop.json: [0].httpError.responseBytes: other bytes that are not HTTP are sent."
    ]


TEMPLATES = [
    ("VELOCITY", '{"statusCode": 201, "body": "$!request.method $request.path ${request.queryStringParameters[\'q\'][0]} $!request.headers[\'X-Id\'][0]"}'),
    ("MUSTACHE", '{"statusCode": 201, "body": "{{ request.method }} {{request.path}} {{ request.queryStringParameters.q.0 }} {{ request.headers.X-Id.0 }}"}'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "template"), TEMPLATES)
def test_templates_that_are_json_with_values_in_it_are_translated(served, kind, template):
    server = served(
        expect({"path": "/t"}, {"httpResponseTemplate": {"templateType": kind, "template": template}})
    )

    answer = server.ask("PUT", "/t?q=x", headers={"X-Id": "i"})

    assert (answer.status, answer.text) == (201, "PUT /t x i")


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (expect({}, {"httpResponseTemplate": {"templateType": "VELOCITY", "template": "#if($x) {} #end"}}), "its VELOCITY template has statements"),
        (expect({}, {"httpResponseTemplate": {"templateType": "JAVASCRIPT", "template": "return {};"}}), "its JAVASCRIPT template"),
        (expect({}, {"httpResponseTemplate": {"templateType": "MUSTACHE", "template": '{"body": "{{ jsonPath }}"}'}}), "the value 'jsonPath'"),
        (expect({}, {"httpResponseClassCallback": {"callbackClass": "A"}}), "its action httpResponseClassCallback runs code"),
        (expect({}, {}), "it has no action"),
        (expect({"specUrlOrPayload": "x.yaml"}), "it refers to an OpenAPI document"),
        (expect({"path": "(?=x)"}), "the regular expression '(?=x)' is not valid in RE2"),
        (expect({"headers": {"X-.*": ["a"]}}), "the name 'X-.*' of one of the headers is a pattern"),
        (expect({"body": {"type": "XML_SCHEMA", "xmlSchema": "<a/>"}}), "this is not a valid XML Schema"),
        (expect({"body": {"type": "XML", "xml": "a.xml"}}), "'a.xml' is not an XML document"),
        (expect({"body": {"type": "XML", "xml": "<a/>", "not": True}}), "it can't be written as a route: match.xml_exact"),
        (expect({"path": {"schema": {}}}), "its path is a JSON Schema"),
        (expect({}, respond(statusCode=99)), "the status 99 can't be served"),
    ],
)  # fmt: skip
def test_an_expectation_that_would_answer_wrongly_is_left_out(tmp_path, broken, what):
    imported = read(tmp_path, broken, expect({"path": "/kept"}))

    [said] = lost(imported)
    assert said.startswith(f"shop.json: [0]: {what}")
    assert "so this expectation is left out" in said
    assert [route["request"] for route in routes(imported)] == ["ANY /kept"]


def test_keys_without_a_counterpart_are_told(tmp_path):
    response = respond(reasonPhrase="Fine", connectionOptions={"closeSocket": True}, trailers={})
    ttl = {"timeUnit": "SECONDS", "timeToLive": 60, "unlimited": False}

    imported = read(
        tmp_path,
        expect({"path": "/x", "secure": True, "socketAddress": {}}, response, timeToLive=ttl, custom=1),
    )

    assert sorted(one.split(": ")[1] for one in lost(imported)) == [
        "[0].custom", "[0].httpRequest.secure", "[0].httpRequest.socketAddress", "[0].httpResponse.connectionOptions.closeSocket",
        "[0].httpResponse.reasonPhrase", "[0].httpResponse.trailers", "[0].timeToLive",
    ]  # fmt: skip


def test_a_forward_is_a_proxy(tmp_path):
    imported = read(
        tmp_path,
        expect({"path": "/f"}, {"httpForward": {"host": "api.example", "port": 443, "scheme": "HTTPS"}}),
    )

    assert routes(imported) == [{"request": "ANY /f", "proxy": "https://api.example"}]


@pytest.mark.parametrize("content", ["5", "{", '"x"'])
def test_what_is_no_expectation_is_refused(tmp_path, content):
    (tmp_path / "x.json").write_text(content)

    with pytest.raises(InvalidInputError, match=r"x\.json"):
        mockserver.read(tmp_path / "x.json")


WORDS = st.text("abXY1 é|.!", min_size=1, max_size=6).map(str.strip).filter(lambda text: text.strip("."))
PLAIN = st.text("abXY1 é", min_size=1, max_size=6).map(str.strip).filter(bool)
CONDITIONS = st.one_of(
    PLAIN,
    PLAIN.map(lambda text: {"not": text}),
    PLAIN.map(lambda text: {"any_of": ["absent", text]}),
    PLAIN.map(lambda text: {"present": True, "not": text}),
    st.sampled_from(["present", "absent", {"matches": r"\d+"}, {"matches": "(?i)a|b"}, {"matches": "a.*"}]),
)
NAMES = st.sampled_from(["a", "b", "tag"])
VALUES_ = st.one_of(WORDS, st.integers(-9, 9), st.booleans())
TREES = st.recursive(
    VALUES_, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=4
)
OBJECTS = st.dictionaries(NAMES, TREES, min_size=1, max_size=3)
BODY = st.one_of(
    OBJECTS.map(lambda one: {"json": one}),
    OBJECTS.map(lambda one: {"json_exact": one}),
    st.sampled_from([{"xml_exact": "<a><b/></a>"}, {"xml_schema": XSD}]),
    WORDS.map(lambda one: {"text": one}),
    WORDS.map(lambda one: {"text": {"contains": one}}),
    st.sampled_from(
        [{"jsonpath": {"$.a": "present"}}, {"xml": {"//a": "absent"}}, {"schema": {"type": "object"}}, {}]
    ),
    st.dictionaries(NAMES, CONDITIONS, min_size=1).map(lambda one: {"form": one}),
)
REPLIES = st.one_of(
    st.integers(201, 599).map(lambda status: {"status": status}),
    st.fixed_dictionaries(
        {"text": WORDS}, optional={"delay": st.just("20ms"), "headers": st.just({"X-A": "1"})}
    ),
    OBJECTS.map(lambda value: {"json": value}),
    st.just({"fault": "close"}),
)


def as_route(parts):
    line, match, body, replies, then, priority = parts
    steps = [one["status"] if list(one) == ["status"] else one for one in replies]
    route = {"request": line, "reply": steps[0] if len(steps) == 1 else steps}
    match = {**match, **body}
    return {
        **({"priority": priority} if priority else {}),
        **route,
        **({"match": match} if match else {}),
        **({"then": "stop"} if then else {}),
    }


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
    BODY,
    st.lists(REPLIES, min_size=1, max_size=3, unique_by=str),
    st.booleans(),
    st.sampled_from([0, 7]),
).map(as_route)


@settings(max_examples=30, deadline=None)
@given(ROUTES)
def test_a_route_of_ours_comes_back_the_same(tmp_path_factory, route):
    exported = mockserver.write({"shop": {"scenario": "shop", "routes": [route]}})
    assert exported.lost == []
    path = tmp_path_factory.mktemp("again") / "shop.json"
    path.write_bytes(exported.files["shop.json"])

    back = mockserver.read(path)

    assert back.lost == []
    assert routes(back) == [route]


def test_what_mockserver_lacks_is_told():
    scenario = {
        "routes": [
            {"request": "GET /a", "reply": [200, 201], "then": "cycle"},
            {"request": "GET /b", "when": {"a": "b"}, "reply": 200},
            {"request": "GET /c", "match": {"query": {"a": {"gt": 3}}}, "reply": 200},
            {"request": "GET /d", "match": {"json": {"a": 1}, "text": "x"}, "reply": 200},
            {"request": "GET /e", "reply": {"fault": "hang"}},
            {"request": "GET /f", "reply": {"fault": "reset"}},
            {"request": "GET /g", "expect": 3, "reply": 200},
        ]
    }

    exported = mockserver.write({"shop": scenario})

    assert [one.split(": ")[1] for one in lost(exported)] == [
        "routes[0]", "routes[1]", "routes[2]", "routes[3]", "routes[4]", "routes[5].reply[0].fault", "routes[6].expect",
    ]  # fmt: skip
    paths = [one["httpRequest"]["path"] for one in json.loads(exported.files["shop.json"])]
    assert paths == ["/f", "/g"]
