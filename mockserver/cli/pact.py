"""The command lines of `mockserver pact`."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli.parameters import Duration, HeaderLine


@click.group(short_help="Verify a provider by a pact.")
def pact() -> None:
    """Work with contracts of Pact. `import pact` and `export pact` convert them."""


@pact.command(short_help="Send the requests of a pact to a provider, and check its responses.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--provider", required=True, metavar="URL", help="URL of the provider, such as http://localhost:8000."
)
@click.option("--state-url", metavar="URL", help="URL that is asked for provider states: POST {state, params, action} before each interaction that has them.")  # fmt: skip
@click.option("--header", "-H", "headers", type=HeaderLine(), multiple=True, help="A header line that is sent in place of that of the pact, such as 'Authorization: Bearer x'; may be repeated.")  # fmt: skip
@click.option("--only", metavar="TEXT", help="Only interactions with this text in their description.")
@click.option("--timeout", "timeout_s", type=Duration(), default="10s", show_default=True, help="Maximum duration of a request.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: str, **options: Any) -> None:
    """
    Send the request of each interaction of a pact to a provider, and check its responses by the rules of the pact.

    Exit codes: 0 all interactions are verified, 1 a response differs, 2 the file or an argument is invalid, or the
    provider can't be reached. An interaction that is pending does not fail.
    """
    from mockserver.cli.pact_session import verify_provider

    sys.exit(verify_provider(file, **options))
