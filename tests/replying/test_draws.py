"""Draws are functions of what they are drawn for."""

from itertools import product

from mockserver.replying.draws import chance, seed_for


def test_the_same_arguments_draw_the_same():
    first = chance("seed", "payments/create", 3, "ids")
    second = chance("seed", "payments/create", 3, "ids")

    assert [first.random() for _ in range(5)] == [second.random() for _ in range(5)]


def test_any_other_argument_draws_something_else():
    asked = product(["s", "t"], ["r", "q"], [1, 2], ["ids", "choices"])

    assert len({chance(*one).random() for one in asked}) == 16


def test_the_edges_between_arguments_count():
    assert chance("a", "bc", 1, "ids").random() != chance("ab", "c", 1, "ids").random()
    assert chance("a", "r1", 1, "ids").random() != chance("a", "r", 11, "ids").random()


def test_draws_are_the_same_in_every_process_and_version():
    assert chance("seed", "payments/create", 1, "ids").getrandbits(64) == 1997428409098965402


def test_first_draws_of_many_calls_are_spread_evenly():
    found = [chance("seed", "r", number, "choices").random() for number in range(10_000)]

    tenths = [sum(tenth / 10 <= one < (tenth + 1) / 10 for one in found) for tenth in range(10)]
    assert all(900 < count < 1100 for count in tenths)


def test_a_namespace_has_its_own_seed_and_keeps_it():
    assert seed_for("a", "s") == seed_for("a", "s")
    assert len({seed_for("a", "s"), seed_for("b", "s"), seed_for("a", "t"), seed_for("as", "")}) == 4
