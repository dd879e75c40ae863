"""The command line against a server of the test process."""

import os

from click.testing import CliRunner

from mockserver.cli import main

SCENARIO = """
routes:
  - name: create-charge
    request: POST /charges
    tags: [money]
    reply: [503, 503, {status: 201, json: {id: ch_1}, effect: {kind: charge, id: ch_1}}]
  - name: read-charge
    request: GET /charges/{id}
    reply: {json: {id: "{{ path.id }}"}}
"""


def run_command(*args, url=None, stdin=None, **env):
    """The result of a command, in this process and in an environment without settings."""
    clean = {name: None for name in os.environ if name.startswith("MOCKSERVER_")}
    if url is not None:
        env["MOCKSERVER_URL"] = url
    return CliRunner().invoke(main, [str(arg) for arg in args], env={**clean, **env}, input=stdin)


class Shell:
    """Runs commands against one server. `server` answers the application under test."""

    def __init__(self, server):
        self.server = server

    def run(self, *args, **options):
        return run_command(*args, url=self.server.url, **options)

    def says(self, *args, **options):
        """Stdout of a command that succeeds, without its last line break."""
        result = self.run(*args, **options)
        assert result.exit_code == 0, result.output
        return result.stdout.removesuffix("\n")

    def fails(self, *args, code=2, **options):
        """What a command says that fails."""
        result = self.run(*args, **options)
        assert result.exit_code == code, result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr if code == 2 else result.stdout


READINGS = [
    ("calls",), ("calls", "--follow"), ("count",), ("count", "GET /x"), ("verify",), ("verify", "GET /x"), ("attempts",), ("reset",), ("routes",),
    ("routes", "remove", "x"), ("scenarios",), ("scenarios", "off", "x"), ("outage",), ("outage", "503"), ("clock",),
    ("clock", "advance", "1s"), ("namespaces",), ("namespaces", "create"),
]  # fmt: skip
"""Command lines that need a server."""
