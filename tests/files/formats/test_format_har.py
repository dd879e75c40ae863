"""Archives of browsers, proxies and of this server, as scenarios and back."""

import base64
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.har import entries_of
from support.recordings import Played, exchanges, meant, only

from mockserver.errors import InvalidInputError
from mockserver.formats import har
from mockserver.formats.exchanges_to_routes import fold
from mockserver.recording.conversion import Imported, Losses


def entry(line="GET https://api.example/data", status=200, body=None, **more):
    method, url = line.split(" ", 1)
    content = {"size": len(body or ""), "mimeType": more.pop("mime", "application/json")}
    if body is not None:
        content["text"] = body
    content |= more.pop("content", {})
    request = {"method": method, "url": url, "headers": more.pop("request_headers", [])}
    if "post" in more:
        request["postData"] = more.pop("post")
    return {
        "request": request,
        "response": {"status": status, "headers": more.pop("headers", []), "content": content},
        **more,
    }


def line(name, value):
    return {"name": name, "value": value}


@pytest.fixture
def read(tmp_path):
    """Imports entries, as a file would hold them."""

    def imported(*entries):
        file = tmp_path / "shop.har"
        file.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": list(entries)}}))
        return har.read(file)

    return imported


def routes(imported):
    return only(imported)["routes"]


# What is asked


def test_the_same_request_again_is_a_sequence(read):
    imported = read(
        entry("POST https://api.example/data", 503, headers=[line("Retry-After", "1")]),
        entry("POST https://api.example/data", 503, headers=[line("Retry-After", "1")]),
        entry("POST https://api.example/data", 500),
        entry("POST https://api.example/data", 500),
        entry("POST https://api.example/data", body='{"ok": true}'),
        entry("POST https://api.example/data", body='{"ok":true}'),
    )

    assert routes(imported) == [
        {
            "request": "POST /data",
            "reply": [
                {"status": 503, "headers": {"retry-after": "1"}, "times": 2},
                500,
                500,
                {"json": {"ok": True}},
            ],
        }
    ]
    assert imported.lost == []


def test_the_scenario_is_named_after_the_file_and_says_where_the_service_is(read):
    imported = read(entry())

    assert list(imported.scenarios) == ["shop"]
    assert only(imported)["x-origin"] == "https://api.example"
    assert "host" not in only(imported)


def test_several_hosts_become_a_scenario_each_that_answers_for_its_host_alone(read):
    imported = read(
        entry("GET https://a.example/x", body="1"), entry("GET https://b.example:8443/x", body="2")
    )
    played = Played(imported)

    assert list(imported.scenarios) == ["a.example", "b.example-8443"]
    assert played.ask("GET /x", host="b.example:8443").body == b"2"
    assert played.ask("GET /x", host="localhost").status == 404
    assert "Host header says a.example" in imported.remarks["a.example"][-1]


def test_a_query_is_asked_for_but_for_what_is_there_to_differ(read):
    imported = read(entry("GET https://api.example/items?page=1&tag=a&tag=b&id=007&_=1699"))

    assert routes(imported)[0]["match"] == {"query": {"page": 1, "tag": ["a", "b"], "id": "007"}}
    assert "Query parameters that are not matched: _." in imported.remarks["shop"]


def test_a_body_is_asked_for_only_where_it_tells_requests_apart(read):
    post = {"mimeType": "application/json"}
    alone = read(entry("POST https://api.example/pay", 201, post={**post, "text": '{"amount": 5}'}))
    two = read(
        entry("POST https://api.example/pay", 201, post={**post, "text": '{"amount": 5}'}),
        entry("POST https://api.example/pay", 402, post={**post, "text": '{"amount": 500}'}),
    )

    assert "match" not in routes(alone)[0]
    assert [route["match"] for route in routes(two)] == [{"json": {"amount": 5}}, {"json": {"amount": 500}}]
    assert Played(two).ask("POST /pay", json={"amount": 500}).status == 402


def test_ids_and_instants_of_a_body_do_not_tell_requests_apart(read):
    def retry(key, at, status):
        text = json.dumps({"id": key, "at": at, "amount": 5})
        return entry(
            "POST https://api.example/pay", status, post={"mimeType": "application/json", "text": text}
        )

    imported = read(
        retry("0a1b2c3d-0000-4000-8000-aabbccddeeff", "2026-01-01T00:00:00Z", 503),
        retry("1a1b2c3d-0000-4000-8000-aabbccddeeff", "2026-01-01T00:00:01Z", 201),
    )

    assert [route["reply"] for route in routes(imported)] == [[503, 201]]


