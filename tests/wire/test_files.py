"""Files and other bodies on the wire: ranges, tags, codings, and what has no body."""

import gzip
import zlib

import pytest
from support.wire import Wire

CONTENT = b"0123456789"
SCENARIO = """
routes:
  - {request: GET /file, reply: {file: data.txt}}
  - {request: GET /tagged, reply: {file: data.txt, headers: {ETag: '"v1"'}}}
  - {request: GET /weak, reply: {file: data.txt, headers: {ETag: 'W/"v1"'}}}
  - {request: GET /status, reply: {file: data.txt, status: 203}}
  - {request: POST /file, reply: {file: data.txt}}
  - {request: GET /empty, reply: {file: empty.bin}}
  - {request: GET /image, reply: {file: pictures/a.png}}
  - {request: GET /json, reply: {file: a.json}}
  - {request: GET /archive, reply: {file: a.tar.gz}}
  - {request: GET /zipped, reply: {file: data.txt, headers: {Content-Encoding: gzip}}}
  - {request: GET /ready, reply: {file: a.txt.gz, headers: {Content-Encoding: gzip, Content-Type: text/plain}}}
"""
FILES = {
    "shop.yaml": SCENARIO,
    "data.txt": CONTENT,
    "empty.bin": b"",
    "pictures/a.png": b"\x89PNG\r\n\x1a\n",
    "a.json": b'{"a": 1}',
    "a.tar.gz": gzip.compress(b"tar"),
    "a.txt.gz": gzip.compress(b"text"),
}


@pytest.fixture
def server(serving):
    return serving(FILES)


@pytest.fixture
def get(server):
    def got(target, method="GET", **headers):
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return server.ask(method, target, headers=lines)

    return got


def test_a_file_comes_whole_with_its_type_and_tag(get):
    answer = get("/file")

    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.header("accept-ranges") == "bytes"
    assert answer.header("etag").startswith('"')
    assert get("/file").header("etag") == answer.header("etag")
    assert get("/json").header("etag") != answer.header("etag")


@pytest.mark.parametrize(
    ("target", "media_type"),
    [
        ("/image", "image/png"),
        ("/json", "application/json"),
        ("/archive", "application/gzip"),
        ("/empty", "application/octet-stream"),
    ],
)
def test_its_type_follows_its_name(get, target, media_type):
    assert get(target).header("content-type") == media_type


RANGES = [
    ("bytes=0-3", "0-3", b"0123"),
    ("bytes=4-", "4-9", b"456789"),
    ("bytes=-3", "7-9", b"789"),
    ("bytes=9-9", "9-9", b"9"),
    ("bytes=8-100", "8-9", b"89"),
    ("bytes=-100", "0-9", CONTENT),
    ("bytes=0-" + "9" * 5000, "0-9", CONTENT),
    ("bytes=-" + "9" * 5000, "0-9", CONTENT),
    ("bytes=" + "0" * 5000 + "8-9", "8-9", b"89"),
]


@pytest.mark.parametrize(("asked", "given", "body"), RANGES, ids=[asked[:15] for asked, *_ in RANGES])
def test_a_part_is_206(get, asked, given, body):
    answer = get("/file", Range=asked)

    assert (answer.status, answer.body) == (206, body)
    assert answer.header("content-range") == f"bytes {given}/10"
    assert answer.header("content-length") == str(len(body))


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=" + "9" * 5000 + "-"])
def test_a_part_that_isnt_there_is_416(get, asked):
    answer = get("/file", Range=asked)

    assert (answer.status, answer.body) == (416, b"")
    assert answer.header("content-range") == "bytes */10"


def test_an_empty_file_has_no_parts(get):
    assert get("/empty", Range="bytes=0-0").status == 416
    assert get("/empty").body == b""


@pytest.mark.parametrize(
    "asked", ["bytes=3-1", "bytes=a-b", "bytes=-", "lines=0-1", "bytes=0-1,4-5", "bytes=\u0661-\u0662"]
)
def test_what_is_no_single_range_is_answered_whole(get, asked):
    answer = get("/file", Range=asked.encode())

    assert (answer.status, answer.body) == (200, CONTENT)


