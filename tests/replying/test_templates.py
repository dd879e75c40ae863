"""What templates say: words, literals, operators, statements, types, what is undefined, and how errors read."""

import pytest
from template_scope import PLACE, a_request, a_scope, text, value

from mockserver.errors import InvalidInputError
from mockserver.model.client_cert import ClientCert
from mockserver.model.http import Request
from mockserver.templating.templates import TemplateError, compile_text

WORDS = [
    ("{{ request.method }}", "POST"),
    ("{{ request.path }}", "/v1/charges/ch_1"),
    ("{{ request.url }}", "http://api.example:8080/v1/charges/ch_1?a=1&a=2&b=x%20y"),
    ("{{ request.base_url }}", "http://api.example:8080"),
    ("{{ request.host }}", "api.example:8080"),
    ("{{ request.query.a }}", "1"),
    ("{{ request.query['b'] }}", "x y"),
    ("{{ request.query.getlist('a') }}", ["1", "2"]),
    ("{{ request.query }}", {"a": "1", "b": "x y"}),
    ("{{ request.headers['x-id'] }}", "7"),
    ("{{ request.headers['X-ID'] | int }}", 7),
    ("{{ request.headers.getlist('x-id') }}", ["7"]),
    ("{{ request.cookies.sid }}", "s1"),
    ("{{ request.json.amount }}", 500),
    ("{{ request.json['items'][1].sku }}", "B2"),
    ("{{ request['json']['currency'] }}", "usd"),
    ("{{ request.json.note }}", None),
    ("{{ request.json.paid }}", True),
    ("{{ path.id }}", "ch_1"),
    ("{{ vars.rate }}", 1.5),
    ("{{ state['order.7'] }}", "paid"),
    ("{{ state['order.' ~ 7] }}", "paid"),
    ("{{ call.number }}-{{ call.id }}", "3-call_9"),
    ("{{ let.id }}", "ch_x"),
    ("{{ reply.status }}", 201),
    ("{{ reply.json.ok }}", True),
    ("{{ now }}", "2026-01-02T03:04:05Z"),
    ("{{ n }}", 4),
    ("{{ item.sku }}", "A1"),
    ("{{ errors[0].field }}", "amount"),
]
LITERALS = [
    ("{{ 1 }}", 1),
    ("{{ 1_000 }}", 1000),
    ("{{ 0x1f }}", 31),
    ("{{ 1.5e3 }}", 1500.0),
    ("{{ 'a' }}", "a"),
    ('{{ "a\\n" }}', "a\n"),
    ("{{ 'a' 'b' }}", "ab"),
    ("{{ true }}{{ False }}", "truefalse"),
    ("{{ none }}", None),
    ("{{ [1, 'a', [2]] }}", [1, "a", [2]]),
    ("{{ (1, 2) }}", [1, 2]),
    ("{{ {'a': 1, 'b': {'c': [now]}} }}", {"a": 1, "b": {"c": ["2026-01-02T03:04:05Z"]}}),
    ("{{ {1: 2, none: 3} }}", {"1": 2, "null": 3}),
]
OPERATORS = [
    ("{{ 1 + 2 * 3 - 4 }}", 3),
    ("{{ 7 / 2 }}", 3.5),
    ("{{ 7 // 2 }}", 3),
    ("{{ -7 % 3 }}", 2),
    ("{{ +n }}", 4),
    ("{{ -n }}", -4),
    ("{{ 'a' + 'b' }}", "ab"),
    ("{{ [1] + [2] }}", [1, 2]),
    ("{{ 'ab' * 3 }}", "ababab"),
    ("{{ 2 * [0] }}", [0, 0]),
    ("{{ 'x' * -1 }}", ""),
    ("{{ 'a' ~ 1 ~ true ~ none ~ 1.5 ~ [1] }}", "a1truenull1.5[1]"),
    ("{{ 1 < 2 <= 2 < 3 }}", True),
    ("{{ 1 < 2 > 5 }}", False),
    ("{{ 'a' >= 'b' }}", False),
    ("{{ 1 == 1.0 }}", True),
    ("{{ '1' != 1 }}", True),
    ("{{ [1, {'a': 2}] == [1, {'a': 2}] }}", True),
    ("{{ 'usd' in request.json.currency }}", True),
    ("{{ 'amount' in request.json }}", True),
    ("{{ 'x-id' in request.headers }}", True),
    ("{{ 2 not in [1, 3] }}", True),
    ("{{ false or 'x' }}", "x"),
    ("{{ 0 and 1 / 0 }}", 0),
    ("{{ not n }}", False),
    ("{{ 'big' if request.json.amount > 100 else 'small' }}", "big"),
    ("{{ 'yes' if false else 'no' }}", "no"),
    ("{{ 'Hello'[1:3] }}", "el"),
    ("{{ 'Hello'[::-1] }}", "olleH"),
    ("{{ 'Hello'[0] }}", "H"),
    ("{{ vars.list[-1] }}", 2),
    ("{{ vars.list[:2] }}", [3, 1]),
    ("{{ vars.list.0 }}", 3),
]
STATEMENTS = [
    ("{% if n > 3 %}a{% elif n > 2 %}b{% else %}c{% endif %}", "a"),
    ("{% if n > 4 %}a{% elif n > 2 %}b{% else %}c{% endif %}", "b"),
    ("{% if n > 4 %}a{% elif n > 4 %}b{% else %}c{% endif %}", "c"),
    ("{% if n > 4 %}a{% endif %}", ""),
    ("{% for i in [1, 2, 3] %}{{ i }},{% endfor %}", "1,2,3,"),
    ("{% for i in [1, 2, 3] if i is odd %}{{ loop.index }}:{{ i }} {% endfor %}", "1:1 2:3 "),
    ("{% for i in [] %}x{% else %}none{% endfor %}", "none"),
    ("{% for i in [1] %}x{% else %}none{% endfor %}", "x"),
    ("{% for c in 'ab' %}{{ c }}.{% endfor %}", "a.b."),
    ("{% for k in {'a': 1} %}{{ k }}{% endfor %}", "a"),
    ("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "a=1;b=2;"),
    ("{% for a, b in [[1, 2]] %}{{ a + b }}{% endfor %}", "3"),
    (
        "{% for i in 'ab' %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }} {% endfor %}",
        "0truefalse22 1falsetrue21 ",
    ),
    (
        "{% for i in [1, 2] %}{% for j in 'ab' %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
        "121;122;",
    ),
    ("{% set x = 5 %}{{ x * 2 }}", "10"),
    ("{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21"),
    ("{% set x = 1 %}{% set x = x + 1 %}{{ x }}", "2"),
    ("{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 9 %}{{ x }} {% endfor %}{{ x }}", "19 19 1"),
    ("{% if true %}{% set x = 1 %}{% endif %}{{ x }}", "1"),
    ("{% for item in [1] %}{{ item }}{% endfor %}{{ item.sku }}", "1A1"),
    ("{% set path = 'mine' %}{{ path }}", "mine"),
    ("a{# comment #}b{{ 1 }}", "ab1"),
    ("{% raw %}{{ x }}{% endraw %}{{ 1 }}", "{{ x }}1"),
    ("a  {{- 1 -}}  b", "a1b"),
    ("a\n  {%- if true -%}  b  {%- endif -%}  c", "abc"),
]


@pytest.mark.parametrize(("source", "expected"), WORDS + LITERALS + OPERATORS)
def test_an_expression_gives_its_value(source, expected):
    found = value(source)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("source", "expected"), STATEMENTS)
