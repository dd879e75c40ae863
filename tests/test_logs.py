"""The log: a line stays a line whatever came over the wire, secrets stay out of it, and calls are told only when asked."""

import doctest
import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.server import run_cli, until
from support.wire import Wire

from mockserver import logs
from mockserver.logs import formatter

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
HOSTILE = "a\nb\r\x1b[31m\x85\u2028\u202e\x00\"' ä\ud800"


def record(message, *args, fields=None, exc_info=None, level=logging.INFO):
    made = logging.LogRecord("mockserver", level, "", 1, message, args, exc_info)
    if fields is not None:
        made.fields = fields
    return made


def failure(text):
    try:
        int(text + "?")
    except ValueError as why:
        why.args = (text,)
        return type(why), why, why.__traceback__


def test_the_example_in_the_code_holds():
    assert doctest.testmod(logs).failed == 0


def test_a_line_of_text_for_people():
    line = formatter("text").format(
        record("call", fields={"path": "/a?x=1", "route": "shop/GET /a", "status": None, "ms": 0.5})
    )

    assert re.fullmatch(TIME + r' INFO call path=/a\?x=1 route="shop/GET /a" status=- ms=0\.5', line)


def test_an_object_for_programs():
    line = formatter("json").format(
        record("reloaded: %s", 3, fields={"status": None, "ms": 0.5}, level=logging.WARNING)
    )

    found = json.loads(line)
    assert re.fullmatch(TIME, found.pop("time"))
    assert found == {
        "level": "warning",
        "logger": "mockserver",
        "message": "reloaded: 3",
        "status": None,
        "ms": 0.5,
    }


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_json_is_one_line_of_ascii_whatever_is_in_it(message, value, why):
    line = formatter("json").format(record("%s", message, fields={"path": value}, exc_info=failure(why)))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == value


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_text_begins_a_line_or_steers_a_terminal(message, value, why):
    text = formatter("text").format(record("%s", message, fields={"path": value}, exc_info=failure(why)))

    first, *rest = text.split("\n")
    assert all(line.startswith("    ") for line in rest)
    assert all(line.isprintable() for line in (first, *rest))
    assert re.match(TIME + " INFO ", first)


def test_hostile_text_is_legible():
    line = formatter("text").format(record("x", fields={"path": HOSTILE}))
    assert line.endswith(r'path="a\nb\r\u001b[31m\u0085\u2028\u202e\u0000\"' + r"' \u00e4\ud800" + '"')

    assert formatter("text").format(record("no\x1b[2J %s", "ä")).endswith(r"INFO no\x1b[2J ä")
    assert json.loads(formatter("json").format(record(HOSTILE)))["message"] == HOSTILE


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_masked_in_messages_and_tracebacks(form):
    made = record(
        "no charge for %s", "4242424242424242", exc_info=failure("Bearer tok_1234567890"), level=logging.ERROR
    )

    text = formatter(form).format(made)

    assert "****4242" in text
    assert "Bearer ****7890" in text
    assert "42424242" not in text.replace("****4242", "")
    assert "tok_" not in text


# Calls

SHOP = """
routes:
  - {name: read, request: "GET /items/{id}", reply: {text: ok}}
  - {name: gone, request: GET /gone, reply: {fault: reset}}
"""


@pytest.fixture
def logged(caplog):
    """The fields of the calls that were logged; waits for so many, since a call is logged when it is over."""
    caplog.set_level(logging.INFO, "mockserver")

    def fields(count):
        until(lambda: sum(hasattr(one, "fields") for one in caplog.records) >= count)
        return [one.fields for one in caplog.records if hasattr(one, "fields")]

    return fields


def test_every_call_is_logged_once_it_is_over_where_that_is_asked(serving, logged):
    server = serving(SHOP, log_calls=True)
    server.admin.post("/namespaces", {"name": "mine"})
    server.ask("GET", "/items/1?x=1")
    server.ask("GET", "/@mine/items/2")
    with pytest.raises(ConnectionError):
        server.ask("GET", "/gone")
    server.ask("POST", "/nowhere")

    lines = logged(4)

    told = [{name: value for name, value in line.items() if name != "ms"} for line in lines]
    common = {"method": "GET", "status": 200, "outcome": "done"}
    assert told == [
        {"namespace": "default", "number": 1, **common, "path": "/items/1?x=1", "route": "shop/read"},
        {"namespace": "mine", "number": 1, **common, "path": "/items/2", "route": "shop/read"},
        {"namespace": "default", "number": 2, **common, "path": "/gone", "route": "shop/gone", "status": None, "outcome": "reset"},
        {"namespace": "default", "number": 3, "method": "POST", "path": "/nowhere", "route": None, "status": 404, "outcome": "done"},
    ]  # fmt: skip
    assert all(0 < line["ms"] < 5000 for line in lines)


def test_a_request_that_never_came_whole_is_logged_too(serving, logged):
    server = serving(SHOP, log_calls=True)
    with Wire(server.address) as wire:
        wire.send(b"POST /items/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        wire.reset()

    (line,) = logged(1)
    assert (line["route"], line["status"], line["outcome"]) == (None, None, "client_left")


def test_secrets_are_masked_in_the_paths_of_calls(serving, logged):
    server = serving(SHOP, log_calls=True)
    server.ask("GET", "/items/4242424242424242?api_key=abcdefghijkl&password=hunter2&x=y")

    assert logged(1)[0]["path"] == "/items/****4242?api_key=****ijkl&password=****&x=y"


def test_no_call_is_logged_where_nobody_asked(serving, caplog):
    caplog.set_level(logging.INFO, "mockserver")
    server = serving(SHOP)
    server.ask("GET", "/items/1")
    server.closed_call()

    assert not [one for one in caplog.records if hasattr(one, "fields")]
    assert len(server.app.engine.default.call_log)
    assert not server.app.engine.make_namespace("mine").listeners


# As a process


@pytest.mark.slow
def test_all_that_a_process_says_is_json_where_that_is_asked(process):
    server = process("--log-format", "json", "--log-calls", "--watch", scenarios={"shop.yaml": SHOP})
    server.admin.post(
        "/routes", {"name": 'odd\n{"level": "error"}\u2028', "request": "GET /odd", "reply": 200}
    )
    server.ask("GET", "/odd")
    server.ask("GET", "/%0A{%22level%22:%22error%22}%1B[2J")
    (server.folder / "scenarios" / "shop.yaml").write_text("routes: [{request: GET /a, reply: 99}]")
    server.wait_for_log("not reloaded")

    started = json.loads(server.announced)
    lines = [json.loads(line) for line in server.stderr().split("\n") if line]

    assert (started["mock_url"], started["admin_url"]) == (server.url, server.admin.url)
    calls = [line for line in lines if line["logger"] == "mockserver.calls"]
    assert [call["route"] for call in calls] == ['runtime/odd\n{"level": "error"}\u2028', None]
    assert len(server.stderr().splitlines()) == len(lines)
    assert any("shop.yaml:1:" in line["message"] for line in lines if line["level"] == "error")


@pytest.mark.slow
def test_why_it_does_not_start_is_said_in_the_format_too(write, tmp_path):
    folder = write("routes: [{request: GET /a, reply: 99}, {request: b, reply: 200}]")

    plain = run_cli("serve", str(folder))
    objects = run_cli("serve", str(folder), env={"MOCKSERVER_LOG_FORMAT": "json"})

    assert plain.returncode == objects.returncode == 2
    assert [json.loads(line)["message"] for line in objects.stderr.splitlines()] == plain.stderr.splitlines()
    assert len(plain.stderr.splitlines()) == 2
