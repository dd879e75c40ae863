"""Every example of docs/identity.md: scenarios are served, asked what is asked there, and answer so."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.pages import Message, blocks, is_like, page

from mockserver.identity.endpoints import endpoints_of
from mockserver.schema.identity import TOKEN_CHANGES, OAuthSpec

TEXT = page("docs/identity.md")


def conversations() -> list[tuple[str, list[str]]]:
    """Each scenario of the page with the requests that follow it."""
    found: list[tuple[str, list[str]]] = []
    for language, text in blocks(TEXT):
        if language == "yaml":
            found.append((text, []))
        elif language == "http":
            found[-1][1].append(text)
    return found


@pytest.mark.parametrize(("scenario", "talk"), conversations())
def test_the_answers_are_those_on_the_page(serving: Any, scenario: str, talk: list[str]) -> None:
    """`CODE`, `ACCESS_TOKEN` and `ID_TOKEN` are those of the answers before."""
    server = serving({"page.yaml": scenario})
    known: dict[str, str] = {}
    for text in talk:
        asked, _, answered = text.partition("\n\n")
        for name, value in known.items():
            asked = asked.replace(name, value)
        said, expected = Message.read(asked), Message.read(answered)
        answer = server.ask(*said.first.split(), said.body or None, headers=said.headers)
        assert answer.status == int(expected.first), answer.text
        location = next((value for name, value in expected.headers if name == "Location"), None)
        if location is not None:
            assert answer.header("location") == location
        elif answer.status == 302:
            known["CODE"] = parse_qs(urlsplit(answer.header("location")).query)["code"][0]
        if expected.body:
            assert is_like(json.loads(expected.body), answer.json()), answer.text
            known |= {
                name.upper(): answer.json()[name]
                for name in ("access_token", "id_token")
                if name in answer.json()
            }


def test_the_page_stays_a_page_of_examples() -> None:
    assert sum(len(talk) for _, talk in conversations()) >= 11


def test_the_tables_name_every_key_fault_and_endpoint() -> None:
    keys = {field.alias or name for name, field in OAuthSpec.model_fields.items()}
    assert all(f"`{key}`" in TEXT for key in keys)
    assert all(f"| `{change}` |" in TEXT for change in TOKEN_CHANGES)
    spec = OAuthSpec.model_validate({"oidc": True, "clients": {"app": "s"}, "users": {"ann": {}}})
    assert all(f"`{line.split()[1]}`" in TEXT for line in endpoints_of(spec))