def test_statements_write_text(source, expected):
    assert text(source) == expected


TYPES = [
    ("{{ request.json.amount }}", 500),
    ("{# c #}{{ request.json.amount }}", 500),
    ("{{ request.json.amount }}\n", 500),
    ("{{ request.json.amount }}\r\n", 500),
    (" {{ request.json.amount }}", " 500"),
    ("{{ request.json.amount }} ", "500 "),
    ("{{ n }}{{ n }}", "44"),
    ("{% if true %}{{ n }}{% endif %}", "4"),
    ("{% set x = n %}{{ x }}", "4"),
    ("{{ request.json['items'] }}", [{"sku": "A1", "n": 2, "price": 1.5}, {"sku": "B2", "n": 1, "price": 4}]),
    ("plain", "plain"),
    ("{% raw %}{{ n }}{% endraw %}", "{{ n }}"),
]


@pytest.mark.parametrize(("source", "expected"), TYPES)
def test_only_a_whole_expression_keeps_its_type(source, expected):
    assert value(source) == expected


PRINTED = [
    ("{{ true }}", "true"),
    ("{{ none }}", "null"),
    ("{{ 1.0 }}", "1.0"),
    ("{{ request.json.name }}", "Zoë"),
    ("{{ {'a': ['ë', none, 1.5]} }}", '{"a":["ë",null,1.5]}'),
    ("{{ request.body }}", a_request().body.decode()),
    ("{{ now }}", "2026-01-02T03:04:05Z"),
    ("{{ request.query }}", '{"a":"1","b":"x y"}'),
    ("{{ n }}\n", "4\n"),
]


