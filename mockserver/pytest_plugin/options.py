"""The command line options of the sweep. Every session imports this module, so it must import fast."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

LEARN = "--mock-server-sweep-learn"


def add_sweep_options(group: pytest.OptionGroup, parser: pytest.Parser) -> None:
    """Add the options to `group`, and the ini options to `parser`."""
    group.addoption(
        "--mock-server-sweep",
        action="store_true",
        help="Run the resilience sweep: each call of each test, with each kind of failure. See docs/sweep.md.",
    )
    group.addoption(
        "--mock-server-sweep-only",
        action="append",
        default=[],
        metavar="CELL",
        help="Run only this cell, such as 'test_checkout/create-charge#2/500'; * matches anything. May be repeated.",
    )
    group.addoption(
        "--mock-server-sweep-troubles",
        metavar="FILE",
        help="File that adds or restricts kinds of failure.",
    )
    group.addoption(
        "--mock-server-sweep-seed",
        metavar="TEXT",
        default="",
        help="Seed for random values and the sample of cells.",
    )
    group.addoption(
        "--mock-server-sweep-limit",
        metavar="DURATION",
        help="Maximum duration of a cell, such as 30s. Default: 30 s plus five times its clean run.",
    )
    group.addoption(
        "--mock-server-sweep-fail-on",
        metavar="WHAT",
        help="What fails the sweep: harmed, rules (a retry rule that is certainly broken), or both. Default: harmed,rules.",
    )
    group.addoption(
        "--max-cells",
        type=_positive,
        metavar="N",
        help="Maximum number of cells of the sweep, sampled evenly.",
    )
    group.addoption(
        "--mock-server-sweep-pairs",
        type=_positive,
        default=0,
        metavar="N",
        help="Also run N pairs of failures: two in one run, selected by the seed.",
    )
    group.addoption(LEARN, metavar="FILE", help=argparse.SUPPRESS)
    parser.addini("mock_server_sweep_troubles", "Trouble file for the sweep.", default="")


def keep_of(config: pytest.Config) -> Any:
    """Read the ini options on how an external server keeps the namespaces of failed tests."""
    from mockserver.model.durations import HINT, parse_duration_s
    from mockserver.sessions.servers import Keep

    duration, most = str(config.getini("mock_server_keep")), str(config.getini("mock_server_keep_most"))
    try:
        parse_duration_s(duration)
    except ValueError as error:
        raise pytest.UsageError(f"mock_server_keep: {error}. {HINT}") from error
    if not most.isdecimal():
        raise pytest.UsageError(f"mock_server_keep_most: {most!r} is not a valid number. Write 0 or more")
    return Keep(duration, int(most))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid number; write 1 or more")
    return number


def is_sweep(config: pytest.Config) -> bool:
    return bool(
        config.getoption("--mock-server-sweep")
        or config.getoption("--mock-server-sweep-only")
        or config.getoption(LEARN)
    )
