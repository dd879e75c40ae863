"""The rule `same`: what every attempt of an operation shares."""

import pytest
from support.calls import KEY

from mockserver.errors import InvalidInputError


def test_same_asks_that_parts_of_the_request_stay(judged, retried):
    same = {"same": ["headers.idempotency-key", "body", "json.amount", "query.v", "method", "path"]}
    retried((0, 0), (1, 1), json={"amount": 5}, line="POST /v1/charges?v=1")

    assert judged(same) == []


def test_a_changed_key_is_told_with_both_keys(world, judged):
    for at_s, (status, key) in enumerate([(503, "key-1"), (503, "key-2"), (201, "key-3")]):
        world(at_s, status=status, json={"amount": 5}, headers={"Idempotency-Key": key})

    assert judged({"same": ["headers.idempotency-key"]}) == [
        'create-charge: operation 1 (key=key-1): attempt 2 changed headers.idempotency-key: expected "key-1", got "key-2"'
    ]


def test_a_key_that_is_used_again_makes_another_key_another_operation(world, judged):
    for at_s, (status, key) in enumerate([(503, "key-1"), (503, "key-1"), (201, "key-2")]):
        world(at_s, status=status, json={"amount": 5}, headers={"Idempotency-Key": key})

    assert judged({"same": ["headers.idempotency-key"]}) == []
    (line,) = judged({"by": "route", "same": ["headers.idempotency-key"]})
    assert line.endswith('attempt 3 changed headers.idempotency-key: expected "key-1", got "key-2"')


def test_a_key_that_was_left_out_is_told_as_absent(world, judged):
    world(0, status=503, headers=KEY)
    world(1)

    assert judged({"same": ["headers.idempotency-key"]}) == [
        'create-charge: operation 1 (key=4f1c-aaa): attempt 2 changed headers.idempotency-key: expected "4f1c-aaaa-bbbb", got absent'
    ]


def test_a_changed_body_is_told_by_its_fields(world, judged):
    for at_s, amount in enumerate([5, 6, 7]):
        world(at_s, status=503, json={"amount": amount}, headers=KEY)

    assert judged({"same": ["body"]}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 2 changed body: json.amount: expected 5, got 6"
    ]
    assert judged({"same": ["json.amount"]}) == [
        "create-charge: operation 1 (key=4f1c-aaa): attempt 2 changed json.amount: expected 5, got 6"
    ]


def test_a_long_value_is_cut_in_the_text(world, judged):
    for at_s, note in enumerate(["a" * 100, "b" * 100]):
        world(at_s, headers={**KEY, "X-Note": note})

    (line,) = judged({"same": ["headers.x-note"]})
    assert line.endswith(f'attempt 2 changed headers.x-note: expected "{"a" * 58}…, got "{"b" * 58}…')


def test_same_may_name_a_path_parameter(world):
    check = {"route": "capture", "attempts": {"by": "headers.idempotency-key", "same": ["path.id"]}}
    for at_s, charge in enumerate(["1", "2"]):
        world(at_s, headers=KEY, route="pay/capture", line=f"POST /v1/charges/{charge}/capture")

    assert world.verdict(check).text.splitlines()[0] == (
        'capture: operation 1 (key=4f1c-aaa): attempt 2 changed path.id: expected "1", got "2"'
    )


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("header-x", "same[0]: 'header-x' is not a valid selector"),
        ("query", "same[0]: 'query' is not a valid selector. Write query.NAME"),
        ("headers.", "same[0]: 'headers.' is not a valid selector. Write headers.NAME"),
        ("{{ request.id }}", "same[0]: a template can't be evaluated for recorded calls"),
    ],
)
def test_what_is_no_selector_of_a_call_is_refused(world, selector, said):
    with pytest.raises(InvalidInputError) as raised:
        world.verdict({"route": "create-charge", "attempts": {"same": [selector]}})

    assert said in str(raised.value)


def test_an_empty_list_is_refused_since_it_checks_nothing(world):
    with pytest.raises(InvalidInputError, match=r"attempts\.same: expected at least 1 item, got \[\]"):
        world.verdict({"route": "create-charge", "attempts": {"same": []}})


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("headers.idempotency-key", "nothing to judge: no attempt of operation 1 has headers.idempotency-key"),
        ("headers.x-tenat", "nothing to judge: no attempt of operation 1 has headers.x-tenat. Did you mean 'headers.x-tenant'?"),
        ("json.amout", "nothing to judge: no attempt of operation 1 has json.amout. Did you mean 'json.amount'?"),
        ("query.page", "nothing to judge: no attempt of operation 1 has query.page"),
    ],
)  # fmt: skip
def test_what_no_attempt_has_is_nothing_to_judge_with_the_near_name(world, judged, selector, said):
    for at_s, status in enumerate((503, 201)):
        world(at_s, status=status, json={"amount": 5}, headers={"X-Tenant": "a"})

    assert judged({"same": [selector]}) == [f"create-charge: {said}"]
    assert judged({"same": [f"{selector}?"]}) == []
    assert judged({"same": [selector], "optional": True}) == []


