"""What a recording makes of calls: sequences, parameters, templates, conditions, and no more than that."""

from __future__ import annotations

import gzip
import json

import pytest
import yaml
from support.cost import cheap

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.model.exchange import Exchange
from mockserver.model.http import Request, Response
from mockserver.recording.scenario import scenario_of, written
from mockserver.recording.written_replies import Beside
from mockserver.scenarios.loader import from_bundle

TO = "https://api.example"


def call(line, reply=None, *, status=200, body=None, headers=(), lines=(), form=None, at_s=0.0):
    """One exchange. `reply` is JSON, bytes or None; `body` the request's JSON."""
    method, target = line.split()
    sent = [("Host", "localhost:8080"), *headers]
    data = b""
    if body is not None:
        data, sent = json.dumps(body).encode(), [*sent, ("Content-Type", "application/json")]
    if form is not None:
        data, sent = form.encode(), [*sent, ("Content-Type", "application/x-www-form-urlencoded")]
    made = list(lines)
    if isinstance(reply, bytes):
        content = reply
    elif reply is None:
        content = b""
    else:
        content, made = json.dumps(reply).encode(), [("Content-Type", "application/json"), *made]
    return Exchange(Request(method, target, sent, data, arrived_s=at_s), Response(status, made, content), TO)


def recorded(*calls):
    """The scenario as YAML gives it back; it must load."""
    made = scenario_of(calls, "api")
    text = written(made, "api")
    build_scenario_set([from_bundle(text, made.files, name="api")])
    document = yaml.safe_load(text)
    return document["routes"], document, text, made


def routes(*calls):
    return recorded(*calls)[0]


# Numbers


@pytest.mark.parametrize("reply", [{"amount": 10.5}, {"amount": 10.0}, {"amount": 1e3}, [0.1], 0.5])
def test_a_reply_with_a_fractional_number_is_recorded(reply):
    body = {"amount": 1.25, "note": "x"}
    made = routes(
        call("POST /pay", reply, body=body), call("POST /pay", {"failed": True}, body=body | {"amount": 2.5})
    )
    assert made[0]["reply"]["json"] == reply
    assert made[0]["match"]["json"]["amount"] == 1.25


# Size


def test_bodies_with_many_fields_are_told_apart_without_comparing_each_field_anew():
    calls = [
        call("POST /wide", {"n": i % 3}, body={f"f{j}": (i + j) % 3 for j in range(200)}) for i in range(120)
    ]

    # About 1 s; 20 s where values are masked and compared each time.
    scenario = cheap(4, lambda: scenario_of(calls, "api"))

    made = scenario.scenarios["api"]["routes"]
    assert [one["match"]["json"] for one in made] == [{"f199": 1}, {"f199": 2}, {"f199": 0}]


def test_files_of_one_name_are_numbered_without_a_search():
    files = Beside("api")
    # Minutes where each looks at those before.
    paths = cheap(4, lambda: [files.put("get-a", ".bin", str(i).encode()) for i in range(20_000)])
    assert paths[0] == "api/get-a.bin"
    assert paths[-1] == "api/get-a-20000.bin"
    assert files.put("get-a", ".bin", b"7") == "api/get-a-8.bin"
    assert files.put("get-a-8", ".bin", b"x") == "api/get-a-8-2.bin"


def test_secrets_are_hidden_in_a_file_of_json_that_is_nested_deeper_than_can_be_read():
    deep = b'{"a":' * 3000 + b'{"password": "hunter2", "fill": "' + b"x" * 40_000 + b'"}' + b"}" * 3000
    calls = [call("GET /a", deep, lines=[("Content-Type", "application/json")])]
    (data,) = recorded(*calls)[3].files.values()
    assert b"hunter2" not in data


# Sequences


def test_equal_replies_are_one():
    assert routes(*[call("GET /a", {"x": 1})] * 3) == [{"request": "GET /a", "reply": {"json": {"x": 1}}}]


def test_a_status_alone_is_a_number():
    assert routes(call("POST /a", status=202)) == [{"request": "POST /a", "reply": 202}]


def test_repeated_calls_are_a_sequence_and_the_last_reply_stands_for_the_rest():
    made = routes(*[call("GET /a", status=503)] * 2, *[call("GET /a", {"ok": True})] * 2)
    assert made == [{"request": "GET /a", "reply": [503, 503, {"json": {"ok": True}}]}]


def test_many_equal_steps_are_counted():
    made = routes(*[call("GET /a", status=503)] * 5, call("GET /a", {"ok": True}))
    assert made[0]["reply"] == [{"status": 503, "times": 5}, {"json": {"ok": True}}]