@pytest.mark.parametrize(("method", "target"), [("HEAD", "/file"), ("POST", "/file"), ("GET", "/status")])
def test_only_a_plain_get_has_parts(get, method, target):
    answer = get(target, method, Range="bytes=0-1")

    assert answer.status in (200, 203)
    assert answer.header("content-length") == "10"


def test_if_range_asks_for_the_tag(get):
    tag = get("/file").header("etag")

    assert get("/file", Range="bytes=0-1", If_Range=tag).status == 206
    assert get("/file", Range="bytes=0-1", If_Range='"other"').body == CONTENT
    assert get("/tagged", Range="bytes=0-1", If_Range='"v1"').status == 206
    assert get("/weak", Range="bytes=0-1", If_Range='W/"v1"').body == CONTENT


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("/tagged", '"v1"'),
        ("/tagged", 'W/"v1"'),
        ("/tagged", '"a", "v1"'),
        ("/tagged", "*"),
        ("/weak", '"v1"'),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_known_is_304_without_a_body(server, method, target, asked):
    with Wire(server.address) as wire:
        wire.send(f"{method} {target} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {asked}\r\n\r\n" * 2)
        for _ in range(2):
            answer = wire.answer()
            assert answer.status == 304
            assert answer.header("etag").endswith('"v1"')
            assert answer.header("content-length") is None


def test_what_isnt_known_comes_whole_and_a_known_one_goes_before_its_range(get):
    assert get("/tagged", If_None_Match='"v2"').body == CONTENT
    assert get("/tagged", If_None_Match='"v1"', Range="bytes=0-1").status == 304
    assert get("/status", If_None_Match="*").status == 203


def test_a_file_is_put_into_the_coding_that_is_set(get):
    answer = get("/zipped")

    assert gzip.decompress(answer.body) == CONTENT
    assert answer.header("content-length") == str(len(answer.body))
    part = get("/zipped", Range="bytes=0-3")
    assert (part.status, part.body) == (206, answer.body[:4])


def test_what_is_gzip_already_is_sent_as_it_is(get):
    assert gzip.decompress(get("/ready").body) == b"text"


# Other bodies


BODIES = """
routes:
  - {request: GET /form, reply: {form: {a: 1, b: [x, y z], c: {d: "{{ request.method }}", e: {f: ü}}, g: null}}}
  - {request: GET /xml, reply: {xml: "<order id='{{ request.query.id }}'>ü</order>"}}
  - {request: GET /html, reply: {html: "<p>hi</p>"}}
  - {request: GET /base64, reply: {base64: "AAEC/w=="}}
  - {request: GET /gzip, reply: {headers: {Content-Encoding: gzip}, json: {a: "{{ request.method }}"}}}
  - {request: GET /deflate, reply: {headers: {Content-Encoding: deflate}, text: hello}}
  - {request: GET /both, reply: {headers: {Content-Encoding: "deflate, gzip"}, text: hello}}
  - {request: GET /twice, reply: {headers: {Content-Encoding: [deflate, gzip]}, text: hello}}
  - {request: GET /identity, reply: {headers: {Content-Encoding: identity}, text: hello}}
  - {request: GET /nothing, reply: {status: 200, headers: {Content-Encoding: gzip}}}
  - {request: GET /raw, reply: {raw: true, headers: {x-a: "{{ 1 }}"}, json: {a: "{{ not a template", b: "{% raw %}"}}}
  - {request: GET /raw-text, reply: {raw: true, text: "{{ 1 }}"}}
  - {request: GET /raw-events, reply: {raw: true, events: ["{{ 1 }}", {data: "{{ 2 }}"}]}}
  - {request: GET /cookies, reply: {headers: {Set-Cookie: [a=1; Path=/, b=2, "c={{ request.method }}"], X-MiXed: Yes}}}
  - {request: "ANY /status/{code}", reply: {status: "{{ path.code }}", json: {a: 1}, headers: {content-encoding: gzip}}}
  - {request: GET /mine, reply: {text: "{}", headers: {content-type: application/json}}}
"""


