"""`/recordings`: start, look, stop, forget; what comes out can be served as it is."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead

import pytest
from support.server import until
from support.upstreams import Upstream, reply
from support.wire import Wire


@pytest.fixture
def upstream():
    made = []

    def make(*pieces, **options):
        made.append(Upstream(*pieces, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def real(upstream):
    return upstream(reply(b'{"id": 42, "name": "saw"}', "Content-Type: application/json"))


@pytest.fixture
def server(serving, real):
    return serving(
        "routes: [{request: GET /mocked, reply: {text: mocked}}]", allow_egress=(f"127.0.0.1:{real.port}",)
    )


def test_what_no_route_takes_is_passed_on_and_recorded_until_it_is_stopped(server, real):
    started = server.admin.post("/recordings", {"to": real.url, "name": "shop"})
    assert (started["id"], started["running"], started["calls"]) == ("r-1", True, 0)
    assert server.ask("GET", "/mocked").text == "mocked"
    assert server.ask("GET", "/items/42").json()["name"] == "saw"

    stopped = server.admin.post("/recordings/r-1/stop")

    assert (stopped["running"], stopped["calls"]) == (False, 1)
    assert "GET /items/{id}" in stopped["yaml"]
    assert 'id: "{{ path.id | int }}"' in stopped["yaml"]
    assert server.ask("GET", "/items/42").status == 404
    assert len(real.got) == 1


def test_what_was_recorded_is_served_as_it_is(server, real):
    server.admin.post("/recordings", {"to": real.url, "name": "shop2"})
    server.ask("GET", "/items/42")
    stopped = server.admin.post("/recordings/r-1/stop")
    server.admin.post("/scenarios", {"yaml": stopped["yaml"], "files": stopped["files"]})
    assert server.ask("GET", "/items/7").json() == {"id": 7, "name": "saw"}
    assert len(real.got) == 1


def test_one_can_look_while_it_runs(server, real):
    server.admin.post("/recordings", {"to": real.url})
    server.ask("GET", "/items/42")
    assert server.admin.get("/recordings")["items"][0]["calls"] == 1
    assert server.admin.get("/recordings/r-1")["running"] is True
    assert server.admin.get("/recordings/r-1")["name"] == "recorded"


def test_routes_that_ask_a_real_service_are_recorded_without_an_address(serving, real):
    server = serving(f"routes: [{{request: GET /x, proxy: '{real.url}'}}]")
    server.ask("GET", "/x")
    server.admin.post("/recordings")
    server.ask("GET", "/x")
    assert server.ask("GET", "/y").status == 404
    assert server.admin.post("/recordings/r-1/stop")["calls"] == 1


def test_a_second_one_waits_for_the_first(server, real):
    server.admin.post("/recordings", {"to": real.url})
    problem = server.admin.refused(409, "POST", "/recordings", {"to": real.url})
    assert "POST /recordings/r-1/stop" in problem["detail"]
    server.admin.post("/recordings/r-1/stop")
    assert server.admin.post("/recordings", {"to": real.url})["id"] == "r-2"


def test_a_host_that_is_not_open_is_refused_with_the_flag_that_opens_it(server, upstream):
    closed = upstream(reply())
    problem = server.admin.refused(422, "POST", "/recordings", {"to": closed.url})
    assert problem["errors"][0]["pointer"] == "/to"
    assert f"--allow-egress 127.0.0.1:{closed.port}" in problem["errors"][0]["hint"]
    assert server.admin.get("/recordings")["items"] == []


@pytest.mark.parametrize("to", ["ftp://x", "nowhere", 5, "http://u:p@x", "http://169.254.169.254"])
def test_what_is_no_real_service_is_refused(server, to):
    problem = server.admin.refused(422, "POST", "/recordings", {"to": to})
    assert problem["errors"][0]["pointer"] == "/to"


def test_a_forgotten_one_is_gone_and_records_no_more(server, real):
    server.admin.post("/recordings", {"to": real.url})
    assert server.admin.call("DELETE", "/recordings/r-1").status == 204
    assert server.ask("GET", "/items/42").status == 404
    server.admin.refused(404, "GET", "/recordings/r-1")
    server.admin.refused(404, "POST", "/recordings/r-1/stop")


def test_each_namespace_has_its_own(server, real):
    server.admin.post("/namespaces", {"name": "a"})
    server.admin.post("/@a/recordings", {"to": real.url})
    assert server.ask("GET", "/items/42").status == 404
    assert server.ask("GET", "/@a/items/42").status == 200
    assert server.admin.get("/@a/recordings")["items"][0]["calls"] == 1
    assert server.admin.get("/recordings")["items"] == []


def test_what_broke_off_is_counted_and_not_recorded(serving, upstream):
    broken = upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    server = serving("routes: []", on_unmatched="record", forward_to=broken.url)
    with pytest.raises(IncompleteRead):
        server.ask("GET", "/x")
    server.closed_call()
    recording = server.admin.get("/recordings/r-1")
    assert recording["left_out"] == {"the real service could not be reached": 1}
    assert "Not recorded: 1 call" in recording["yaml"]


def test_files_lie_beside_the_scenario(serving, upstream):
    picture = upstream(reply(b"\x89PNG\x00", "Content-Type: image/png"))
    server = serving("routes: []", on_unmatched="record", forward_to=picture.url)
    server.ask("GET", "/logo.png")
    recording = server.admin.post("/recordings/r-1/stop")
    assert {path: base64.b64decode(data) for path, data in recording["files"].items()} == {
        "recorded/get-logo.png": b"\x89PNG\x00"
    }


def test_a_redirect_within_the_service_leads_to_the_recorder(serving, upstream):
    real = upstream()
    real._pieces = (
        reply(b"", f"Location: {real.url}/new", f"Link: <{real.url}/2>; rel=next", status="302 Found"),
    )
    server = serving("routes: []", on_unmatched="record", forward_to=real.url)
    answer = server.ask("GET", "/old")
    assert answer.header("location") == f"{server.url}/new"
    assert answer.header("link") == f"<{server.url}/2>; rel=next"
    assert 'location: "{{ request.base_url }}/new"' in server.admin.get("/recordings/r-1")["yaml"]


def test_a_call_that_is_not_over_yet_is_waited_for(serving, upstream):
    go_on = threading.Event()

    def then(connection, _):
        assert go_on.wait(10)
        connection.sendall(b"0\r\n\r\n")

    head = reply(b"", "Content-Type: text/plain; charset=utf-8", "Transfer-Encoding: chunked", length=False)
    real = upstream(head, b"2\r\nhi\r\n", then=then)
    server = serving("routes: []", on_unmatched="record", forward_to=real.url)
    with Wire(server.address) as wire, ThreadPoolExecutor(1) as other:
        wire.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.until(b"hi")
        stopped = other.submit(server.admin.post, "/recordings/r-1/stop")
        until(lambda: server.app.engine.default.recordings.kept["r-1"].waiting, 5)
        go_on.set()
        assert "reply: {text: hi}" in stopped.result()["yaml"]


def test_secrets_are_masked_in_what_comes_out(serving, upstream):
    real = upstream(reply(b'{"access_token": "abcdefghijklmnop"}', "Content-Type: application/json"))
    server = serving("routes: []", on_unmatched="record", forward_to=real.url)
    server.ask(
        "POST", "/login", '{"password": "correct horse"}', headers={"Content-Type": "application/json"}
    )
    text = server.admin.get("/recordings/r-1")["yaml"]
    assert "correct horse" not in text
    assert "abcdefghijklmnop" not in text
    assert "#   POST /login reply.json.access_token" in text


def test_only_codings_that_can_be_taken_off_are_asked_for_while_recording(server, real):
    server.admin.post("/recordings", {"to": real.url})
    server.ask("GET", "/items/42", headers={"Accept-Encoding": "br, gzip;q=0.5, zstd"})
    assert real.sent("accept-encoding") == ["gzip;q=0.5"]
    server.ask("GET", "/items/42", headers={"Accept-Encoding": "br"})
    assert real.sent("accept-encoding") == ["identity"]
