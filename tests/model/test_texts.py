"""Small helpers for values and messages: their examples are their tests."""

import doctest

import pytest

from mockserver import jsonpath
from mockserver.model import instants, json_values, merge_patch, plural
from mockserver.recording import sequences


@pytest.mark.parametrize(
    "module",
    [instants, json_values, jsonpath, merge_patch, plural, sequences],
    ids=lambda module: module.__name__,
)
def test_the_examples_in_the_code_hold(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert result.failed == 0
