"""What a failed test says of its mock server."""

import json
import re

import pytest

from mockserver.sessions.reports import in_python, literal

pytest_plugins = "pytester"

FAILING = """
def test_it(mock_server):
    mock_server.post("/v1/charges", name="charge", effect={"kind": "charge"}).reply(503, 201)
    for _ in range(2):
        call(mock_server.url + "/v1/charges", "POST", {"amount": 5}, authorization="Bearer secret-token-7890")
    call(mock_server.url + "/v1/charge", "POST", {"amount": 5, "note": None}, x_api_key="secret-key-1234")
    assert 1 == 2
"""


def section(result):
    """The lines of the section."""
    lines = result.outlines
    at = next(i for i, line in enumerate(lines) if re.fullmatch("-+ mock server -+", line))
    end = next(i for i in range(at + 1, len(lines)) if re.match("(=|-|_){10,}", lines[i]))
    return lines[at + 1 : end]


def test_a_failed_test_tells_every_call_and_a_route_for_each_that_none_took(suite):
    result = suite(FAILING)
    result.assert_outcomes(failed=1)
    lines = section(result)
    assert re.fullmatch(r"3 calls to http://127\.0\.0\.1:\d+/@test_it\.py-test_it-\w{8}", lines[0])
    said = [re.sub(r"t\+\d\.\d+", "t+0.000", line) for line in lines[1:]]
    assert said == [
        "  t+0.000  POST /v1/charges  503  charge, step 1",
        "  t+0.000  POST /v1/charges  201  charge, step 2; effect: charge",
        "  t+0.000  POST /v1/charge   404  no route matches it; the nearest is charge: path differs: '/v1/charge' is not '/v1/charges'; 'charge' instead of 'charges', a typo?",
        "",
        "This route would match POST /v1/charge:",
        '  mock_server.post("/v1/charge", json={"amount": 5, "note": None}).reply(json={})',
        "",
        "1 operation",
        "  operation 1  charge  503, 201  an equal request got a retryable answer before",
    ]


def test_no_secret_stands_in_a_report(suite):
    text = suite(FAILING, "--show-capture=all").stdout.str()
    mine = text[text.index("mock server -") :]
    assert "secret-token" not in mine
    assert "secret-key" not in mine


@pytest.mark.parametrize("matched", [False, True])
def test_no_secret_stands_in_a_path_or_a_suggestion_either(suite, matched):
    result = suite(f"""
def test_it(mock_server):
    if {matched}:
        mock_server.get("/cards/{{number}}").reply(200)
    call(mock_server.url + "/cards/4242424242424242?key=sk_live_abcdefghijklmnop")
    assert 0
""")
    text = "\n".join(section(result))
    assert "/cards/****" in text
    assert "42424242" not in text
    assert "abcdefghijkl" not in text


def test_a_passed_test_tells_nothing(suite):
    result = suite("def test_it(mock_server): pass", "-rA")
    result.stdout.no_fnmatch_line("*- mock server -*")


def test_a_suggested_route_pasted_into_the_test_takes_the_call(suite):
    text = """
def test_it(mock_server):
    SUGGESTED
    call(mock_server.url + "/v1/x?page=1&tag=a&tag=b", "POST", {"amount": 5, "yes": "on", "list": [1, None, True]})
"""
    result = suite(text.replace("SUGGESTED", "pass"))
    result.assert_outcomes(failed=1)
    (suggested,) = (line.strip() for line in section(result) if line.startswith("  mock_server."))
    suite(text.replace("SUGGESTED", suggested)).assert_outcomes(passed=1)


def test_an_async_test_is_given_routes_to_await(suite):
    text = """
async def test_it(mock_server_async):
    SUGGESTED
    call(mock_server_async.url + "/x", "PUT")
"""
    result = suite(text.replace("SUGGESTED", "pass"))
    result.assert_outcomes(failed=1)
    (suggested,) = (line.strip() for line in section(result) if line.startswith("  await "))
    suite(text.replace("SUGGESTED", suggested)).assert_outcomes(passed=1)


def test_each_kind_of_unmatched_call_is_suggested_once_and_few_in_all(suite):
    result = suite("""
def test_it(mock_server):
    for path in "aabbccdd":
        call(f"{mock_server.url}/{path}")
""")
    assert [line for line in section(result) if line.startswith("This route")] == [
        f"This route would match GET /{path}:" for path in "abc"
    ]


def test_a_test_whose_application_called_nobody_says_so(suite):
    result = suite("""
def test_it(mock_server):
    assert 0
""")
    assert section(result)[0].startswith("No calls to http://127.0.0.1:")
    assert len(section(result)) == 1


def test_calls_that_went_to_the_server_but_not_to_this_world_are_pointed_at(suite):
    result = suite("""
def test_it(mock_server):
    mock_server.get("/x").reply(200)
    call(mock_server.url.split("/@")[0] + "/x")
    assert 0
""")
    text = "\n".join(section(result))
    assert "Meanwhile 1 came to the namespace default, by the server's URL without /@name" in text
    assert "Was the application given mock_server.url?" in text


def test_calls_that_went_astray_in_another_test_are_not_told(suite):
    result = suite("""
def test_astray(mock_server):
    call(mock_server.url.split("/@")[0] + "/x")

def test_it(mock_server):
    assert 0
""")
    result.assert_outcomes(passed=1, failed=1)
    assert len(section(result)) == 1


def test_many_calls_are_cut_in_the_middle(suite):
    result = suite("""
def test_it(mock_server):
    mock_server.get("/{n}").reply(200)
    for number in range(100):
        call(f"{mock_server.url}/{number}")
    assert 0
""")
    lines = section(result)
    assert len(lines) == 42
    assert lines[21] == "  … 60 more …"
    assert "GET /99" in lines[-1]