def test_what_asks_for_more_is_asked_first(read):
    imported = read(
        entry("GET https://api.example/x", body="1"),
        entry("GET https://api.example/x?a=1", body="2"),
        entry("GET https://api.example/x?a=1&b=2", body="3"),
    )
    played = Played(imported)

    answers = [played.ask(f"GET {target}").body for target in ("/x", "/x?a=1", "/x?a=1&b=2")]
    assert answers == [b"1", b"2", b"3"]


def test_a_form_of_which_only_the_fields_are_told_is_asked_for_by_them(read):
    def posted(amount):
        params = [line("amount", amount), line("currency", "eur")]
        return {"mimeType": "application/x-www-form-urlencoded", "params": params}

    imported = read(
        entry("POST https://api.example/pay", 201, post=posted("5")),
        entry("POST https://api.example/pay", 402, post=posted("6")),
    )

    assert routes(imported)[0]["match"] == {"form": {"amount": 5, "currency": "eur"}}


def test_the_target_of_a_service_with_one_path_tells_apart(read):
    imported = read(
        entry("POST https://sqs.example/", 200, request_headers=[line("X-Amz-Target", "Send")]),
        entry("POST https://sqs.example/", 201, request_headers=[line("X-Amz-Target", "Receive")]),
    )

    assert [route["match"] for route in routes(imported)] == [
        {"headers": {"x-amz-target": "Send"}},
        {"headers": {"x-amz-target": "Receive"}},
    ]


# What is answered


def test_header_lines_that_nobody_would_write_are_left_out_and_told(read):
    imported = read(
        entry(
            headers=[
                line(name, "x") for name in ("Date", "Server", "Connection", "Content-Length", ":status")
            ]
            + [line("X-Request-Id", "r1"), line("Set-Cookie", "a=1"), line("Set-Cookie", "b=2")]
        )
    )

    assert routes(imported)[0]["reply"] == {
        "headers": {"x-request-id": "r1", "set-cookie": ["a=1", "b=2"]},
    }
    assert imported.remarks["shop"] == [
        "Header lines that were left out of replies: :status, connection, content-length, date, server."
    ]


@pytest.mark.parametrize(
    ("mime", "text", "reply"),
    [
        ("application/json; charset=utf-8", '{"a": 1.5}', {"json": {"a": 1.5}}),
        ("application/json", "null", {"json": None}),
        ("application/json", '{"a": 1, "a": 2}', {"headers": {"content-type": "application/json"}, "text": '{"a": 1, "a": 2}'}),
        ("application/problem+json", '{"a": 1}', {"headers": {"content-type": "application/problem+json"}, "json": {"a": 1}}),
        ("text/plain", "hello", {"text": "hello"}),
        ("text/html; charset=UTF-8", "<p>", {"html": "<p>"}),
        ("application/xml", "<a/>", {"xml": "<a/>"}),
        ("text/csv", "a,b", {"headers": {"content-type": "text/csv"}, "text": "a,b"}),
        ("application/x-www-form-urlencoded", "a=1&b=2&b=3", {"form": {"a": "1", "b": ["2", "3"]}}),
        ("text/event-stream", "data: a\n\nevent: x\ndata: b\n\n", {"events": ["a", {"event": "x", "data": "b"}]}),
        ("text/plain", "{{ x }}", {"text": "{{ x }}", "raw": True}),
    ],
)  # fmt: skip
def test_a_body_is_written_as_what_it_is(read, mime, text, reply):
    imported = read(entry(body=text, mime=mime, headers=[line("Content-Type", mime)]))

    assert routes(imported)[0]["reply"] == reply
    assert Played(imported).ask("GET /data").body.decode() == (
        text.replace(": ", ":") if "json" in reply else text
    )


def test_a_large_body_lies_beside_the_scenario(read):
    body = json.dumps(["x" * 100] * 100)
    imported = read(entry(body=body))

    assert routes(imported)[0]["reply"] == {"file": "shop/get-data.json"}
    assert imported.files == {"shop/get-data.json": body.encode()}
    assert Played(imported).ask("GET /data").body.decode() == body


def test_bytes_are_base64_where_few_and_else_a_file(read):
    few, many = b"\xff\x00", bytes(range(256)) * 8
    imported = read(
        *(
            entry(f"GET https://api.example/{name}", body=base64.b64encode(data).decode(), mime="application/octet-stream", content={"encoding": "base64"})
            for name, data in (("few", few), ("many", many))
        )
    )  # fmt: skip
    played = Played(imported)

    assert routes(imported)[0]["reply"] == {"base64": "/wA="}
    assert list(imported.files) == ["shop/get-many.bin"]
    assert (played.ask("GET /few").body, played.ask("GET /many").body) == (few, many)


