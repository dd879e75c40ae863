"""`where=`: a function of the test decides whether a request matches."""

import json
import re

import pytest
from support.http import ask

import mockserver
from mockserver.client import Refused


@pytest.fixture(scope="module")
def server():
    with mockserver.Server() as client:
        yield client


@pytest.fixture
def mock(server):
    with server.namespace() as ns:
        yield ns


def post(mock, path="/x", value=..., **headers):
    body = None if value is ... else json.dumps(value)
    return ask(mock.url, "POST", path, body, headers).status


def test_a_function_is_a_condition_of_a_route(mock):
    mock.post("/{kind}").reply(400)
    mock.post(
        "/{kind}", where=lambda request: request.json()["amount"] > 5 and request.params["kind"] == "pay"
    ).reply(201)

    assert post(mock, "/pay", {"amount": 9}) == 201
    assert post(mock, "/pay", {"amount": 5}) == 400
    assert post(mock, "/pay") == 400
    assert post(mock, "/get", {"amount": 9}) == 400


def test_it_goes_with_other_conditions_and_functions_that_answer(mock):
    mock.post("/x", json={"a": 1}, where=lambda request: "x-go" in request.headers).reply(lambda _: 201)

    assert post(mock, "/x", {"a": 1}, **{"X-Go": "1"}) == 201
    assert post(mock, "/x", {"a": 2}, **{"X-Go": "1"}) == 404
    assert post(mock, "/x", {"a": 1}) == 404


def test_it_stays_whatever_else_of_the_route_changes(mock):
    route = mock.post("/x", where=lambda request: "x-go" in request.headers).reply(201)
    route.reply(202)
    route.update(priority=3)
    mock.route(route.id).update(tags=["late"])

    assert (post(mock), post(mock, **{"X-Go": "1"})) == (404, 202)
    route.update(where=lambda request: "x-stop" in request.headers)
    assert (post(mock, **{"X-Go": "1"}), post(mock, **{"X-Stop": "1"})) == (404, 202)


def test_an_unmatched_request_says_which_function_was_not_true(mock):
    def large(request):
        return request.json()["amount"] > 5

    mock.post("/x", where=large).reply(201)
    post(mock, "/x", {"amount": 1})
    post(mock, "/x", {})

    texts = [miss.nearest[0]["differences"][0]["text"] for miss in mock.unmatched]
    start = re.escape("where: expected the function large (test_function_conditions.py:")
    assert re.fullmatch(start + r"\d+\) to return true, but it returned false", texts[0])
    assert texts[1].endswith("to return true, but it raised KeyError: 'amount'")


async def test_an_awaited_client_takes_them_too():
    async with mockserver.Server() as mock:
        await mock.post("/x", where=lambda request: "x-go" in request.headers).reply(201)
        view = await mock.explain("POST /x", headers={"x-go": "1"})
        assert view["route"] == "runtime/POST /x"


async def later(_request):
    return True


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (later, "where= takes a plain function"),
        ("x", "where='x' is not a function: write conditions by their keys"),
    ],
)
def test_what_can_be_no_condition_is_refused(mock, where, said):
    with pytest.raises(TypeError, match=re.escape(said)):
        mock.post("/x", where=where)


def test_a_route_of_a_file_gets_none(write):
    with (
        mockserver.Server(write("routes: [{name: a, request: GET /a, reply: 200}]")) as mock,
        pytest.raises(Refused, match="a route of a scenario file"),
    ):
        mock.route("a").update(where=bool)


def test_a_server_in_another_process_refuses_it_with_what_to_do_instead(server):
    with (
        mockserver.Client(server.url) as mock,
        pytest.raises(
            TypeError, match=r"can match only in the process .* Write conditions on the request as data"
        ),
    ):
        mock.post("/x", where=bool).reply(201)


def test_where_it_would_be_lost_at_a_restart_it_is_refused(tmp_path):
    with (
        mockserver.Server(state_file=tmp_path / "state.json") as mock,
        pytest.raises(Refused, match="can't match on a server with a state file"),
    ):
        mock.post("/x", where=bool).reply(201)
