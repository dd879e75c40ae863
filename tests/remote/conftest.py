"""A server for the command line, and calls that it has received."""

import pytest
from support.shell import SCENARIO, Shell

HEADERS = {"Idempotency-Key": "4f1c", "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def shell(serving):
    return Shell(serving({"payments.yaml": SCENARIO}))


@pytest.fixture
def paid(shell):
    """A charge whose client has retried, and an unmatched request."""
    for _ in range(3):
        shell.server.ask("POST", "/charges", "amount=500", headers=HEADERS)
    shell.server.ask("GET", "/charge/7")
    return shell