def test_a_part_that_only_some_attempts_have_is_a_change_even_with_a_question_mark(world, judged):
    world(0, status=503, headers={"X-Tenant": "a"})
    world(1)

    (line,) = judged({"same": ["headers.x-tenant?"]})
    assert line.endswith('attempt 2 changed headers.x-tenant: expected "a", got absent')


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"json": {"order": "1"}}, {"json": {"order": 1}}, 'json.order: expected the text "1", got the number 1'),
        ({"json": {"a": 1}}, {"json": {"a": 1, "b": 2}}, "json.b: expected absent, got 2"),
        ({"json": {"items": [1, 2]}}, {"json": {"items": [1]}}, "json.items[1]: expected 2, got absent"),
        ({"form": {"a": "1"}}, {"form": {"a": "2"}}, 'form.a: expected "1", got "2"'),
        ({"json": {"a": 1, "b": 1}}, {"json": {"a": 2, "b": 2}}, "json.a: expected 1, got 2; json.b: expected 1, got 2"),
        ({"json": {"password": "one"}}, {"json": {"password": "two"}}, 'json.password: expected "****", got "****", another value that is masked or shortened to the same text'),
        ({"body": b"one"}, {"body": b"two"}, None),
    ],
)  # fmt: skip
def test_changed_fields_are_shown_with_both_values(world, judged, first, second, said):
    world(0, status=503, headers=dict(KEY), **first)
    world(1, headers=dict(KEY), **second)

    (line,) = judged({"same": "body"})
    expected = "attempt 2 changed body" + (f": {said}" if said else "")
    assert line.partition("): ")[2] == expected


def test_volatile_fields_are_left_out_of_the_body_and_the_timeline_says_so(world):
    for at_s, status in enumerate((503, 201)):
        world(at_s, status=status, json={"amount": 5, "timestamp": 1767225600 + at_s}, headers=KEY)
    check = {"route": "create-charge", "attempts": {"same": ["body"]}}

    assert world.verdict(check).ok
    text = world.verdict({**check, "attempts": {"same": ["body"], "max": 1}}).text
    assert "    left out of the comparison: json.timestamp" in text.splitlines()


def test_where_no_attempt_has_a_body_there_is_nothing_to_judge(judged, retried):
    retried((0, 0), (1, 1), line="DELETE /v1/charges")

    assert judged({"same": "body"}) == [
        "create-charge: nothing to judge: no attempt of operation 1 (key=4f1c-aaa) has a body"
    ]
    assert judged({"same": "body?"}) == []
    assert judged({"same": "body", "optional": True}) == []


@pytest.mark.parametrize("ignore", ["body", "json", "json.amount"])
def test_where_the_whole_body_is_left_out_there_is_nothing_to_judge(world, judged, ignore):
    for at_s, amount in enumerate((5, 50)):
        world(at_s, status=503, json={"amount": amount}, headers=KEY)

    for same in ("body", "body?"):
        (line,) = judged({"same": same, "ignore": ignore})
        assert line.startswith("create-charge: nothing to judge: every field of the bodies of operation 1")
        assert line.endswith("is left out of the comparison: json.amount")


def test_a_body_of_random_values_alone_is_the_same_where_they_stay(world, judged):
    for at_s, token in enumerate(("4f1c" * 8, "4f1c" * 8, "5a2d" * 8)):
        world(at_s, status=503, json={"token": token}, headers=KEY)

    (line,) = judged({"same": ["body"]})
    assert line.endswith("is left out of the comparison: json.token")
    assert judged({"same": ["body"]}, match={"json": {"token": "4f1c" * 8}}) == []


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (1, "1", 'expected the number 1, got the text "1"'),
        ("1", 1, 'expected the text "1", got the number 1'),
        ("true", True, 'expected the text "true", got the boolean true'),
        ([1], "[1]", 'expected the array [1], got the text "[1]"'),
        ({"a": 1}, "{}", 'expected the object {"a": 1}, got the text "{}"'),
        (None, "null", 'expected absent, got "null"'),
    ],
)
def test_a_value_that_becomes_another_kind_is_a_change(world, judged, first, second, said):
    for at_s, order in enumerate((first, second)):
        world(at_s, status=503, json={"order": order}, headers=KEY)

    (line,) = judged({"same": ["json.order"]})
    assert line.endswith(f"attempt 2 changed json.order: {said}")


def test_equal_numbers_written_in_two_ways_are_the_same(world, judged):
    for at_s, order in enumerate((1, 1.0)):
        world(at_s, status=503, json={"order": order}, headers=KEY)

    assert judged({"same": ["json.order"]}) == []


def test_same_needs_an_operation_of_two_attempts(judged, retried):
    retried((0, 0))

    assert judged({"same": "body"}) == ["create-charge: nothing to judge: 1 operation of 1 attempt"]


