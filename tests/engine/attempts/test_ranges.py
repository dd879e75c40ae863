"""Parts of one file are operations of their own, in whichever header their range stands."""

import pytest
from support.calls import Calls

from mockserver.attempts import operations


@pytest.mark.parametrize("name", ["Range", "x-ms-range"])
def test_another_range_is_not_a_retry_of_the_part_that_failed(name):
    calls = Calls()
    calls(0, status=503, line="GET /file", headers={name: "bytes=0-99"})
    calls(1, status=206, line="GET /file", headers={name: "bytes=100-199"})
    calls(2, status=206, line="GET /file", headers={name: "bytes=0-99"})

    found = operations(calls.made)

    assert [[one.call.number for one in operation.attempts] for operation in found] == [[1, 3], [2]]