def test_what_comes_back_later_is_a_step_of_its_own():
    made = routes(call("GET /a", status=200), call("GET /a", status=500), call("GET /a", status=200))
    assert made[0]["reply"] == [200, 500, 200]


NOON_S = 1_800_014_400.0  # 2027-01-15T12:00:00Z


def test_replies_that_differ_in_the_moment_alone_are_one_that_says_it():
    made = routes(
        call("GET /a", {"at": "2027-01-15T12:00:00.123Z", "ts": 1_800_014_400}, at_s=NOON_S),
        call("GET /a", {"at": "2027-01-15T12:00:05.456Z", "ts": 1_800_014_405}, at_s=NOON_S + 5),
    )
    assert made[0]["reply"] == {
        "json": {"at": "{{ now.strftime('%Y-%m-%dT%H:%M:%S.%fZ') }}", "ts": "{{ now.timestamp() | int }}"}
    }


def test_a_time_that_comes_back_or_is_another_stays_what_it_is():
    for first, second in (("2027-01-15T12:00:00Z",) * 2, ("2020-01-15T12:00:00Z", "2021-01-15T12:00:00Z")):
        made = routes(call("GET /a", {"at": first}, at_s=NOON_S), call("GET /a", {"at": second}, at_s=NOON_S))
        assert "now" not in json.dumps(made)


def test_times_beside_another_difference_are_what_they_were():
    made = routes(
        call("GET /a", {"at": "2027-01-15T12:00:00Z", "n": "x"}, at_s=NOON_S),
        call("GET /a", {"at": "2027-01-15T12:00:05Z", "n": "y"}, at_s=NOON_S),
    )
    assert [step["json"]["at"] for step in made[0]["reply"]] == [
        "2027-01-15T12:00:00Z",
        "2027-01-15T12:00:05Z",
    ]


# Parameters


def test_an_id_that_comes_back_is_a_parameter():
    made = routes(call("GET /users/42", {"id": 42, "href": "/users/42", "name": "ann"}))
    assert made == [{
        "request": "GET /users/{id}",
        "reply": {"json": {"id": "{{ path.id | int }}", "href": "/users/{{ path.id }}", "name": "ann"}},
    }]  # fmt: skip


def test_paths_that_are_answered_alike_are_one_route():
    made = routes(call("DELETE /users/1", status=204), call("DELETE /users/2", status=204))
    assert made == [{"request": "DELETE /users/{id}", "reply": 204}]


def test_paths_that_differ_in_more_than_the_request_explains_stay_apart():
    made = routes(
        call("GET /users/1", {"id": 1, "name": "ann"}), call("GET /users/2", {"id": 2, "name": "bob"})
    )
    assert [one["request"] for one in made] == ["GET /users/1", "GET /users/2"]


def test_an_unknown_id_stays_before_the_parameter():
    made = routes(call("GET /users/1", {"id": 1}), call("GET /users/999", {"error": "none"}, status=404))
    assert [one["request"] for one in made] == ["GET /users/999", "GET /users/{id}"]


def test_an_id_that_explains_nothing_stays_as_it_is():
    assert routes(call("DELETE /users/1", status=204))[0]["request"] == "DELETE /users/1"


def test_a_sequence_of_a_parameter_is_walked_through_for_each_id():
    made = routes(call("GET /users/1", {"id": 1}), call("GET /users/1", status=404))
    assert made[0]["per"] == "path.id"


def test_several_ids_are_named_by_what_they_stand_behind():
    made = routes(call("GET /orders/71/items/33", {"order_id": 71, "id": 33}))
    assert made[0]["request"] == "GET /orders/{order_id}/items/{item_id}"
    assert made[0]["reply"]["json"] == {
        "order_id": "{{ path.order_id | int }}",
        "id": "{{ path.item_id | int }}",
    }


@pytest.mark.parametrize("word", ["users", "v1", "me", "octocat", "search"])
def test_a_word_is_no_id(word):
    assert routes(call(f"GET /{word}", {"id": word}))[0]["request"] == f"GET /{word}"


@pytest.mark.parametrize("text", ["ch_3NabcDE12", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "9f1c2b7a0d"])
def test_what_a_machine_made_up_is_one(text):
    assert routes(call(f"GET /x/{text}", {"id": text}))[0]["request"] == "GET /x/{id}"


# Templates


def test_fields_of_the_body_that_come_back_are_templates():
    made = routes(
        call(
            "POST /users",
            {"id": 7, "name": "ann", "tags": ["a"]},
            status=201,
            body={"name": "ann", "tags": ["a"]},
        )
    )
    assert made[0]["reply"]["json"] == {
        "id": 7,
        "name": "{{ request.json.name }}",
        "tags": "{{ request.json.tags }}",
    }


