"""Predicates: compiled texts of which only the truth is asked, as `if` does."""

import pytest
from hypothesis import HealthCheck, given, settings
from template_scope import PLACE, a_request, a_scope
from test_template_fuzz import values
from test_template_safety import ESCAPES_AT_LOAD, ESCAPES_AT_RENDER

from mockserver.errors import InvalidInputError
from mockserver.model.http import Request
from mockserver.templating.templates import TemplateError, compile_predicate, compile_text


def holds(source, **words):
    return compile_predicate(source, PLACE).holds(a_scope(**words))


HOLDING = [
    "{{ request.json.amount > 100 }}",
    "{{ request.json['items'][0].sku == 'A1' }}",
    "{{ request.json.nope is undefined }}",
    "{{ request.json.nope | default('x') == 'x' }}",
    "{{ request.json.nope.deeper | default(request.json.nope) | default('x') == 'x' }}",
    "{{ (request.form | default(request.json)).currency == 'usd' }}",
    "{{ 'order.7' in state }}",
    "{{ not request.json.note }}",
    "{% if n == 4 %}yes{% endif %}",
    "a text",
]
FAILING = [
    "{{ request.json.nope }}",
    "{{ not request.json.nope }}",
    "{{ request.json.nope == 1 }}",
    "{{ request.json.nope != 1 }}",
    "{{ 0 < request.json.nope < 5 }}",
    "{{ request.json.nope < 5 < 6 }}",
    "{{ request.json.nope | string != 'x' }}",
    "{{ request.json.nope is none }}",
    "{{ request.json.nope is defined }}",
    "{{ request.json.nope.deeper is defined }}",
    "{{ request.json.nope | default(request.json.nope) }}",
    "{{ request.json.nope | default('x', request.json.nope) }}",
    "{{ request.form.amount }}",
    "{{ 'a' in 1 }}",
    "{{ 'a' * 2000000 }}",
    "{% if request.json.nope %}yes{% else %}no{% endif %}",
    "{% if false %}yes{% endif %}",
    "",
]


@pytest.mark.parametrize("source", HOLDING)
def test_a_true_predicate_holds(source):
    assert holds(source)


@pytest.mark.parametrize("source", FAILING)
def test_a_predicate_that_is_false_or_fails_or_is_undefined_does_not_hold(source):
    assert not holds(source)


@pytest.mark.parametrize("source", ESCAPES_AT_LOAD)
def test_a_predicate_refuses_an_escape_at_load(source):
    with pytest.raises(InvalidInputError):
        compile_predicate(source, PLACE)


@pytest.mark.parametrize("source", ESCAPES_AT_RENDER)
def test_an_escape_that_looks_like_a_key_makes_no_predicate_hold(source):
    assert not holds(source)


def test_a_word_that_the_scope_lacks_is_undefined():
    scope = a_scope()
    scope.values.pop("vars")

    assert not compile_predicate("{{ vars.rate != 7 }}", PLACE).holds(scope)
    assert compile_predicate("{{ vars.rate | default(7) == 7 }}", PLACE).holds(scope)


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(source=values)
def test_a_predicate_holds_exactly_where_the_value_of_the_template_is_true(source):
    source = "{{ " + source + " }}"
    try:
        template = compile_text(source, PLACE)
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            compile_predicate(source, PLACE)
        return
    try:
        expected = bool(template.value(a_scope()))
    except TemplateError:
        expected = False

    assert holds(source) is expected


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/x-www-form-urlencoded", b"amount=500"), ("application/json", b'{"amount": 500}')],
)
def test_predicates_that_ask_one_request_for_its_form_read_it_once(monkeypatch, content_type, body):
    asked = []
    read = Request.form_pairs.fget
    monkeypatch.setattr(Request, "form_pairs", property(lambda self: asked.append(1) or read(self)))
    request = a_request(body, content_type)
    fields = ["amount", "currency", "confirm"]
    predicates = [
        compile_predicate(f"{{{{ (request.form | default(request.json)).{name} }}}}", PLACE)
        for name in fields
    ]

    found = [predicate.holds(a_scope(request=request)) for predicate in predicates]

    assert found == [True, False, False]
    assert len(asked) == 1


def test_a_repeated_field_gives_its_first_value_and_fields_keep_their_order():
    request = a_request(b"b=1&a=2&b=3&c=4&a=5", "application/x-www-form-urlencoded")

    found = compile_text("{{ request.form }}", PLACE).value(a_scope(request=request))

    assert list(found.items()) == [("b", "1"), ("a", "2"), ("c", "4")]


class Watched(Request):
    """A request that counts how often its JSON is asked for."""

    __slots__ = ("asked",)

    @property
    def json(self):
        self.asked = getattr(self, "asked", 0) + 1
        return super().json


def test_what_several_conditions_ask_of_a_request_is_worked_out_once():
    request = Watched(
        "POST", "/", [("Content-Type", "application/json")], b'{"amount": 5, "currency": "usd"}'
    )

    assert holds("{{ (request.form | default(request.json)).amount == 5 }}", request=request)
    assert holds("{{ (request.form | default(request.json)).currency == 'usd' }}", request=request)
    assert not holds("{{ (request.form | default(request.json)).nope }}", request=request)
    assert request.asked == 1


def test_what_is_worked_out_once_is_that_of_its_own_request():
    source = "{{ (request.form | default(request.json)).amount == 5 }}"

    assert holds(source, request=a_request(b'{"amount": 5}'))
    assert not holds(source, request=a_request(b'{"amount": 6}'))
