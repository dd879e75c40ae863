"""A trouble or an outage that affected no call fails its test: the test has shown nothing about it."""

import pytest

pytest_plugins = "pytester"

HOLLOW = {
    "outage": 'with mock_server.outage(status=503{}):\n        pass\n    call(mock_server.url + "/x")',
    "outage-of-another-route": 'with mock_server.outage(status=503, routes=["other"]{}):\n        call(mock_server.url + "/x")',
    "outage-that-skips": 'with mock_server.outage(status=503, skip=2{}):\n        call(mock_server.url + "/x")',
    "trouble": 'with mock_server.trouble(route="x", call=2, before=503{}):\n        call(mock_server.url + "/x")',
    "trouble-of-webhooks": 'with mock_server.trouble(route="x", webhook={{"repeat": 2}}{}):\n        call(mock_server.url + "/x")',
    "rolled-back": 'with mock_server.rollback():\n        mock_server.outage(status=503{}).__enter__()\n    call(mock_server.url + "/x")',
}


def a_test(body):
    return f"""
def test_it(mock_server):
    mock_server.get("/x", name="x").reply(200)
    mock_server.get("/other", name="other").reply(200)
    {body}
"""


@pytest.fixture(params=[False, True], ids=["in process", "sidecar"])
def args(request, serving):
    return ("--mock-server-url", serving().url) if request.param else ()


@pytest.mark.parametrize("name", HOLLOW)
def test_one_that_struck_no_call_fails_the_test_unless_it_is_optional(suite, args, name):
    suite(a_test(HOLLOW[name].format("")), *args).assert_outcomes(failed=1)
    suite(a_test(HOLLOW[name].format(", optional=True")), *args).assert_outcomes(passed=1)


def test_the_message_names_it_and_tells_how_many_calls_came(suite):
    body = 'with mock_server.trouble(route="x", name="lost", call=2, after={"fault": "reset"}):\n        call(mock_server.url + "/x")'
    suite(a_test(body)).stdout.fnmatch_lines([
        "trouble lost of runtime/x, from call 2 on: it affected no call; 1 call came to its routes while it was set.*optional*",
    ])  # fmt: skip
    body = 'with mock_server.outage(status=503, routes=["x"]):\n        call(mock_server.url + "/other")'
    suite(a_test(body)).stdout.fnmatch_lines(
        ["outage 503 (routes: ??x??): it affected no call; no call came to its routes while *"]
    )


def test_one_that_struck_a_call_passes(suite, args):
    suite(
        a_test("""
    with mock_server.outage(status=503, skip=1):
        assert [call(mock_server.url + "/x")[0] for _ in range(2)] == [200, 503]
    with mock_server.trouble(route="x", call=2, before=502):
        assert [call(mock_server.url + "/x")[0] for _ in range(2)] == [200, 502]
    with mock_server.rollback():
        mock_server.outage(status=503).__enter__()
        assert call(mock_server.url + "/x")[0] == 503
"""),
        *args,
    ).assert_outcomes(passed=1)


def test_one_that_is_still_set_may_strike_until_everything_is_torn_down(suite, args):
    text = """
@pytest.fixture
def app(mock_server):
    mock_server.get("/x", name="x").reply(200)
    yield
    if FLUSHES:
        call(mock_server.url + "/x")

def test_it(mock_server, app):
    mock_server.outage(status=503).__enter__()
"""
    suite(text.replace("FLUSHES", "True"), *args).assert_outcomes(passed=1)
    suite(text.replace("FLUSHES", "False"), *args).assert_outcomes(passed=1, errors=1)


def test_one_that_stands_over_a_rollback_is_one(suite):
    suite(
        a_test("""
    with mock_server.outage(status=503):
        with mock_server.rollback():
            assert call(mock_server.url + "/x")[0] == 503
""")
    ).assert_outcomes(passed=1)


def test_strict_false_leaves_it_to_the_test(suite, args):
    text = a_test(HOLLOW["outage"].format(""))
    suite("@pytest.mark.mock_server(strict=False)" + text, *args).assert_outcomes(passed=1)
