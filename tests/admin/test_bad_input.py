"""Whatever is sent to the admin API: a 4xx problem with pointers, never a 500, and nothing half changed."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.admin import described
from support.wire import Wire

from mockserver.admin.tables import all_endpoints

SHOP = """
routes:
  - {name: charge, request: POST /charges, reply: [503, 201], tags: [money]}
  - {name: user, request: "GET /users/{id}", reply: 200}
"""
BODIES = [one for one in all_endpoints() if one.body is not None]
CHANGING = [one for one in all_endpoints() if one.method != "GET" and one.described]


def name_of(one):
    return f"{one.method} {one.path}"


@pytest.fixture
def server(serving):
    return serving(SHOP)


def filled(path, value="charge"):
    """A path of the table with its parameters filled in."""
    for name in ("{id}", "{name}", "{key}", "{path}"):
        path = path.replace(name, value)
    assert "{" not in path, path
    return path


def world(server):
    """What answers, and what is remembered: must be the same after a refusal."""
    paths = ("/routes", "/scenarios", "/counts", "/scenarios/shop", "/state")
    known = described()["paths"]
    return [server.admin.call("GET", path).json() for path in paths if f"/__admin{path}" in known]


# Bodies


NO_JSON = [
    b"{", b"[", b'{"a": }', b"nonsense", b"\xff\xfe{}", b'{"a": "\xff"}', b"\x00", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1} trailing',
    b"'single'", b"{" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000, b'{"a": ' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{",
]  # fmt: skip


@pytest.mark.parametrize("one", BODIES, ids=name_of)
def test_what_is_no_json_is_a_problem_and_changes_nothing(server, one):
    before = world(server)

    for body in NO_JSON:
        answer = server.admin.call(
            one.method, filled(one.path), body=body, headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status < 500, body[:20]

    assert world(server) == before


@pytest.mark.parametrize("one", BODIES, ids=name_of)
def test_what_is_no_such_thing_is_a_problem_with_pointers_and_changes_nothing(server, one):
    if one.path in ("/state", "/state/{key}", "/resources/{path}"):
        pytest.skip("takes any JSON")
    before = world(server)

    for document in ([[]], "text", 5, True, None, {"unknown": 1}, {"": {}}, {"yaml": []}):
        answer = server.admin.call(one.method, filled(one.path), document)
        assert answer.status in (404, 422), answer.text
        if answer.status == 422:
            errors = answer.json()["errors"]
            assert errors
            assert all(error["pointer"] == "" or error["pointer"].startswith("/") for error in errors)
            assert all(error["message"] for error in errors)

    assert world(server) == before


BOMB = "x-a: &a [" + "x," * 9 + "]\n" + "".join(
    f"x-{new}: &{new} [" + f"*{old}," * 9 + "]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)  # fmt: skip
NO_YAML = [
    "a: [", "a: &a [*a]", "!!python/object:os.system x", "- - - {", "a: b: c", "\t- x", "a: 1\na: 2", "? [a]\n: b", "%YAML 9.9\n---\na",
    "--- a\n--- b", "&a [*b]", "\x00", "a: !own b", "a: .inf", "x-a: &x [1]\nroutes: *y", "", "---", "null", "[]", "5", "text", BOMB,
    "[" * 5000, "a: " * 3000, "- " * 5000, "{a: " * 3000,
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/scenarios/new"), ("POST", "/scenarios"), ("POST", "/routes")]
)
def test_what_is_no_yaml_is_a_problem_and_changes_nothing(server, method, path):
    before = world(server)

    for yaml in NO_YAML:
        answer = server.admin.call(method, path, yaml=yaml)
        assert answer.status in (400, 422), (yaml[:30], answer.text)

    assert world(server) == before


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"routes: [\xff]", b"a: \x00", b"\xef\xbb\xbf", b"\x1f\x8b\x08\x00"]
)
def test_bytes_that_are_no_utf8_are_a_problem(server, raw):
    for kind in ("application/yaml", "application/json"):
        answer = server.admin.call("PUT", "/scenarios/new", body=raw, headers={"Content-Type": kind})
        assert answer.status in (400, 422)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "nonsense", "gzip, gzip"])
def test_a_content_coding_that_is_not_there_is_a_problem(server, coding):
    for path in ("/routes", "/scenarios", "/count", "/verify", "/reset"):
        answer = server.admin.call(
            "POST", path, body=b"{}", headers={"Content-Type": "application/json", "Content-Encoding": coding}
        )
        assert 400 <= answer.status < 500


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "/routes", {"request": "GET /deep", "reply": {"json": "DEEP"}}),
        ("POST", "/routes", {"request": "POST /deep", "reply": 200, "match": {"json": "DEEP"}}),
        ("PUT", "/scenarios/deep", {"vars": {"a": "DEEP"}, "routes": []}),
        ("PUT", "/scenarios/deep", {"routes": [{"request": "GET /deep", "reply": {"json": "DEEP"}}]}),
        ("POST", "/count", {"request": "GET /x", "match": {"json": "DEEP"}}),
        ("POST", "/verify", {"request": "GET /x", "times": 0, "match": {"json_exact": "DEEP"}}),
        ("POST", "/reset", {"what": "DEEP"}),
        ("PATCH", "/routes/charge", {"reply": {"json": "DEEP"}}),
    ],
)
def test_deep_json_is_taken_or_refused_but_breaks_nothing(server, method, path, document):
    for depth in (50, 150, 400, 900, 3000):
        for open_, close in (("[", "]"), ('{"a": ', "}")):
            body = json.dumps(document).replace('"DEEP"', open_ * depth + "1" + close * depth)
            server.admin.call(method, path, body=body, headers={"Content-Type": "application/json"})
            for target, sent in (("/deep", None), ("/deep", body), ("/charges", body)):
                server.ask("POST" if sent else "GET", target, sent)
            for seen in ("/routes", "/scenarios", "/calls", "/unmatched"):
                server.admin.get(seen)


def test_a_body_above_the_limit_is_413_before_it_is_sent(server):
    with Wire(server.address) as wire:
        wire.send("POST /__admin/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
        answer = wire.answer()

    assert answer.status == 413
    assert answer.header("content-type") == "application/problem+json"


def test_an_infinite_number_breaks_no_answer_that_would_show_it(server):
    for path in ("/charges", "/users/1", "/nowhere"):
        server.ask("POST", path, '{"a": 1e999}', headers={"Content-Type": "application/json"})

    for path in ("/calls", "/unmatched", "/attempts"):
        server.admin.get(path)
    assert (
        server.admin.call(
            "PUT", "/state", body='{"a": 1e999}', headers={"Content-Type": "application/json"}
        ).status
        == 400
    )


def test_a_large_body_is_taken(server):
    big = "x" * 2_000_000

    added = server.admin.call("POST", "/routes", {"request": "GET /big", "reply": {"text": big}})

    assert added.status == 201
    assert len(server.ask("GET", "/big").body) == 2_000_000


def test_many_values_are_refused_or_taken_but_break_nothing(server):
    answer = server.admin.call(
        "POST", "/count", {"request": "GET /x", "match": {"json": list(range(600_000))}}
    )

    assert answer.status in (200, 400, 422)


# URLs

SEGMENTS = ["%00", "%ff", "%", "%zz", "%2F", "..", "%2e%2e", "a" * 3000, "%0d%0aX:y", "%F0%9F%92%A5", "c-%C2%B2", "'", "%22", "{id}", "%7Bid%7D", "@x", "*"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("segment", SEGMENTS)
def test_no_name_in_a_path_makes_it_fail(server, segment):
    before = world(server)
    for one in all_endpoints():
        if "{" not in one.path or "stream" in one.path:
            continue
        path = one.path
        for name in ("{id}", "{name}", "{key}", "{path}"):
            path = path.replace(name, segment)
        body = {"method": one.method, "path": path}
        if one.body is not None:
            answer = server.admin.call(
                one.method, path, body=b"{", headers={"Content-Type": "application/json"}
            )
        else:
            answer = server.admin.call(one.method, path)
        assert 200 <= answer.status < 500, body
    assert world(server) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["?%ff", "?=", "?&&", "?a=%00", "?" + "a=1&" * 3000, "?%F0%9F%92%A5=1", "?route[]=x", "??", "?#"]
)
def test_no_query_makes_it_fail(server, query):
    for one in all_endpoints():
        if one.method == "GET" and "{" not in one.path and not one.path.endswith("/stream"):
            server.admin.call("GET", one.path + query)


@pytest.mark.parametrize(
    "one", [one for one in all_endpoints() if one.query and "{" not in one.path], ids=name_of
)
def test_every_parameter_survives_every_text(server, one):
    if one.method == "DELETE":
        pytest.skip("would delete")
    for name in one.query:
        for value in (
            "",
            "%00",
            "%ff",
            "-1",
            "1e9",
            "c-%C2%B2",
            "c-" + "9" * 5000,
            "a" * 5000,
            "{",
            "%5B",
            "../..",
            "true",
        ):
            with Wire(server.address) as wire:
                wire.send(
                    f"{one.method} /__admin{one.path}?{name}={value} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                )
                assert wire.until(b"\r\n").split()[1][:1] in (b"2", b"4")


@pytest.mark.parametrize("one", CHANGING, ids=name_of)
def test_an_unknown_query_parameter_changes_nothing(server, one):
    before = world(server)

    answer = server.admin.call(one.method, filled(one.path) + "?nothing=1")

    assert answer.status == 422
    assert world(server) == before


# Anything at all

keys = st.sampled_from(
    [
        "request",
        "reply",
        "match",
        "headers",
        "query",
        "json",
        "json_exact",
        "form",
        "text",
        "cookies",
        "status",
        "delay",
        "times",
        "then",
        "per",
        "if",
        "let",
        "name",
        "tags",
        "priority",
        "expect",
        "routes",
        "scenario",
        "base",
        "vars",
        "defaults",
        "active",
        "host",
        "cors",
        "file",
        "html",
        "xml",
        "base64",
        "fault",
        "throttle",
        "choose",
        "cases",
        "weight",
        "equals",
        "not",
        "contains",
        "matches",
        "one_of",
        "present",
        "absent",
        "$gt",
        "$not",
        "$fields",
        "route",
        "within",
        "quiet",
        "unmatched",
        "min",
        "max",
        "what",
        "names",
        "yaml",
        "files",
        "kind",
        "after",
        "events",
        "chunks",
        "form",
        "raw",
        "for",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["{{ x", "{% if", "(", "5s", "/a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | keys, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
documents = st.dictionaries(keys, values, max_size=5) | values


@pytest.fixture(scope="module")
def shared(server_loop, tmp_path_factory):
    """One server for many tries; each leaves it as it was."""
    from support.server import InProcess

    from mockserver.settings import Settings

    folder = tmp_path_factory.mktemp("scenarios")
    (folder / "shop.yaml").write_text(SHOP)
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0), folder)
    yield server
    server.stop()


def as_json(document):
    return json.dumps(document, allow_nan=True)


TRIED = [
    ("POST", "/routes"), ("PUT", "/routes/charge"), ("PATCH", "/routes/charge"), ("PUT", "/scenarios/shop"), ("POST", "/scenarios"),
    ("PATCH", "/scenarios/shop"), ("POST", "/scenarios/use"), ("POST", "/count"), ("POST", "/verify"), ("POST", "/reset"),
]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=st.sampled_from(TRIED), document=documents)
def test_any_json_is_taken_or_refused_whole(shared, call, document):
    shared.admin.post("/reset")
    before = world(shared)

    answer = shared.admin.call(*call, body=as_json(document), headers={"Content-Type": "application/json"})

    assert answer.status < 500
    if answer.status >= 400:
        assert world(shared) == before
    world(shared)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.dictionaries(keys, values, max_size=4),
    line=st.sampled_from(["GET /x", "ANY /{a}", "POST /{a:.+}"]),
)
def test_whatever_route_is_taken_answers(shared, route, line):
    shared.admin.post("/reset")
    body = as_json({"reply": 200, **route, "request": line})

    if (
        shared.admin.call("POST", "/routes", body=body, headers={"Content-Type": "application/json"}).status
        == 201
    ):
        with Wire(shared.address, timeout_s=0.5) as wire:
            wire.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            try:
                start = wire.until(b"\r\n")
            except (OSError, ConnectionError):
                return  # it hangs, waits or breaks, as it was told to
            assert start.startswith(b"HTTP/1.1 ") or "fault" in body
    shared.admin.get("/calls")
    shared.admin.get("/unmatched")


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "X"]),
    path=st.lists(st.sampled_from(["scenarios", "routes", "calls", "count", "verify", "@default", "shop", "charge", "1"]) | st.text(max_size=6), max_size=4),
    body=st.binary(max_size=50),
)  # fmt: skip
def test_any_request_is_answered(shared, method, path, body):
    target = "".join("/" + quote(part, safe="") for part in path)
    shared.admin.post("/reset")
    if target.endswith("/stream"):
        return

    answer = shared.admin.call(method, target, body=body)

    assert answer.status < 500
