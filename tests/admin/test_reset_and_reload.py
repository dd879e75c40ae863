"""`/reset` puts back what was asked for and nothing else; `/reload` takes all files or none."""

import pytest
from support.admin import pointers, segment
from support.events import following
from support.wire import Wire

PAY = """
routes:
  - {name: charge, request: POST /charges, reply: [{text: "{{ uuid() }}"}, {text: "{{ uuid() }}"}, 201]}
  - {name: slow, request: POST /slow, reply: {delay: 60s}}
"""


@pytest.fixture
def server(serving):
    return serving({"pay.yaml": PAY})


def state_of(server):
    """What each part of reset would put back, seen from outside."""
    return {
        "calls": server.admin.get("/counts")["total"],
        "step": server.admin.get("/routes/charge")["step"],
        "routes": len(server.admin.get("/routes")["items"]),
    }


@pytest.fixture
def used(server):
    server.ask("POST", "/charges")
    server.admin.post("/routes", {"request": "GET /x", "reply": 200})
    assert state_of(server) == {"calls": 1, "step": 2, "routes": 3}
    return server


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"what": ["calls"]}, {"calls": 0, "step": 2, "routes": 3}),
        ({"what": ["positions"]}, {"calls": 1, "step": 1, "routes": 3}),
        ({"what": ["routes"]}, {"calls": 1, "step": 2, "routes": 2}),
        ({"what": ["calls", "positions"]}, {"calls": 0, "step": 1, "routes": 3}),
        ({"what": ["clock"]}, {"calls": 1, "step": 2, "routes": 3}),
        ({"what": ["memory"]}, {"calls": 1, "step": 2, "routes": 3}),
        ({"what": ["seed"]}, {"calls": 1, "step": 2, "routes": 3}),
        ({"what": []}, {"calls": 1, "step": 2, "routes": 3}),
        ({"what": None}, {"calls": 0, "step": 1, "routes": 2}),
        ({}, {"calls": 0, "step": 1, "routes": 2}),
        (..., {"calls": 0, "step": 1, "routes": 2}),
    ],
)
def test_reset_puts_back_what_was_asked_for(used, body, after):
    assert used.admin.call("POST", "/reset", body).status == 204

    assert state_of(used) == after


def test_reset_of_routes_brings_back_switched_scenarios(server):
    server.admin.post("/scenarios/use", {"names": []})
    assert server.ask("POST", "/charges").status == 404

    server.admin.post("/reset", {"what": ["routes"]})

    assert server.ask("POST", "/charges").status == 200


def test_ids_differ_after_a_reset_unless_the_seed_is_named(server):
    first = [server.ask("POST", "/charges").text for _ in range(2)]
    server.admin.post("/reset")
    second = [server.ask("POST", "/charges").text for _ in range(2)]
    server.admin.post("/reset", {"what": ["positions", "seed"]})
    third = [server.ask("POST", "/charges").text for _ in range(2)]

    assert len({*first, *second}) == 4
    assert third == first


def test_numbers_of_calls_go_on_after_a_reset(server):
    server.ask("POST", "/charges")
    server.admin.post("/reset")
    server.ask("POST", "/charges")

    assert [call["id"] for call in server.calls()] == ["c-000002"]


def test_a_call_that_is_open_at_a_reset_ends_unrecorded(server):
    with following(server.admin.url) as events:
        with Wire(server.address) as wire:
            wire.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            server.admin.post("/verify", {"route": "slow", "within": "5s"})
            server.admin.post("/reset")
        server.ask("POST", "/charges")
        assert events.call()["route"] == "pay/charge"

    assert [call["route"] for call in server.calls()] == ["pay/charge"]
    assert list(server.admin.get("/counts")["routes"]) == ["pay/charge"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"what": ["calls", "cals"]}, "/what/1"),
        ({"what": "calls"}, "/what"),
        ({"what": [1]}, "/what/0"),
        ({"waht": []}, "/waht"),
        ([], ""),
    ],
)
def test_a_wrong_reset_resets_nothing(used, body, pointer):
    assert pointers(used.admin.refused(422, "POST", "/reset", body)) == [pointer]

    assert state_of(used) == {"calls": 1, "step": 2, "routes": 3}


# Reload


@pytest.mark.in_memory
def test_reload_reads_the_files_again(server, write):
    write({"pay.yaml": PAY.replace("201", "202"), "mail.yaml": "routes: [{request: GET /m, reply: 200}]"})

    assert server.admin.post("/reload") == {"scenarios": 2, "routes": 3, "warnings": []}
    assert server.ask("GET", "/m").status == 200
    assert server.admin.get("/health")["scenarios"] == 2


@pytest.mark.in_memory
def test_unchanged_routes_keep_their_positions_and_changed_ones_start_again(serving, write):
    text = "routes:\n- {name: same, request: GET /a, reply: [500, 501]}\n- {name: new, request: GET /b, reply: [500, %s]}\n"
    server = serving(text % 501)
    for path in ("/a", "/b"):
        server.ask("GET", path)

    write(f"description: moved down\n{text % 502}")
    server.admin.post("/reload")

    assert [server.ask("GET", path).status for path in ("/a", "/b")] == [501, 500]


def test_a_reload_with_errors_changes_nothing_and_lists_all_of_them(server, write):
    write({
        "pay.yaml": "routes: [{reqest: GET /x, reply: 200}]",
        "other.yaml": "routes:\n  - {request: GET /y, reply: 99}\n",
    })  # fmt: skip

    problem = server.admin.refused(422, "POST", "/reload")

    assert len(problem["errors"]) == 3
    assert (
        "other.yaml:2:30: routes[0].reply: 99 is not a valid HTTP status. Use 200 to 599."
        in problem["detail"]
    )
    assert "pay.yaml:1:11: " in problem["detail"]
    assert server.ask("POST", "/charges").status == 200
    assert server.ask("GET", "/y").status == 404
    assert server.admin.get("/health")["scenarios"] == 1


def test_errors_that_only_compiling_finds_stop_a_reload_too(server, write):
    write({"pay.yaml": "routes: [{request: GET /x, reply: {text: '{{ nope( }}'}}]"})

    problem = server.admin.refused(422, "POST", "/reload")

    assert "pay.yaml:1:" in problem["errors"][0]["message"] + problem["detail"]
    assert server.ask("POST", "/charges").status == 200


def test_what_was_made_at_runtime_outlives_a_reload(server, write):
    server.admin.post("/routes", {"request": "GET /x", "reply": 200})
    server.admin.call("PATCH", "/routes/charge", {"reply": 418})
    write({"pay.yaml": PAY})

    server.admin.post("/reload")

    assert server.ask("GET", "/x").status == 200
    assert server.ask("POST", "/charges").status == 418


@pytest.mark.in_memory
def test_a_file_that_is_gone_takes_its_routes_along(server):
    (server.folder / "pay.yaml").unlink()

    assert server.admin.post("/reload")["routes"] == 0
    assert server.ask("POST", "/charges").status == 404
    assert server.admin.get("/routes")["items"] == []


def test_counts_of_a_route_stay_over_a_reload(server, write):
    server.ask("POST", "/charges")
    write({"pay.yaml": PAY})
    server.admin.post("/reload")

    assert server.admin.get(f"/routes/{segment('pay/charge')}")["calls"] == 1