def test_a_content_coding_is_taken_off(read):
    zipped = base64.b64encode(gzip.compress(b'{"a":1}')).decode()
    imported = read(
        entry(body=zipped, content={"encoding": "base64"}, headers=[line("Content-Encoding", "gzip"), line("Content-Type", "application/json")])
    )  # fmt: skip

    assert routes(imported)[0]["reply"] == {"json": {"a": 1}}


def test_a_redirect_on_the_service_itself_leads_to_the_mock(read):
    imported = read(
        entry(
            "POST https://api.example/v1/x", 302, headers=[line("Location", "https://api.example/v1/y?z=1")]
        ),
        entry("POST https://api.example/v1/o", 302, headers=[line("Location", "https://other.example/")]),
    )
    played = Played(imported)

    assert played.ask("POST /v1/x").header("location") == "http://localhost/v1/y?z=1"
    assert played.ask("POST /v1/o").header("location") == "https://other.example/"


def test_how_a_call_of_our_own_ended_is_a_fault(read):
    broken = entry("GET https://api.example/x", 0, _outcome="reset", _route="shop/x")

    assert routes(read(broken))[0]["reply"] == {"fault": "reset"}


# What is lost


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (entry(status=0), "log.entries[0]: there is no answer."),
        (entry(status=101), "log.entries[0]: 101 is not a final status."),
        (entry("CONNECT https://api.example/"), "log.entries[0]: 'CONNECT' is a request to a proxy, not to a service."),
        (entry("GET https://api.example/__admin/x"), "log.entries[0]: /__admin is where this server's own API is."),
        (entry("GET data:image/png;base64,xx"), "log.entries[0]: 'data:image/png;base64,xx' is not a URL of HTTP."),
        (entry(_resourceType="websocket"), "log.entries[0]: it is a WebSocket."),
        ({"request": {}}, "log.entries[0]: it is not an entry of an archive: KeyError('response')."),
        (entry(content={"size": 7}), "log.entries[0].response.content: the body of 7 bytes is not in the archive."),
        (entry(content={"size": 7, "comment": "Only the head"}), "log.entries[0].response.content: the body is not there: Only the head."),
        (entry(body="%", content={"encoding": "base64"}), "log.entries[0].response.content: it is not valid Base64"),
    ],
)  # fmt: skip
def test_what_can_not_be_carried_over_is_told_with_its_place(read, odd, said):
    imported = read(odd, entry("GET https://api.example/other"))

    assert [str(one).startswith(said) for one in imported.lost] == [True], imported.lost
    assert routes(imported)[-1]["request"] == "GET /other"


@pytest.mark.parametrize("text", ["", "nothing", "[]", '{"log": {}}', '{"log": {"entries": 5}}', "\xff"])
def test_what_is_no_archive_is_refused(tmp_path, text):
    file = tmp_path / "a.har"
    file.write_bytes(text.encode("latin-1"))

    with pytest.raises(InvalidInputError, match="archive"):
        har.read(file)


def test_what_is_not_there_is_refused_with_its_name(tmp_path):
    with pytest.raises(InvalidInputError, match=r"none\.har can't be read"):
        har.read(tmp_path / "none.har")


# Out


def written(scenario, **scenarios):
    exported = har.write({"shop": scenario, **scenarios})
    document = json.loads(exported.files["calls.har"])
    return entries_of(document), [str(one) for one in exported.lost]


def test_each_answer_is_an_entry():
    entries, lost = written({
        "base": "/v1",
        "x-origin": "https://api.example",
        "defaults": {"headers": {"x-a": "1"}},
        "routes": [{
            "request": "POST /data",
            "match": {"query": {"a": 1}, "json_exact": {"b": 2}, "cookies": {"sid": "x"}},
            "reply": [{"status": 503, "times": 2}, {"json": {"ok": True}}, {"fault": "reset"}],
        }],
    })  # fmt: skip

    assert lost == []
    assert [one["response"]["status"] for one in entries] == [503, 503, 200, 0]
    assert entries[0]["request"]["url"] == "https://api.example/v1/data?a=1"
    assert entries[0]["request"]["postData"] == {"mimeType": "application/json", "text": '{"b":2}'}
    assert line("cookie", "sid=x") in entries[0]["request"]["headers"]
    assert line("x-a", "1") in entries[2]["response"]["headers"]
    assert entries[2]["response"]["content"]["text"] == '{"ok":true}'
    assert entries[3]["_outcome"] == "reset"


