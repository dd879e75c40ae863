"""The blocking client against a running server: what a test writes, and what it gets."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mockserver.client import Client, Refused, VerificationFailed
from mockserver.errors import MockServerError

pytestmark = pytest.mark.smoke

# Routes


def test_a_route_answers_once_it_replies_and_walks_through_its_steps(mock, call):
    route = mock.post("/data").reply(503, 503, json={"success": True})
    assert [call("POST /data").status for _ in range(4)] == [503, 503, 200, 200]
    assert route.called
    assert route.call_count == 4
    assert route.calls.last.response.json() == {"success": True}


def test_every_method_has_its_own_word(mock, call):
    for word in ("get", "post", "put", "patch", "delete", "head", "options"):
        getattr(mock, word)("/x").reply(204, headers={"x-route": word}, status=204)
    assert {call(f"{word.upper()} /x").status for word in ("get", "post", "put", "patch", "delete")} == {204}
    assert mock.any("/any").reply(200).id == "runtime/ANY /any"
    assert mock.on("GET,PURGE /cache").reply(200).id == "runtime/GET,PURGE /cache"
    assert call("PURGE /cache").status == 200


def test_conditions_are_keywords(mock, call):
    mock.post("/charges", json={"amount": {"$gte": 100}}, headers={"x-kind": "big"}).reply(201)
    assert call("POST /charges", '{"amount": 100}', x_kind="big").status == 201
    assert call("POST /charges", '{"amount": 99}', x_kind="big").status == 404


def test_a_second_reply_begins_a_new_sequence(mock, call):
    route = mock.get("/x").reply(500, 501)
    assert call("GET /x").status == 500
    assert route.reply(201, 202) is route
    assert [call("GET /x").status for _ in range(2)] == [201, 202]
    assert route.call_count == 3


def test_an_update_leaves_the_sequence_where_it_is(mock, call):
    route = mock.get("/x", name="first").reply(500, 501)
    call("GET /x")
    assert route.update(priority=5, expect=2) is route
    assert call("GET /x").status == 501
    mock.verify()


def test_a_route_may_ask_the_real_service_in_place_of_its_reply(mock, call):
    route = mock.get("/x").reply(500)
    assert route.proxy("http://127.0.0.1:9") is route
    answer = call("GET /x")
    assert (answer.status, answer.json()["upstream"]) == (502, "http://127.0.0.1:9")
    assert mock.get("/y").proxy("http://127.0.0.1:9").id == "runtime/GET /y"


def test_a_route_that_does_not_reply_yet_says_so(mock):
    route = mock.get("/x")
    assert "without a reply" in repr(route)
    with pytest.raises(TypeError, match=r"GET /x doesn't answer yet: call \.reply\("):
        assert route.called


def test_a_route_of_a_file_is_found_by_name_and_by_id(mock, call):
    call("GET /hello")
    assert mock.route("hello").call_count == 1
    assert mock.route("shop/hello").call_count == 1
    mock.route("hello").reply(503)
    assert call("GET /hello").status == 503
    assert [route.id for route in mock.routes] == ["shop/hello"]


def test_a_route_that_is_not_there_lists_those_that_are(mock):
    with pytest.raises(Refused, match=r"^route: there is no route 'helo'\. Did you mean 'hello'") as caught:
        mock.route("helo").assert_called(2)
    assert caught.value.status == 422
    assert caught.value.errors[0]["pointer"] == "/route"


def test_a_removed_route_answers_no_more(mock, call):
    route = mock.get("/x").reply(200)
    route.remove()
    assert call("GET /x").status == 404


def test_a_route_may_come_to_its_end(mock, call):
    route = mock.get("/x", then="stop").reply(200)
    assert not route.exhausted
    call("GET /x")
    assert route.exhausted


def test_a_wrong_reply_is_refused_with_every_flaw_and_changes_nothing(mock, call):
    with pytest.raises(Refused) as caught:
        mock.get("/x", priority="high").reply({"status": 99})
    assert {one["pointer"] for one in caught.value.errors} == {"/priority", "/reply/status"}
    assert "99 is not a valid HTTP status. Use 200 to 599" in str(caught.value)
    assert caught.value.problem["status"] == 422
    assert call("GET /x").status == 404


# Calls


def test_calls_are_told_as_they_came(mock, call):
    mock.post("/charges").reply(201, json={"id": 1}, status=201)
    call(
        "POST /charges?tag=a&tag=b",
        '{"amount": 5}',
        Content_Type="application/json",
        Authorization="Bearer secret-token-7890",
        Cookie="sid=1",
    )
    request = mock.calls.last.request
    assert (request.method, request.path, request.target) == ("POST", "/charges", "/charges?tag=a&tag=b")
    assert request.json() == {"amount": 5}
    assert request.text == '{"amount": 5}'
    assert request.body == b'{"amount": 5}'
    assert request.query["tag"] == "a"
    assert request.query.all("tag") == ["a", "b"]
    assert request.headers["authorization"] == "Bearer secret-token-7890"
    assert request.cookies["sid"] == "1"
    assert mock.calls.last.arrived <= datetime.now(UTC)


def test_calls_are_found_by_a_text(mock, call):
    mock.post("/a").reply(json={"id": "ch_1"})
    call("POST /a", "first")
    call("POST /b", "second", Authorization="Bearer secret-token-7890")

    assert [found.number for found in mock.find_calls("CH_1")] == [mock.calls.first.number]
    assert [found.request.path for found in mock.find_calls("secret-token")] == ["/b"]
    assert not mock.find_calls("third")


def test_a_deleted_call_is_not_counted(mock, call):
    route = mock.post("/a").reply(201, 202)
    call("POST /a", "stray")
    mock.delete_call(mock.calls.last)
    call("POST /a", "wanted")

    route.assert_called_once()
    assert route.calls.last.status == 202
    with pytest.raises(Refused, match="There is no call"):
        mock.delete_call("c-000001")


def test_forms_are_told_as_fields(mock, call):
    mock.post("/form").reply(200)
    call("POST /form", "a=1&a=2&b=", Content_Type="application/x-www-form-urlencoded")
    form = mock.calls.last.request.form
    assert dict(form) == {"a": "1", "b": ""}
    assert form.all("a") == ["1", "2"]


def test_bytes_stay_bytes(mock, call):
    mock.post("/x").reply(base64=b"\x00\xff")
    call("POST /x", b"\xff\x00")
    assert mock.calls.last.request.body == b"\xff\x00"
    assert mock.calls.last.response.body == b"\x00\xff"


def test_a_body_that_was_cut_is_not_taken_for_the_whole(mock, call):
    mock.post("/x").reply(200)
    call("POST /x", json.dumps("a" * 70_000))
    request = mock.calls.last.request
    assert request.truncated
    with pytest.raises(ValueError, match="only the first 65536 bytes"):
        request.json()


def test_calls_can_be_sifted_and_sliced(mock, call):
    mock.get("/x").reply(500, 200)
    for line in ("GET /x", "GET /x", "GET /hello"):
        call(line)
    calls = mock.calls
    assert calls.statuses == [500, 200, 200]
    assert calls.where(status=200, path="/x")[0].number == 2
    assert [one.number for one in calls[1:]] == [2, 3]
    assert calls.first.number == 1
    assert calls.called
    assert calls.call_count == 3
    with pytest.raises(TypeError, match="a call has no 'colour'"):
        calls.where(colour="red")
    with pytest.raises(IndexError, match="there is no call 3: there were 3"):
        calls[3]


def test_no_call_is_no_last_call(mock):
    with pytest.raises(IndexError, match="there was no call"):
        mock.calls.last  # noqa: B018


def test_all_pages_of_calls_are_read(mock, call, monkeypatch):
    monkeypatch.setattr("mockserver.client.link.PAGE", 2)
    for _ in range(5):
        call("GET /hello")
    assert [one.number for one in mock.calls] == [1, 2, 3, 4, 5]


def test_an_unmatched_call_comes_with_its_nearest_route_and_a_suggestion(mock, call):
    call("GET /helo")
    (missed,) = mock.unmatched
    assert missed.nearest[0]["route"] == "shop/hello"
    assert "request: GET /helo" in missed.suggestion


def test_counts_and_effects(mock, call):
    mock.post("/charges", effect={"kind": "charge", "order": "{{ request.json.order }}"}).reply(201)
    call("POST /charges", '{"order": "42"}')
    call("POST /charges", '{"order": "43"}')
    assert [one["order"] for one in mock.effects("charge")] == ["42", "43"]
    assert len(mock.effects(order="42")) == 1
    assert mock.effects("refund") == []
    assert mock.count("POST /charges", json={"order": "42"}) == 1
    assert mock.counts["total"] == 2


def test_attempts_are_grouped_into_operations(mock, call):
    route = mock.post("/pay").reply(503, 200)
    call("POST /pay", "{}", Idempotency_Key="k1")
    call("POST /pay", "{}", Idempotency_Key="k1")
    operations = mock.attempts(route)
    assert (operations.amplification, operations.most_in_flight) == (2.0, 1)
    assert [one.key for one in mock.attempts(by="method")] == ["POST"]
    (operation,) = operations
    assert operation.statuses == [503, 200]
    assert operation.key == "k1"
    assert len(operation.tries) == 2
    assert len(operation.gaps_ms) == 1
    assert operation.final == "succeeded"


def test_operations_of_every_page_are_there(mock, call, monkeypatch):
    monkeypatch.setattr("mockserver.client.link.PAGE", 2)
    mock.post("/x").reply(200)
    for n in range(5):
        call("POST /x", f"{n}")

    found = mock.attempts()

    assert (len(found), found.amplification, found.most_in_flight) == (5, 1.0, 1)


def test_explain_moves_nothing(mock):
    mock.post("/x", json={"a": 1}).reply(500, 200)
    found = mock.explain("POST /x", json={"a": 1})
    assert (found["route"], found["step"], found["reply"]["status"]) == ("runtime/POST /x", 1, 500)
    assert not mock.calls


# Checks


def test_a_check_that_holds_says_nothing(mock, call):
    route = mock.post("/x").reply(503, 200)
    call("POST /x", '{"a": 1}')
    call("POST /x", '{"a": 1}')
    route.assert_called()
    route.assert_called(2)
    route.assert_called({"min": 1, "max": 2})
    mock.route("hello").assert_not_called()
    mock.verify("POST /x", json={"a": 1}, times=2)
    mock.verify(route=route, times=2)
    mock.verify({"route": route, "times": 2}, {"unmatched": 0})
    mock.verify(in_order=[route, {"route": route}])
    mock.verify()


def test_a_check_that_fails_is_an_assertion_error_with_the_calls(mock, call):
    route = mock.post("/x").reply(503, 200)
    call("POST /x")
    with pytest.raises(AssertionError) as caught:
        route.assert_called(2)
    assert isinstance(caught.value, VerificationFailed)
    assert isinstance(caught.value, MockServerError)
    assert str(caught.value).startswith("runtime/POST /x: expected 2 calls, saw 1\n  t+0.000  POST /x  503")
    assert caught.value.checks[0]["saw"] == "1"
    assert caught.value.problem["status"] == 409


def test_assert_called_once_is_no_twice(mock, call):
    route = mock.get("/x").reply(200)
    call("GET /x")
    route.assert_called_once()
    call("GET /x")
    with pytest.raises(AssertionError, match="expected 1 call, saw 2"):
        route.assert_called_once()
    with pytest.raises(AssertionError, match="expected 0 calls, saw 2"):
        route.assert_not_called()


def test_attempts_are_judged_by_their_rules(mock, call):
    route = mock.post("/pay").reply(503, 200)
    call("POST /pay", "{}", Idempotency_Key="k1")
    call("POST /pay", "{}", Idempotency_Key="k2")
    route.assert_attempts(2)
    with pytest.raises(AssertionError, match="idempotency-key"):
        route.assert_attempts(2, same=["headers.idempotency-key"])
    with pytest.raises(AssertionError, match="at least 60s"):
        route.assert_attempts(2, gaps={"gte": timedelta(minutes=1)})


def test_within_waits_for_calls_that_are_yet_to_come(serving):
    server = serving({}, allow_egress=("127.0.0.1",))
    with Client(server.url) as mock:
        hook = mock.post("/hook").reply(503, 204)
        webhook = {
            "url": f"{mock.url}/hook",
            "json": {"a": 1},
            "delay": "50ms",
            "retry": {"attempts": 2, "backoff": "50ms"},
        }
        mock.get("/x").reply({"status": 202, "webhook": webhook})
        server.ask("GET", "/x")
        hook.assert_called(2, within="5s", quiet="50ms")
        mock.verify(webhooks={}, within="5s")
        (delivery,) = mock.webhooks
        assert (delivery.state, [one["status"] for one in delivery.tries]) == ("delivered", [503, 204])
        assert delivery.json() == {"a": 1}
        assert delivery.headers["content-type"] == "application/json"
        mock.redeliver(delivery)
        hook.assert_called(3, within="5s")


def test_a_check_that_waits_may_take_longer_than_any_other_answer(server):
    with Client(server.url, timeout_s=0.2) as mock, pytest.raises(AssertionError, match="saw 0"):
        mock.route("hello").assert_called(within="400ms")


def test_several_subjects_take_no_keywords(mock):
    with pytest.raises(TypeError, match="give several checks as mappings"):
        mock.verify({"unmatched": 0}, {"unused": 0}, times=1)


def test_an_unknown_keyword_of_a_check_names_the_near_one(mock):
    with pytest.raises(TypeError, match="Did you mean 'within'"):
        mock.verify("GET /x", withn="5s")
    with pytest.raises(TypeError, match="Did you mean 'json'"):
        mock.count("GET /x", jsn=1)


# State, clock, outage, roll-back


def test_the_state_is_read_as_it_is_and_shown_masked(mock):
    mock.state["card"] = "4242424242424242"

    assert mock.state["card"] == "4242424242424242"
    assert mock.state.all() == {"card": "4242424242424242"}
    assert mock._link.send("GET", "/state") == {"card": "****4242"}


def test_the_state_is_a_mapping(mock, call):
    mock.get("/x", when={"up": "yes"}).reply(200)
    assert call("GET /x").status == 404
    mock.state["up"] = "yes"
    assert call("GET /x").status == 200
    mock.state.update(a=1, b=[2])
    assert dict(mock.state) == {"up": "yes", "a": 1, "b": [2]}
    assert mock.state == {"up": "yes", "a": 1, "b": [2]}
    del mock.state["a"]
    assert "a" not in mock.state
    assert mock.state.get("a", 7) == 7
    assert mock.state.pop("b") == [2]
    assert len(mock.state) == 1
    with pytest.raises(KeyError):
        mock.state["a"]
    with pytest.raises(KeyError):
        del mock.state["a"]
    mock.state.replace({"order/7": {"paid": True}})
    assert mock.state["order/7"] == {"paid": True}
    mock.state.clear()
    assert not mock.state
    assert "State({})" in repr(mock.state)


def test_the_clock_moves_as_told(mock):
    before = mock.clock.now
    assert mock.clock.advance("3d") - before >= timedelta(days=3)
    assert mock.clock.advance(timedelta(hours=1)) - before >= timedelta(days=3, hours=1)
    at = datetime(2030, 1, 1, tzinfo=UTC)
    assert mock.clock.freeze(at) == at
    assert mock.clock.frozen
    assert mock.clock.now == at
    mock.clock.resume()
    assert not mock.clock.frozen
    assert mock.clock.at("2031-01-01T00:00:00Z", wait=False).year == 2031
    assert mock.clock.freeze().year == 2031
    assert mock.clock.reset() < at


def test_an_outage_lasts_as_long_as_its_block(mock, call):
    with mock.outage(status=503, json={"down": True}):
        answer = call("GET /hello")
        assert (answer.status, answer.json()) == (503, {"down": True})
    assert call("GET /hello").status == 200


def test_an_outage_takes_its_status_and_the_rest_of_its_reply(mock, call):
    with mock.outage(503, headers={"retry-after": "1"}):
        answer = call("GET /hello")
        assert (answer.status, answer.header("retry-after")) == (503, "1")


def test_an_outage_of_one_route_lets_the_others_answer(mock, call):
    other = mock.get("/other").reply(200)
    with mock.outage(500, routes=[other, "hello"], skip=1):
        assert [call(f"GET /{path}").status for path in ("other", "hello", "other")] == [200, 500, 500]
    with mock.outage(fault="reset", times=1), pytest.raises(OSError):
        call("GET /hello")


def test_an_outage_ends_with_an_exception_too(mock, call):
    with pytest.raises(ZeroDivisionError), mock.outage(503):
        raise ZeroDivisionError
    assert call("GET /hello").status == 200


def test_an_outage_has_one_reply(mock):
    for steps, words in (((503, 500), {}), ((503,), {"status": 500})):
        with pytest.raises(TypeError, match="an outage has one reply"):
            mock.outage(*steps, **words)


def test_an_unknown_keyword_of_an_outage_gets_the_nearest_one(mock):
    with pytest.raises(TypeError, match=r"outage\(\) has no keyword 'route'. Did you mean 'routes'\?"):
        mock.outage(503, route="hello")


def test_a_trouble_strikes_one_call_while_its_block_lasts(mock, call):
    charges = mock.post("/charges").reply(status=201, effect={"kind": "charge"})
    with mock.trouble(route=charges, call=2, after={"fault": "reset"}):
        assert call("POST /charges").status == 201
        with pytest.raises(ConnectionError):
            call("POST /charges")
        (trouble,) = mock.troubles
        assert (trouble["route"], trouble["hits"]) == ("runtime/POST /charges", ["c-000002"])
    assert len(mock.effects("charge")) == 2
    assert mock.troubles == []


def test_several_troubles_are_given_as_mappings(mock, call):
    other = mock.get("/other").reply(200)
    with mock.trouble({"route": other, "before": 500}, {"route": "hello", "before": 501, "times": "always"}):
        answers = [call(f"GET /{path}").status for path in ("other", "hello", "other", "hello")]
        assert answers == [500, 501, 200, 501]


def test_a_trouble_is_given_in_one_way(mock):
    with pytest.raises(TypeError, match="one trouble by keywords, or several"):
        mock.trouble()
    with pytest.raises(TypeError, match=r"no keyword 'afther'\. Did you mean 'after'\?"):
        mock.trouble(route="hello", afther={"fault": "reset"})


def test_a_rollback_puts_back_state_positions_and_routes(mock, call):
    mock.get("/x").reply(500, 501, 502)
    call("GET /x")
    with mock.rollback():
        call("GET /x")
        mock.state["a"] = 1
        mock.get("/new").reply(200)
    assert call("GET /x").status == 501
    assert call("GET /new").status == 404
    assert mock.state == {}
    assert mock.counts["total"] == 4


def test_reset_puts_back_what_it_is_told(mock, call):
    route = mock.get("/x").reply(500, 501)
    call("GET /x")
    mock.reset("calls")
    assert not route.called
    assert call("GET /x").status == 501
    mock.reset("positions")
    assert call("GET /x").status == 500
    mock.reset()
    assert call("GET /x").status == 404
    with pytest.raises(Refused, match="Did you mean 'routes'"):
        mock.reset("route")


# Scenarios


def test_a_scenario_file_is_loaded_with_the_files_that_it_names(mock, call, tmp_path):
    (tmp_path / "bodies").mkdir()
    (tmp_path / "bodies" / "big.json").write_text('{"big": true}')
    (tmp_path / "pay.yaml").write_text("routes: [{request: GET /big, reply: {file: bodies/big.json}}]")
    assert mock.load(tmp_path / "pay.yaml") == "pay"
    assert call("GET /big").json() == {"big": True}
    assert {one["name"] for one in mock.scenarios} == {"pay", "shop"}


def test_a_scenario_file_with_a_flaw_is_refused_with_its_place(mock, tmp_path):
    (tmp_path / "pay.yaml").write_text("routes:\n  - request: GET /x\n    repply: 200\n")
    with pytest.raises(Refused, match=r"pay:3:5: routes\[0\]\.repply: unknown key\. Did you mean 'reply'"):
        mock.load(tmp_path / "pay.yaml")


def test_only_the_scenarios_in_use_answer(mock, call, tmp_path):
    (tmp_path / "pay.yaml").write_text("routes: [{request: GET /pay, reply: 200}]")
    mock.load(str(tmp_path / "pay.yaml"))
    mock.use("pay")
    assert (call("GET /pay").status, call("GET /hello").status) == (200, 404)
    with pytest.raises(Refused, match=r"there is no scenario 'pya'. Did you mean 'pay'"):
        mock.use("pya")


# Namespaces


def test_a_namespace_is_a_world_of_its_own(mock, call):
    mock.get("/x").reply(200)
    with mock.namespace(seed="s") as mine:
        assert mine.url == f"{mock.url}/@{mine.name}"
        assert mine.seed == "s"
        assert call("GET /x", url=mine.url).status == 404
        assert call("GET /hello", url=mine.url).status == 200
        assert len(mine.calls) == 2
        assert not mock.calls
        assert mine.name in {one["name"] for one in mock.namespaces}
    assert mine.name not in {one["name"] for one in mock.namespaces}


def test_a_namespace_may_see_only_some_scenarios(mock, call):
    with mock.namespace("empty", scenarios=[], ttl="5m") as mine:
        assert call("GET /hello", url=mine.url).status == 404
    with pytest.raises(Refused, match="there is no scenario"):
        mock.namespace(scenarios=["pay"])


def test_a_taken_name_is_a_conflict(mock):
    with (
        mock.namespace("once"),
        pytest.raises(Refused, match="There is already a namespace 'once'") as caught,
    ):
        mock.namespace("once")
    assert caught.value.kind == "conflict"


def test_a_client_may_begin_in_a_namespace(mock, server):
    with mock.namespace("mine") as mine:
        mine.get("/x").reply(200)
        with Client(f"{server.url}/mock/@mine/") as other:
            assert other.name == "mine"
            assert next(route.id for route in other.routes) == "runtime/GET /x"


def test_names_that_need_escaping_are_escaped(mock):
    with mock.namespace("a.b-c_d") as mine:
        route = mine.get("/a/{id}", name="with space").reply(200)
        assert not mine.route(route.id).exhausted


def test_health_tells_of_the_server(mock):
    assert mock.health["status"] == "ok"
