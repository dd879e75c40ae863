"""Every example of docs/services-with-memory.md: scenarios are served, asked what is asked there, and answer so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.pages import Message, blocks, is_like, page
from support.receivers import Receiver

TEXT = page("docs/services-with-memory.md")


def conversations() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each scenario of the page with the blocks that follow it."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for language, text in blocks(TEXT):
        if language == "yaml":
            found.append((text, []))
        else:
            found[-1][1].append((language, text))
    return found


@pytest.fixture
def receiver(server_loop: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The application at CALLBACK_URL."""
    receiver = Receiver()
    manager = receiver.open()
    server_loop.run(manager.__aenter__())
    monkeypatch.setenv("CALLBACK_URL", receiver.url)
    yield receiver
    server_loop.run(manager.__aexit__(None, None, None))


@pytest.mark.parametrize(("scenario", "talk"), conversations())
def test_the_answers_are_those_on_the_page(
    serving: Any, receiver: Receiver, scenario: str, talk: Any
) -> None:
    server = serving({"page.yaml": scenario})
    got = 0
    for language, text in talk:
        if language == "json":
            assert json.loads(receiver.got[got].body) == json.loads(text)
            got += 1
            continue
        asked, _, answered = text.partition("\n\n")
        said = Message.read(asked)
        kind = (
            []
            if any(name == "Content-Type" for name, _ in said.headers)
            else [("Content-Type", "application/json")]
        )
        headers = said.headers + (kind if said.body else [])
        if answered.strip() == "no answer":
            with pytest.raises(OSError):
                server.ask(*said.first.split(), said.body, headers=headers)
            continue
        expected = Message.read(answered)
        answer = server.ask(*said.first.split(), said.body or None, headers=headers)
        assert answer.status == int(expected.first), answer.text
        for name, value in expected.headers:
            assert answer.header(name) == value
        if expected.body[:1] in ("{", "["):
            wanted = json.loads(re.sub(r"(?<=[\[ ])…(?=[\]}])", '"…"', expected.body))
            assert is_like(wanted, answer.json()), answer.text
        else:
            assert answer.text == expected.body
    assert len(receiver.got) == got


def test_the_page_stays_a_page_of_examples() -> None:
    assert len(conversations()) >= 8
    assert sum(len(talk) for _, talk in conversations()) >= 25
