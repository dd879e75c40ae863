"""Replies that the project itself makes, without the validator that authors' replies go through."""

import jsonschema
import pytest
from pydantic import ValidationError

from mockserver.schema.expect import ExpectSpec
from mockserver.schema.reply import ReplySpec
from mockserver.schema.resource import INVALID
from mockserver.schema.scenario import schema_document


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


@pytest.mark.parametrize("written", [{"gte": "1ms", "lte": "9ms"}, {"min": "1ms", "lte": "9ms"}])
def test_a_range_may_be_written_as_with_operators(written):
    made = ReplySpec.model_validate({"delay": written})

    assert made == ReplySpec.model_validate({"delay": {"min": "1ms", "max": "9ms"}})
    assert ExpectSpec.model_validate({"gte": 1, "lte": 2}) == ExpectSpec(min=1, max=2)


def test_a_bound_is_written_once():
    with pytest.raises(ValidationError, match="`max` and `lte` mean the same"):
        ReplySpec.model_validate({"delay": {"min": "1ms", "max": "9ms", "lte": "9ms"}})


def test_the_json_schema_takes_both_spellings():
    route = {"request": "GET /x", "reply": {"delay": {"gte": "1ms", "lte": "9ms"}}, "expect": {"gte": 1}}
    jsonschema.validate({"routes": [route]}, schema_document())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"routes": [{**route, "expect": {"gtee": 1}}]}, schema_document())
