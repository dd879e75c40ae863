"""Draws are functions of what they are drawn for."""

from itertools import product

import pytest

from mockserver.templating.random_values import Draws, chance, seed_for


def drawn(*call):
    return Draws(*call).bits(64)


def test_the_same_arguments_draw_the_same():
    first, second = Draws("seed", "payments/create", 3), Draws("seed", "payments/create", 3)

    assert [first.bits(64) for _ in range(5)] == [second.bits(64) for _ in range(5)]
    assert chance("seed", "r", 3).random() == chance("seed", "r", 3).random()


def test_any_other_argument_draws_something_else():
    asked = list(product(["s", "t"], ["r", "q"], [1, 2]))

    assert len({drawn(*one) for one in asked} | {chance(*one).getrandbits(64) for one in asked}) == 16


@pytest.mark.parametrize("draw", [drawn, lambda *call: chance(*call).random()])
def test_the_edges_between_arguments_count(draw):
    assert draw("a", "bc", 1) != draw("ab", "c", 1)
    assert draw("a", "r1", 1) != draw("a", "r", 11)


def test_a_call_does_not_go_on_where_another_began():
    first, other = Draws("s", "r", 1), Draws("s", "r", 11)

    assert not {first.bits(64) for _ in range(20)} & {other.bits(64) for _ in range(20)}


def test_draws_are_the_same_in_every_process_and_version():
    assert chance("seed", "payments/create", 1).getrandbits(64) == 12427925672611453740
    draws = Draws("seed", "payments/create", 1)
    assert (draws.bits(64), draws.below(1000), draws.text(8)) == (3686593413041807366, 288, "IY7Js8IR")


def test_first_draws_of_many_calls_are_spread_evenly():
    found = [chance("seed", "r", number).random() for number in range(10_000)]
    drawn_tenths = [Draws("seed", "r", number).below(10) for number in range(10_000)]

    tenths = [sum(tenth / 10 <= one < (tenth + 1) / 10 for one in found) for tenth in range(10)]
    assert all(900 < count < 1100 for count in tenths)
    assert all(900 < drawn_tenths.count(tenth) < 1100 for tenth in range(10))


def test_every_character_of_a_text_is_as_likely_as_any_other():
    text = Draws("seed", "r", 1).text(62_000)

    assert len(text) == 62_000
    assert len(set(text)) == 62
    assert all(850 < text.count(one) < 1150 for one in set(text))


@pytest.mark.parametrize("count", [1, 8, 64, 512, 513, 5000])
def test_a_number_has_the_bits_that_were_asked_for(count):
    draws = Draws("seed", "r", 1)
    found = [draws.bits(count) for _ in range(50)]

    assert max(found).bit_length() == count
    assert all(0 <= draws.below(2**count - 1) < 2**count - 1 for _ in range(50))


def test_a_namespace_has_its_own_seed_and_keeps_it():
    assert seed_for("a", "s") == seed_for("a", "s")
    assert len({seed_for("a", "s"), seed_for("b", "s"), seed_for("a", "t"), seed_for("as", "")}) == 4