@pytest.mark.parametrize(("source", "expected"), PRINTED)
def test_values_print_as_they_go_over_the_wire(source, expected):
    assert text(source) == expected


def test_line_ends_stay_as_they_were_written():
    source = "--b\r\nA: 1\r\n\r\n{{ 'x\r\ny'\r\n  ~ n }}\n--b--\r"

    assert text(source) == "--b\r\nA: 1\r\n\r\nx\r\ny4\n--b--\r"


UNDEFINED = [
    ("{{ request.json.amuont }}", "request.json.amuont is undefined. Did you mean 'amount'?"),
    ("{{ request.json.a.b }}", "request.json.a is undefined"),
    ("{{ request.json.note.b }}", "request.json.note.b is undefined: null has no 'b'"),
    ("{{ request.json['items'][7] }}", "is undefined: a list of 2 has no position 7"),
    ("{{ request.json[path.id] }}", "request.json[path.id] is undefined"),
    ("{{ request.form.a }}", "request.form is undefined: a form needs its own content-type"),
    ("{{ request.query.c }}", "request.query.c is undefined"),
    ("{{ request.headers.nope }}", "request.headers.nope is undefined"),
    ("{{ state.x }}", "state.x is undefined"),
    ("{{ vars[5] }}", "vars[5] is undefined. Known here: callback, list, rate"),
    ("{{ 1 if false }}", "its condition doesn't hold"),
    ("{{ [] | first }}", "the first item is undefined: there are none"),
    ("{{ [] | max }}", "the largest item is undefined"),
    ("{% if false %}{% set x = 1 %}{% endif %}{{ x }}", "x is undefined"),
    ("{{ n.foo }}", "n.foo is undefined: a number has no 'foo'"),
    ("{{ n[1:] }}", "the slice is undefined: a number has no positions"),
    ("{{ n[0] }}", "n[0] is undefined: a number has no positions"),
    ("{{ vars.list | map(attribute='a') }}", "a is undefined"),
    ("{{ request.json.x is none }}", "request.json.x is undefined"),
    ("{{ request.json.x or 1 }}", "request.json.x is undefined"),
    ("{{ not request.json.x }}", "request.json.x is undefined"),
    ("{% if request.json.x %}{% endif %}", "request.json.x is undefined"),
]


@pytest.mark.parametrize(("source", "reason"), UNDEFINED)
def test_what_is_undefined_is_an_error(source, reason):
    with pytest.raises(TemplateError) as caught:
        value(source)

    assert reason in caught.value.reason


def test_a_word_that_the_scope_lacks_is_undefined():
    template = compile_text("{{ request.json }}{{ call.id }}", PLACE)
    scope = a_scope()
    scope.values.pop("request")

    with pytest.raises(TemplateError, match="request is undefined"):
        template.render(scope)


def test_a_body_that_is_no_json_says_why():
    with pytest.raises(
        TemplateError, match=r"request\.json is undefined: it is not valid JSON: Expecting value"
    ):
        value("{{ request.json.a }}", request=a_request(b"nope"))


def test_a_form_is_there_where_the_body_is_one():
    request = a_request(b"card%5Bnumber%5D=42&a=1&a=2", "application/x-www-form-urlencoded")

    assert value("{{ request.form['card[number]'] | int }}", request=request) == 42
    assert value("{{ request.form.getlist('a') }}", request=request) == ["1", "2"]


DEFAULTS = [
    ("{{ request.json.x | default('d') }}", "d"),
    ("{{ request.json.x.y.z | d(1) }}", 1),
    ("{{ request.form.a | default(none) }}", None),
    ("{{ request.json.amount | default(1) }}", 500),
    ("{{ request.json.amount | default(request.form.amount) }}", 500),
    ("{{ request.json.amount | default(request.form.amount, true) }}", 500),
    ("{{ request.json | default(request.form) | default({}) | length > 0 }}", True),
    ("{{ request.json.note | default('d') }}", None),
    ("{{ request.json.note | default('d', true) }}", "d"),
    ("{{ request.json.note | default('d', boolean=true) }}", "d"),
    ("{{ request.json.x | default }}", ""),
    ("{{ request.json.x | int | default(3) }}", 3),
    ("{{ request.json.x is defined }}", False),
    ("{{ request.json.x.y is undefined }}", True),
    ("{{ request.json.note is defined }}", True),
    ("{{ call is defined and call.number == 3 }}", True),
]


