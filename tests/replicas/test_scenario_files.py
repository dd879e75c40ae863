"""Replicas with the same scenario files have the same digests of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.app import App
from mockserver.replicas.joining import files_of
from mockserver.schema.policies import Rate
from mockserver.settings import Settings

PROJECT = Path(__file__).parent.parent.parent
PROVIDERS = sorted((PROJECT / "scenarios").glob("**/*.yaml"))


@pytest.mark.parametrize("path", PROVIDERS, ids=lambda path: path.stem)
def test_two_servers_with_one_file_agree(path: Path) -> None:
    settings = Settings(paths=(str(path),), port=0)
    first, second = (App(settings).engine.shared.scenario_set for _ in range(2))

    assert files_of(first, settings) == files_of(second, settings)


@given(st.integers(1, 10**6), st.sampled_from("smh"))
def test_equal_rates_are_shown_alike(number: int, unit: str) -> None:
    assert repr(Rate(f"{number}/{unit}")) == repr(Rate(f"{number}/{unit}"))
    assert repr(Rate(f"{number}/{unit}")) != repr(Rate(f"{number + 1}/{unit}"))