@pytest.fixture
def ask(serving):
    server = serving(BODIES)
    return lambda target, method="GET": server.ask(method, target)


@pytest.mark.parametrize(
    ("target", "media_type", "body"),
    [
        (
            "/form",
            "application/x-www-form-urlencoded",
            b"a=1&b=x&b=y+z&c%5Bd%5D=GET&c%5Be%5D%5Bf%5D=%C3%BC&g=",
        ),
        ("/xml?id=7", "application/xml", "<order id='7'>ü</order>".encode()),
        ("/html", "text/html; charset=utf-8", b"<p>hi</p>"),
        ("/base64", "application/octet-stream", b"\x00\x01\x02\xff"),
        ("/mine", "application/json", b"{}"),
        ("/raw", "application/json", b'{"a":"{{ not a template","b":"{% raw %}"}'),
        ("/raw-text", "text/plain; charset=utf-8", b"{{ 1 }}"),
        ("/raw-events", "text/event-stream", b"data: {{ 1 }}\n\ndata: {{ 2 }}\n\n"),
    ],
)
def test_every_kind_of_body_has_its_type(ask, target, media_type, body):
    answer = ask(target)
    assert (answer.header("content-type"), answer.body) == (media_type, body)


@pytest.mark.parametrize(
    ("target", "read", "body"),
    [
        ("/gzip", gzip.decompress, b'{"a":"GET"}'),
        ("/deflate", zlib.decompress, b"hello"),
        ("/both", lambda data: zlib.decompress(gzip.decompress(data)), b"hello"),
        ("/twice", lambda data: zlib.decompress(gzip.decompress(data)), b"hello"),
        ("/identity", bytes, b"hello"),
        ("/nothing", bytes, b""),
    ],
)
def test_a_body_is_put_into_its_content_coding(ask, target, read, body):
    answer = ask(target)
    assert read(answer.body) == body
    assert answer.header("content-length") == str(len(answer.body))
    assert ask(target).body == answer.body


def test_raw_headers_keep_their_braces(ask):
    assert ask("/raw").header("x-a") == "{{ 1 }}"


def test_every_cookie_has_its_line_and_every_name_its_case(ask):
    headers = ask("/cookies").headers
    assert [pair for pair in headers if pair[0].lower() == "set-cookie"] == [
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
        ("Set-Cookie", "c=GET"),
    ]
    assert ("X-MiXed", "Yes") in headers


@pytest.mark.parametrize("code", [204, 304])
def test_204_and_304_have_no_body_whatever_is_written(ask, code):
    answer = ask(f"/status/{code}")
    assert (answer.status, answer.body, answer.header("content-length")) == (code, b"", None)


def test_head_is_answered_as_get_without_the_body(ask):
    with_body, head = ask("/gzip"), ask("/gzip", "HEAD")
    # The body says which method it was, so only its kind is compared.
    assert [name for name, _ in head.headers] == [name for name, _ in with_body.headers]
    assert head.body == b""


def test_100_continue_comes_before_the_answer_to_a_large_upload(serving):
    server = serving(
        "routes: [{request: 'PUT /bucket/{key}', reply: {status: 200, headers: {ETag: '\"x\"'}}}]"
    )
    with Wire(server.address) as wire:
        wire.send("PUT /bucket/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert wire.answer().start == "HTTP/1.1 100 Continue"
        wire.send("data")
        assert wire.answer().status == 200


def test_a_fault_too_lets_the_body_come_first(serving):
    server = serving("routes: [{request: PUT /x, reply: {fault: close}}]")
    with Wire(server.address) as wire:
        wire.send("PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert wire.answer().status == 100
        wire.send("data")
        assert wire.ending() == (b"", "FIN")
    assert server.closed_call()["request"]["body"]["text"] == "data"