def test_what_an_archive_can_not_say_is_told_with_its_key_path():
    _, lost = written({
        "state": {"a": 1},
        "defaults": {"delay": "1s"},
        "resources": [{"path": "/items"}],
        "routes": [{
            "request": "GET,POST /users/{id}",
            "match": {"query": {"a": {"matches": "x+"}}, "json": {"b": {"$gte": 3}}, "xml": {"//a": "1"}},
            "when": {"a": 1},
            "then": "stop",
            "reply": [
                {"status": "{{ 200 }}", "headers": {"x": "{{ uuid() }}"}, "json": {"id": "{{ path.id }}"}, "delay": "1s"},
                {"choose": [{"status": 500}, {"weight": 3, "file": "none.json"}]},
            ],
        }],
    })  # fmt: skip

    assert sorted(one.partition(": ")[2].partition(":")[0] for one in lost) == [
        "defaults.delay", "resources", "routes[0].match.json.b", "routes[0].match.json.b",
        "routes[0].match.query.a", "routes[0].match.query.a", "routes[0].match.xml", "routes[0].match.xml",
        "routes[0].reply[0].delay", "routes[0].reply[0].headers.x", "routes[0].reply[0].json", "routes[0].reply[0].status",
        "routes[0].reply[1].choose", "routes[0].reply[1].choose[1].file", "routes[0].request", "routes[0].request",
        "routes[0].request", "routes[0].then", "routes[0].when", "state",
    ]  # fmt: skip


def test_examples_stand_for_conditions():
    entries, _ = written({
        "routes": [
            {"request": "GET /u/{id:\\d+}/{rest:.+}", "match": {"query": {"a": {"matches": "[A-Z]{2}-\\d"}}}, "reply": 200},
            {"request": "POST /j", "match": {"json": {"n": {"$gt": 3}, "x": "$absent", "t": {"$one_of": ["a"]}}}, "reply": 200},
        ]
    })  # fmt: skip

    assert entries[0]["request"]["url"] == "http://localhost:8080/u/0/a?a=AA-0"
    assert json.loads(entries[1]["request"]["postData"]["text"]) == {"n": 4, "t": "a"}


# Both ways


@settings(max_examples=20, deadline=None)
@given(st.lists(exchanges(), min_size=1, max_size=6))
def test_what_was_recorded_is_answered_again(recorded):
    imported = through(recorded)
    assert imported.lost == []

    played = Played(imported)
    for exchange in recorded:
        assert meant(played.repeat(exchange)) == meant(exchange)


@settings(max_examples=20, deadline=None)
@given(st.lists(exchanges(of_text=True), min_size=1, max_size=6))
def test_an_archive_that_was_imported_and_written_says_the_same(recorded):
    once = through(recorded)
    exported = har.write(once.scenarios)
    again = fold(har.exchanges(json.loads(exported.files["calls.har"]), []), "shop")

    assert [one for one in exported.lost if "an example stands" not in one.what] == []
    assert without_stand_ins(again) == without_stand_ins(once)


def through(recorded) -> Imported:
    """Written as an archive, read as one."""
    lost = Losses()
    document = {"log": {"entries": [har._entry(one) for one in recorded]}}
    return fold(har.exchanges(json.loads(json.dumps(document)), lost), "shop")


def without_stand_ins(imported):
    """Return the scenarios with an example for each id; examples are more specific than ids, which may change the order."""
    text = json.dumps(imported.scenarios)
    text = text.replace('{"$type": "string"}', '"text"').replace('"present"', '"text"').replace('{"equals": "text"}', '"text"')  # fmt: skip
    scenarios = json.loads(text)
    return {
        name: {**scenario, "routes": sorted(scenario["routes"], key=json.dumps)}
        for name, scenario in scenarios.items()
    }


def test_a_304_whose_content_is_in_the_archive_is_the_200_that_it_confirms(read):
    conditions = [line("If-None-Match", '"a"'), line("If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT")]
    confirmed = entry(status=304, body='{"a": 1.50}')
    confirmed["request"]["headers"] = conditions
    confirmed["response"]["headers"] = [line("ETag", '"a"')]
    first = entry(body='{"a": 1.50}')
    first["response"]["headers"] = [line("ETag", '"a"')]

    imported = read(first, confirmed)

    assert [one["reply"]["json"] for one in routes(imported)] == [{"a": 1.5}]
    assert Played(imported).ask("GET /data").status == 200
    assert imported.lost == []


@pytest.mark.parametrize("status", [204, 205])
def test_the_content_of_a_reply_that_has_none_is_left_out_with_a_note(read, status):
    imported = read(entry(status=status, body="hi"))

    assert routes(imported)[0]["reply"] == status
    assert list(map(str, imported.lost)) == [
        f"log.entries[0]: a {status} has no body, so its 2 bytes are left out."
    ]


def test_a_304_without_content_stays_what_it_is(read):
    assert routes(read(entry(status=304)))[0]["reply"] == 304
