"""Charts: bars as long as their values, on an axis that holds them all, in SVG that parses."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks import plot
from benchmarks.plot import Axis, Bar, Group

SVG = "{http://www.w3.org/2000/svg}"


def bars(svg):
    return [(one.get("class"), float(one.get("width"))) for one in ET.fromstring(svg).iter(f"{SVG}rect")]


def test_a_bar_is_as_long_as_its_value():
    svg = plot.chart("t", [Group("a", [Bar(100, "own0", "100")]), Group("b", [Bar(50, "plain", "50")])])

    (_, whole), (_, half) = bars(svg)
    assert half == pytest.approx(whole / 2, abs=0.1)


def test_a_decade_is_as_long_as_the_next_on_a_logarithmic_axis():
    svg = plot.chart("t", [Group("a", [Bar(value, "own0", "") for value in (20, 200, 2000)])], log=True)

    (_, first), (_, second), (_, third) = bars(svg)
    assert third - second == pytest.approx(second - first, abs=0.1)
    assert first > 1


def test_what_was_not_measured_has_a_word_and_no_bar():
    svg = plot.chart("t", [Group("a", [Bar(1, "own0", "1"), Bar(None, "own1", "–")])])

    assert len(bars(svg)) == 1
    assert ">–<" in svg


def test_names_are_text_whatever_is_in_them():
    svg = plot.chart("a < b & c", [Group("<&>", [Bar(1, "own0", "1")])])

    assert "a < b & c" in [one.text for one in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("values", [[1.0], [0.4, 93_700], [100, 1000], [7, 70_000]])
@pytest.mark.parametrize("log", [False, True])
def test_an_axis_holds_every_value_between_its_ends(values, log):
    axis = Axis.over(values, log=log)

    assert axis.ticks()[0] == pytest.approx(axis.least)
    assert axis.ticks()[-1] == pytest.approx(axis.most)
    assert all(axis.least <= value <= axis.most for value in values)
    assert 2 <= len(axis.ticks()) <= 11


@pytest.mark.parametrize(("most", "step"), [(93_700, 10_000), (230_000, 50_000), (0.5, 0.1), (10, 1)])
def test_steps_are_round_numbers(most, step):
    assert plot.nice_step(most) == pytest.approx(step)
