"""What a test that came to its end well is held to all the same."""

import pytest

pytest_plugins = "pytester"

UNMATCHED = """
def test_it(mock_server):
    mock_server.post("/v1/charges", name="charge").reply(201)
    call(mock_server.url + "/v1/charge", "POST", {"amount": 5})
"""


def test_an_unmatched_call_fails_the_test(suite):
    result = suite(UNMATCHED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "expected no unmatched call, saw 1",
        "  t+0.000  POST /v1/charge  404   nearest: charge, path differs: '/v1/charge' is not '/v1/charges'*",
        "To leave this to the test itself: @pytest.mark.mock_server(strict=False)",
    ])  # fmt: skip


def test_a_wrong_method_is_unmatched_too(suite):
    suite("""
def test_it(mock_server):
    mock_server.post("/x").reply(200)
    assert call(mock_server.url + "/x")[0] == 405
""").assert_outcomes(failed=1)


def test_an_unmatched_call_while_fixtures_are_torn_down_fails_too(suite):
    result = suite("""
@pytest.fixture
def app(mock_server):
    yield
    call(mock_server.url + "/goodbye")

def test_it(app):
    pass
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*t+0.000  GET /goodbye  404*"])


@pytest.mark.parametrize("times", ["3", '{"min": 3}'])
def test_an_expectation_of_a_route_of_the_test_has_to_be_met(suite, times):
    result = suite(f"""
def test_it(mock_server):
    mock_server.get("/x", expect={times}).reply(200)
    for _ in range(2):
        call(mock_server.url + "/x")
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["runtime/GET /x: expected *3 calls, saw 2", "  t+0.000  GET /x  200"])


def test_an_expectation_may_be_met_while_fixtures_are_torn_down(suite):
    suite("""
@pytest.fixture
def app(mock_server):
    yield
    call(mock_server.url + "/flush", "POST")

def test_it(mock_server, app):
    mock_server.post("/flush", expect=1).reply(200)
""").assert_outcomes(passed=1)


def test_only_scenarios_that_the_test_names_are_held_to_their_expectations(suite, pytester):
    folder = pytester.mkdir("mocks")
    for name in ("pay", "ship"):
        (folder / f"{name}.yaml").write_text(f"routes: [{{request: GET /{name}, reply: 200, expect: 1}}]")
    text = """
def test_plain(mock_server):
    pass

@pytest.mark.scenario("pay")
def test_named(mock_server):
    pass

@pytest.mark.scenario("pay.yaml")
def test_named_as_file(mock_server):
    pass

@pytest.mark.scenario("pay")
def test_met(mock_server):
    assert call(mock_server.url + "/pay")[0] == 200
"""
    result = suite(text, "-o", f"mock_server_scenarios={folder}", "-rA")
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines_random(
        ["ERROR test_it.py::test_named - *pay/GET /pay*", "ERROR test_it.py::test_named_as_file - *"]
    )
    result.stdout.no_fnmatch_line("*ship/GET*")


@pytest.mark.parametrize("remote", [False, True])
def test_a_failed_webhook_is_left_to_the_test(suite, serving, remote):
    args = ("--mock-server-url", serving(allow_egress=("127.0.0.1",)).url) if remote else ()
    suite(
        """
def test_it(mock_server):
    mock_server.post("/x", expect=1).reply({"status": 200, "webhook": {"url": "http://127.0.0.1:9/nobody"}})
    call(mock_server.url + "/x", "POST")
    try:
        mock_server.verify(webhooks={}, within="100ms")
    except AssertionError:
        pass
    assert mock_server.webhooks[0].state == "failed"
""",
        *args,
    ).assert_outcomes(passed=1)


def test_a_function_that_failed_fails_the_test_with_its_own_words(suite):
    result = suite("""
def test_it(mock_server):
    def answer(request):
        assert request.json()["amount"] == 6
        return 201

    mock_server.post("/x").reply(answer)
    assert call(mock_server.url + "/x", "POST", {"amount": 5})[0] == 500
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ['>*assert request.json()[[]"amount"[]] == 6', "E*assert 5 == 6", "test_it.py:*: AssertionError"]
    )
    result.stdout.no_fnmatch_line("*consulting.py*in consulted*")


def test_strict_false_leaves_all_of_it_to_the_test(suite):
    suite("""
@pytest.mark.mock_server(strict=False)
def test_it(mock_server):
    mock_server.get("/x", expect=1).reply(200)
    mock_server.get("/y").reply(lambda request: 1 / 0)
    call(mock_server.url + "/nowhere")
    call(mock_server.url + "/y")

@pytest.mark.mock_server(strict=False)
class TestAll:
    def test_it(self, mock_server):
        call(mock_server.url + "/nowhere")

    @pytest.mark.mock_server(strict=True)
    def test_but_one(self, mock_server):
        call(mock_server.url + "/nowhere")
""").assert_outcomes(passed=2, failed=1)


def test_a_test_that_did_not_pass_is_judged_no_further(suite):
    result = suite("""
def test_failed(mock_server):
    mock_server.get("/x", expect=1).reply(200)
    assert 0

def test_skipped(mock_server):
    mock_server.get("/x", expect=1).reply(200)
    call(mock_server.url + "/nowhere")
    pytest.skip()

@pytest.mark.xfail(strict=True)
def test_expected_to_fail(mock_server):
    mock_server.get("/x", expect=1).reply(200)
    assert 0

@pytest.mark.xfail(strict=True)
def test_expected_to_go_unmatched(mock_server):
    call(mock_server.url + "/nowhere")
""")
    result.assert_outcomes(failed=1, skipped=1, xfailed=2)


@pytest.mark.parametrize("given", ["True", "strikt=False"])
def test_what_the_marker_does_not_take_is_named(suite, given):
    result = suite(f"""
@pytest.mark.mock_server({given})
def test_it(mock_server):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"the marker mock_server takes strict=False, and no {given.split('=')[0]}.*"]
    )


def test_the_same_tests_fail_against_a_server_that_runs_already(suite, serving):
    text = (
        UNMATCHED
        + """
def test_unmet(mock_server):
    mock_server.get("/x", expect=1).reply(200)

@pytest.mark.mock_server(strict=False)
def test_lenient(mock_server):
    call(mock_server.url + "/nowhere")
"""
    )
    result = suite(text, "--mock-server-url", serving().url)
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*nearest: charge, path differs*"])