@pytest.mark.parametrize(("source", "expected"), DEFAULTS)
def test_default_and_defined_take_what_is_undefined(source, expected):
    assert value(source) == expected


FAILING = [
    ("{{ 1 + 'a' }}", "can't add a number and a text; `~` joins as text"),
    ("{{ now - 1 }}", "can't subtract a time and a number; use date() to shift a time"),
    ("{{ none * 2 }}", "can't multiply null and a number"),
    ("{{ [] * [] }}", "can't multiply a list and a list"),
    ("{{ 1 / 0 }}", "division by zero"),
    ("{{ 1 // 0 }}", "division by zero"),
    ("{{ 1 % 0 }}", "division by zero"),
    ("{{ '%d' % 1 }}", "`%` divides numbers here"),
    ("{{ 'a' / 2 }}", "can't divide a text and a number"),
    ("{{ ('9' * 400) | int * 1.5 }}", "int too large to convert to float"),
    ("{{ -'a' }}", "can't negate a text"),
    ("{{ +'1' }}", "can't take a text as a number"),
    ("{{ request.query.a > 1 }}", "can't compare a text and a number; use the `int` or `float` filter"),
    ("{{ none < 1 }}", "can't compare null and a number"),
    ("{{ 1 in 'a1' }}", "a text can't contain a number"),
    ("{{ 1 in 5 }}", "a number contains nothing"),
    ("{{ {}[[]] }}", "a list is not a valid mapping key"),
    ("{{ {[]: 1} }}", "a list or mapping is not a valid mapping key"),
    ("{{ vars.list['a'] }}", "a list is indexed by position, not by a text"),
    ("{{ 'abc'[none] }}", "a text is indexed by position, not by null"),
    ("{{ 'a'['b':] }}", "the bounds of a slice are whole numbers"),
    ("{{ 'a'[::0] }}", "the step of a slice can't be 0"),
    ("{% for i in 5 %}{% endfor %}", "can't loop over a number; it takes a list"),
    ("{% for a, b in [1] %}{% endfor %}", "can't take a number apart into 2 names"),
    ("{% for a, b in [[1]] %}{% endfor %}", "can't take 1 values apart into 2 names"),
    ("{{ n.upper() }}", "a number has no method upper()"),
    ("{{ 'a'.split(1) }}", "split() of a text can't take a number"),
    ("{{ request }}", "the request is not a JSON value; name the part of it that you mean"),
    ("{{ 1e308 * 10 }}", "inf is not a JSON number"),
    ("{{ [1e308 * 10] | tojson }}", "inf is not a JSON number"),
]


@pytest.mark.parametrize(("source", "reason"), FAILING)
def test_a_failing_template_says_why(source, reason):
    with pytest.raises(TemplateError) as caught:
        value(source)

    assert reason in caught.value.reason


def test_a_template_error_knows_line_source_and_place():
    source = "a\n{% if true %}\n  {{ n }}{{\n n / 0 }}{% endif %}\n"

    with pytest.raises(TemplateError) as caught:
        text(source)

    why = caught.value
    assert (why.line, why.source, why.place, why.reason) == (4, source, "reply.json", "division by zero")
    assert str(why) == "line 4 of reply.json: division by zero"


def test_an_error_of_a_place_needs_only_reason_and_place():
    why = TemplateError("it is none", place="status")

    assert (why.line, why.source, str(why)) == (1, "", "status: it is none")


def test_of_many_names_none_is_suggested():
    with pytest.raises(TemplateError) as caught:
        value("{{ vars.kk }}", vars={f"k{number}": 1 for number in range(201)})

    assert caught.value.reason == "vars.kk is undefined"


def test_a_request_with_a_client_certificate_is_looked_into_as_any_other():
    certificate = ClientCert("CN=app", "CN=ca", (), "01", "00")
    request = Request("POST", "/x?a=1", client_cert=certificate, body=b'{"b": 2}')

    assert value("{{ request.json.b }}", request=request) == 2
    assert value("{{ request.query.a | default('none') }}", request=request) == "1"
    assert value("{{ request['method'] }}", request=request) == "POST"


