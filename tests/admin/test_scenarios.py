"""`/scenarios`: what answers is changed at runtime, and files are never written."""

import base64

import pytest
from support.admin import pointers

PAY = """
scenario: pay
description: A card processor.
base: /v1
routes:
  - {name: charge, request: POST /charges, reply: [503, 201]}
"""
MAIL = "routes: [{request: POST /mails, reply: 202}]\n"


@pytest.fixture
def server(serving):
    return serving({"pay.yaml": PAY, "mail.yaml": MAIL})


def test_all_are_listed_in_the_order_of_their_files(server):
    listed = server.admin.get("/scenarios")

    assert listed["next"] is None
    assert [one["name"] for one in listed["items"]] == ["mail", "pay"]
    pay = listed["items"][1]
    assert pay["file"].endswith("pay.yaml")
    assert {key: pay[key] for key in ("active", "description", "origin", "base", "routes")} == {
        "active": True,
        "description": "A card processor.",
        "origin": "file",
        "base": "/v1",
        "routes": ["pay/charge"],
    }


def test_one_is_shown_as_it_was_given(server):
    assert server.admin.get("/scenarios/pay") == {
        "scenario": "pay",
        "description": "A card processor.",
        "base": "/v1",
        "routes": [{"name": "charge", "request": "POST /charges", "reply": [503, 201]}],
    }


def test_what_is_shown_can_be_put_back(server):
    given = server.admin.get("/scenarios/pay")

    assert server.admin.call("PUT", "/scenarios/pay", given).status == 200
    assert server.admin.get("/scenarios/pay") == given


@pytest.mark.parametrize(("method", "body"), [("GET", ...), ("DELETE", ...), ("PATCH", {"active": True})])
def test_an_unknown_one_is_404_with_the_near_name(server, method, body):
    problem = server.admin.refused(404, method, "/scenarios/pya", body)

    assert "'pay'" in problem["detail"]


# Adding


@pytest.mark.parametrize(
    "sent",
    [
        {"yaml": "scenario: new\nroutes: [{request: GET /new, reply: {text: hi}}]"},
        {"document": {"scenario": "new", "routes": [{"request": "GET /new", "reply": {"text": "hi"}}]}},
        {"document": {"yaml": "scenario: new\nroutes: [{request: GET /new, reply: {text: hi}}]"}},
    ],
)
def test_a_scenario_can_be_added_as_yaml_as_json_or_as_a_bundle(server, sent):
    added = server.admin.post("/scenarios", **sent)

    assert (added["name"], added["origin"], added["file"]) == ("new", "admin", None)
    assert added["routes"] == ["new/GET /new"]
    assert server.ask("GET", "/new").text == "hi"


@pytest.mark.parametrize("kind", ["application/yaml", "application/x-yaml", "text/yaml; charset=utf-8"])
def test_yaml_has_several_content_types(server, kind):
    sent = "scenario: new\nroutes: []"

    assert server.admin.call("POST", "/scenarios", body=sent, headers={"Content-Type": kind}).status == 201


def test_adding_one_that_is_there_is_a_conflict(server):
    problem = server.admin.refused(409, "POST", "/scenarios", {"scenario": "pay", "routes": []})

    assert "PUT" in problem["detail"]
    assert server.ask("POST", "/v1/charges").status == 503


def test_one_without_a_name_can_only_be_put(server):
    assert pointers(server.admin.refused(422, "POST", "/scenarios", {"routes": []})) == ["/scenario"]

    assert server.admin.call("PUT", "/scenarios/new", {"routes": []}).status == 201


def test_an_added_one_is_asked_before_the_files_and_the_newest_first(server):
    for text in ("first", "second"):
        server.admin.post(
            "/scenarios",
            yaml=f"scenario: {text}\nroutes: [{{request: POST /mails, reply: {{text: {text}}}}}]",
        )

    assert server.ask("POST", "/mails").text == "second"
    assert [one["name"] for one in server.admin.get("/scenarios")["items"]] == [
        "second",
        "first",
        "mail",
        "pay",
    ]


# A bundle


def bundle(reply, **files):
    return {
        "yaml": f"routes: [{{request: GET /file, reply: {reply}}}]",
        "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
    }


def test_a_bundle_brings_the_files_that_its_replies_name(server):
    sent = bundle("{file: bodies/a.bin}", **{"bodies/a.bin": b"\x00\xff"})

    assert server.admin.call("PUT", "/scenarios/files", sent).status == 201
    assert server.ask("GET", "/file").body == b"\x00\xff"


@pytest.mark.parametrize("name", ["missing.bin", "../pay.yaml", "/etc/hostname"])
def test_a_bundle_reads_nothing_from_the_disk(server, name):
    problem = server.admin.refused(422, "PUT", "/scenarios/files", bundle(f"{{file: {name}}}", a=b""))

    assert pointers(problem) == ["/routes/0/reply/file"]
    assert server.ask("GET", "/file").status == 404


