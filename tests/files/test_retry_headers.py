"""`check` warns of a reply that asks clients to wait in a way that none of them can read."""

import pytest

from mockserver.scenarios.loader import from_text
from mockserver.scenarios.retry_headers import invalid_retry_headers


def warned(text: str) -> list[str]:
    source = from_text(text, "s", "yaml")
    return [source.locate(flaw) for flaw in invalid_retry_headers(source.spec)]


def of_header(name: str, value: str, more: str = "") -> list[str]:
    return warned(f"routes:\n  - {{request: GET /x, reply: {{headers: {{{name}: {value}}}{more}}}}}\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry-after", "5"),
        ("Retry-After", '"0"'),
        ("retry-after", "1.5"),
        ("retry-after", '"Wed, 21 Oct 2026 07:28:00 GMT"'),
        ("retry-after", '"Wednesday, 21-Oct-26 07:28:00 GMT"'),
        ("retry-after", '"Wed Oct 21 07:28:00 2026"'),
        ("retry-after", '"Thu Oct  1 07:28:00 2026"'),
        ("retry-after", '"{{ now }}"'),
        ("retry-after", '[1, "{{ 2 }}"]'),
        ("retry-after-ms", "500"),
        ("x-ratelimit-reset", "1767225600"),
        ("ratelimit-reset", "30"),
        ("x-ratelimit-reset-requests", "6m0s"),
        ("x-other", "soon"),
    ],
)
def test_a_value_that_clients_can_read_is_not_warned_of(name, value):
    assert of_header(name, value) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry-after", "soon"),
        ("retry-after", "5s"),
        ("retry-after", "-1"),
        ("retry-after", '""'),
        ("retry-after", "true"),
        ("retry-after", "1e3"),
        ("retry-after", "2026-10-21T07:28:00Z"),
        ("retry-after", '"Wed, 21 Oct 2026 07:28:00 +0200"'),
        ("retry-after", '"Wed, 41 Oct 2026 07:28:00 GMT"'),
        ("retry-after", '"Wed, 21 Okt 2026 07:28:00 GMT"'),
        ("retry-after-ms", "500ms"),
        ("retry-after-ms", '"Wed, 21 Oct 2026 07:28:00 GMT"'),
        ("x-ratelimit-reset", "tomorrow"),
        ("RateLimit-Reset", "1m"),
    ],
)
def test_a_value_that_clients_cannot_read_is_warned_of(name, value):
    (line,) = of_header(name, value)

    assert line.startswith("s:2:")
    assert f"routes[0].reply.headers.{name}: {value.strip(chr(34))!r} is not a valid {name}" in line


def test_braces_of_a_raw_reply_are_no_template():
    assert len(of_header("retry-after", '"{{ 5 }}"', ", raw: true")) == 1


def test_every_reply_of_a_scenario_is_looked_at_and_nothing_else():
    lines = warned(
        """
defaults: {headers: {retry-after: a}}
idempotency: {header: k, conflict: {status: 409, headers: {retry-after: b}}}
vars: {headers: {retry-after: x}}
routes:
  - request: GET /x
    match: {headers: {retry-after: x}}
    webhook: {url: "http://app/", headers: {retry-after: x}}
    reply:
      - {json: {headers: {retry-after: x}}}
      - choose: [{headers: {retry-after: [1, c]}}]
      - cases: [{cases: [{headers: {retry-after: d}}]}]
resources:
  - {path: /items, invalid: {status: 422, headers: {retry-after: e}}}
"""
    )

    places = sorted(line.split(": ")[1] for line in lines)
    assert places == [
        "defaults.headers.retry-after",
        "idempotency.conflict.headers.retry-after",
        "resources[0].invalid.headers.retry-after",
        "routes[0].reply[1].choose[0].headers.retry-after[1]",
        "routes[0].reply[2].cases[0].cases[0].headers.retry-after",
    ]
