"""Every example of docs/attempts.md is judged, and fails with the message that stands there; its tables are the code's."""

import re

import pytest
from support.calls import World
from support.judged_examples import SHOP, examples, judged
from support.pages import blocks, page

from mockserver.attempts.evidence import COUNTERS, INVOCATION_HEADER
from mockserver.attempts.keys import KEY_FIELDS, KEY_HEADERS
from mockserver.attempts.likeness import COMPARED_HEADERS
from mockserver.attempts.retryable import _RESETS
from mockserver.attempts.volatile import VOLATILE_NAMES
from mockserver.schema.attempts import AttemptsSpec
from mockserver.verification.operations import grouping_of

PAGE = page("docs/attempts.md")
EXAMPLES = examples(PAGE, "attempts")


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_example_holds_or_fails_with_the_message_on_the_page(write, number):
    rules, calls, message = EXAMPLES[number]

    assert judged(write({"shop.yaml": SHOP}), "attempts", rules, calls) == message


def test_every_rule_has_an_example_that_holds_and_one_that_fails():
    rules = {field.alias or name for name, field in AttemptsSpec.model_fields.items()}
    kept = {rule for written, _, message in EXAMPLES if message is None for rule in written}
    broken = {rule for written, _, message in EXAMPLES if message is not None for rule in written}

    assert rules - {"by", "ignore"} == kept
    assert rules - {"by", "ignore", "optional"} == broken


def test_the_scenario_on_the_page_groups_by_its_selector_and_ignores_the_field(write):
    (text,) = [text for language, text in blocks(PAGE) if language == "yaml" and text.startswith("scenario:")]
    world = World(write({"shop.yaml": text}))
    rules_of = grouping_of(world.ns).rules_of

    assert rules_of("shop/charge").by.text == "headers.x-order-id"
    assert rules_of("shop/report").ignored.texts == ("json.line",)


def section(title):
    return PAGE.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0]


def section_of_grouping():
    return PAGE.split("\n## How calls are grouped\n")[1].split("\n### ")[0]


def named(text):
    return set(re.findall(r"`([^`]+)`", text))


def test_the_tables_name_what_the_code_knows():
    headers, fields = (
        line
        for line in section("Idempotency keys").splitlines()
        if "fields" in line or line.startswith("| headers")
    )
    assert named(headers) == set(KEY_HEADERS)
    assert named(fields) == set(KEY_FIELDS)
    (names,) = [line for line in section("Volatile fields").splitlines() if line.startswith("- Names")]
    assert named(names) == VOLATILE_NAMES
    counters = {re.split("[: ]", name)[0] for name in named(section("Retry counters"))}
    assert counters == {name for name, _, _ in COUNTERS}
    assert INVOCATION_HEADER in named(section("Ids"))
    assert named(section("Wait headers")) >= {"retry-after-ms", "Retry-After", *_RESETS}
    assert all(f"`{name}`" in section_of_grouping() for name in (*COMPARED_HEADERS, "range"))
