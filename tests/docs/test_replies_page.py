"""Every example of docs/replies.md: the scenarios are served, and answer what the page says."""

import gzip
import json
import re
from pathlib import Path

import pytest

from mockserver.schema.reply import BODY_KINDS, ReplySpec

PAGE = (Path(__file__).parents[2] / "docs" / "replies.md").read_text()
BLOCKS = re.findall(r"^```(yaml|http)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
HEADER = re.compile(r"([A-Za-z-]+): (.+)")


def conversations():
    """Each scenario of the page with the blocks that follow it."""
    found = []
    for language, text in BLOCKS:
        if language == "yaml":
            found.append((text, []))
        else:
            found[-1][1].append(text)
    return found


def split(message):
    """First line, headers and body of one half of a block. An event stream begins like a header."""
    first, *lines = message.strip("\n").split("\n")
    headers = []
    while lines and (header := HEADER.fullmatch(lines[0])) and header[1] not in ("event", "data"):
        headers.append((header[1], header[2]))
        del lines[0]
    return first, headers, "\n".join(lines)


def plain(answer):
    body = gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
    return body.decode().rstrip("\n")


@pytest.mark.parametrize(("scenario", "blocks"), conversations())
def test_the_answers_are_those_on_the_page(serving, scenario, blocks):
    server = serving({"page.yaml": scenario, "report.csv": b"day,sales"})
    for block in blocks:
        asked, _, answered = block.partition("\n\n")
        line, headers, body = split(asked)
        answer = server.ask(*line.split(), body or None, headers=headers)
        status, lines, expected = split(answered)
        assert answer.status == int(status)
        for name, value in lines:
            shown = [one for key, one in answer.headers if key == name]
            assert value in shown or (value == "…" and shown), (name, answer.headers)
        if expected.startswith("{") and not line.endswith("template"):
            assert json.loads(plain(answer)) == json.loads(expected)
        elif not line.split()[1].startswith("/__admin"):
            assert plain(answer) == expected


def test_the_page_has_examples_of_every_kind_of_body_and_every_key():
    text = "".join(text for language, text in BLOCKS if language == "yaml")
    for kind in BODY_KINDS:
        assert f"`{kind}`" in PAGE
    elsewhere = {
        "fault", "set", "set_ttl", "effect", "webhook", "html", "base64",
        "message", "messages", "details", "trailers",  # docs/grpc.md
        "errors",  # docs/graphql.md
        "websocket", "subprotocol",  # docs/websocket.md
    }  # fmt: skip
    for key in {field.alias or name for name, field in ReplySpec.model_fields.items()} - elsewhere:
        assert re.search(rf"\b{key}:", text), key
