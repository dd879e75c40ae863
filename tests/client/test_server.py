"""A server in this process, and functions of the test that answer."""

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
import urllib.request
import warnings
from urllib.parse import urlsplit

import pytest
from support.http import ask
from support.papers import issue, trusting

import mockserver
from mockserver.app import PortInUseError
from mockserver.client import Refused
from mockserver.errors import TlsSettingsError
from mockserver.scenarios.source import LoadError


@pytest.fixture
def mock():
    with mockserver.Server() as client:
        yield client


def get(mock, path="/x", method="GET", body=None):
    return ask(mock.url, method, path, body)


# The server


def test_it_serves_scenarios_while_the_block_lasts(write):
    with mockserver.Server(write("routes: [{request: GET /hello, reply: {text: hi}}]"), seed="s") as mock:
        assert get(mock, "/hello").text == "hi"
        assert mock.health["scenarios"] == 1
        url = mock.url
    with pytest.raises(OSError):
        ask(url, "GET", "/hello")


def test_without_paths_it_has_no_scenario(mock):
    assert mock.scenarios == []


def test_it_can_be_started_and_stopped_again():
    server = mockserver.Server()
    for _ in range(2):
        mock = server.start()
        assert mock.health
        with pytest.raises(RuntimeError, match="runs already"):
            server.start()
        server.stop()
    server.stop()


def test_scenarios_that_are_wrong_are_named(write):
    folder = write("routes: [{request: GET /x, reply: 99}]")
    with pytest.raises(LoadError, match="99 is not a valid HTTP status"):
        mockserver.Server(folder).start()


def test_a_taken_port_is_named():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(PortInUseError, match="the port is taken"),
    ):
        mockserver.Server(port=taken.getsockname()[1]).start()


def test_an_unknown_setting_names_the_near_one():
    with pytest.raises(TypeError, match=r"Server\(\) has no keyword 'sede'. Did you mean 'seed'"):
        mockserver.Server(sede="x")


def test_its_client_reaches_it_whatever_its_public_url_is():
    with mockserver.Server(public_url="http://mock.example", admin_token="s3cret") as mock:
        assert mock.url == "http://mock.example"
        assert mock.get("/x").reply(200).call_count == 0
    with mockserver.Server(admin_port=0) as mock:
        mock.get("/x").reply(200)
        assert get(mock).status == 200


async def test_it_runs_on_the_running_loop_too(write):
    async with mockserver.Server(write("routes: [{request: GET /hello, reply: {text: hi}}]")) as mock:
        assert (await asyncio.to_thread(get, mock, "/hello")).text == "hi"
        assert await mock.route("GET /hello").call_count == 1
        async with mock.namespace() as mine:
            assert (await asyncio.to_thread(get, mine, "/hello")).text == "hi"
    assert len(asyncio.all_tasks()) == 1


async def test_it_runs_once_at_a_time():
    server = mockserver.Server()
    async with server:
        with pytest.raises(RuntimeError, match="runs already"):
            await server.__aenter__()


# Functions


def test_a_function_answers_a_step(mock):
    def charge(request):
        return {"status": 201, "json": {"id": request.params["id"], "amount": request.json()["amount"]}}

    route = mock.post("/charges/{id}").reply(503, charge)
    assert get(mock, "/charges/7", "POST", '{"amount": 5}').status == 503
    answer = get(mock, "/charges/7", "POST", '{"amount": 5}')
    assert (answer.status, answer.json()) == (201, {"id": "7", "amount": 5})
    assert route.calls.statuses == [503, 201]
    assert route.calls.last.response.json() == {"id": "7", "amount": 5}
    assert mock.counts["routes"][route.id]["statuses"] == {"503": 1, "201": 1}


def test_what_a_function_answers_may_get_lost(mock):
    route = mock.post("/x").reply(lambda request: {"status": 201, "effect": {"kind": "charge"}})
    with mock.trouble(route=route, after={"status": 200, "text": "garbage"}):
        answer = get(mock, "/x", "POST", "{}")
    assert (answer.status, answer.text) == (200, "garbage")
    assert len(mock.effects("charge")) == 1
    assert mock.counts["routes"][route.id]["statuses"] == {"200": 1}


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [(204, 204, b""), ({"json": [1]}, 200, b"[1]"), ({"status": 404, "text": "no"}, 404, b"no")],
)
def test_what_a_function_gives_is_a_reply_of_the_language(mock, answer, status, body):
    mock.get("/x").reply(lambda request: answer)
    got = get(mock)
    assert (got.status, got.body) == (status, body)