def test_what_became_of_a_call_is_told(suite):
    result = suite("""
import http.client

def test_it(mock_server):
    mock_server.get("/reset").reply(fault="reset")
    mock_server.get("/broken").reply(text="{{ request.json.a }}")
    mock_server.post("/once", idempotency={"header": "idempotency-key"}).reply(201)
    mock_server.get("/closed", auth={"bearer": ["t"]}).reply(200)
    try:
        call(mock_server.url + "/reset")
    except OSError:
        pass
    call(mock_server.url + "/broken")
    for _ in range(2):
        call(mock_server.url + "/once", "POST", {}, idempotency_key="k")
    call(mock_server.url + "/closed")
    call(mock_server.url + "/once", "OPTIONS")
    assert 0
""")
    text = "\n".join(section(result))
    for said in (
        "GET /reset    --- reset  step 1",
        "GET /broken   500  step 1; ",
        "POST /once    201  took no step; replayed for its idempotency key",
        "GET /closed   401  took no step",
        "OPTIONS /once  204  answered automatically",
    ):
        assert re.sub(" +", " ", said) in re.sub(" +", " ", text), text


def test_a_fixture_that_fails_beside_it_tells_of_it_too(suite):
    result = suite("""
@pytest.fixture
def app(mock_server):
    call(mock_server.url + "/x")
    raise OSError("the application does not start")

def test_it(app):
    pass
""")
    result.assert_outcomes(errors=1)
    assert "GET /x" in "\n".join(section(result))


def test_an_unmet_expectation_tells_of_the_calls_too(suite):
    result = suite("""
def test_it(mock_server):
    mock_server.get("/x", expect=2).reply(200)
    call(mock_server.url + "/x")
""")
    assert section(result)[0].startswith("1 call to ")


def test_a_server_that_has_gone_is_no_second_failure(suite, serving):
    server = serving()
    result = suite(
        """
def test_it(mock_server):
    mock_server.remove()
    assert 0
""",
        "--mock-server-url",
        server.url,
    )
    result.assert_outcomes(failed=1)
    assert section(result)[0].startswith("The mock server can't be asked: There is no namespace")


def test_a_report_that_can_not_be_made_takes_nothing_along(suite, pytester):
    pytester.makeconftest(
        "import mockserver.pytest_plugin.namespaces\nmockserver.pytest_plugin.namespaces.report = None\n"
    )
    result = suite("def test_it(mock_server): assert 1 == 2", in_process=False)
    result.assert_outcomes(failed=1)
    assert section(result)[0] == "This section could not be made:"
    result.stdout.fnmatch_lines(["E*assert 1 == 2"])


@pytest.mark.parametrize(
    ("suggestion", "written"),
    [
        ("- {request: GET /x, reply: 200}", 'mock_server.get("/x").reply(json={})'),
        (
            '- {request: POST /x, match: {form: {"card[number]": "42"}, headers: {x-a: "b"}}, reply: 200}',
            'mock_server.post("/x", form={"card[number]": "42"}, headers={"x-a": "b"}).reply(json={})',
        ),
        ("- {request: ANY /x, reply: 200}", 'mock_server.any("/x").reply(json={})'),
        ("- {request: PURGE /x, reply: 200}", 'mock_server.on("PURGE /x").reply(json={})'),
    ],
)
def test_a_route_in_yaml_is_written_in_python(suggestion, written):
    assert in_python(suggestion, "mock_server") == written


def test_texts_have_double_quotes():
    assert (
        literal({"a": ["it's", 'a "b"', None, True, 1.5]})
        == r"""{"a": ["it's", "a \"b\"", None, True, 1.5]}"""
    )


def test_what_breaks_a_contract_stands_in_the_report(suite, pytester):
    answer = {"200": {"description": "x"}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    document = {
        "openapi": "3.1.0",
        "info": {},
        "paths": {"/x": {"get": {"parameters": [limit], "responses": answer}}},
    }
    pytester.path.joinpath("spec.yaml").write_text(json.dumps(document))
    pytester.path.joinpath("it.yaml").write_text(
        "{openapi: spec.yaml, routes: [{request: GET /x, reply: 200}]}"
    )

    result = suite("""
@pytest.mark.scenario("it.yaml")
def test_it(mock_server):
    call(mock_server.url + "/x?limit=many")
    assert 1 == 2
""")

    lines = section(result)
    at = lines.index("What breaks the contract:")
    assert lines[at + 1] == "  c-000001  GET /x  request query.limit: must be a whole number, got 'many'"


def test_the_operations_are_told_with_what_groups_them(suite):
    result = suite("""
import time
def test_it(mock_server):
    mock_server.post("/charges").reply(503, 503, 201)
    for number, key in enumerate(["k1", "k2", "k2"]):
        call(mock_server.url + "/charges", "POST", {"timestamp": time.time() + number, "a": 1}, idempotency_key=key)
    mock_server.post("/refunds").reply(503, 201)
    for key in ("k3", "k4"):
        call(mock_server.url + "/refunds", "POST", {"a": 1}, idempotency_key=key)
    assert 0
""")
    lines = section(result)
    at = lines.index("3 operations")

    assert lines[at + 1] == "  operation 1 (key=k1)  POST /charges  503"
    assert lines[at + 2] == (
        "  operation 2 (key=k2)  POST /charges  503, 201  the calls share headers.idempotency-key; "
        "repeats operation 1; left out of the comparison: json.timestamp"
    )
    assert lines[at + 3] == (
        "  operation 3 (key=k3)  POST /refunds  503, 201  uncertain: each has its own headers.idempotency-key, used once: "
        "a new key for each attempt, or an operation that was repeated (`by: headers.idempotency-key` settles it); "
        "changed headers.idempotency-key"
    )