def test_a_file_that_is_no_base64_is_pointed_at(server):
    sent = {"yaml": "routes: []", "files": {"a.bin": "!"}}

    assert pointers(server.admin.refused(422, "PUT", "/scenarios/files", sent)) == ["/files/a.bin"]


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"yaml": 5}, "/yaml"),
        ({"yaml": "routes: []", "files": []}, "/files"),
        ({"yaml": "routes: []", "files": {"a": 1}}, "/files/a"),
        ({"yaml": "routes: []", "file": {}}, "/file"),
    ],
)
def test_a_wrong_bundle_is_pointed_at(server, sent, pointer):
    assert pointers(server.admin.refused(422, "PUT", "/scenarios/files", sent)) == [pointer]


# Replacing


def test_a_file_scenario_is_replaced_here_and_its_file_stays(server):
    before = (server.folder / "pay.yaml").read_bytes()

    replaced = server.admin.call(
        "PUT", "/scenarios/pay", {"routes": [{"request": "GET /other", "reply": 200}]}
    )

    assert (replaced.status, replaced.json()["origin"]) == (200, "admin")
    assert server.ask("POST", "/v1/charges").status == 404
    assert server.ask("GET", "/other").status == 200
    assert (server.folder / "pay.yaml").read_bytes() == before
    assert [one["name"] for one in server.admin.get("/scenarios")["items"]] == ["mail", "pay"]


def test_replacing_keeps_the_positions_of_routes_that_stay_the_same(server):
    server.ask("POST", "/v1/charges")
    given = server.admin.get("/scenarios/pay")

    server.admin.call(
        "PUT",
        "/scenarios/pay",
        {**given, "routes": [*given["routes"], {"request": "GET /more", "reply": 200}]},
    )

    assert server.ask("POST", "/v1/charges").status == 201


def test_the_name_in_the_url_and_the_one_inside_must_agree(server):
    problem = server.admin.refused(422, "PUT", "/scenarios/pay", {"scenario": "other", "routes": []})

    assert pointers(problem) == ["/scenario"]


def test_a_broken_replacement_changes_nothing_and_says_why(server):
    broken = "routes:\n  - request: POST /charges\n    reply: {stauts: 201}\n  - reply: 200\n"

    problem = server.admin.refused(422, "PUT", "/scenarios/pay", yaml=broken)

    assert pointers(problem) == ["/routes/0/reply/stauts", "/routes/1"]
    assert "pay:3:13: routes[0].reply.stauts: unknown key. Did you mean 'status'?" in problem["detail"]
    assert server.ask("POST", "/v1/charges").status == 503


@pytest.mark.parametrize("name", ["runtime", "a%2Fb", "%20", "a%00b", "%0A", "a%3Fb"])
def test_a_name_that_no_scenario_can_have_is_refused(server, name):
    server.admin.refused(422, "PUT", f"/scenarios/{name}", {"routes": []})

    assert len(server.admin.get("/scenarios")["items"]) == 2


# Removing and switching


def test_a_removed_file_scenario_is_gone_here_and_comes_back_by_reset(server):
    assert server.admin.call("DELETE", "/scenarios/pay").status == 204
    assert server.ask("POST", "/v1/charges").status == 404
    assert [one["name"] for one in server.admin.get("/scenarios")["items"]] == ["mail"]
    assert (server.folder / "pay.yaml").exists()

    server.admin.post("/reset", {"what": ["routes"]})

    assert server.ask("POST", "/v1/charges").status == 503


def test_a_removed_scenario_can_be_put_again(server):
    server.admin.call("DELETE", "/scenarios/pay")

    assert server.admin.call("PUT", "/scenarios/pay", yaml=PAY).status == 201
    assert server.ask("POST", "/v1/charges").status == 503


def test_a_scenario_is_switched_off_and_on(server):
    off = server.admin.call("PATCH", "/scenarios/pay", {"active": False}).json()

    assert off["active"] is False
    assert server.ask("POST", "/v1/charges").status == 404
    assert server.admin.get("/scenarios")["items"][1]["active"] is False

    server.admin.call("PATCH", "/scenarios/pay", {"active": True})

    assert server.ask("POST", "/v1/charges").status == 503


def test_one_that_is_loaded_inactive_answers_once_it_is_switched_on(serving):
    server = serving("active: false\nroutes: [{request: GET /x, reply: 200}]")
    assert server.ask("GET", "/x").status == 404

    server.admin.call("PATCH", "/scenarios/shop", {"active": True})

    assert server.ask("GET", "/x").status == 200


def test_use_makes_exactly_these_answer(server):
    used = server.admin.post("/scenarios/use", {"names": ["mail"]})

    assert {one["name"]: one["active"] for one in used["items"]} == {"mail": True, "pay": False}
    assert server.ask("POST", "/v1/charges").status == 404
    assert server.ask("POST", "/mails").status == 202

    server.admin.post("/scenarios/use", {"names": ["pay"]})

    assert server.ask("POST", "/v1/charges").status == 503
    assert server.ask("POST", "/mails").status == 404


def test_use_leaves_routes_made_at_runtime_alone(server):
    server.admin.post("/routes", {"request": "GET /x", "reply": 200})

    server.admin.post("/scenarios/use", {"names": []})

    assert server.ask("GET", "/x").status == 200
    assert server.ask("POST", "/mails").status == 404


def test_use_of_an_unknown_name_changes_nothing(server):
    problem = server.admin.refused(422, "POST", "/scenarios/use", {"names": ["mail", "pya"]})

    assert pointers(problem) == ["/names/1"]
    assert server.ask("POST", "/v1/charges").status == 503
