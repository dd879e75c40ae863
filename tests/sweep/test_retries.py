"""How a client tried again, beside the verdict."""

import pytest
from support.sweeps import ran, seen, tries

from mockserver.sweep.retries import retry_remarks, retry_summary

KEY = "headers.idempotency-key"


def summary_of(*operations, hits=(1,)):
    return retry_summary(ran(seen(), seen(), seen(), hits=hits, operations=list(operations)))


def test_the_operation_that_was_struck_is_judged():
    other = tries((3, None, []), key="b")
    summary = summary_of(tries((1, None, []), (2, 512.0, []), key="a", retry_after="kept"), other)
    assert summary == {
        "tries": 2, "gaps_ms": [512.0], "statuses": [503, 201], "key": "kept", "retry_after": "kept",
        "overlap": False, "amplification": 1.5, "final": "succeeded", "certain": True,
    }  # fmt: skip
    assert retry_remarks(summary) == []


def test_the_statuses_are_those_that_the_client_saw():
    """The service had decided on 201, and the connection was reset before a byte of it was sent."""
    lost = seen(status=201, outcome="reset", first_ms=None)
    operation = tries((1, None, []), (2, 9.0, []), statuses=[201, 201])
    summary = retry_summary(ran(lost, seen(), hits=(1,), operations=[operation]))
    assert summary["statuses"] == [None, 201]


def test_operations_of_other_routes_count_for_no_amplification():
    summary = summary_of(tries((1, None, []), (2, 1.0, [])), tries((3, None, []), route="shop/read"))
    assert summary["amplification"] == 2.0


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (tries((1, None, []), (2, 5.0, [KEY]), key="a"), "new idempotency key"),
        (tries((1, None, []), (2, 5.0, ["json.idempotency_key", "body"]), key="a"), "new idempotency key"),
        (tries((1, None, []), (2, 5.0, ["query.idempotency_key"]), key="a"), "new idempotency key"),
        (tries((1, None, []), (2, 5.0, []), retry_after="broken"), "Retry-After broken"),
        (tries((1, None, []), (2, -51.0, [])), "tries overlap"),
        (tries((1, None, []), (2, None, [])), "tries overlap"),
    ],
)
def test_what_is_wrong_has_words(operation, fault):
    assert retry_remarks(summary_of(operation)) == [fault]


def test_a_client_that_leaves_and_tries_again_at_once_overlaps_nothing():
    assert retry_remarks(summary_of(tries((1, None, []), (2, -3.0, [])))) == []


def test_without_a_key_there_is_none_to_keep():
    assert summary_of(tries((1, None, []), (2, 5.0, ["body"])))["key"] == "none"


def test_another_header_that_changed_is_no_new_key():
    operation = tries((1, None, []), (2, 5.0, ["headers.x-amz-target"]), key="a")

    assert summary_of(operation)["key"] == "kept"
    assert retry_remarks(summary_of(operation)) == []


def test_what_follows_a_redirect_may_have_no_key():
    operation = tries((1, None, []), (2, 5.0, []), key="a")
    operation["tries"][0]["step"] = "redirect"
    operation["tries"][1]["key"] = None

    assert summary_of(operation)["key"] == "kept"


def test_where_nothing_was_struck_nothing_is_judged():
    assert summary_of(tries((1, None, [])), hits=()) is None
    assert retry_remarks(None) == []