def test_a_request_may_be_a_mapping():
    assert value("{{ request.json.a }}", request={"json": {"a": 1}}) == 1


def test_only_short_names_are_near_names():
    with pytest.raises(TemplateError) as caught:
        value("{{ vars.kk }}", vars={"k" * 61: 1, 5: 2, "kkk": 3})

    assert caught.value.reason == "vars.kk is undefined. Did you mean 'kkk'?"


def test_a_python_error_deep_inside_has_a_line_too():
    with pytest.raises(TemplateError) as caught:
        text("a\n{% set x = 'a'.split(1) %}")

    assert caught.value.line == 2


REFUSED = [
    ("{{ requst.json }}", "'requst' is not known here. Did you mean 'request'?"),
    ("{{ request.jsn }}", "request has no 'jsn'. Did you mean 'json'?"),
    ("{{ call.nmber }}", "call has no 'nmber'. Did you mean 'number'?"),
    ("{{ reply.statsu }}", "reply has no 'statsu'. Did you mean 'status'?"),
    ("{{ n | uper }}", "there is no filter 'uper'. Did you mean 'upper'?"),
    ("{{ n is numbr }}", "there is no test 'numbr'. Did you mean 'number'?"),
    ("{{ uid() }}", "there is no function uid(). Did you mean 'uuid'?"),
    ("{{ uuid }}", "'uuid' is a function. Call it: uuid(…)"),
    ("{{ n.uper() }}", "there is no method uper(). Did you mean 'upper'?"),
    ("{{ random_int(1) }}", "the arguments of random_int don't fit. It is random_int(a, b)"),
    ("{{ n | trim(1, 2) }}", "the arguments of trim don't fit. It is trim(chars=None)"),
    ("{{ n | round(digits=2) }}", "It is round(precision=0, method='common')"),
    ("{{ n | default(1, 2, 3) }}", "the arguments of default don't fit"),
    ("{{ 'a'.replace('b') }}", "It is replace(old, new, count=-1)"),
    ("{{ n is divisibleby }}", "It is divisibleby(num)"),
    ("{{ 2 ** 3 }}", "`**` is not part of templates here. Write the number out, or multiply"),
    ("{{ uuid()() }}", "only functions and methods can be called"),
    ("{{ n(*[1]) }}", "there is no function n()"),
    ("{{ random_int(*[1, 2]) }}", "`*` and `**` are not part of templates here"),
    ("{{ random_int(**{}) }}", "`*` and `**` are not part of templates here"),
    ("{{ [] | map }}", "map needs the name of a filter in quotes. Such as map('upper')"),
    ("{{ [] | map(n) }}", "map needs the name of a filter in quotes"),
    ("{{ [] | select('od') }}", "there is no test 'od'. Did you mean 'odd'?"),
    ("{{ [] | selectattr }}", "selectattr needs a key in quotes"),
    ("{{ [] | map(attribute='a', x=1) }}", "the arguments of map don't fit"),
    ("{% macro x() %}{% endmacro %}", "`macro` is not part of templates here. Use `let`, or a YAML anchor"),
    ("{% include 'x' %}", "`include` is not part of templates here"),
    ("{% import 'x' as y %}", "`import` is not part of templates here"),
    ("{% from 'x' import y %}", "`import` is not part of templates here"),
    ("{% extends 'x' %}", "`extends` is not part of templates here"),
    ("{% block a %}{% endblock %}", "`block` is not part of templates here"),
    ("{% call x() %}{% endcall %}", "`call` is not part of templates here"),
    ("{% filter upper %}{% endfilter %}", "`filter` as a block is not part of templates here"),
    ("{% set x %}a{% endset %}", "`set` as a block is not part of templates here"),
    ("{% with x = 1 %}{% endwith %}", "`with` is not part of templates here"),
    ("{% autoescape true %}{% endautoescape %}", "is not part of templates here"),
    ("{% for i in n recursive %}{% endfor %}", "`recursive` is not part of templates here"),
    ("{% set n.x = 1 %}", "`namespace` is not part of templates here"),
    ("{% for i in [1] %}{% endfor %}{{ loop.index }}", "'loop' is not known here"),
    ("{% for i in [1] %}{% endfor %}{{ i }}", "'i' is not known here"),
    ("{% do x %}", "the template can't be read: Encountered unknown tag 'do'"),
    ("{{ n", "the template can't be read: unexpected end of template"),
    (
        "{{ n }",
        "the template can't be read: unexpected '}'. Where braces are meant as they stand, write `raw: true`",
    ),
    ("{# no end", "the template can't be read: Missing end of comment tag"),
    ("{% if n %}", "the template can't be read: Unexpected end of template"),
    ("\r\x1c\x1d\x1e\x1f{{ n }}", "the template can't be read: it holds control characters"),
    ("{{ " + "9" * 5000 + " }}", "the template can't be read: Exceeds the limit"),
    ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "nested too deeply"),
    ("{{ " + "-" * 5000 + "1 }}", "nested too deeply"),
    ("{{ " + "1+" * 500 + "1 }}", "nested too deeply"),
    ("{% if n %}" * 300 + "{% endif %}" * 300, "nested too deeply"),
]


