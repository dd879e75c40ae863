"""`/routes`: routes are added, changed and removed at runtime, those of files too."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.admin import pointers, segment

from mockserver.compiler import editing

PAY = """
base: /v1
routes:
  - {name: charge, request: POST /charges, reply: [503, {status: 201, json: {a: 1}}], tags: [money]}
  - {request: GET /charges, reply: 200}
  - {request: GET /charges, match: {query: {page: 2}}, reply: 206, tags: [paging]}
"""


@pytest.fixture
def server(serving):
    return serving({"pay.yaml": PAY})


@pytest.fixture
def add(server):
    def added(request="GET /x", reply=200, **more):
        return server.admin.post("/routes", {"request": request, "reply": reply, **more})

    return added


def ids(server, query=""):
    return [one["id"] for one in server.admin.get(f"/routes{query}")["items"]]


def test_routes_are_listed_with_their_ids_and_default_names(server):
    assert ids(server) == ["pay/charge", "pay/GET /v1/charges", "pay/GET /v1/charges #2"]


def test_a_route_is_shown_as_written_with_what_is_known_of_it(server):
    server.ask("POST", "/v1/charges")

    assert server.admin.get(f"/routes/{segment('pay/charge')}") == {
        "name": "charge",
        "request": "POST /charges",
        "reply": [503, {"status": 201, "json": {"a": 1}}],
        "tags": ["money"],
        "id": "pay/charge",
        "scenario": "pay",
        "calls": 1,
        "step": 2,
        "steps": 2,
        "exhausted": False,
    }


def test_a_route_whose_sequence_has_stopped_is_exhausted(serving):
    server = serving("routes: [{name: once, request: GET /x, reply: 200, then: stop}]")
    server.ask("GET", "/x")

    route = server.admin.get("/routes/once")
    assert (route["exhausted"], route["step"], route["steps"]) == (True, 1, 1)
    assert server.ask("GET", "/x").status == 404


def test_routes_are_listed_by_tag(server, add):
    add(tags=["money", "x"])

    assert ids(server, "?tag=money") == ["runtime/GET /x", "pay/charge"]
    assert ids(server, "?tag=none") == []


@pytest.mark.parametrize(
    "name", ["pay/charge", "charge", "pay/GET /v1/charges #2", "GET /v1/charges #2", "GET /v1/charges"]
)
def test_an_id_or_an_unambiguous_name_stands_percent_encoded_in_the_url(server, name):
    assert server.admin.get(f"/routes/{segment(name)}")["id"] in (name, f"pay/{name}")


def test_an_unknown_route_is_404_that_lists_what_there_is(server):
    problem = server.admin.refused(404, "GET", "/routes/chrage")

    assert "Did you mean 'charge'?" in problem["detail"]
    assert "pay/GET /v1/charges #2" in problem["detail"]


def test_an_ambiguous_name_is_refused_with_the_ids(serving):
    route = "routes: [{name: same, request: GET /%s, reply: 200}]"
    server = serving({"a.yaml": route % "a", "b.yaml": route % "b"})

    for method in ("GET", "DELETE"):
        problem = server.admin.refused(409, method, "/routes/same")
        assert "a/same" in problem["detail"]
        assert "b/same" in problem["detail"]
    assert ids(server) == ["a/same", "b/same"]


# Adding


def test_an_added_route_belongs_to_the_scenario_runtime(server, add):
    added = add()

    assert (added["id"], added["scenario"], added["name"]) == ("runtime/GET /x", "runtime", "GET /x")
    assert server.ask("GET", "/x").status == 200


def test_a_route_is_taken_as_yaml_too(server):
    added = server.admin.post("/routes", yaml="name: y\nrequest: GET /y\nreply: [503, {text: 'yes'}]")

    assert (added["id"], added["steps"]) == ("runtime/y", 2)
    assert [server.ask("GET", "/y").status for _ in range(2)] == [503, 200]


def test_a_decimal_of_a_route_in_json_is_sent_as_written(server):
    lines = [("Content-Type", "application/json")]
    added = server.ask(
        "POST",
        "/__admin/routes",
        '{"name": "p", "request": "GET /p", "reply": {"json": [1.10]}}',
        headers=lines,
    )
    assert added.status == 201
    assert server.ask("GET", "/p").text == "[1.10]"
    server.ask("PATCH", "/__admin/routes/p", '{"reply": {"json": {"a": 0.00}}}', headers=lines)
    assert server.ask("GET", "/p").text == '{"a":0.00}'


def test_default_names_that_repeat_get_numbers(server, add):
    assert [add()["name"] for _ in range(3)] == ["GET /x", "GET /x #2", "GET /x #3"]


def test_a_written_name_stands_only_once(server, add):
    add(name="mine", reply=201)

    problem = server.admin.refused(
        409, "POST", "/routes", {"name": "mine", "request": "GET /x", "reply": 202}
    )

    assert "runtime/mine" in problem["title"]
    assert server.ask("GET", "/x").status == 201


def test_the_newest_route_is_asked_first_and_before_files(server, add):
    for text in ("first", "second"):
        add("POST /v1/charges", {"text": text})

    assert server.ask("POST", "/v1/charges").text == "second"
    assert ids(server)[:2] == ["runtime/POST /v1/charges #2", "runtime/POST /v1/charges"]


def test_a_higher_priority_is_asked_before_a_newer_route(server, add):
    add("GET /p", {"text": "important"}, priority=1)
    add("GET /p", {"text": "newer"})

    assert server.ask("GET", "/p").text == "important"


def test_a_route_that_stops_lets_the_next_one_answer(server, add):
    add("POST /v1/charges", 418, then="stop")

    assert [server.ask("POST", "/v1/charges").status for _ in range(3)] == [418, 503, 201]


# Changing


@pytest.mark.parametrize("name", ["runtime/GET /x", "pay/GET /v1/charges"])
def test_a_replaced_route_keeps_its_id_and_its_place(server, add, name):
    add()
    before = ids(server)

    changed = server.admin.call("PUT", f"/routes/{segment(name)}", {"request": "GET /moved", "reply": 203})

    assert (changed.status, changed.json()["id"]) == (200, name)
    assert ids(server) == before


def test_a_changed_reply_starts_its_sequence_again_and_others_go_on(server, add):
    add(reply=[500, 501, 502])
    add("GET /y", [500, 501])
    for path in ("/x", "/y", "/v1/charges"):
        server.ask("POST" if path.startswith("/v1") else "GET", path)

    server.admin.call("PATCH", f"/routes/{segment('GET /x')}", {"reply": [400, 401]})

    assert server.ask("GET", "/x").status == 400
    assert server.ask("GET", "/y").status == 501
    assert server.ask("POST", "/v1/charges").status == 201


def test_a_change_beside_the_reply_keeps_the_position(server):
    server.ask("POST", "/v1/charges")

    changed = server.admin.call("PATCH", "/routes/charge", {"tags": ["new"], "priority": 3}).json()

    assert (changed["tags"], changed["priority"], changed["step"]) == (["new"], 3, 2)
    assert server.ask("POST", "/v1/charges").status == 201


def test_a_patch_with_null_takes_a_key_away(server):
    changed = server.admin.call("PATCH", "/routes/charge", {"tags": None}).json()

    assert "tags" not in changed
    assert ids(server, "?tag=money") == []


def test_a_route_of_a_file_changes_here_and_its_file_stays(server):
    before = (server.folder / "pay.yaml").read_bytes()

    server.admin.call("PUT", "/routes/charge", {"request": "POST /charges", "reply": 418})

    assert server.ask("POST", "/v1/charges").status == 418
    assert (server.folder / "pay.yaml").read_bytes() == before
    server.admin.post("/reset", {"what": ["routes"]})
    assert server.ask("POST", "/v1/charges").status == 503


def test_a_route_of_a_file_is_removed_here_and_the_names_of_the_others_stay(server):
    assert server.admin.call("DELETE", f"/routes/{segment('GET /v1/charges')}").status == 204

    assert ids(server) == ["pay/charge", "pay/GET /v1/charges #2"]
    assert server.ask("GET", "/v1/charges").status == 404
    assert server.ask("GET", "/v1/charges?page=2").status == 206


def test_a_route_made_at_runtime_is_removed(server, add):
    add()

    assert server.admin.call("DELETE", f"/routes/{segment('runtime/GET /x')}").status == 204
    assert server.ask("GET", "/x").status == 404


@pytest.mark.parametrize(("query", "left"), [("", []), ("?tag=money", ["runtime/GET /y"])])
def test_routes_made_at_runtime_are_removed_together_or_by_tag(server, add, query, left):
    add(tags=["money"])
    add("GET /y")

    assert server.admin.call("DELETE", f"/routes{query}").status == 204

    assert [one for one in ids(server) if one.startswith("runtime/")] == left
    assert "pay/charge" in ids(server)


def test_a_route_keeps_its_name(server):
    body = {"name": "other", "request": "POST /charges", "reply": 200}

    assert pointers(server.admin.refused(422, "PUT", "/routes/charge", body)) == ["/name"]
    assert pointers(server.admin.refused(422, "PATCH", "/routes/charge", {"name": "other"})) == ["/name"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/routes"), ("PUT", "/routes/charge"), ("PUT", "/routes/runtime%2Fx")]
)
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"request": "GET /x", "reply": 99}, "/reply"),
        ({"request": "GET /x", "reply": [200, {"stauts": 1}]}, "/reply/1/stauts"),
        ({"request": "GET x", "reply": 200}, "/request"),
        ({"request": "GET /{a}/{a}", "reply": 200}, "/request"),
        ({"reply": 200}, ""),
        ({"request": "GET /x", "reply": {"json": {"a": "{{ nope( }}"}}}, "/reply/json/a"),
        ({"request": "GET /x", "reply": 200, "match": {"headers": {"a": {"matches": "("}}}}, "/match/headers/a/matches"),
        ({"request": "GET /x", "reply": {"file": "missing.json"}}, "/reply/file"),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_a_wrong_route_is_pointed_at_and_changes_nothing(server, add, method, path, body, pointer):
    add("GET /kept", name="x")
    before = server.admin.get("/routes")

    problem = server.admin.refused(422, method, path, body)

    assert pointers(problem) == [pointer]
    assert server.admin.get("/routes") == before


SHOP = """
oauth: {clients: {app: s3cret}}
resources: [{path: /items, seed: [{id: "1"}]}]
routes: [{name: ping, request: GET /ping, reply: [500, 200]}, {request: GET /x, reply: 200}]
"""


def test_a_route_beside_resources_and_oauth_is_changed_alone(serving):
    server = serving(SHOP)
    before = ids(server)

    assert server.admin.call("PATCH", "/routes/ping", {"reply": 418}).status == 200

    assert ids(server) == before
    assert server.ask("GET", "/ping").status == 418
    assert server.ask("GET", "/items/1").json() == {"id": "1"}


@pytest.mark.parametrize("name", ["GET /items", "POST /oauth/token"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_route_that_a_resource_or_oauth_stands_for_is_no_route_to_change(serving, name, method):
    server = serving(SHOP)
    before = server.admin.get("/routes")
    body = ... if method == "DELETE" else {"request": "GET /items", "reply": 418}

    problem = server.admin.refused(422, method, f"/routes/{segment(name)}", body)

    assert "PUT /scenarios/shop" in problem["detail"]
    assert server.admin.get("/routes") == before


@pytest.mark.parametrize("path", ["/__admin", "/__admin/calls", "/__admin/{any:.+}"])
def test_no_route_can_stand_where_the_admin_api_is(server, path):
    problem = server.admin.refused(422, "POST", "/routes", {"request": f"GET {path}", "reply": 200})

    assert pointers(problem) == ["/request"]


@pytest.mark.parametrize("body", [[], "x", 5, None])
def test_a_patch_is_an_object(server, body):
    server.admin.refused(422, "PATCH", "/routes/charge", body)


# Explained for a client that would show a certificate

GUARDED = """
routes:
  - {name: account, request: GET /account, match: {client_cert: {subject: {contains: CN=app}, serial: "0a:1b"}}, reply: 200}
  - {name: none, request: GET /account, match: {client_cert: absent}, reply: 401}
