"""
Each case of the suite is answered as the real WireMock answered it, but for the differences that are listed with a reason.

What it answered lies in recorded.json; scripts/wiremock-diff asks it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from support.stubbing import DIFFERENCES, RECORDED, Talk, cases

from mockserver import Server

CASES = cases()
THEIRS = json.loads(RECORDED.read_text())
KNOWN = yaml.load(DIFFERENCES.read_text(), Loader=yaml.CSafeLoader)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Server(wiremock_port=0)
    with server:
        yield server.wiremock_url


@pytest.mark.parametrize("name", CASES)
def test_a_client_sees_what_wiremock_would_have_shown_it(url, name):
    ours = Talk(url).answers(CASES[name])
    if name in KNOWN:
        assert ours != THEIRS[name], f"no longer different: take it from {DIFFERENCES.name}"
    else:
        assert ours == THEIRS[name]


def test_every_case_was_recorded_and_no_other():
    assert set(THEIRS) == set(CASES)
    assert len(CASES) >= 150


def test_every_listed_difference_is_one_of_a_case():
    assert set(KNOWN) <= set(CASES)
