"""Tables for people: with rich on a terminal if it is installed, otherwise as aligned columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

import click

Row = Sequence[object]


def print_table(heads: Sequence[str], rows: Iterable[Row], empty: str) -> None:
    """Print a table, or the text `empty` if it has no rows."""
    cells = [[plain(cell) for cell in row] for row in rows]
    if not cells:
        click.echo(empty)
    elif sys.stdout.isatty() and find_spec("rich") is not None:
        _print_rich(heads, cells)
    else:
        for line in columns([list(heads), *cells]):
            click.echo(line)


def plain(value: object) -> str:
    r"""
    Return a value on one line, without control characters, which received data could have for the terminal.

    >>> plain("a\x1b[2J"), plain(None), plain(True), plain(["a", "b"])
    ('a[2J', '-', 'yes', 'a, b')
    """
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return plain(", ".join(map(plain, value)))
    return "".join(char for char in str(value) if char.isprintable())


def printable(text: str) -> str:
    r"""
    Return a text of several lines without control characters.

    >>> printable("a\x1b[2J\nb")
    'a[2J\nb'
    """
    return "".join(char for char in text if char.isprintable() or char == "\n")


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """
    Align the cells of each column.

    >>> columns([["a", "b"], ["long", "c"]])
    ['a     b', 'long  c']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _print_rich(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, _style(head, cell)) for head, cell in zip(heads, row, strict=True)))
    Console().print(table)


def _style(head: str, cell: str) -> str:
    """The colour of a status: success, error of the client, failure."""
    if head != "status":
        return ""
    return "green" if cell[:1] in "123" else "yellow" if cell[:1] == "4" else "red"