"""


def test_explain_takes_a_clients_certificate_as_a_call_shows_it(serving):
    server = serving(GUARDED)
    cert = {"subject": "CN=app,O=Shop", "issuer": "CN=CA", "san": ["app.internal"], "serial": "0A1B", "fingerprint_sha256": "ab" * 32}  # fmt: skip

    def explained(**more):
        return server.admin.post("/explain", {"request": "GET /account", **more})

    assert explained(client_cert=cert)["route"] == "shop/account"
    assert explained(client_cert={"subject": "CN=app", "serial": "0a:1b"})["route"] == "shop/account"
    assert explained()["route"] == "shop/none"
    other = explained(client_cert={**cert, "subject": "CN=web"})
    assert other["route"] is None
    (said,) = other["candidates"][0]["differences"]
    assert said["text"] == "client_cert.subject: expected to contain 'CN=app', got 'CN=web'"
    assert server.admin.get("/counts")["total"] == 0


def test_a_certificate_that_is_none_is_refused_in_its_place(serving):
    problem = serving(GUARDED).admin.refused(422, "POST", "/explain", {"request": "GET /account", "client_cert": {"subjekt": "CN=app"}})  # fmt: skip

    (error,) = problem["errors"]
    assert error["pointer"] == "/client_cert/subjekt"
    assert "subject" in error["hint"]


@pytest.mark.in_memory
def test_changes_of_one_route_at_the_same_time_are_both_made(server, add, monkeypatch):
    add(name="x")
    compiling, replacement, first = threading.Barrier(2), editing.replacement, []

    def compiled_together(*arguments):
        first.append(None)
        if len(first) <= 2:  # later ones are those that found the route changed
            compiling.wait(10)
        return replacement(*arguments)

    monkeypatch.setattr(editing, "replacement", compiled_together)
    patches = [{"reply": 418}, {"tags": ["a"]}]
    path = f"/routes/{segment('runtime/x')}"

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda patch: server.admin.call("PATCH", path, patch), patches))

    assert [one.status for one in answers] == [200, 200]
    found = server.admin.get(path)
    assert (found["reply"], found["tags"]) == (418, ["a"])


@pytest.mark.in_memory
def test_a_route_that_is_removed_while_it_is_replaced_stays_removed(server, add, monkeypatch):
    add(name="x")
    replacement = editing.replacement
    path = f"/routes/{segment('runtime/x')}"

    def removed_meanwhile(route, data):
        put = replacement(route, data)
        if data is not None:
            assert server.admin.call("DELETE", path).status == 204
        return put

    monkeypatch.setattr(editing, "replacement", removed_meanwhile)

    server.admin.refused(404, "PUT", path, {"request": "GET /x", "reply": 418})

    assert "runtime/x" not in ids(server)


def test_runtime_routes_are_exported_as_a_scenario_file_that_answers_as_they_do(serving):
    server = serving("routes: [{request: GET /file, reply: 200}]")
    for route in (
        {"request": "GET /a", "reply": {"json": {"n": 1}}},
        {"request": "GET /a", "match": {"query": {"x": "1"}}, "reply": [503, 201], "tags": ["t"]},
        {"name": "low", "request": "GET /a", "priority": -1, "reply": 204},
    ):
        server.admin.post("/routes", route)

    answer = server.admin.call("GET", "/routes.yaml")

    assert dict(answer.headers)["Content-Type"] == "application/yaml"
    other = serving({"made.yaml": answer.body})
    names = {one["name"] for one in server.admin.get("/routes")["items"] if one["scenario"] == "runtime"}
    assert names == {one["name"] for one in other.admin.get("/routes")["items"] if one["scenario"] == "made"}
    for path, status in (("/a?x=1", 503), ("/a?x=1", 201), ("/a", 200)):
        assert server.ask("GET", path).status == other.ask("GET", path).status == status


def test_without_runtime_routes_the_exported_file_has_none(serving):
    answer = serving("routes: [{request: GET /file, reply: 200}]").admin.call("GET", "/routes.yaml")
    assert answer.body == b"routes: []\n"
