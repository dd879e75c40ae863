"""Every example of docs/templates.md, run against the request and the words that the page shows."""

import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from mockserver.errors import InvalidInputError
from mockserver.model.http import Request
from mockserver.templating.access import LOOP_PARTS, REQUEST_PARTS
from mockserver.templating.fake import FAKES
from mockserver.templating.filters import FILTERS
from mockserver.templating.functions import FUNCTIONS
from mockserver.templating.methods import NAMES
from mockserver.templating.piping import SPECIAL_FILTERS, SPECIAL_TESTS
from mockserver.templating.random_values import Draws
from mockserver.templating.scope import CHAR_LIMIT, STEP_LIMIT
from mockserver.templating.templates import WORDS, Scope, TemplateError, compile_text
from mockserver.templating.tests import TESTS

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


EXAMPLES = [
    tuple(re.split(r"\s+→ ", line, maxsplit=1)) for block in blocks("jinja") for line in block.splitlines()
]


def a_request():
    head, _, body = blocks("http")[0].partition("\n\n")
    line, *headers = head.splitlines()
    method, target, _ = line.split()
    return Request(
        method, target, [tuple(header.split(": ", 1)) for header in headers], body.rstrip("\n").encode()
    )


def a_scope():
    words = yaml.safe_load(blocks("yaml")[0])
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Scope({**words, "request": a_request()}, Draws("", "", 1), lambda: now)


def test_the_page_has_examples():
    assert len(EXAMPLES) > 80
    assert all(len(example) == 2 for example in EXAMPLES)


@pytest.mark.parametrize(("source", "expected"), EXAMPLES)
def test_an_example_gives_what_the_page_says(source, expected):
    if expected.startswith("refused: "):
        with pytest.raises(InvalidInputError, match=re.escape(expected.removeprefix("refused: "))):
            compile_text(source, ())
        return
    template = compile_text(source, ())
    if expected.startswith("error: "):
        with pytest.raises(TemplateError, match=re.escape(expected.removeprefix("error: "))):
            template.value(a_scope())
        return
    found = template.value(a_scope())
    if expected.startswith("e.g. "):
        assert isinstance(found, type(json.loads(expected.removeprefix("e.g. "))))
    else:
        assert json.dumps(found) == json.dumps(json.loads(expected))


def in_code(name):
    return re.search(rf"`[^`\n]*\b{re.escape(name)}\b[^`\n]*`", PAGE) is not None


@pytest.mark.parametrize(
    "known", [FILTERS, SPECIAL_FILTERS, SPECIAL_TESTS, FUNCTIONS, NAMES, WORDS, REQUEST_PARTS, LOOP_PARTS]
)
def test_the_page_names_everything_that_there_is(known):
    assert [name for name in known if not in_code(name)] == []


def test_the_page_names_every_test():
    assert [name for name in TESTS if name.isalpha() and not in_code(name)] == []


def test_the_page_names_every_fake_and_no_other():
    listed = PAGE.partition("`fake` has these functions:")[2].partition("The last of them")[0]

    assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(FAKES)


def test_the_page_names_the_arguments_of_every_function():
    for name, function in FUNCTIONS.items():
        parameters = list(inspect.signature(function).parameters)[1:]
        written = [
            text for text in re.findall(rf"`{name}\(([^`]*)\)`", PAGE) if "'" not in text or "=" in text
        ]
        if name != "range":
            assert [
                part.partition("=")[0].strip() for part in ", ".join(written[:1]).split(",") if part
            ] == parameters


def test_the_page_names_the_limits():
    assert f"{STEP_LIMIT:,} steps and {CHAR_LIMIT:,} characters" in PAGE
