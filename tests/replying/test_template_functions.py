"""Functions: what they give, that draws repeat, and what extras bring."""

import base64
import hashlib
import hmac
import json
import sys
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from template_scope import PLACE, a_request, a_scope, value

from mockserver.errors import InvalidInputError, MissingExtraError
from mockserver.jwt import is_signed, read_token
from mockserver.templating.fake import FAKES
from mockserver.templating.random_values import Draws
from mockserver.templating.templates import Scope, TemplateError, compile_text, compile_tree

GIVEN = [
    ("hmac_sha256('key', 'text')", hmac.new(b"key", b"text", "sha256").hexdigest()),
    ("hmac_sha256('key', request.body)", hmac.new(b"key", a_request().body, "sha256").hexdigest()),
    ("sha256('é')", hashlib.sha256("é".encode()).hexdigest()),
    ("sha256(request.body)", hashlib.sha256(a_request().body).hexdigest()),
    ("sha256(5)", hashlib.sha256(b"5").hexdigest()),
    ("base64('user:pass')", "dXNlcjpwYXNz"),
    ("jsonpath(request.json, '$.items[*].sku')", ["A1", "B2"]),
    ("jsonpath(request.json, '$.items[?@.price > 2].sku') | first", "B2"),
    ("jsonpath(request.json, '$.items[?match(@.sku, \"B.\")].n')", [1]),
    ("jsonpath(request.json, '$.items[?search(@.sku, \"[0-9]\")].n')", [2, 1]),
    ("jsonpath(request.json, '$.items[?length(@.sku) == 2 && !(@.n == 1)].n')", [2]),
    ("jsonpath(request.json, '$.items[?@.n == $.items_count].n')", [2]),
    ("jsonpath(request.json, '$.items[?match(@.sku, @.nope)]')", []),
    ("jsonpath({'a': [{'s': 'x', 'p': '('}]}, '$.a[?match(@.s, @.p)]')", []),
    ("jsonpath({'a': [{'s': 'x', 'p': 'a' * 201}]}, '$.a[?match(@.s, @.p)]')", []),
    ("jsonpath({'a': [{'s': 5, 'p': '5'}]}, '$.a[?match(@.s, @.p)]')", []),
    ("jsonpath(request.json, '$.nope')", []),
    ("jsonpath([1, true, 1.0, [true], '1'], '$[?@ == 1]')", [1, 1.0]),
    ("jsonpath([1, true, false], '$[?@ == true]')", [True]),
    ("jsonpath([1, true], '$[?@ != 1]')", [True]),
    ("jsonpath([1, 2, true, 'a'], '$[?@ <= 1]')", [1]),
    ("jsonpath([1, 2, true, 'a'], '$[?@ >= 1]')", [1, 2]),
    ("jsonpath([1, 2, true, 'b', 'a'], '$[?@ < \"b\"]')", ["a"]),
    ("jsonpath([3, 2, true], '$[?@ > 2 || !(@ < 3)]')", [3, True]),
    ("jsonpath([{'a': 1}, {'a': none}, {}], '$[?@.b == @.c]') | length", 3),
    ("jsonpath([{'a': 1}, {'a': none}, {}], '$[?@.a == @.c]')", [{}]),
    (
        "jsonpath([{'a': [1, {'b': 2}], 'c': [1, {'b': 2}]}, {'a': [1], 'c': [true]}], '$[?@.a == @.c].c[0]')",
        [1],
    ),
    ("jsonpath([{'a': {'x': 1}, 'c': {'x': 1}}, {'a': {'x': 1}, 'c': {'y': 1}}], '$[?@.a == @.c].a.x')", [1]),
    ("jsonpath(['a\rb', 'a.b', 'axb'], '$[?match(@, \"a.b\")]')", ["a.b", "axb"]),
    ("jsonpath(['a.b', 'axb'], '$[?match(@, \"a[.]b\")]')", ["a.b"]),
    ("jsonpath([0, false, '', none, 1], '$[?@]')", [0, False, "", None, 1]),
    ("jsonpath([0, 'a', [1, 2]], '$[?count(@) == 1 && value(@) == 0]')", [0]),
    ("jwt_claims(jwt({'sub': 'ann', 'iat': now}, 'key'))", {"sub": "ann", "iat": 1767323045}),
    ("jwt_claims('Bearer ' ~ jwt({'roles': ['admin']}, alg='ES256')).roles[0]", "admin"),
    ("date(now)", "2026-01-02T03:04:05Z"),
    ("date(now, '+3d')", "2026-01-05T03:04:05Z"),
    ("date(now, '+3d', '%Y-%m-%d')", "2026-01-05"),
    ("date(now, '-1h30m', '%H:%M')", "01:34"),
    ("date(now, '90s').timestamp() | int", 1767323135),
    ("date(now, form='%Y')", "2026"),
    ("date('2026-03-01T12:00:00+02:00', '1d')", "2026-03-02T12:00:00+02:00"),
    ("date('2026-03-01')", "2026-03-01T00:00:00Z"),
    ("date(0)", "1970-01-01T00:00:00Z"),
    ("date(1767323045.5, '+1s')", "2026-01-02T03:04:06Z"),
    ("date('2026-01-31', '+1mo')", "2026-02-28T00:00:00Z"),
    ("date('2028-01-31', '+1mo')", "2028-02-29T00:00:00Z"),
    ("date('2026-03-31T10:00:00+02:00', '-1mo')", "2026-02-28T10:00:00+02:00"),
    ("date('2026-01-15', '+1mo')", "2026-02-15T00:00:00Z"),
    ("date('2026-12-31', '+2mo')", "2027-02-28T00:00:00Z"),
    ("date('2026-01-01', '-13mo')", "2024-12-01T00:00:00Z"),
    ("date('2028-02-29', '+1y')", "2029-02-28T00:00:00Z"),
    ("date('2028-02-29', '+4y')", "2032-02-29T00:00:00Z"),
    ("date('2026-01-31', '+1y1mo1d1h')", "2027-03-01T01:00:00Z"),
    ("date('2026-01-31', '1d1mo')", "2026-03-01T00:00:00Z"),
    ("date('2026-01-31', '-1y2mo')", "2024-11-30T00:00:00Z"),
    ("date(now, '+24mo', '%Y-%m-%d')", "2028-01-02"),
    ("date('2026-01-02T03:04:05Z', '+1m')", "2026-01-02T03:05:05Z"),
    ("date('2026-01-02T03:04:05Z', '0')", "2026-01-02T03:04:05Z"),
    ("date('2026-01-02T03:04:05Z', '+' ~ -1 ~ 'mo')", "2025-12-02T03:04:05Z"),
    ("date('2026-01-31T12:00:00.250Z', '+1mo')", "2026-02-28T12:00:00.250Z"),
    ("date('2026-01-31T12:00:00.000123Z', '-1d')", "2026-01-30T12:00:00.000123Z"),
    ("date('2026-01-31T12:00:00.750+02:00', '+1.25s')", "2026-01-31T12:00:02+02:00"),
    ("date(date('2026-01-31T12:00:00.5', '+1d'), '+1y')", "2027-02-01T12:00:00.500Z"),
    ("date('2026-01-31T12:00:00.5Z', '+1mo').isoformat()", "2026-02-28T12:00:00.500000+00:00"),
    ("date('2026-01-31T12:00:00.5Z', '+1mo').timestamp()", 1772280000.5),
    ("date(1767323045.5, '+1y').timestamp()", 1798859045.5),
    ("range(3)", [0, 1, 2]),
    ("range(1, 4)", [1, 2, 3]),
    ("range(5, 0, -2)", [5, 3, 1]),
    ("range(3, 1)", []),
    ("random_string(0)", ""),
    ("random_int(4, 4)", 4),
]
FAILING = [
    ("random_int(2, 1)", "takes two whole numbers, the smaller first"),
    ("random_int('1', 2)", "takes two whole numbers"),
    ("random_string(-1)", "takes a whole number, 0 or more"),
    ("random_string('5')", "takes a whole number, 0 or more"),
    ("range('5')", "range() takes whole numbers"),
    ("range(1, 2, 0)", "no step of 0"),
    ("date(vars.none)", "null is not a time"),
    ("date(now, '-' ~ vars.many ~ 'w')", "leads beyond the years 1 to 9999 from any time"),
    ("date(now, '-2026y3w')", "the time is beyond the years 1 to 9999"),
    ("date(1.0e300 + 0)", "the time is beyond the years 1 to 9999"),
    ("date('so' ~ 'on')", "'soon' is not a time; write it as 2026-01-02T03:04:05Z"),
    ("date(now, '+9999y')", "the time is beyond the years 1 to 9999"),
    ("date(now, '-2026y')", "the time is beyond the years 1 to 9999"),
    ("date(now, '+' ~ vars.many * 3 ~ 'mo')", "leads beyond the years 1 to 9999 from any time"),
    ("date(now, vars.three ~ ' days')", "'3 days' is not a valid shift; write it as '+3d'"),
    ("date(now, vars.one ~ '.5mo')", "'1.5mo' is not a valid shift; write it as '+3d'"),
    ("date(now, vars.one)", "date() is shifted by a text such as '+3d'"),
    ("date(now, '1d', '%Q')", "%Q is not known in a time's format"),
    ("jwt('a', 'k')", "takes a mapping of claims, not a text"),
    ("jwt({})", "needs a key: the secret of HS256"),
    ("jwt({}, 'k', 'RS512')", "signs with HS256, RS256 or ES256, not 'RS512'"),
    ("jwt({}, 0, 'RS256')", "takes the number of a key of the server"),
    ("jwt({}, 'k', 'ES256')", "takes the number of a key of the server"),
    ("jwt_claims('opaque')", "can't read the token: it is not a JSON Web Token"),
    ("jwt_claims(5)", "can't read the token"),
    ("jsonpath(request.json, '$.' ~ '[')", "is not a valid JSONPath query"),
    ("jsonpath(vars.deep, '$..a')", "'$..a' can't be evaluated on this value: recursion limit exceeded"),
    ("jsonpath(request.json, 5)", "takes a query such as"),
    ("jsonpath(request.json, '$' ~ '.a' * 300)", "a query has at most 500 characters"),
    ("fake.sentence(1001)", "nb_words of fake.sentence() is 0 to 1000"),
    ("fake.sentence('a')", "takes a whole number as nb_words, not a text"),
    ("fake.numerify('#' * 1001)", "takes a text of at most 1000 characters"),
]


