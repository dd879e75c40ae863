"""The pages of performance: figures are written between marks, and commands are ones that scripts/bench knows."""

import shlex

import pytest
from support.pages import blocks, page
from support.server import PROJECT

from benchmarks import page as figures
from benchmarks import run

PAGE = page("docs/performance.md")
GOALS = page("benchmarks/README.md")
COMMANDS = [
    shlex.split(line)
    for _, text in blocks(PAGE)
    for line in text.splitlines()
    if line.startswith("scripts/bench")
]


@pytest.mark.parametrize("text", [PAGE, GOALS], ids=["performance", "goals"])
def test_figures_take_the_place_of_older_ones_and_of_nothing_else(text):
    once = figures.filled(text, "FIGURES")

    assert figures.filled(once, "OTHERS") == figures.filled(text, "OTHERS")
    assert "FIGURES" in once
    assert once.startswith(text.partition(figures.BEGIN)[0])
    assert once.endswith(text.partition(figures.END)[2])


@pytest.mark.parametrize(
    "text",
    [
        "",
        figures.BEGIN,
        figures.END + figures.BEGIN,
        figures.BEGIN + figures.END * 2,
        (figures.BEGIN + figures.END) * 2,
    ],
)
def test_a_page_without_its_two_marks_is_left_alone(text):
    with pytest.raises(ValueError, match="once each"):
        figures.filled(text, "FIGURES")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_is_one_that_the_script_knows(command):
    options = run.arguments().parse_args(command[1:])

    scale = run.scale_of(options)
    works, beside = run.wanted(options, scale)
    assert works or beside
    assert run.peers.chosen(options.peers or [])


def test_every_block_is_of_commands():
    assert len(COMMANDS) == 7
    assert {language for language, _ in blocks(PAGE)} == {"bash"}
    assert (PROJECT / "scripts/bench").exists()
