"""`/calls.har`: calls as an HTTP archive that other tools read. Each is held against the rules of the format."""

import base64
import gzip
import json
from urllib.parse import quote

import pytest
from support.har import entries_of
from support.wire import Wire

SHOP = """
routes:
  - {name: read, request: "GET /items/{id}", reply: {text: "it is {{ path.id }}"}, tags: [money]}
  - {name: made, request: POST /items, reply: {status: 201, headers: {Location: /items/1, Set-Cookie: "a=b; Path=/; Domain=a.example; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure; HttpOnly"}, json: {id: 1}}}
  - {name: binary, request: GET /binary, reply: {base64: "/wD+", headers: {Content-Type: image/png}}}
  - {name: gone, request: GET /gone, reply: {fault: reset}}
  - {name: half, request: GET /half, reply: {text: abcdefgh, fault: truncate}}
  - {name: odd, request: GET /odd, reply: 599}
  - {name: zipped, request: GET /zipped, reply: {base64: ZIPPED, headers: {Content-Type: application/json, Content-Encoding: gzip}}}
""".replace("ZIPPED", base64.b64encode(gzip.compress(b'{"a": "' + b"x" * 500 + b'"}')).decode())


@pytest.fixture
def server(serving):
    return serving(SHOP)


@pytest.fixture
def entries(server):
    def found(query="?reveal=true"):
        return entries_of(server.admin.get(f"/calls.har{query}"))

    return found


@pytest.fixture
def entry(server, entries):
    """The entry of one call."""

    def made(method, target, body=None, **headers):
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        server.ask(method, target, body, headers=lines)
        server.closed_call()
        return entries()[-1]

    return made


def test_an_archive_without_calls(server):
    archive = server.admin.get("/calls.har")

    assert entries_of(archive) == []
    assert archive["log"]["creator"]["name"] == "mockserver"


