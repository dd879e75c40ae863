"""Tables: aligned columns, and those of rich on a terminal."""

from contextlib import redirect_stdout
from io import StringIO

import pytest

from mockserver.cli.remote import tables


class Terminal(StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def printed():
        with redirect_stdout(Terminal()) as out:
            tables.print_table(HEADS, ROWS, "nothing")
        return out.getvalue()

    return printed


HEADS = ("call", "status", "request")
ROWS = [("c-1", 201, "a [bold]path[/bold]"), ("c-2", 503, "x" * 100), ("c-3", None, "b\x1b[2J")]


def test_on_a_terminal_a_table_has_colours_and_loses_nothing(terminal):
    text = terminal()

    assert "\x1b[32m201" in text
    assert "\x1b[31m503" in text
    assert "[bold]path[/bold]" in text
    assert text.count("x") == 100
    assert "\x1b[2J" not in text


def test_without_rich_a_terminal_gets_aligned_columns(terminal, monkeypatch):
    monkeypatch.setattr(tables, "find_spec", lambda _: None)

    assert terminal().splitlines()[:2] == [
        "call  status  request",
        "c-1   201     a [bold]path[/bold]",
    ]


def test_elsewhere_columns_are_aligned(capsys):
    tables.print_table(HEADS, ROWS, "nothing")

    assert capsys.readouterr().out.splitlines() == [
        "call  status  request",
        "c-1   201     a [bold]path[/bold]",
        f"c-2   503     {'x' * 100}",
        "c-3   -       b[2J",
    ]


def test_a_table_without_rows_is_a_text(capsys):
    tables.print_table(("a",), [], "nothing")

    assert capsys.readouterr().out == "nothing\n"