def test_what_a_function_gives_may_do_all_that_a_reply_does(mock):
    mock.post("/x", idempotency={"header": "idempotency-key"}).reply(
        lambda request: {
            "status": 201,
            "json": {"n": "{{ call.number }}"},
            "set": {"paid": True},
            "effect": {"kind": "charge"},
            "headers": {"x-a": "b"},
        }
    )
    key = [("idempotency-key", "k")]
    first, second = (ask(mock.url, "POST", "/x", "{}", key) for _ in range(2))
    assert (first.status, first.json(), first.header("x-a")) == (201, {"n": 1}, "b")
    assert second.header("idempotent-replayed") == "true"
    assert mock.state == {"paid": True}
    assert len(mock.effects("charge")) == 1


def test_a_route_of_a_file_may_be_answered_by_a_function(write):
    with mockserver.Server(write("routes: [{name: hello, request: GET /hello, reply: {text: hi}}]")) as mock:
        mock.route("hello").reply(lambda request: {"text": "hello"})
        assert get(mock, "/hello").text == "hello"


def test_functions_given_again_begin_a_new_sequence(mock):
    functions = [lambda request: 201, lambda request: 202]
    route = mock.get("/x").reply(*functions)
    assert get(mock).status == 201
    route.reply(*functions)
    assert [get(mock).status for _ in range(2)] == [201, 202]


def test_a_function_may_use_the_server_that_asks_it(mock):
    def answer(request):
        mock.state["seen"] = request.path
        return {"text": get(mock, "/inner").text, "status": len(mock.calls) + 200}

    mock.get("/inner").reply(text="inner")
    mock.get("/x").reply(answer)
    got = get(mock)
    assert (got.status, got.text) == (202, "inner")
    assert mock.state == {"seen": "/x"}


def test_a_function_that_blocks_holds_up_nobody_else(mock):
    done = threading.Event()
    mock.get("/x").reply(lambda request: (done.wait(10), 200)[1])
    mock.get("/other").reply(200)
    slow = threading.Thread(target=get, args=(mock,))
    slow.start()
    mock.route("GET /x").assert_called(within="5s")
    assert mock.counts["routes"]["runtime/GET /x"]["in_flight"] == 1
    assert get(mock, "/other").status == 200
    done.set()
    slow.join()


def test_an_async_function_answers_too(mock):
    async def answer(request):
        await asyncio.sleep(0)
        return 202

    class Answers:
        async def __call__(self, request):
            return 203

    mock.get("/x").reply(answer, Answers())
    assert [get(mock).status for _ in range(2)] == [202, 203]


async def test_an_async_function_runs_on_the_loop_of_its_test(mock):
    """Whatever face it was given to: events and clients of the test belong to that loop."""
    come = asyncio.Event()
    loops = []

    async def answer(request):
        loops.append(asyncio.get_running_loop())
        await come.wait()
        return 202

    mock.get("/x").reply(answer)
    async_mock = mockserver.AsyncClient(mock.url, local=mock._link.local)
    await async_mock.get("/y").reply(answer)
    waiting = [asyncio.create_task(asyncio.to_thread(get, mock, path)) for path in ("/x", "/y")]
    await async_mock.verify({"request": "GET /x", "within": "5s"}, {"request": "GET /y", "within": "5s"})
    come.set()
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [202, 202]
    assert loops == [asyncio.get_running_loop()] * 2


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_fails_is_a_500_that_says_where(mock, caplog, is_async):
    def answer(request):
        raise KeyError("amount")

    async def answer_later(request):
        answer(request)

    mock.get("/x").reply(answer_later if is_async else answer)
    got = get(mock)
    assert got.status == 500
    assert got.json()["title"] == "The function that answers runtime/GET /x failed"
    assert got.json()["detail"].startswith(f"KeyError: 'amount' ({__file__}:")
    assert "KeyError: 'amount'" in caplog.text
    assert mock.calls.last.error["type"] == "urn:mockserver:function"
    (failure,) = mock._link.local.failures("default")
    assert isinstance(failure, KeyError)
    assert mock._link.local.failures("default") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("200", "which is not a reply. Return a status"),
        (None, "which is not a reply"),
        ([200, 201], "which is not a reply"),
        (99, "99 is not a valid HTTP status"),
        ({"stauts": 1}, "Did you mean 'status'"),
        ({"file": "x"}, "No such file"),
        ({"choose": [{"status": 200}]}, "a function answers one reply"),
        ({"text": "{{ nothing }}"}, "nothing"),
    ],
)
def test_what_is_no_reply_is_a_500_that_says_so(mock, given, said):
    mock.get("/x").reply(lambda request: given)
    got = get(mock)
    assert got.status == 500
    assert said in got.json()["detail"]


