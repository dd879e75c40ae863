"""Replies that the project itself makes, without the validator that authors' replies go through."""

import pytest

from mockserver.model.reply import ReplySpec
from mockserver.model.resource import INVALID


@pytest.mark.parametrize(
    ("made", "written"),
    [
        (ReplySpec.known(status=200), {"status": 200}),
        (INVALID, {"status": 422, "json": {"errors": "{{ errors }}"}}),
    ],
)
def test_a_known_reply_is_the_one_that_an_author_would_get(made, written):
    validated = ReplySpec.model_validate(written)

    assert made == validated
    assert made.model_fields_set == validated.model_fields_set
