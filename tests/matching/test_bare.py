"""Operators without their dollar in a tree of conditions: told where they were hardly meant as fields."""

import pytest

from mockserver.compiler.scenario_set import build_scenario_set, warnings_at_load
from mockserver.matching.bare import bare_operators
from mockserver.scenarios.loader import from_text
from mockserver.scenarios.yaml.yaml12 import read

TOLD = [
    ("json: {amount: {gte: 1}}", "json.amount.gte", "Write {$gte: 1}, or put it under $fields where the field is meant"),
    ("json: {key: present}", "json.key", "Write $present, or {$equals: present} where the text is meant"),
    ("json: {key: absent}", "json.key", "Write $absent, or {$equals: absent} where the text is meant"),
    ("json: present", "json", "Write $present, or {$equals: present} where the text is meant"),
    ("json: {a: {gt: 0, lte: 5}}", "json.a.gt", "Write {$gt: 0, $lte: 5}, or put it under $fields where the field is meant"),
    ("json: {items: [{sku: {matches: 'A.*'}}]}", "json.items[0].sku.matches", "Write {$matches: 'A.*'}, or put"),
    ("json: {items: {$contains: {n: {gte: 2}}}}", "json.items.$contains.n.gte", "Write {$gte: 2}, or put"),
    ("json: {items: {$any_of: [absent, {$fields: {a: {one_of: [1, 2]}}}]}}", "json.items.$any_of[0]", "Write $absent"),
    ("json: {$fields: {a: {one_of: [1, 2]}}}", "json.$fields.a.one_of", "Write {$one_of: [1, 2]}, or put"),
    ("json: {a: {length: {gte: 3}}}", "json.a.length", "Write {$length: {gte: 3}}, or put"),
    ("json_exact: {a: {not: 5}}", "json_exact.a.not", "Write {$not: 5}, or put"),
    ("graphql: {variables: {id: {starts_with: u}}}", "graphql.variables.id.starts_with", "Write {$starts_with: 'u'}, or put"),
]  # fmt: skip


def told(text):
    return list(bare_operators(read(text).data))


@pytest.mark.parametrize(("text", "place", "hint"), TOLD, ids=[text for text, *_ in TOLD])
def test_an_operator_without_its_dollar_is_told_with_what_to_write(text, place, hint):
    flaw, *_ = told(text)

    assert str(flaw).startswith(f"{place}: ")
    assert flaw.hint.startswith(hint)


@pytest.mark.parametrize(
    "text",
    [
        "json: {amount: {$gte: 1}}",
        "json: {key: $present}",
        "json: {parcel: {length: 5}, file: {type: pdf}, schema: {type: string}}",
        "json: {a: {gte: none}}",
        "json: {a: {gte: 1, name: x}}",
        "json: {a: {$equals: {gte: 1}}, b: {$equals: present}, c: {$one_of: [present, {gte: 1}]}}",
        "json: {a: {$fields: {gte: 1}}}",
        "json: {}",
        "query: {page: {gte: 1}}",
        "headers: {authorization: present}",
        "jsonpath: {$.a: {contains: {gte: 1}}}",
    ],
)
def test_what_can_be_meant_is_not_told(text):
    assert told(text) == []


def test_a_file_that_is_loaded_tells_it_with_its_place_in_routes_and_in_cases():
    text = """\
routes:
  - request: POST /a
    match: {json: {amount: {gte: 1}}}
    reply:
      - cases:
          - {match: {json: {key: present}}, status: 201}
          - 200
"""
    source = from_text(text, "shop")

    assert [line.split(": ")[:2] for line in warnings_at_load(build_scenario_set([source]))] == [
        ["shop:3:29", "routes[0].match.json.amount.gte"],
        ["shop:6:34", "routes[0].reply[0].cases[0].match.json.key"],
    ]
