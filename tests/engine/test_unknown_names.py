"""Hints for names that are not there: which one is near, and that looking for it has a bound."""

import pytest
from support.cost import cheap

from mockserver import errors
from mockserver.engine.engine import MOST_COMPARED, Engine
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.errors import near


def an_engine(*names):
    engine = Engine(ScenarioSet(), wall=lambda: 1.8e9, mono=lambda: 0.0)
    for name in names:
        engine.make_namespace(name)
    return engine


def test_a_near_namespace_is_named():
    assert an_engine("checkout").near_namespace("chekout") == "Did you mean 'checkout'?"
    assert an_engine("checkout").near_namespace("x") == "Known here: checkout, default."


@pytest.mark.parametrize("count", [MOST_COMPARED, 20_000])
def test_an_unknown_namespace_is_compared_with_few_names_however_many_there_are(count, monkeypatch):
    compared = []
    real = errors.difflib.get_close_matches

    def counting(word, possibilities, **how):
        compared.append(len(possibilities))
        return real(word, possibilities, **how)

    monkeypatch.setattr(errors.difflib, "get_close_matches", counting)
    engine = an_engine(*(f"checkout-{i}" for i in range(count)))

    assert engine.near_namespace("chekout-1") == ""
    assert sum(compared) <= MOST_COMPARED


@pytest.mark.parametrize("word", ["a" * 100_000, "/" * 120_000])
def test_a_long_word_is_near_to_nothing_and_costs_nothing(word):
    assert cheap(0.1, lambda: near(word, [f"{'a' * i}" for i in range(900)])) == ""