@pytest.mark.parametrize(("source", "said"), REFUSED)
def test_what_is_refused_is_refused_at_load(source, said):
    with pytest.raises(InvalidInputError) as caught:
        compile_text(source, PLACE)

    assert [flaw.path for flaw in caught.value.flaws] == [PLACE]
    assert said in str(caught.value)


def test_a_flaw_in_a_long_template_names_the_line():
    with pytest.raises(InvalidInputError) as caught:
        compile_text("a\n{% if n %}\n{{ x }}\n{% endif %}\n", PLACE)

    assert str(caught.value).startswith("reply.json: line 3 of the template: 'x' is not known here")


def test_a_place_knows_only_the_words_that_it_is_told():
    names = frozenset({"request", "state"})

    assert compile_text("{{ request.method }}", PLACE, names=names).names == {"request"}
    with pytest.raises(
        InvalidInputError, match=r"'call' is not known in this place\. Known here: request, state"
    ):
        compile_text("{{ call.id }}", PLACE, names=names)


def test_a_word_that_only_the_place_knows_will_do():
    template = compile_text("{{ mine.a }}", PLACE, names=frozenset({"mine"}))

    assert template.value(a_scope(mine={"a": 1})) == 1


@pytest.mark.parametrize(
    ("source", "names", "functions"),
    [
        ("{{ request.json.a ~ path.id }}", {"request", "path"}, set()),
        ("{% set x = uuid() %}{% for n in [x] %}{{ n }}{% endfor %}", set(), {"uuid"}),
        ("{{ date(now) }}{{ state[let.id] }}", {"now", "state", "let"}, {"date"}),
        ("{{ fake.name() }}", set(), {"fake"}),
        ("none", set(), set()),
    ],
)
def test_a_template_knows_the_words_that_it_uses(source, names, functions):
    template = compile_text(source, PLACE)

    assert (template.names, template.functions) == (names, functions)


@pytest.mark.parametrize("source", ["", "a", "} }", "{ {", "{% raw %}{{ a }}{% endraw %}", "a{# b #}"])
def test_a_text_without_expressions_is_constant(source):
    assert compile_text(source, PLACE).constant


@pytest.mark.parametrize("source", ["{{ 1 }}", "{% if true %}a{% endif %}"])
def test_any_other_is_not(source):
    assert not compile_text(source, PLACE).constant


def test_a_template_can_be_rendered_again_and_again():
    template = compile_text("{% set x = call.number %}{{ x }}", PLACE)

    assert [template.render(a_scope(call={"number": number})) for number in (1, 2)] == ["1", "2"]


def test_a_looked_up_value_is_handed_on_as_it_is():
    scope = a_scope()

    assert compile_text("{{ vars.list }}", PLACE).value(scope) is scope.values["vars"]["list"]


def test_a_child_scope_has_one_word_more_and_goes_on_drawing():
    scope = a_scope()
    template = compile_text("{{ uuid() }}", PLACE)

    child = scope.with_("item", 5)

    assert compile_text("{{ item }}", PLACE).value(child) == 5
    assert len({template.value(child), template.value(scope), template.value(child)}) == 3
    assert scope.values["item"] == {"sku": "A1"}


def test_one_scope_has_one_moment():
    moments = iter(range(5))
    scope = a_scope()
    scope._now = lambda: next(moments)

    assert [scope.now(), scope.with_("n", 1).now(), scope.now()] == [0, 0, 0]