def test_a_call_as_an_entry(entry):
    got = entry(
        "POST", "/mock/items?x=1&x=%C3%A4", '{"a": 1}', Content_Type="application/json", Cookie="a=1; b=2"
    )

    request, response = got["request"], got["response"]
    host = {one["name"]: one["value"] for one in request["headers"]}["Host"]
    assert request["url"] == f"http://{host}/mock/items?x=1&x=%C3%A4"
    assert (request["method"], request["httpVersion"], request["bodySize"]) == ("POST", "HTTP/1.1", 8)
    assert request["queryString"] == [{"name": "x", "value": "1"}, {"name": "x", "value": "ä"}]
    assert request["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert request["postData"] == {"mimeType": "application/json", "text": '{"a": 1}'}
    assert (response["status"], response["statusText"], response["redirectURL"]) == (
        201,
        "Created",
        "/items/1",
    )
    assert response["cookies"] == [
        {"name": "a", "value": "b", "path": "/", "domain": "a.example", "expires": "2026-10-21T07:28:00+00:00", "secure": True, "httpOnly": True}
    ]  # fmt: skip
    assert response["content"] == {"size": 8, "mimeType": "application/json", "text": '{"id":1}'}
    assert response["bodySize"] == 8
    assert got["timings"]["wait"] > 0
    assert {name: got[name] for name in ("_id", "_namespace", "_route", "_step", "_outcome", "_fault")} == {
        "_id": "c-000001", "_namespace": "default", "_route": "shop/made", "_step": 1, "_outcome": "done", "_fault": None,
    }  # fmt: skip


def test_the_size_of_a_head_is_that_of_its_bytes(server, entries):
    head = b"GET /items/1 HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\n\r\n"
    with Wire(server.address) as wire:
        wire.send(head)
        wire.answer()
    server.closed_call()

    assert entries()[0]["request"]["headersSize"] == len(head)


def test_a_form_has_its_fields_and_its_text(entry):
    got = entry("POST", "/items", "a=1&b=x+y&a=%26", Content_Type="application/x-www-form-urlencoded")

    assert got["request"]["postData"] == {
        "mimeType": "application/x-www-form-urlencoded",
        "text": "a=1&b=x+y&a=%26",
        "params": [{"name": "a", "value": "1"}, {"name": "b", "value": "x y"}, {"name": "a", "value": "&"}],
    }


def test_a_multipart_form_names_its_files(entry):
    body = (
        '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--b\r\nContent-Disposition: form-data; '
        'name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--b--\r\n'
    )

    got = entry("POST", "/items", body, Content_Type="multipart/form-data; boundary=b")

    assert got["request"]["postData"]["params"] == [
        {"name": "note", "value": "hello"},
        {"name": "f", "fileName": "a.txt", "contentType": "text/plain"},
    ]


def test_bytes_that_are_no_text_are_base64(entry):
    got = entry("POST", "/items", b"\xff\x00")
    assert got["request"]["postData"] == {
        "mimeType": "application/octet-stream",
        "text": "/wA=",
        "_encoding": "base64",
    }

    got = entry("GET", "/binary")
    assert got["response"]["content"] == {
        "size": 3,
        "mimeType": "image/png",
        "text": "/wD+",
        "encoding": "base64",
    }


def test_a_body_is_shown_without_its_content_coding(entry):
    got = entry(
        "POST", "/items", gzip.compress(b'{"a": 1}'), Content_Type="application/json", Content_Encoding="gzip"
    )
    assert got["request"]["postData"]["text"] == '{"a": 1}'
    assert got["request"]["bodySize"] == len(gzip.compress(b'{"a": 1}'))

    response = entry("GET", "/zipped")["response"]
    assert response["content"]["size"] == 509
    assert response["content"]["size"] - response["content"]["compression"] == response["bodySize"] < 100
    assert json.loads(response["content"]["text"])["a"] == "x" * 500


def test_an_answer_that_never_came_is_none(entry, server):
    with pytest.raises(ConnectionError):
        server.ask("GET", "/gone")
    server.closed_call()
    got = entry("GET", "/odd")
    assert (got["response"]["status"], got["response"]["statusText"]) == (599, "")

    gone = entries_of(server.admin.get("/calls.har"))[0]
    assert (gone["response"]["status"], gone["response"]["_error"], gone["_fault"]) == (0, "reset", "reset")


def test_an_answer_that_was_cut_has_no_known_size(server, entries):
    with Wire(server.address) as wire:
        wire.send(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.rest()
    server.closed_call()

    (got,) = entries()
    assert (got["response"]["status"], got["response"]["bodySize"], got["_outcome"]) == (200, -1, "truncate")


def test_a_head_request_has_no_content(entry):
    assert entry("HEAD", "/items/7")["response"]["content"]["size"] == 0


@pytest.mark.parametrize(
    ("head", "url"),
    [
        (b"GET /a[1]?x={y}|z&%zz HTTP/1.1\r\nHost: a.example:81", "http://a.example:81/a%5B1%5D?x=%7By%7D%7Cz&%25zz"),
        (b"GET /a HTTP/1.1\r\nHost: a b", "http://localhost/a"),
        (b"GET /a HTTP/1.0", "http://localhost/a"),
        (b"GET http://other.example/a?b HTTP/1.1\r\nHost: a", "http://other.example/a?b"),
        (b"OPTIONS * HTTP/1.1\r\nHost: a", "http://a/*"),
    ],
)  # fmt: skip
def test_a_url_is_absolute_and_well_formed_whatever_came(server, entries, head, url):
    with Wire(server.address) as wire:
        wire.send(head + b"\r\nConnection: close\r\n\r\n")
        wire.rest()

    (got,) = entries()
    assert got["request"]["url"] == url


def test_calls_are_filtered_as_in_the_list(server, entries):
    for target in ("/items/1", "/items/2", "/none"):
        server.ask("GET", target)
    server.ask("POST", "/items")

    for query in ("route=read", "tag=money", "method=POST", "path=" + quote("/items/{id}"), "status=4xx", "matched=true", "since=c-000002", "limit=2", "route=read&limit=1"):  # fmt: skip
        listed = [call["id"] for call in server.admin.get(f"/calls?{query}")["items"]]
        assert [one["_id"] for one in entries(f"?{query}")] == listed, query
        assert 0 < len(listed) < 4, query
    for query in ("route=rd", "status=x", "limit=0", "cursor=c-1", "reveal=perhaps"):
        server.admin.refused(422, "GET", f"/calls.har?{query}")


def test_an_archive_of_a_namespace_has_its_calls_alone(server, entries):
    server.admin.post("/namespaces", {"name": "mine"})
    server.ask("GET", "/@mine/items/1")
    server.ask("GET", "/items/2")

    (mine,) = entries_of(server.admin.get("/@mine/calls.har"))
    assert (mine["_namespace"], mine["response"]["content"]["text"]) == ("mine", "it is 1")
    assert "/@mine/items/1" in mine["request"]["url"]


def test_all_that_is_kept_is_in_it_and_long_bodies_say_that_they_are_cut(server, entries):
    for n in range(40):
        server.ask("GET", f"/items/{n}")
    server.ask("POST", "/items", "x" * 70_000)

    found = entries()
    assert [one["_id"] for one in found] == [f"c-{n:06d}" for n in range(1, 42)]
    assert len(found[-1]["request"]["postData"]["text"]) == 65536
    assert found[-1]["request"]["postData"]["comment"] == "Only the first 65536 bytes are kept"
    assert found[-1]["request"]["bodySize"] == 70_000


def test_secrets_are_masked_by_the_rules_of_calls(server, entries):
    login = "password=hunter2&card=4242424242424242"
    lines = {"Authorization": "Bearer tok_1234567890", "Cookie": "sid=abcdefghijkl", "Content-Type": "application/x-www-form-urlencoded"}  # fmt: skip
    server.ask("POST", "/items?api_key=abcdefghijkl", login, headers=lines)
    server.ask("POST", "/items", b"\xff", headers={"Content-Encoding": "br"})

    masked, hidden = entries("")
    truth = entries()[0]

    request = masked["request"]
    assert "?api_key=****ijkl" in request["url"]
    assert request["queryString"] == [{"name": "api_key", "value": "****ijkl"}]
    assert request["cookies"] == [{"name": "sid", "value": "****ijkl"}]
    assert {"name": "Authorization", "value": "Bearer ****7890"} in request["headers"]
    assert request["postData"]["text"] == "password=****&card=****4242"
    assert request["postData"]["params"] == [{"name": "password", "value": "****"}, {"name": "card", "value": "****4242"}]  # fmt: skip
    assert masked["response"]["cookies"][0]["value"] == "****"
    assert (truth["request"]["postData"]["text"], truth["request"]["cookies"][0]["value"]) == (
        login,
        "abcdefghijkl",
    )
    assert "reveal=true" in hidden["request"]["postData"]["comment"]
    assert "text" not in hidden["request"]["postData"]


def test_it_is_a_download_that_nobody_caches(server):
    answer = server.admin.call("GET", "/calls.har")

    assert (answer.header("content-disposition"), answer.header("cache-control")) == (
        'attachment; filename="calls.har"',
        "no-store",
    )
    assert server.admin.call("HEAD", "/calls.har").status == 200