@pytest.mark.parametrize("same", ["body", "json.amount", "path"])
@pytest.mark.parametrize("last", [5, 50])
def test_a_retry_where_a_redirect_led_to_is_compared_with_the_request_there(world, judged, same, last):
    world(0, status=303, answer={"Location": "/v1/charges/new"}, json={"order": 7}, headers=KEY)
    for at_s, (status, amount) in enumerate([(503, 5), (503, 5), (201, last)], 1):
        world(at_s, status=status, line="GET /v1/charges/new", headers=KEY, json={"amount": amount})

    lines = judged({"by": "route", "same": [same]})

    expected = [] if last == 5 or same == "path" else ["attempt 4 changed"]
    assert [line.partition(": ")[2].partition(": ")[2][:17] for line in lines] == expected


@pytest.mark.parametrize(
    ("tokens", "holds"),
    [
        # The second call is answered 401.
        (("old", "old", "new"), True),
        (("old", "old", "new", "new"), True),
        (("old", "other", "new"), False),
        (("old", "old", "new", "newer"), False),
    ],
)
@pytest.mark.parametrize("name", ["authorization", "Authorization"])
def test_the_authorization_changes_only_after_a_401(world, judged, name, tokens, holds):
    statuses = (503, 401, 503, 201) if len(tokens) == 4 else (503, 401, 201)
    for at_s, (token, status) in enumerate(zip(tokens, statuses, strict=True)):
        world(at_s, status=status, headers={**KEY, "Authorization": f"Bearer {token}"})

    lines = judged({"same": [f"headers.{name}"]})
    assert (lines == []) == holds, lines
    assert holds or f"changed headers.{name}" in lines[0]


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (
            {"headers": {**KEY, "Cookie": "a=1"}},
            {"headers": {**KEY, "Cookie": "a=2"}},
            "****",
        ),
        ({"json": {"note": "a" * 70 + "1"}}, {"json": {"note": "a" * 70 + "2"}}, "a…"),
    ],
)
def test_values_that_look_equal_in_the_message_are_said_to_differ(world, judged, first, second, shown):
    selector = "headers.cookie" if "headers" in first else "json.note"
    for at_s, options in enumerate((first, second)):
        world(at_s, status=503, **{"headers": KEY, **options})

    (line,) = judged({"same": [selector]})
    assert shown in line
    assert line.endswith(", another value that is masked or shortened to the same text")


@pytest.mark.parametrize(
    ("selector", "options"),
    [
        ("headers.idempotency-key", {"headers": {"Idempotency-Key": ""}}),
        ("headers.X-Order", {"headers": {"X-Order": ""}}),
        ("json.idempotency_key", {"json": {"idempotency_key": ""}}),
    ],
)
def test_an_empty_header_or_key_is_none(world, judged, selector, options):
    for at_s in range(2):
        world(at_s, status=503, **options)

    reason = f"nothing to judge: no attempt of operation 1 has a value in {selector}: it is empty"
    assert judged({"same": [selector]}) == [f"create-charge: {reason}"]
    assert judged({"same": [f"{selector}?"]}) == []
    (line,) = judged({"by": selector, "operations": 1})
    assert line.startswith(f"create-charge: nothing to judge: no call has a value in {selector}: it is empty")


def test_other_empty_values_are_compared(world, judged):
    for at_s, note in enumerate(("", "", "a")):
        world(at_s, status=503, headers=KEY, json={"note": note})

    assert judged({"same": ["json.note"]}) == [
        'create-charge: operation 1 (key=4f1c-aaa): attempt 3 changed json.note: expected "", got "a"'
    ]


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("path.ids", "path.id"),
        ("form.amount", "json.amount"),
        ("query.amount", "json.amount"),
        ("json.v", "query.v"),
        ("cookies.sdi", "cookies.sid"),
        ("json['a.c']", "json['a.b']"),
        ("header.idempotency-ky", "headers.idempotency-key"),
    ],
)
def test_a_part_that_no_request_has_is_named_with_the_one_that_was_meant(world, judged, selector, meant):
    for at_s in range(2):
        world(
            at_s,
            status=503,
            route="pay/capture",
            line="POST /v1/charges/ch_1/capture?v=1",
            headers={**KEY, "Cookie": "sid=1"},
            json={"amount": 5, "a.b": 1},
        )

    for rules in ({"same": [selector]}, {"by": selector}):
        (line,) = judged(rules, route="capture")
        assert line.endswith(f" has {selector}. Did you mean {meant!r}?")


def test_no_part_of_another_name_is_suggested(world, judged):
    for at_s in range(2):
        world(at_s, status=503, json={"amount": 5, "Note": "a"})

    for selector in ("form.currency", "json.note_", "json.note"):
        (line,) = judged({"same": [selector]})
        assert "it is empty" not in line
    assert line.endswith("has json.note. Did you mean 'json.Note'?")