def test_a_client_that_leaves_a_function_waiting_is_recorded_so(mock):
    done = threading.Event()
    mock.get("/x").reply(lambda request: (done.wait(10), 200)[1])
    with pytest.raises(TimeoutError):
        ask(mock.url, "GET", "/x", timeout_s=0.2)
    done.set()
    mock.verify(request="GET /x", within="5s")
    assert mock.calls.last.outcome in ("client_left", "open")


def test_a_sidecar_refuses_functions_with_the_reason(serving):
    server = serving()
    with (
        mockserver.Client(server.url) as mock,
        pytest.raises(TypeError, match="a function can answer only in the process that defines it"),
    ):
        mock.get("/x").reply(lambda request: 200)


def test_flaws_beside_a_function_are_told_as_ever(mock):
    with pytest.raises(Refused, match="priority") as caught:
        mock.get("/x", priority="high").reply(lambda request: 200)
    assert caught.value.errors[0]["pointer"] == "/priority"
    mock.get("/x", name="x").reply(lambda request: 200)
    with pytest.raises(Refused, match="There is already a route runtime/x"):
        mock.get("/x", name="x").reply(lambda request: 200)
    with mock.namespace("gone") as gone:
        route = gone.get("/x")
    with pytest.raises(Refused, match="There is no namespace 'gone'"):
        route.reply(lambda request: 200)


def test_cors_is_kept_where_a_function_answers(write):
    with mockserver.Server(write("cors: true\nroutes: [{name: x, request: GET /x, reply: 200}]")) as mock:
        mock.route("x").reply(lambda request: {"text": "hi"})
        answer = ask(mock.url, "GET", "/x", headers=[("Origin", "http://app.example")])
        assert (answer.text, answer.header("access-control-allow-origin")) == ("hi", "http://app.example")


def test_explain_says_that_a_function_would_answer(mock):
    def charge(request):
        return 201

    mock.post("/x").reply(charge)
    assert "what the function charge (test_server.py:" in mock.explain("POST /x")["reply"]["body"]


def test_it_speaks_tls_and_gives_the_ca_to_trust(write):
    server = mockserver.Server(write("routes: [{request: GET /hello, reply: {text: hi}}]"), tls=True)
    with server as mock:
        context = ssl.create_default_context(cadata=server.ca_pem)
        with urllib.request.urlopen(f"{server.tls_url}/hello", context=context) as answer:
            assert answer.read() == b"hi"
        assert server.tls_url == mock.url.replace("http:", "https:")
        assert mock.calls.last.request.path == "/hello"


def test_a_request_tells_who_sent_it_here_and_over_the_admin_api(tmp_path):
    ca = issue(tmp_path, "shop-ca", ca=True)
    app = issue(tmp_path, "app", by=ca, subject="CN=app,O=Shop", san=("app.internal",))
    told = []
    server = mockserver.Server(tls=True, tls_client_ca=ca.cert_file)
    with server as mock:
        mock.get("/me").reply(lambda request: told.append(request.client_cert) or 200)
        for client in (app, None):
            with urllib.request.urlopen(f"{server.tls_url}/me", context=trusting(server.ca_pem, client)):
                pass
        recorded = [call.request.client_cert for call in mock.calls]

    assert recorded == told
    assert (recorded[0].subject, recorded[0].san) == ("CN=app,O=Shop", ("app.internal",))
    assert recorded[1] is None


def test_its_ca_may_be_kept_in_a_folder(tmp_path):
    server = mockserver.Server(tls=True, tls_port=0, tls_dir=tmp_path)
    with server:
        assert (tmp_path / "ca.pem").read_text() == server.ca_pem


def test_without_tls_there_is_no_url_of_it():
    server = mockserver.Server()
    with server, pytest.raises(RuntimeError, match="start it with tls=True"):
        _ = server.tls_url
    with pytest.raises(RuntimeError, match="start it with tls=True"):
        _ = server.ca_pem


def test_tls_that_can_not_be_served_is_refused_before_it_starts():
    with pytest.raises(TlsSettingsError, match="--tls-cert needs --tls-key"):
        mockserver.Server(tls=True, tls_cert="a.pem").start()


def test_with_a_state_file_the_next_one_goes_on_where_it_stood(tmp_path, write):
    folder = write("routes: [{request: GET /x, reply: [503, 200]}]")
    with mockserver.Server(folder, state_file=tmp_path / "mock.json") as mock:
        assert get(mock).status == 503

    with mockserver.Server(folder, state_file=tmp_path / "mock.json") as mock:
        assert get(mock).status == 200
        assert mock.route("GET /x").call_count == 2


def test_a_connection_that_was_accepted_just_before_the_stop_is_closed():
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with mockserver.Server() as server:
            port = urlsplit(server.url).port
            connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        gc.collect()

    assert [str(warning.message) for warning in caught] == []
    for connection in connections:
        connection.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        connection.close()
