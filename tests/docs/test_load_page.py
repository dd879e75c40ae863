"""Every example of docs/load.md is judged, and fails with the message that stands there."""

import contextlib
import io

import pytest
import yaml
from support.judged_examples import SHOP, examples, judged
from support.pages import blocks, is_like, page

from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.load import RULES, LoadSpec
from mockserver.schema.scenario import ScenarioSpec

PAGE = page("docs/load.md")
JUDGED = PAGE[PAGE.index("## How calls are checked") :]
EXAMPLES = examples(JUDGED, "load")


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_example_holds_or_fails_with_the_message_on_the_page(write, number):
    rules, calls, message = EXAMPLES[number]

    assert judged(write({"shop.yaml": SHOP}), "load", rules, calls) == message


def test_every_rule_has_examples_that_hold_that_fail_and_with_nothing_to_judge():
    def rules_of(kind):
        return {rule for rules, _, message in EXAMPLES if kind(message) for rule in rules} - {"optional"}

    assert rules_of(lambda message: message is None) == set(RULES)
    assert rules_of(lambda message: message and "nothing to judge" not in message) == set(RULES)
    assert rules_of(lambda message: message and "nothing to judge" in message) == set(RULES)


def test_the_table_names_every_rule():
    assert all(f"| [`{rule}`](#{rule}) |" in PAGE for rule in RULES)
    assert {field.alias or name for name, field in LoadSpec.model_fields.items()} == {
        *RULES, "by", "ignore", "optional",
    }  # fmt: skip


def test_the_scenario_on_the_page_is_one():
    text = PAGE.split("    ```yaml\n")[1].split("    ```")[0]

    spec = parse_spec(ScenarioSpec, yaml.safe_load(text))

    assert spec.expect.load.in_flight.max == 10
    assert spec.routes[0].expect.load.amplification.max == 1.2


@pytest.mark.slow
def test_the_program_on_the_page_prints_the_error():
    (program,) = [text for language, text in blocks(PAGE) if language == "python"]
    expected = next(text for language, text in blocks(PAGE) if language == "text")
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        exec(compile(program, "docs/load.md", "exec"), {})

    assert is_like(expected, printed.getvalue())
