"""The dialect over the same engine: what comes in by one API is seen by the other, and the same people may use both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.http import Answer, ask
from support.receivers import ANYWHERE, Receiver

from mockserver import Server
from mockserver.app import PortInUseError
from mockserver.model.call import Call
from mockserver.model.http import Headers, Request, Response
from mockserver.wiremock.errors import pointer_of
from mockserver.wiremock.views import event_view

ID = "11111111-1111-1111-1111-111111111111"
SHOP = """
routes:
  - {name: data, request: POST /data, reply: [503, 503, {json: {success: true}}]}
  - {name: hello, request: GET /hello, reply: {text: hello}}
"""


class Theirs:
    """A client of the dialect's port."""

    def __init__(self, server: Any, headers: dict[str, str] | None = None) -> None:
        self.url = server.app.wiremock_url
        self._headers = headers or {}

    def call(
        self, method: str, path: str, document: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        body = None if document is None else json.dumps(document)
        return ask(self.url, method, f"/__admin{path}", body, {**self._headers, **(headers or {})})

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    def add(self, request: dict[str, Any], response: dict[str, Any] | None = None, **more: Any) -> Any:
        answer = self.call("POST", "/mappings", {"request": request, "response": response or {}, **more})
        assert answer.status == 201, answer.body
        return answer.json()

    def ask(self, method: str, target: str, body: str | None = None) -> Answer:
        return ask(self.url, method, target, body)


@pytest.fixture
def shop(serving):
    return serving(SHOP, wiremock_port=0)


# One engine


def test_a_stub_answers_on_every_port_and_is_a_route_of_the_admin_api(shop):
    Theirs(shop).add({"method": "GET", "urlPath": "/a"}, {"body": "x"}, id=ID)
    assert shop.ask("GET", "/a").text == "x"
    route = shop.admin.get(f"/routes/runtime%2F{ID}")
    assert route["reply"] == {"text": "x"}
    assert shop.admin.get("/counts")["routes"][f"runtime/{ID}"]["calls"] == 1


def test_calls_of_every_port_are_in_the_journal(shop):
    shop.ask("GET", "/hello")
    theirs = Theirs(shop)
    theirs.ask("GET", "/hello")
    assert [one["request"]["port"] for one in theirs.get("/requests")["requests"]] == [
        int(theirs.url.rpartition(":")[2]),
        shop.address[1],
    ]


def test_routes_of_files_are_shown_as_stubs_a_sequence_as_a_chain(shop):
    found = Theirs(shop).get("/mappings")["mappings"]
    assert [(one["request"]["urlPath"], one["response"]["status"]) for one in found] == [
        ("/data", 503),
        ("/data", 503),
        ("/data", 200),
        ("/hello", 200),
    ]
    assert [one.get("newScenarioState") for one in found] == ["step 2", "step 3", None, None]


def test_an_answer_of_a_file_names_the_stub_that_it_is_shown_as(shop):
    theirs = Theirs(shop)
    ids = [one["id"] for one in theirs.get("/mappings")["mappings"]]
    assert [theirs.ask("POST", "/data").header("matched-stub-id") for _ in range(3)] == ids[:3]
    assert [one["stubMapping"]["id"] for one in theirs.get("/requests")["requests"]] == ids[2::-1]


def test_deleting_all_takes_files_away_and_a_reset_brings_them_back(shop):
    theirs = Theirs(shop)
    theirs.call("DELETE", "/mappings")
    assert theirs.ask("GET", "/hello").status == 404
    theirs.call("POST", "/reset")
    assert theirs.ask("GET", "/hello").text == "hello"


def test_a_stub_of_a_file_can_be_removed_and_changed(shop):
    theirs = Theirs(shop)
    hello = theirs.get("/mappings")["mappings"][3]["id"]
    changed = theirs.call(
        "PUT", f"/mappings/{hello}", {"request": {"urlPath": "/hello"}, "response": {"body": "new"}}
    )
    assert changed.json()["id"] == hello
    assert theirs.ask("GET", "/hello").text == "new"
    assert theirs.call("DELETE", f"/mappings/{hello}").status == 200
    assert theirs.ask("GET", "/hello").status == 404


def test_a_stub_that_was_changed_at_the_admin_api_is_shown_as_it_is_now(shop):
    theirs = Theirs(shop)
    theirs.add({"method": "GET", "urlPath": "/a"}, {"body": "x"}, id=ID)
    shop.admin.call("PATCH", f"/routes/runtime%2F{ID}", {"reply": 418})
    [first, *_] = theirs.get("/mappings")["mappings"]
    assert first["response"] == {"status": 418}
    assert first["id"] == ID
    assert theirs.call("DELETE", f"/mappings/{ID}").status == 200


def test_a_reset_of_the_admin_api_takes_stubs_along(shop):
    theirs = Theirs(shop)
    theirs.add({"urlPath": "/a"}, id=ID)
    shop.admin.post("/reset", {})
    assert theirs.call("GET", f"/mappings/{ID}").status == 404


def test_removing_single_requests_leaves_records_and_counts_whole(shop):
    theirs = Theirs(shop)
    theirs.ask("GET", "/hello")
    [event] = theirs.get("/requests")["requests"]
    assert theirs.call("DELETE", f"/requests/{event['id']}").status == 200
    assert theirs.get("/requests")["meta"]["total"] == 0
    assert theirs.call("GET", f"/requests/{event['id']}").status == 404
    assert shop.admin.get("/counts")["total"] == 1
    assert len(shop.calls()) == 1


def test_what_answered_stays_in_the_journal_when_its_stub_is_gone(shop):
    theirs = Theirs(shop)
    theirs.add({"urlPath": "/a"}, id=ID)
    theirs.ask("GET", "/a")
    theirs.call("DELETE", f"/mappings/{ID}")
    [event] = theirs.get("/requests")["requests"]
    assert event["stubMapping"]["id"] == ID


def test_a_mock_port_keeps_its_own_manners(shop):
    assert shop.ask("PUT", "/hello").status == 405
    assert Theirs(shop).ask("PUT", "/hello").status == 404


def test_stubs_outlive_a_restart_with_a_state_file(serving, tmp_path):
    kept = {"wiremock_port": 0, "state_file": str(tmp_path / "state.json")}
    first = serving("routes: []", **kept)
    Theirs(first).add({"method": "GET", "urlPath": "/a"}, {"status": 418}, id=ID)
    first.stop()
    second = serving("routes: []", **kept)
    assert Theirs(second).ask("GET", "/a").status == 418
    [shown] = Theirs(second).get("/mappings")["mappings"]
    assert (shown["id"], shown["request"]["urlPath"], shown["response"]["status"]) == (ID, "/a", 418)


async def test_a_stub_sends_its_webhook():
    async with Receiver().open() as receiver:
        server = Server(wiremock_port=0, allow_egress=ANYWHERE)
        async with server as mock:
            import aiohttp

            stub = {
                "request": {"urlPath": "/a"},
                "response": {},
                "serveEventListeners": [
                    {
                        "name": "webhook",
                        "parameters": {
                            "url": receiver.url,
                            "body": "{{jsonPath originalRequest.body '$.n'}}",
                        },
                    }
                ],
            }
            async with aiohttp.ClientSession() as session:
                await session.post(f"{server.wiremock_url}/__admin/mappings", json=stub)
                await session.post(f"{server.wiremock_url}/a", json={"n": 5})
            assert mock is not None
            await receiver.until_got(1)
    assert [one.body for one in receiver.got] == [b"5"]


# What can't be done


@pytest.mark.parametrize(
    ("mapping", "pointer"),
    [
        ({"request": {"customMatcher": {"name": "mine"}}}, "/request/customMatcher"),
        ({"request": {"bodyPatterns": [{}, {"equalToJson": "{"}]}}, "/request/bodyPatterns/1/equalToJson"),
        ({"request": {}, "response": {"fault": "FLOOD"}}, "/response/fault"),
        ({"request": {}, "response": {"bodyFileName": "x"}}, "/response/bodyFileName"),
        ({"request": {}, "response": {"transformers": ["mine"]}}, "/response/transformers"),
    ],
)
def test_what_can_not_be_done_is_refused_with_its_place_and_changes_nothing(shop, mapping, pointer):
    theirs = Theirs(shop)
    before = theirs.get("/mappings")
    refused = theirs.call("POST", "/mappings", {"response": {}, **mapping})
    assert refused.status == 422
    [error] = refused.json()["errors"]
    assert error["source"]["pointer"] == pointer
    assert theirs.get("/mappings") == before


def test_a_query_that_is_none_is_refused_when_the_stub_comes(shop):
    pattern = {"bodyPatterns": [{"matchesJsonPath": "$.["}]}
    refused = Theirs(shop).call("POST", "/mappings", {"request": pattern, "response": {}})
    assert refused.status == 422
    assert "$.[" in refused.json()["errors"][0]["detail"]


def test_a_reason_phrase_and_metadata_keep_no_stub_out(shop):
    made = Theirs(shop).add({"urlPath": "/a"}, {"status": 200, "statusMessage": "Fine"}, metadata={"a": 1})
    assert made["metadata"] == {"a": 1}
    assert made["response"]["statusMessage"] == "Fine"


def test_recording_is_refused_honestly(shop):
    assert Theirs(shop).call("POST", "/recordings/start", {}).status == 501


def test_stubs_are_bounded_as_routes_are(serving):
    theirs = Theirs(serving("routes: []", wiremock_port=0, max_routes=1))
    theirs.add({"urlPath": "/a"})
    assert theirs.call("POST", "/mappings", {"request": {}, "response": {}}).status == 429


def test_no_stub_takes_the_place_of_the_admin_api(shop):
    theirs = Theirs(shop)
    assert (
        theirs.call("POST", "/mappings", {"request": {"urlPath": "/__admin/x"}, "response": {}}).status == 422
    )


# Who may


def test_the_token_is_asked_by_every_call_but_health(serving):
    server = serving("routes: []", wiremock_port=0, admin_token="s3cret")
    assert Theirs(server).call("GET", "/mappings").status == 401
    assert Theirs(server).call("GET", "/health").status == 200
    assert Theirs(server, {"Authorization": "Bearer s3cret"}).call("GET", "/mappings").status == 200


def test_pages_of_another_origin_and_rebound_names_are_refused(shop):
    theirs = Theirs(shop)
    assert theirs.call("GET", "/mappings", headers={"Origin": "http://evil.example"}).status == 403
    assert theirs.call("GET", "/mappings", headers={"Host": "evil.example"}).status == 403


def test_no_answer_is_a_script_or_a_frame_of_another_page(shop):
    answer = Theirs(shop).call("GET", "/mappings")
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") == "DENY"


def test_secrets_are_masked_for_who_may_not_see_them():
    lines = [("Host", "localhost"), ("Authorization", "Bearer abcdef1234567890")]
    body = b'{"password": "hunter2"}'
    call = Call(1, "default", Request("POST", "/a?api_key=abcdefghijkl", Headers(lines), body))
    call.response = Response(200, [("Set-Cookie", "sid=abcdefghijklmnop")], b"")
    call.route_id = "s/a"
    hidden = json.dumps(event_view(call, None, reveal=False))
    shown = json.dumps(event_view(call, None, reveal=True))
    for secret in ("abcdef1234567890", "abcdefghijkl", "hunter2", "sid=abcdefghijklmnop"):
        assert secret in shown
        assert secret not in hidden


# Around it


def test_where_it_is_spoken_is_announced_and_told_in_python(shop):
    assert f" · WireMock {shop.app.wiremock_url}" in shop.app.describe()
    with pytest.raises(RuntimeError, match="wiremock_port=0"):
        _ = Server().wiremock_url


def test_a_port_that_is_taken_names_its_flag(shop):
    taken = int(shop.app.wiremock_url.rpartition(":")[2])
    server = Server(wiremock_port=taken)
    with pytest.raises(PortInUseError, match="--wiremock-port"):
        server.start()


def test_a_place_becomes_a_pointer():
    assert pointer_of("response.headers.X-A") == "/response/headers/X-A"