def test_a_small_number_that_agrees_by_chance_is_none():
    made = routes(call("POST /users", {"page": 1}, body={"amount": 1}))
    assert made[0]["reply"]["json"] == {"page": 1}


def test_a_telling_text_is_one_whatever_its_name():
    made = routes(
        call(
            "POST /users", {"greeting_of": "ann.miller@example.org"}, body={"email": "ann.miller@example.org"}
        )
    )
    assert made[0]["reply"]["json"]["greeting_of"] == "{{ request.json.email }}"


def test_true_is_not_1():
    assert routes(call("POST /a", {"x": True}, body={"x": 1}))[0]["reply"]["json"] == {"x": True}


def test_fields_of_a_form_come_back_as_what_they_were_answered_as():
    made = routes(call("POST /charges", {"amount": 500, "currency": "usd"}, form="amount=500&currency=usd"))
    assert made[0]["reply"]["json"] == {
        "amount": "{{ request.form.amount | int }}",
        "currency": "{{ request.form.currency }}",
    }


def test_the_services_own_address_becomes_this_servers():
    made = routes(call("GET /a", {"next": f"{TO}/a?page=2"}, lines=[("Link", f"<{TO}/a?page=2>; rel=next")]))
    assert made[0]["reply"] == {
        "headers": {"link": "<{{ request.base_url }}/a?page=2>; rel=next"},
        "json": {"next": "{{ request.base_url }}/a?page=2"},
    }


def test_another_address_that_begins_alike_is_another():
    made = routes(
        call(
            "GET /a",
            {
                "a": "https://api.example.org/x",
                "b": "https://api.example:8443/",
                "c": "http://localhost:80801/",
            },
        )
    )
    assert "base_url" not in json.dumps(made)


def test_a_request_without_a_host_says_nothing_of_this_server():
    exchange = Exchange(
        Request("GET", "/a"), Response(200, [("Content-Type", "text/plain")], b"see http://x/"), TO
    )
    assert routes(exchange)[0]["reply"]["text"] == "see http://x/"


def test_braces_that_are_no_template_are_sent_as_they_stand():
    made = routes(call("GET /a", {"template": "Hi {{ name }}", "self": f"{TO}/a"}))
    assert made[0]["reply"] == {"json": {"template": "Hi {{ name }}", "self": f"{TO}/a"}, "raw": True}


# Conditions


def test_pages_are_told_apart_by_their_query():
    made = routes(call("GET /a", {"p": 1}), call("GET /a?page=2", {"p": 2}))
    assert made == [
        {"request": "GET /a", "match": {"query": {"page": "absent"}}, "reply": {"json": {"p": 1}}},
        {"request": "GET /a", "match": {"query": {"page": "2"}}, "reply": {"json": {"p": 2}}},
    ]


def test_what_keeps_caches_away_is_no_condition():
    assert routes(call("GET /a?_=1"), call("GET /a?_=2")) == [{"request": "GET /a", "reply": 200}]


def test_credentials_are_asked_for_only_where_some_were_refused_and_then_by_their_end():
    good, bad = ("Authorization", "Bearer abcdefgh12345678"), ("Authorization", "Bearer other-token-0000")
    assert "match" not in routes(call("GET /a", headers=[good]))[0]
    made = routes(
        call("GET /a", headers=[good]), call("GET /a", status=401, headers=[bad]), call("GET /a", status=401)
    )
    assert {json.dumps(one["match"]["headers"]["authorization"]): one["reply"] for one in made} == {
        '{"starts_with": "Bearer ", "ends_with": "5678"}': 200,
        '{"starts_with": "Bearer ", "ends_with": "0000"}': 401,
        '"absent"': 401,
    }


def test_a_body_is_a_condition_where_it_makes_a_difference():
    made = routes(
        call("POST /a", {"error": "name"}, status=422, body={"stock": 1}),
        call("POST /a", {"id": 1}, status=201, body={"name": "x", "stock": 1}),
    )
    assert made == [
        {
            "request": "POST /a",
            "match": {"json": {"name": "$absent"}},
            "reply": {"status": 422, "json": {"error": "name"}},
        },
        {"request": "POST /a", "reply": {"status": 201, "json": {"id": 1}}},
    ]


def test_ids_that_the_service_makes_are_a_sequence_and_no_condition():
    made = routes(
        call("POST /a", {"id": 1, "name": "x"}, body={"name": "x"}),
        call("POST /a", {"id": 2, "name": "y"}, body={"name": "y"}),
    )
    assert made[0]["reply"] == [{"json": {"id": n, "name": "{{ request.json.name }}"}} for n in (1, 2)]
    assert "match" not in made[0]


