"""The shipped troubles, and what a file of the user's makes of them."""

import re

import jsonschema_rs
import pytest
from support.server import PROJECT

from mockserver.scenarios.source import LoadError
from mockserver.scenarios.yaml.yaml12 import read
from mockserver.sweep.kinds import SHIPPED as SHIPPED_FILE
from mockserver.sweep.kinds import load_kinds, matches_pattern, schema_document

SHIPPED = [
    "500", "503-once", "503-twice", "503-for-good", "429-retry-after", "reset-before-effect", "reset-after-effect",
    "empty-reply", "time-out", "truncated-body", "garbage-body", "slow-body", "webhook-twice", "webhook-late",
]  # fmt: skip


@pytest.fixture
def kinds(tmp_path):
    def load(text):
        file = tmp_path / "troubles.yaml"
        file.write_text(text)
        return load_kinds(file)

    return load


def names(found):
    return [kind.name for kind in found]


def test_these_are_shipped():
    assert names(load_kinds()) == SHIPPED


def test_what_hangs_ends_by_itself_and_waits_are_short():
    for kind in load_kinds():
        answer = kind.spec.before or kind.spec.after
        if answer is None:
            continue
        assert (answer.delay or 0) <= 5
        assert answer.fault is None or answer.fault.kind != "hang"
        assert float(answer.headers.get("retry-after", 0)) <= 1


def test_where_each_strikes_is_said_in_its_line():
    description = {kind.name: kind.description for kind in load_kinds()}
    assert description["reset-before-effect"] == "before the effect: reset"
    assert description["reset-after-effect"] == "after the effect: reset"
    assert description["503-for-good"] == "before the effect: 503, retry-after 0, always"
    assert description["503-twice"] == "before the effect: 503, retry-after 0, 2 times"
    assert description["time-out"] == "after the effect: close, 5s late"
    assert description["garbage-body"] == "after the effect: 200, another body (base64)"
    assert description["webhook-late"] == "webhooks: delay 2s"
    assert len(set(description.values())) == len(description)


def test_a_file_adds_replaces_and_drops(kinds):
    found = kinds("""
troubles:
  500: none
  time-out: {after: {delay: 30s, fault: close}}
  402-declined: {before: {status: 402, json: {error: declined}}, routes: [create-charge, "POST */refunds"]}
effects: {undone_by: {charge: refund}, alone: [customer]}
""")
    assert names(found) == [*SHIPPED[1:], "402-declined"]
    assert found.named("time-out").data == {"after": {"delay": "30s", "fault": "close"}}
    assert "routes" not in found.named("402-declined").data
    assert found.effects.undone_by == {"charge": "refund"}
    assert found.effects.alone == ["customer"]


def test_a_file_narrows(kinds):
    assert names(kinds("shipped: [time-out, 503-once]")) == ["503-once", "time-out"]
    assert names(kinds("shipped: none\ntroubles: {mine: {before: 418}}")) == ["mine"]
    assert names(kinds("shipped: all\nx-mine: &a {before: 418}\ntroubles: {mine: *a}")) == [*SHIPPED, "mine"]


def test_a_trouble_may_be_for_some_routes_only(kinds):
    kind = kinds("troubles: {mine: {before: 418, routes: [pay, 'other/*', 'POST */x']}}").named("mine")
    assert [kind.is_for(route) for route in ("shop/pay", "other/read", "runtime/POST /v1/x")] == [True] * 3
    assert not kind.is_for("shop/read")


