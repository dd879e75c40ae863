"""A namespace whose calls are made by hand, and its charges judged by rules."""

import pytest
from support.calls import KEY, Calls, World

PAY = """
base: /v1
routes:
  - {name: create-charge, request: POST /charges, reply: 200}
  - {name: capture, request: "POST /charges/{id}/capture", reply: 200}
  - {name: refund, request: POST /refunds, reply: 200}
"""


@pytest.fixture
def call():
    return Calls()


@pytest.fixture
def world(write):
    return World(write({"pay.yaml": PAY}))


@pytest.fixture
def judged(world):
    """The lines that are said of the charges under these rules; without the timeline, empty where they hold."""

    def lines(rules, **check):
        verdict = world.verdict({"route": "create-charge", "attempts": rules, **check})
        if verdict.ok:
            return []
        return [line for line in verdict.text.splitlines() if not line.startswith("  ")]

    return lines


@pytest.fixture
def retried(world):
    """Makes one operation: pairs of arrival and end; all but the last failed."""

    def made(*times, **options):
        options.setdefault("headers", KEY)
        for i, (at_s, until_s) in enumerate(times):
            world(at_s, until_s, 201 if i == len(times) - 1 else 503, **options)

    return made