def test_two_passwords_are_told_apart_by_the_order_of_their_calls():
    made = routes(
        call("POST /login", status=403, body={"password": "wrong"}),
        call("POST /login", {"ok": True}, body={"password": "right"}),
    )
    assert made == [{"request": "POST /login", "reply": [403, {"json": {"ok": True}}]}]


def test_a_known_etag_is_a_condition():
    made = routes(call("GET /a", {"x": 1}), call("GET /a", status=304, headers=[("If-None-Match", '"v1"')]))
    assert {str(one["match"]["headers"]["if-none-match"]) for one in made} == {"absent", '"v1"'}


# Bodies


def test_gzip_is_taken_off():
    data = gzip.compress(b'{"a": 1}')
    made = routes(
        call("GET /a", data, lines=[("Content-Type", "application/json"), ("Content-Encoding", "gzip")])
    )
    assert made[0]["reply"] == {"json": {"a": 1}}


def test_a_coding_that_cannot_be_taken_off_is_told():
    made, _, text, _ = recorded(
        call("GET /b"), call("GET /a.json", b"\x00br", lines=[("Content-Encoding", "br")])
    )
    assert [one["request"] for one in made] == ["GET /b"]
    assert "# Not recorded: 1 call: the reply can't be read: its content-encoding 'br'" in text


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("html", "text/html; charset=utf-8"), ("xml", "application/xml"), ("text", "text/plain; charset=utf-8")],
)
def test_texts_have_their_own_kinds(kind, media_type):
    assert routes(call("GET /a", b"<a>1</a>", lines=[("Content-Type", media_type)]))[0]["reply"] == {
        kind: "<a>1</a>"
    }


def test_events_are_events():
    text = b': hi\n\nevent: a\nid: 1\ndata: {"x": 1}\n\ndata: [DONE]\n\n'
    made = routes(call("GET /a", text, lines=[("Content-Type", "text/event-stream")]))
    assert made[0]["reply"] == {
        "events": [{"comment": "hi"}, {"event": "a", "id": "1", "data": {"x": 1}}, "[DONE]"]
    }


def test_equal_files_lie_there_once():
    _, _, _, made = recorded(
        call("GET /a.png", b"\x89\x00", lines=[("Content-Type", "image/png")]),
        call("GET /b/../../../a.png", b"\x89\x01", lines=[("Content-Type", "image/png")]),
        call("GET /a.png", b"\x89\x00", lines=[("Content-Type", "image/png")]),
    )
    assert made.files == {"api/get-a.png": b"\x89\x00", "api/get-b-a.png": b"\x89\x01"}


# What is left out


def test_header_lines_of_the_moment_are_left_out_and_named():
    _, document, text, _ = recorded(
        call(
            "GET /a",
            {"x": 1},
            lines=[("Date", "x"), ("X-Request-Id", "1"), ("CF-Ray", "1"), ("Retry-After", "3")],
        )
    )
    assert document["routes"][0]["reply"]["headers"] == {"retry-after": "3"}
    assert "# Header lines left out: cf-ray, x-request-id." in text


def test_secrets_are_masked_and_listed():
    _, document, text, _ = recorded(
        call(
            "POST /login",
            {"access_token": "abcdefghijklmnop", "card": "4242424242424242"},
            lines=[("Set-Cookie", "sid=abcdefghijkl; Path=/")],
        )
    )
    reply = document["routes"][0]["reply"]
    assert reply["json"] == {"access_token": "****mnop", "card": "****4242"}
    assert reply["headers"]["set-cookie"] == "sid=****ijkl; Path=/"
    assert "#   POST /login reply.json.access_token" in text
    assert "abcdefghijklmnop" not in text


def test_preflights_become_cors():
    ask = [("Origin", "http://app"), ("Access-Control-Request-Method", "POST")]
    _, document, _, _ = recorded(
        call("OPTIONS /a", status=204, headers=ask),
        call("GET /a", {"x": 1}, lines=[("Access-Control-Allow-Origin", "http://app")]),
    )
    assert document["cors"] is True
    assert document["routes"] == [{"request": "GET /a", "reply": {"json": {"x": 1}}}]


def test_a_common_beginning_is_the_base():
    _, document, _, _ = recorded(call("GET /api/v1/a"), call("GET /api/v1/b"))
    assert document["base"] == "/api/v1"
    assert [one["request"] for one in document["routes"]] == ["GET /a", "GET /b"]


def test_what_the_routes_do_not_say_of_a_request_is_kept():
    _, document, _, _ = recorded(
        call("GET /users/42", {"id": 42}),
        call("POST /users", {"id": 1}, body={"name": "x", "password": "hunter2"}),
    )
    assert document["x-requests"] == {
        "POST /users": {"json": {"name": "x", "password": "****"}},
        "GET /users/{id}": {"path": "/users/42"},
    }
