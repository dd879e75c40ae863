"""Every example of docs/matching.md: what holds there holds, what misses is missed, with the words that stand there."""

import base64
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from support.matching import a_matcher, a_request

from mockserver.graphql.requests import FieldRequest
from mockserver.matching import graphql_requests as graphql
from mockserver.matching import jsonpath, operators, patterns, reading
from mockserver.matching.matcher import compile_match
from mockserver.matching.mismatch.nearest import as_text, nearest
from mockserver.matching.paths import PathPattern
from mockserver.matching.uploads import ASKED
from mockserver.matching.xml import parsing as xml_parsing
from mockserver.matching.xml import xpath, xsd
from mockserver.model import coding, http, multipart
from mockserver.model.client_cert import ClientCert
from mockserver.model.grpc import GrpcRequest
from mockserver.model.http import Request
from mockserver.scenarios.yaml.yaml12 import parse
from mockserver.schema.match import BARE_OPERATORS, CERT_PARTS, MatchSpec
from mockserver.sessions.call_import import RecordedMessages

PAGE = (Path(__file__).parents[2] / "docs" / "matching.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SAMPLE = re.compile(r"^# (matches|fails): +(.*?)(?: → (.*))?$", re.MULTILINE)


def samples():
    """Each condition of the page with one of the requests beneath it."""
    for language, text in BLOCKS:
        for verdict, sent, said in SAMPLE.findall(text):
            assert language == "yaml"
            yield parse(text), verdict, sent, said


def request_of(match, sent):
    """What is sent to show a condition depends on the part that it asks."""
    part = next(iter(match)).removesuffix("_exact")
    if part == "query":
        return a_request(sent)
    if part == "headers":
        return a_request("GET /", *(tuple(line.split(": ", 1)) for line in sent.split(" | ")))
    if part == "cookies":
        return a_request("GET /", ("Cookie", sent))
    if part == "form":
        return a_request("POST /", ("Content-Type", "application/x-www-form-urlencoded"), body=sent.encode())
    if part in ("text", "xml", "xml_schema", "body_sha256"):
        return a_request(body=sent.encode())
    if part in ("message", "messages"):
        call = GrpcRequest.of(a_request())
        call.reader = RecordedMessages(json.loads(sent) if part == "messages" else [json.loads(sent)], None)
        return call
    if part == "arguments":
        return FieldRequest.of(a_request(), json.loads(sent))
    if part == "client_cert":
        return certified(sent)
    if part == "jwt":
        encoded = base64.urlsafe_b64encode(sent.encode()).decode().rstrip("=")
        return a_request("GET /", ("Authorization", f"Bearer e30.{encoded}."))
    return a_request(json=json.loads(sent))


def certified(sent):
    """Over TLS, with a certificate that has these parts."""
    parts = {"subject": "", "issuer": "", "serial": "01", "fingerprint_sha256": "00"}
    lines = [line.split(": ", 1) for line in sent.split(" | ")]
    parts |= {name: value for name, value in lines if name != "san"}
    cert = ClientCert(san=tuple(value for name, value in lines if name == "san"), **parts)
    return Request("GET", "/", client_cert=cert, scheme="https")


@pytest.mark.parametrize(("match", "verdict", "sent", "said"), list(samples()))
def test_what_holds_on_the_page_holds_and_what_misses_is_explained(match, verdict, sent, said):
    request = request_of(match, sent)
    matcher = a_matcher(**match)

    assert matcher.holds(request) is (verdict == "matches")
    if said:
        assert said in [one.text for one in matcher.differences(request)]


def conversations():
    """Each condition of the page that has a whole request beneath it."""
    for (_, above), (language, text) in pairwise(BLOCKS):
        if language == "http":
            yield parse(above), text


@pytest.mark.parametrize(("match", "text"), list(conversations()))
def test_whole_requests_hold(match, text):
    head, _, body = text.partition("\n\n")
    line, *lines = head.split("\n")
    method, target, _ = line.split()
    headers = [tuple(header.split(": ", 1)) for header in lines]

    assert a_matcher(**match).holds(Request(method, target, headers, body.replace("\n", "\r\n").encode()))


def test_every_operator_and_every_key_has_an_example():
    shown = [match for match, *_ in samples()] + [match for match, _ in conversations()]

    def keys(value):
        if isinstance(value, dict):
            for key, item in value.items():
                yield key.removeprefix("$")
                yield from keys(item)
        elif isinstance(value, list):
            for item in value:
                yield from keys(item)
        elif isinstance(value, str):
            yield value.removeprefix("$")

    found = {key for match in shown for key in keys(match)}
    parts = {field.alias or name for name, field in MatchSpec.model_fields.items()}
    assert set(BARE_OPERATORS) | {"fields"} <= found
    assert parts <= found
    assert {f"### `{name}`" for name in ("equals", "contains", "unordered")} <= set(PAGE.split("\n"))
    assert all(f"`{name}`" in PAGE for name in (*ASKED, *CERT_PARTS))


def test_the_miss_on_the_page_is_what_is_said():
    (text,) = [text for language, text in BLOCKS if language == "text"]

    class Shape:
        id, methods, host = "pay/create", frozenset({"POST"}), None
        pattern = PathPattern("/v1/charges")
        matcher = compile_match(MatchSpec.model_validate({"json": {"amount": 5}}), lambda name, path: b"")

    request = a_request("POST /v1/charge", json={"amount": "5"})
    assert as_text(request, nearest(request, [Shape()])) == text


BOUNDS = [
    reading.MAX_DEPTH, operators.MAX_UNORDERED, http.MAX_JSON_DEPTH, http.MAX_JSON_MEMBERS, http.MAX_FORM_FIELDS,
    multipart.MAX_PARTS, patterns.MAX_PROGRAM, jsonpath.MAX_VISITED, *xpath.MAX_ELEMENTS.values(), xpath.MAX_FOUND,
    xsd.MOST_WITH_KEYS, graphql.MAX_QUERY_TOKENS,
]  # fmt: skip
SIZES = [
    (coding.MAX_DECODED_BYTES, "16 MiB"), (http.MAX_FORM_BYTES, "1 MiB"), (multipart.MAX_HEAD_BYTES, "16 KiB"),
    (patterns.MAX_MEMORY_BYTES, "8 MiB"), (xml_parsing.MAX_BYTES, "1 MiB"), (graphql.MAX_QUERY_CHARS, "64 KiB"),
]  # fmt: skip


def test_the_bounds_on_the_page_are_those_of_the_code():
    table = PAGE.partition("## Limits")[2].partition("## ")[0]

    assert [bound for bound in BOUNDS if f"{bound:,}" not in table] == []
    for size, shown in SIZES:
        number, unit = shown.split()
        assert int(number) * {"KiB": 1 << 10, "MiB": 1 << 20}[unit] == size
        assert shown in table
    assert patterns.MAX_STEPS == 200_000_000
