"""Worlds that the tests of a class, a module or the session share: each test is held to what came while it ran."""

import pytest

pytest_plugins = "pytester"


@pytest.fixture(params=[False, True], ids=["in process", "sidecar"])
def args(request, serving):
    return ("--mock-server-url", serving().url) if request.param else ()


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_one_world_is_shared_and_its_fixtures_may_be_as_wide(suite, args, scope):
    suite(f"""
@pytest.fixture(scope="{scope}")
def app(mock_server_{scope}):
    mock_server_{scope}.get("/x", name="x", expect={{"min": 2}}).reply(503, 200)
    return mock_server_{scope}.url

class TestAll:
    def test_first(self, app):
        assert call(app + "/x")[0] == 503

    def test_second(self, app, mock_server, mock_server_{scope}):
        assert call(app + "/x")[0] == 200
        assert mock_server_{scope}.route("x").call_count == 2
        assert mock_server.name != mock_server_{scope}.name

    async def test_third(self, mock_server_{scope}_async):
        assert await mock_server_{scope}_async.route("x").call_count == 2
""", *args).assert_outcomes(passed=3)  # fmt: skip


def test_the_test_in_which_a_call_went_unmatched_fails_and_no_other(suite, args):
    result = suite("""
def test_first(mock_server_module):
    mock_server_module.get("/x").reply(200)
    call(mock_server_module.url + "/x")

def test_astray(mock_server_module):
    call(mock_server_module.url + "/astray")

def test_last(mock_server_module):
    call(mock_server_module.url + "/x")
""", *args)  # fmt: skip
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([
        "expected no unmatched call, saw 1",
        "*- mock server of the module -*",
        "1 call to http://*",
        "  t+0.000  GET /astray  404  no route matches it*",
    ])  # fmt: skip
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_astray*"])


def test_a_call_while_a_fixture_of_the_test_is_torn_down_is_of_that_test(suite):
    result = suite("""
@pytest.fixture
def app(mock_server_session):
    yield
    call(mock_server_session.url + "/goodbye")

def test_first(app):
    pass

def test_last(mock_server_session):
    pass
""")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["ERROR test_it.py::test_first*"])


def test_what_is_expected_is_judged_when_the_scope_ends(suite, args):
    result = suite("""
class TestMet:
    def test_it(self, mock_server_class):
        mock_server_class.get("/x", expect=1).reply(200)

    def test_again(self, mock_server_class):
        call(mock_server_class.url + "/x")

class TestUnmet:
    def test_it(self, mock_server_class):
        mock_server_class.get("/x", expect=1).reply(200)

    def test_again(self, mock_server_class):
        pass
""", *args)  # fmt: skip
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(
        ["runtime/GET /x: expected 1 call, saw 0", "ERROR test_it.py::TestUnmet::test_again*"]
    )


def test_a_trouble_that_struck_nothing_fails_the_test_that_set_it(suite):
    result = suite("""
def test_set(mock_server_module):
    mock_server_module.get("/x").reply(200)
    with mock_server_module.outage(status=503):
        pass

def test_after(mock_server_module):
    call(mock_server_module.url + "/x")
""")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["outage 503: it affected no call*", "FAILED test_it.py::test_set*"])


def test_the_markers_count_for_a_shared_world_too(suite):
    suite("""
pytestmark = pytest.mark.mock_server(strict=False)

def test_it(mock_server_module):
    mock_server_module.get("/x", expect=1).reply(200)
    call(mock_server_module.url + "/nowhere")
""").assert_outcomes(passed=1)


def test_one_that_is_asked_for_by_name_alone_is_held_to_it_too(suite):
    result = suite("""
def test_it(request):
    mock = request.getfixturevalue("mock_server_session")
    call(mock.url + "/nowhere")
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- mock server of the session -*"])


def test_a_failed_test_has_a_page_of_its_own_calls(suite, pytester):
    suite("""
def test_first(mock_server_session):
    mock_server_session.get("/{n}").reply(200)
    call(mock_server_session.url + "/1")

def test_second(mock_server_session):
    call(mock_server_session.url + "/2")
    assert 0
""").assert_outcomes(passed=1, failed=1)
    (file,) = (pytester.path / "mock-server-report").iterdir()
    text = file.read_text()
    assert '"path":"/2"' in text
    assert '"path":"/1"' not in text


def test_a_test_with_two_mock_servers_has_a_page_of_each(suite, pytester):
    suite("""
def test_it(mock_server, mock_server_module):
    call(mock_server.url + "/own")
    call(mock_server_module.url + "/shared")
    assert 0
""").assert_outcomes(failed=1)
    texts = [file.read_text() for file in (pytester.path / "mock-server-report").iterdir()]

    assert sorted('"path":"/own"' in text for text in texts) == [False, True]
    assert sorted('"path":"/shared"' in text for text in texts) == [False, True]


def test_what_ends_after_the_last_test_is_told_of_although_that_test_does_not_use_it(suite):
    result = suite("""
def test_first(mock_server_session):
    mock_server_session.get("/x", name="x", expect=2).reply(200)
    call(mock_server_session.url + "/x")

def test_last(mock_server):
    pass
""")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines([
        "runtime/x: expected 2 calls, saw 1",
        "*- mock server of the session -*",
        "1 call to http://*",
        "  t+0.000  GET /x  200*",
    ])  # fmt: skip
