"""The claim of a call: all that it writes is written at once, and nothing where any of it fails."""

import pytest
from support.engine import InMemory, effects, text

from mockserver.model.plan import Outcome

SHOP = """
state: {count: 0}
routes:
  - name: pay
    request: POST /pay
    let: {id: "p_{{ random_string(6) }}"}
    set: {last: "{{ let.id }}", amount: "{{ request.json.amount }}"}
    effect: {kind: paid, id: "{{ let.id }}", share: "{{ request.json.amount / request.json.parts }}"}
    reply: [{status: 202, json: {id: "{{ let.id }}"}}, {status: 201, json: {id: "{{ let.id }}"}}]
  - {name: broken, request: POST /broken, effect: {kind: done}, set: {broken: true}, reply: {text: "{{ request.json.nothing }}"}}
"""
GOOD = {"amount": 6, "parts": 2}


@pytest.fixture
def memory():
    return InMemory(SHOP)


def state(memory):
    return dict(memory.default.memory.state.items())


def test_what_one_call_writes_is_made_of_the_same_values(memory):
    memory.ask("POST /pay", json=GOOD)
    second = memory.ask("POST /pay", json=GOOD)

    [first_effect, second_effect] = effects(memory.default)
    assert second_effect["id"] == state(memory)["last"]
    assert f'"{second_effect["id"]}"' in text(second)
    assert first_effect["id"] != second_effect["id"]
    assert second_effect["share"] == 3


@pytest.mark.parametrize("wrong", [{"amount": 6}, {"amount": 6, "parts": 0}, {}])
def test_where_an_effect_can_not_be_made_nothing_is_written_and_no_step_is_taken(memory, wrong):
    failed = memory.ask("POST /pay", json=wrong)

    assert failed.status == 500
    assert effects(memory.default) == []
    assert "last" not in state(memory)
    assert memory.statuses("POST /pay", "POST /pay", json=GOOD) == [202, 201]


def test_an_answer_that_can_not_be_rendered_has_done_its_work(memory):
    assert memory.ask("POST /broken", json={}).status == 500

    assert [effect["kind"] for effect in effects(memory.default)] == ["done"]
    assert state(memory)["broken"] is True


def test_a_client_that_leaves_undoes_nothing(memory):
    memory.ask("POST /pay", json=GOOD, outcome=Outcome.CLIENT_LEFT)

    assert len(effects(memory.default)) == 1
    assert memory.statuses("POST /pay", json=GOOD) == [201]


def test_calls_under_way_have_taken_their_steps_already(memory):
    calls = [memory.begin("POST /pay", json=GOOD) for _ in range(3)]

    assert [call.response.status for call in calls] == [202, 201, 201]
    assert memory.default.counts.routes["shop/pay"].in_flight == 3
    for call in reversed(calls):
        memory.engine.finish(call, Outcome.DONE)
    assert memory.default.counts.routes["shop/pay"].in_flight == 0
