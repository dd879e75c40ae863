"""Suites in parallel: every worker with a server of its own, or all of them on one."""

import pytest
import requests
from support.pages import blocks, page

import mockserver

pytest_plugins = "pytester"

SUITE = """
@pytest.mark.parametrize("number", range(200))
def test_same_path_other_sequence(mock_server, number):
    failures = number % 4
    steps = [500 + failures] * failures
    route = mock_server.post("/data").reply(*steps, {"status": 200, "json": {"number": number}})
    seen = [call(mock_server.url + "/data", "POST", {"number": number}) for _ in range(failures + 1)]
    assert [status for status, _ in seen] == [*steps, 200]
    assert seen[-1][1] == '{"number":%d}' % number
    assert route.call_count == failures + 1
    assert [one.request.json()["number"] for one in mock_server.calls] == [number] * (failures + 1)
    mock_server.state["number"] = number
    assert mock_server.state == {"number": number}
"""


@pytest.fixture(autouse=True)
def _suite_of_the_page(pytester):
    """The twenty tests of docs/parallel-tests.md run beside."""
    (text,) = (text for language, text in blocks(page("docs/parallel-tests.md")) if language == "python")
    pytester.makepyfile(test_page=text)


@pytest.mark.slow
def test_two_hundred_tests_on_one_path_are_green_on_four_workers(suite):
    suite(SUITE, "-n", "4", in_process=False).assert_outcomes(passed=220)


@pytest.mark.slow
def test_the_same_two_hundred_are_green_on_one_shared_server(suite, serving, monkeypatch):
    server = serving()
    monkeypatch.setenv("MOCKSERVER_URL", server.url)
    there = f"\ndef test_it_is_that_server(mock_server): assert mock_server.url.startswith({server.url!r})"
    suite(SUITE + there, "-n", "2", in_process=False).assert_outcomes(passed=221)
    assert [one["name"] for one in server.admin.get("/namespaces")["items"]] == ["default"]
    assert server.admin.get("/counts")["total"] == 0


def test_without_namespaces_they_would_get_in_each_others_way(serving):
    """What the two above would not show if nothing could go wrong."""
    with mockserver.Client(serving().url) as one, mockserver.Client(one.url) as other:
        first = one.post("/data").reply(503, 200)
        second = other.post("/data").reply(501, 200)
        assert requests.post(one.url + "/data", timeout=10).status_code == 501
        assert (first.call_count, second.call_count) == (0, 1)
