from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from mockserver.errors import InvalidInputError, WrongValueError
from mockserver.scenarios.flaws import parse_spec, written
from mockserver.schema.base import Spec
from mockserver.schema.load import SpreadSpec
from mockserver.schema.scenario import RouteSpec, ScenarioSpec


class Leaf(Spec):
    size: Annotated[int, Field(ge=1)] = 1
    kind: Literal["big", "small"] = "big"


class Other(Spec):
    shape: str = "round"


class Tree(Spec):
    leaf: Leaf | None = None
    leaves: list[Leaf] = Field(default=[])
    named: dict[str, Leaf] = Field(default={})
    two: Leaf | Other | None = None
    either: list[Leaf | str] = Field(default=[])
    other_: int = Field(default=0, alias="other")

    @model_validator(mode="after")
    def _not_three(self) -> "Tree":
        if len(self.leaves) == 3:
            raise WrongValueError("three leaves are a clover", "Take one away")
        return self


def flaws(model: type[Spec], data: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        parse_spec(model, data)
    return [str(flaw) for flaw in refused.value.flaws]


def test_what_is_right_becomes_the_spec():
    assert parse_spec(Tree, {"leaf": {"size": 2}, "other": 3}).other_ == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"leef": {}}, "leef: unknown key. Did you mean 'leaf'?"),
        ({"other_": 1}, "other_: unknown key. Did you mean 'other'?"),
        ({"leaf": {"sise": 1}}, "leaf.sise: unknown key. Did you mean 'size'?"),
        ({"leaves": [{}, {"knd": 1}]}, "leaves[1].knd: unknown key. Did you mean 'kind'?"),
        ({"named": {"a.b": {"zzz": 1}}}, "named['a.b'].zzz: unknown key. Known here: kind, size."),
        ({"leaf": {"size": "7"}}, "leaf.size: expected a whole number, got '7'. Remove the quotes"),
        ({"leaf": {"size": 1.5}}, "leaf.size: expected a whole number, got 1.5."),
        ({"leaf": {"size": True}}, "leaf.size: expected a whole number, got true."),
        (
            {"leaf": {"size": None}},
            "leaf.size: expected a whole number, got null. Write a value behind the key",
        ),
        ({"leaf": {"size": 0}}, "leaf.size: expected at least 1, got 0."),
        (
            {"leaf": {"kind": "smal"}},
            "leaf.kind: expected 'big' or 'small', got 'smal'. Did you mean 'small'?",
        ),
        ({"leaf": {"kind": 7}}, "leaf.kind: expected 'big' or 'small', got 7."),
        ({"leaf": 7}, "leaf: expected a mapping, got 7. Its keys are: kind, size"),
        ({"named": 7}, "named: expected a mapping, got 7. Write it as {name: value}"),
        ({"leaves": {"size": 1}}, "leaves: expected a list, got {'size': 1}. Begin each item with a dash"),
        ({"leaves": 7}, "leaves: expected a list, got 7. Write a list, even of one: [7]"),
        ({"leaves": True}, "leaves: expected a list, got true. Write a list, even of one: [true]"),
        ({"named": [1]}, "named: expected a mapping, got [1]. Write keys, without dashes"),
        ({"leaves": [{}, {}, {}]}, "three leaves are a clover. Take one away"),
        (7, "expected a mapping, got 7."),
    ],
)
def test_one_flaw_is_said_in_plain_words(data: Any, said: str):
    (found,) = flaws(Tree, data)
    assert found.startswith(said)


def test_all_flaws_come_at_once():
    found = flaws(Tree, {"leaf": {"size": 0, "kind": 1}, "other": "x", "more": 1})
    assert len(found) == 4


def test_the_parts_of_a_union_are_no_part_of_the_path():
    assert {line.split(": ")[0] for line in flaws(Tree, {"either": [{"size": 0}]})} == {
        "either[0].size",
        "either[0]",
    }


def test_what_two_parts_of_a_union_say_alike_is_said_once():
    assert flaws(Tree, {"two": 7}) == ["two: expected a mapping, got 7. Its keys are: kind, shape, size"]


def test_keys_below_a_union_are_known():
    assert "either[0].sise: unknown key. Did you mean 'size'?" in flaws(Tree, {"either": [{"sise": 1}]})


def test_a_reply_alone_has_no_index():
    assert flaws(RouteSpec, {"request": "GET /x", "reply": {"stauts": 1}}) == [
        "reply.stauts: unknown key. Did you mean 'status'?"
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"request": "GET /x", "reply": 200}, "request: unknown key. Move it below 'routes'"),
        ({"routes": [{"request": "GET /x", "reply": 200, "status": 503}]}, "routes[0].status: unknown key. Move it below 'reply'"),
        ({"routes": [{"request": "GET /x", "reply": {"status": 200, "priority": 1}}]}, "routes[0].reply.priority: unknown key. Move it beside 'reply'"),
        ({"routes": [{"request": "GET /x", "reply": {"vars": {}}}]}, "routes[0].reply.vars: unknown key. Move it beside 'routes'"),
        ({"routes": [{"request": "GET /x", "reply": [200, {"after": 3}]}]}, "routes[0].reply[1].after: unknown key. Move it below 'fault'"),
        ({"routes": [{"request": "GET /x", "reply": 200, "method": "GET"}]}, "routes[0].method: unknown key. Use 'request'"),
        ({"routes": [{"request": "GET /x", "reply": {"body": "x"}}]}, "routes[0].reply.body: unknown key. Use 'json' or 'text'"),
        ({"routes": [{"request": "GET /x", "match": {"body": "x"}, "reply": 200}]}, "routes[0].match.body: unknown key. Use 'json' or 'text'"),
    ],
)  # fmt: skip
def test_a_key_of_another_place_is_sent_there(data: Any, said: str):
    found = flaws(ScenarioSpec, data)
    assert said in found[0]


@pytest.mark.parametrize("key", ["path", "delay", "status"])
def test_a_key_that_no_key_resembles_gets_no_wrong_guess(key: str):
    assert "Did you mean" not in flaws(RouteSpec, {"request": "GET /x", "reply": 200, key: 1})[0]


def test_keys_behind_validators_of_any_type_are_known():
    assert flaws(RouteSpec, {"request": "GET /x", "reply": {"throttle": {"chunks": 2, "ovr": "1s"}}})[1:] == [
        "reply.throttle.ovr: unknown key. Did you mean 'over'?"
    ]


def test_missing_keys_show_how_to_write_them():
    assert flaws(RouteSpec, {}) == [
        "the key 'request' is missing. Write request: POST /charges",
        "the key 'reply' is missing. Write reply: 200",
    ]
    assert flaws(SpreadSpec, {}) == ["the key 'window' is missing. Write window: 5"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("a", 0, "b"), ("a", "b")),
        (("l", 0, "b"), ("l", 0, "b")),
        (("l", 5), ("l",)),
        (("l", -1), ("l",)),
        (("gone", "a"), ("a",)),
    ],
)
def test_a_path_keeps_the_parts_that_were_written(path: tuple[str | int, ...], found: tuple[str | int, ...]):
    assert written(path, {"a": {"b": 1}, "l": [{"b": 1}]}) == found
