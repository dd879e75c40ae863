"""Parts of one file are operations of their own, in whichever header their range stands."""

import pytest
from support.calls import Calls

from mockserver.attempts import operations
from mockserver.model.http import Response
from mockserver.model.plan import Outcome


@pytest.mark.parametrize("name", ["Range", "x-ms-range"])
def test_another_range_is_not_a_retry_of_the_part_that_failed(name):
    calls = Calls()
    calls(0, status=503, line="GET /file", headers={name: "bytes=0-99"})
    calls(1, status=206, line="GET /file", headers={name: "bytes=100-199"})
    calls(2, status=206, line="GET /file", headers={name: "bytes=0-99"})

    found = operations(calls.made)

    assert [[one.call.number for one in operation.attempts] for operation in found] == [[1, 3], [2]]


@pytest.mark.parametrize(
    ("first", "then", "is_rest"),
    [
        (None, "bytes=4-", True),
        (None, "bytes=4-9", True),
        (None, "bytes=4-7", False),
        (None, "bytes=20-29", False),
        ("bytes=0-", "bytes=4-9", True),
        ("bytes=0-9", "bytes=4-9", True),
        ("bytes=0-9", "bytes=4-19", False),
    ],
)
def test_the_rest_of_a_cut_answer_may_name_its_last_byte(first, then, is_rest):
    """Undici asks for `bytes=4-9` if the answer that was cut has said that it has 10 bytes."""
    calls = Calls()
    headers = {} if first is None else {"Range": first}
    calls(
        0,
        line="GET /file",
        headers=headers,
        outcome=Outcome.TRUNCATE,
        response=Response(200, [], b"0123456789"),
    )
    calls(1, status=206, line="GET /file", headers={"Range": then})

    assert (len(operations(calls.made)) == 1) == is_rest
