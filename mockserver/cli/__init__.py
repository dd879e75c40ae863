"""The command line: one module a command."""

from mockserver.cli.commands import main, serve

__all__ = ["main", "serve"]