def test_a_star_stands_for_anything_and_nothing_else_is_special():
    assert matches_pattern("a*c", "abbc")
    assert not matches_pattern("a*c", "abcd")
    assert not matches_pattern("[ab]", "a")
    assert matches_pattern("a.c?", "a.c?")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("troubles:\n  x: {befor: 500}", ":2:7: troubles.x.befor: unknown key. Did you mean 'before'?"),
        ("troubles:\n  x: {before: 99}", ":2:15: troubles.x.before: 99 is not a valid HTTP status. Use 200 to 599."),
        ("troubles:\n  x: {before: {text: '{{ path }}'}}", ":2:15: troubles.x.before: a trouble is the same every time"),
        ("troubles:\n  x: {before: {text: '{{ 1 +'}}", ":2:22: troubles.x.before.text: "),
        ("troubles:\n  x: {after: {effect: {kind: x}}}", ":2:14: troubles.x.after: `effect` has no place here"),
        ("troubles:\n  x: {routes: [a]}", ":2:6: troubles.x: it has no effect"),
        ("troubles:\n  a b: {before: 500}", ":2:3: troubles['a b']: 'a b' is no name for a trouble"),
        ("troubles:\n  500-once: none", ":2:13: troubles.500-once: there is no shipped trouble '500-once' to drop. Did you mean '503-once'?"),
        ("shipped: [503-onec]", ":1:11: shipped[0]: there is no shipped trouble '503-onec'. Did you mean '503-once'?"),
        ("shipped: al", ":1:10: shipped: expected all, none or a list of names, got 'al'. Did you mean 'all'?"),
        ("shipped: none", ":1:1: no trouble is left"),
        ("troubles:\n  mine: 503", ":2:9: troubles.mine: expected a trouble, got 503. Write what it does, such as {before: 503}, or none"),
        ("troubles:\n  time-out:\n", ":2:12: troubles.time-out: it has no effect. Write what it does"),
        ("effects: {undone: {}}", ":1:11: effects.undone: unknown key. Did you mean 'undone_by'?"),
        ("", ":1:1: the file is empty"),
        ("troubles: [", ":1:12: the file ends where a value is expected"),
        ("effects: {}\neffects: {}", ":2:1: effects: the key 'effects' is a duplicate (first defined on line 1)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_and_the_near_name(kinds, text, line):
    with pytest.raises(LoadError) as failed:
        kinds(text)
    assert any(f"troubles.yaml{line}" in one for one in failed.value.lines), failed.value.lines


# The JSON Schema of such a file


@pytest.fixture(scope="module")
def schema():
    return schema_document()


def test_the_shipped_file_and_what_the_page_shows_agree_with_the_schema(schema):
    assert jsonschema_rs.meta.is_valid(schema)
    page = (PROJECT / "docs/sweep.md").read_text()
    (shown,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "shipped:" in block]
    for text in (shown, SHIPPED_FILE.read_text(), (PROJECT / "clients/troubles.yaml").read_text()):
        jsonschema_rs.validate(schema, read(text.encode()).data)


def test_an_editor_can_complete_the_shipped_names(schema):
    assert list(schema["properties"]["troubles"]["properties"]) == SHIPPED
    assert schema["properties"]["shipped"]["anyOf"][1]["items"] == {"enum": SHIPPED}


@pytest.mark.parametrize(
    "text",
    [
        "shipped: al",
        "shipped: [503-onec]",
        "troubles: {x: {befor: 500}}",
        "troubles: {x: {before: 99}}",
        "troubles: {x: {routes: [a]}}",
        "troubles: {x: {before: 500, after: {fault: reset}}}",
        "troubles: {x: {before: 500, webhook: {repeat: 2}}}",
        "troubles: {x: {after: {effect: {kind: x}}}}",
        "troubles: {x: {before: {choose: [{status: 500}]}}}",
        "troubles: {x: {before: 500, times: 0}}",
        "troubles: {x: 503}",
        "troubles: {x: }",
        "troubles: {'a b': {before: 500}}",
        "effects: {undone: {}}",
        "toubles: {}",
    ],
)
def test_what_is_refused_disagrees_with_the_schema_too(kinds, schema, text):
    with pytest.raises(LoadError):
        kinds(text)
    assert not jsonschema_rs.is_valid(schema, read(text.encode()).data)


@pytest.mark.parametrize(
    "text",
    [
        "x-own: {before: 1}\nshipped: none\ntroubles: {x: {before: 402}}",
        "troubles: {500: none, time-out: {after: {delay: 1s, fault: close}}}",
        "troubles: {x: {webhook: {repeat: 2, delay: 2s}, after: {fault: {kind: reset, after: 3}}, times: always}}",
        "effects: {undone_by: {charge: [refund, void]}, alone: [customer]}",
    ],
)
def test_what_is_right_agrees_with_the_schema_too(kinds, schema, text):
    kinds(text)
    jsonschema_rs.validate(schema, read(text.encode()).data)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(LoadError, match=r"nowhere\.yaml: can't be read"):
        load_kinds(tmp_path / "nowhere.yaml")
