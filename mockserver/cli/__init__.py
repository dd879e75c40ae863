"""The command line: one module a command."""

from mockserver.cli.commands import main

__all__ = ["main"]