@pytest.mark.parametrize(("source", "expected"), GIVEN)
def test_a_function_gives_its_value(source, expected):
    found = value("{{ " + source + " }}")

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("source", "reason"), FAILING)
def test_a_function_says_what_it_can_not_take(source, reason):
    deep = []
    for _ in range(150):
        deep = [deep]

    with pytest.raises(TemplateError) as caught:
        value(
            "{{ " + source + " }}", vars={"deep": deep, "none": None, "many": "9999999", "one": 1, "three": 3}
        )

    assert reason in caught.value.reason


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_jwt_can_be_signed_by_a_key_of_the_server(alg):
    token = read_token(value("{{ jwt({'sub': 'u', 'iat': now}, 2, '" + alg + "') }}"))

    assert is_signed(token)
    assert (token.header["kid"], token.claims["iat"]) == (f"{alg.lower()}-2", 1767323045)


def test_the_extra_of_a_signature_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "joserfc", None)

    with pytest.raises(TemplateError, match=r"mockserver\[jwt\]"):
        value("{{ jwt({}, alg='RS256') }}")


def test_a_jwt_is_signed_and_its_times_are_numbers():
    head, body, mark = value("{{ jwt({'sub': 'u', 'iat': now, 'list': [now]}, 'key') }}").split(".")

    expected = hmac.new(b"key", f"{head}.{body}".encode(), "sha256").digest()
    assert _decoded(mark) == expected
    assert json.loads(_decoded(head)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(_decoded(body)) == {"sub": "u", "iat": 1767323045, "list": ["2026-01-02T03:04:05Z"]}


def _decoded(segment):
    assert "=" not in segment
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def test_a_uuid_is_of_version_4():
    found = UUID(value("{{ uuid() }}"))

    assert (found.version, found.variant) == (4, "specified in RFC 4122")


def test_a_random_string_is_letters_and_digits():
    found = value("{{ random_string(200) }}")

    assert len(found) == 200
    assert found.isascii()
    assert found.isalnum()


def test_random_ints_reach_both_ends():
    found = value("{% for i in range(200) %}{{ random_int(1, 3) }}{% endfor %}")

    assert set(found) == {"1", "2", "3"}


DRAWING = (
    "{{ uuid() }} {{ random_string(8) }} {{ random_int(1, 1000000) }} {{ fake.name() }} {{ fake.email() }}"
)


def _drawn(seed="s", route="payments/create", number=1):
    scope = Scope({}, Draws(seed, route, number), None)
    return compile_text(DRAWING, PLACE).render(scope)


def test_the_same_call_draws_the_same():
    assert _drawn() == _drawn()


def test_another_seed_route_or_call_draws_others():
    assert len({_drawn(), _drawn(seed="t"), _drawn(route="payments/refund"), _drawn(number=2)}) == 4


def test_two_draws_of_one_call_differ():
    first, second = value("{{ [fake.uuid4(), fake.uuid4()] }}")

    assert first != second
    assert len(set(value("{{ [uuid(), uuid(), uuid()] }}"))) == 3


def test_a_draw_does_not_depend_on_the_draws_of_others():
    template = compile_text("{{ fake.name() }}", PLACE)
    alone = template.value(a_scope(seed=5))

    template.value(a_scope(seed=6))

    assert template.value(a_scope(seed=5)) == alone


@pytest.mark.parametrize("name", sorted(FAKES))
def test_every_fake_gives_plain_json_and_repeats(name):
    template = compile_text("{{ fake." + name + "() }}", PLACE)

    first = template.value(a_scope())

    assert json.loads(json.dumps(first)) == first
    assert first not in ("", None, [])
    assert template.value(a_scope()) == first


FAKED = [
    ("{{ fake.bothify('##-??') }}", 5),
    ("{{ fake.lexify(text='???') }}", 3),
    ("{{ fake.numerify('####') }}", 4),
    ("{{ fake.password(20) }}", 20),
    ("{{ fake.words(7) }}", 7),
    ("{{ fake.sentences(nb=2) }}", 2),
    ("{{ fake.paragraphs(2) }}", 2),
]


@pytest.mark.parametrize(("source", "length"), FAKED)
def test_some_fakes_take_arguments(source, length):
    assert len(value(source)) == length


def test_a_fake_number_stays_in_its_range():
    found = value("{{ [fake.pyint(3, 4), fake.random_int(min=5, max=5)] }}")

    assert found[0] in (3, 4)
    assert found[1] == 5


@pytest.mark.parametrize(
    "name", ["date", "date_of_birth", "future_date", "unix_time", "credit_card_expire", "image", "zip"]
)
def test_fakes_that_ask_the_clock_or_make_files_are_not_there(name):
    with pytest.raises(InvalidInputError, match=f"there is no fake.{name}"):
        compile_text("{{ fake." + name + "() }}", PLACE)


@pytest.mark.parametrize(
    "source",
    ["{{ fake.name(1) }}", "{{ fake.words(1, 2) }}", "{{ fake.words(1, nb=2) }}", "{{ fake.words(x=1) }}"],
)
def test_the_arguments_of_a_fake_are_counted_at_load(source):
    with pytest.raises(InvalidInputError, match=r"the arguments of fake\.(name|words) don't fit"):
        compile_text(source, PLACE)


def test_a_bad_jsonpath_query_fails_at_load():
    with pytest.raises(InvalidInputError, match=r"'\$\[' is not a valid JSONPath query"):
        compile_text("{{ jsonpath(request.json, '$[') }}", PLACE)
    with pytest.raises(InvalidInputError, match=r"is not a valid JSONPath query"):
        compile_text("{{ jsonpath(request.json, q='$[') }}", PLACE)
    with pytest.raises(InvalidInputError, match=r"'\(' is not a valid pattern, or is too large"):
        compile_text("{{ jsonpath(request.json, '$[?search(@.a, \"(\")]') }}", PLACE)


@pytest.mark.parametrize(
    ("source", "module", "said"),
    [
        ("{{ fake.name() }}", "faker", r"fake\.name\(\) needs a library.*the extra mockserver\[fake\]"),
        (
            "{{ jsonpath(n, '$') }}",
            "jsonpath_rfc9535",
            r"jsonpath\(\) needs a library.*the extra mockserver\[jsonpath\]",
        ),
    ],
)
def test_a_missing_extra_is_named_at_load(source, module, said, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "mockserver.templating.jsonpath", raising=False)
    monkeypatch.delattr("mockserver.templating.jsonpath", raising=False)

    with pytest.raises(MissingExtraError, match=said):
        compile_text(source, PLACE)
    with pytest.raises(InvalidInputError, match=said):
        compile_tree({"a": source}, PLACE)


def test_a_jsonpath_library_of_another_shape_is_named_at_load(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonpath_rfc9535.filter_expressions", None)
    monkeypatch.delitem(sys.modules, "mockserver.templating.jsonpath", raising=False)
    monkeypatch.delattr("mockserver.templating.jsonpath", raising=False)

    with pytest.raises(InvalidInputError, match="the installed jsonpath-rfc9535 is not of version 1"):
        compile_text("{{ jsonpath(n, '$') }}", PLACE)


@pytest.mark.parametrize(
    "shift",
    [
        "'3 days'",
        "5",
        "-5",
        "none",
        "true",
        "'1.5mo'",
        "'+1month'",
        "'1.5y'",
        "'.5mo'",
        "'+1M'",
        "'+'",
        "'1y 2mo'",
    ],
)
@pytest.mark.parametrize("call", ["date(now, {})", "date(now, shift={})", "date('2026-01-01', {}, '%Y')"])
def test_a_constant_shift_that_is_wrong_fails_at_load(call, shift):
    with pytest.raises(InvalidInputError, match="shift"):
        compile_text("{{ " + call.format(shift) + " }}", ("text",))


@pytest.mark.parametrize(
    "call",
    [
        "date(now, '+1' ~ 'xx')",
        "date(now, '+' ~ 1 ~ 'x')",
        "date(now, '+1' + 'xx')",
        "date(now, '+1d' if request.query.a else '+1xx')",
        "date(now, '+1' ~ ('d' if request.query.a else 'xx'))",
        "date(now, '+1xx' if true else '+1d')",
        "date(now, request.query.a or '+1xx')",
        "date(now, request.query.a | default('+1xx'))",
        "date(now, '+10000y')",
        "date(now, '-99999999999999999999d')",
        "date(now, '+9999y9999mo')",
        "date('2026-01-01', '+8000y')",
        "date('soon')",
        "date(1.0e300)",
    ],
)
def test_what_is_known_to_be_no_time_or_no_shift_fails_at_load(call):
    with pytest.raises(InvalidInputError, match=r"not a time|valid shift|beyond the years"):
        compile_text("{{ " + call + " }}", ("text",))


@pytest.mark.parametrize(
    "call",
    [
        "date(now, '+' ~ request.query.n ~ 'd')",
        "date(now, request.query.a or '')",
        "date(now, '+1d' if request.query.a else '-' ~ 2 ~ 'h')",
        "date(request.query.at | default('2026-01-01'), '+1d')",
        "date('2026-01-01', '+7000y')",
    ],
)
def test_what_may_be_a_shift_is_taken(call):
    compile_text("{{ " + call + " }}", ("text",))


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-200, 200))
def test_a_shift_by_months_keeps_the_day_or_takes_the_last_of_the_month(moment, months):
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    source = f"date('{moment.isoformat()}', '{months}mo').isoformat()"
    if not 1 <= year <= 9999:
        with pytest.raises(InvalidInputError, match="beyond the years"):
            compile_text("{{ " + source + " }}", ("text",))
        return
    shifted = datetime.fromisoformat(value("{{ " + source + " }}"))
    assert (shifted.year, shifted.month, shifted.timetz()) == (year, month + 1, moment.timetz())
    following = shifted + timedelta(days=1) if shifted.date() < date.max else None
    assert shifted.day == moment.day or (
        shifted.day < moment.day and (following is None or following.day == 1)
    )


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("decimal(0.1, '+', 0.2)", 0.3),
        ("decimal('10.50', '*', 2)", 21.0),
        ("decimal(2.5, '-', 2.5)", 0.0),
        ("decimal(9, '/', 2)", 5),
        ("decimal(10, '/', 4)", 3),
        ("decimal(-9, '/', 2)", -5),
        ("decimal(1, '/', 3)", 0),
        ("decimal('1.00', '/', 3)", 0.33),
        ("decimal(9.0, '/', 2)", 4.5),
        ("decimal(-7, '%', 3)", -1),
        ("decimal(7.5, '%', 2)", 1.5),
        ("decimal(123456789012, '*', 10)", 1234567890120),
        ("decimal(1e20, '+', 1)", 100000000000000000001),
    ],
)
def test_decimal_is_exact_and_rounds_half_up(call, result):
    found = value("{{ " + call + " }}")

    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("decimal(1, '/', 0)", "division by zero"),
        ("decimal(1, '%', 0)", "division by zero"),
        ("decimal(1, '^', 2)", "takes one of"),
        ("decimal('x', '+', 2)", "takes numbers"),
        ("decimal(true, '+', 2)", "takes numbers"),
        ("decimal(none, '+', 2)", "takes numbers"),
        ("decimal('" + "9" * 41 + "', '+', 2)", "at most 40 digits"),
        ("decimal(1e300, '+', 2)", "at most 40 digits"),
    ],
)
def test_decimal_says_what_it_can_not_do(call, said):
    with pytest.raises(TemplateError, match=said):
        value("{{ " + call + " }}")
