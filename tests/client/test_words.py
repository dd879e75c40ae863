"""The client's keywords are the language's keys, neither more nor fewer."""

from mockserver.client import words
from mockserver.schema.load import LoadSpec
from mockserver.schema.match import MatchSpec
from mockserver.schema.reply import BODY_KINDS, ReplySpec
from mockserver.schema.scenario import RouteSpec
from mockserver.schema.trouble import PlacedTroubleSpec
from mockserver.schema.verify import AttemptsSpec, CheckSpec

HAVE_A_METHOD_OF_THEIR_OWN = {"request", "reply", "proxy"}
OF_PYTHON_ALONE = {"where"}
"""A function can not be sent."""
OF_FILES_ALONE = {"validate"}
"""Routes that a client makes are held to no document."""


def keys_of(spec):
    return {field.alias or name for name, field in spec.model_fields.items()}


def test_match_keywords_are_the_conditions():
    assert set(words.MATCH) == keys_of(MatchSpec)


def test_route_keywords_are_the_keys_of_a_route():
    assert {words.key_of(word) for word in words.ROUTE - OF_PYTHON_ALONE} == keys_of(RouteSpec) - (
        HAVE_A_METHOD_OF_THEIR_OWN | OF_FILES_ALONE
    )


def test_reply_keywords_are_the_keys_of_a_reply():
    assert {words.key_of(word) for word in words.REPLY} == keys_of(ReplySpec)
    assert set(BODY_KINDS) == words.BODIES


def test_check_keywords_are_the_keys_of_a_check():
    assert set(words.CHECK) == keys_of(CheckSpec)


def test_attempt_keywords_are_the_rules_and_when_to_ask():
    assert set(words.ATTEMPTS) == keys_of(AttemptsSpec) | {"within", "quiet"}


def test_load_keywords_are_the_rules_and_when_to_ask():
    assert set(words.LOAD) == keys_of(LoadSpec) | {"within", "quiet"}


def test_trouble_keywords_are_the_keys_of_a_trouble():
    assert {words.key_of(word) for word in words.TROUBLE} == keys_of(PlacedTroubleSpec)


def test_no_keyword_of_a_route_is_a_condition_too():
    assert not words.ROUTE & words.MATCH
