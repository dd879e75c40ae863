"""Idempotency keys: where they are known to stand, how names are added and dropped, and which calls they join."""

import pytest
from support.calls import Calls
from support.clients_in_memory import judged

from mockserver.attempts import KEY_FIELDS, KEY_HEADERS, Grouping, Ignored, KeyNames, known_key, operations
from mockserver.errors import InvalidInputError


def grouped(call, **options):
    """The numbers of the calls of each operation."""
    return [
        [attempt.call.number for attempt in operation.attempts]
        for operation in operations(call.made, Grouping(**options))
    ]


@pytest.mark.parametrize("name", KEY_HEADERS)
def test_calls_that_share_a_known_key_header_are_attempts_of_one_operation(call, name):
    for at_s, key in enumerate(["a", "b", "a"]):
        call(at_s, json={"order": at_s}, headers={name.title(): key})

    assert grouped(call) == [[1, 3], [2]]


def test_a_key_may_be_a_field_of_a_multipart_form(call):
    for at_s, key in enumerate(["a", "b", "a"]):
        part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n--{}'
        body = f"--{at_s}\r\n{part.format('idempotency_key', key, at_s)}\r\n{part.format('order', at_s, at_s)}--\r\n"
        call(at_s, body=body.encode(), headers={"Content-Type": f"multipart/form-data; boundary={at_s}"})

    assert grouped(call) == [[1, 3], [2]]
    assert known_key(call.made[0].request) == ("form.idempotency_key", "a")


@pytest.mark.parametrize("name", KEY_FIELDS)
@pytest.mark.parametrize("kind", ["json", "form"])
def test_a_key_may_be_a_field_of_the_body(call, name, kind):
    for at_s, key in enumerate(["a", "b", "a"]):
        call(at_s, **{kind: {name: key, "order": at_s}})

    assert grouped(call) == [[1, 3], [2]]
    assert known_key(call.made[0].request) == (f"{kind}.{name}", "a")


def test_a_key_may_be_in_the_query(call):
    for at_s, key in enumerate("aba"):
        call(at_s, line=f"POST /v1/charges?idempotency_key={key}", json={"order": at_s})

    assert grouped(call) == [[1, 3], [2]]


@pytest.mark.parametrize(
    "other",
    [
        {"route": "pay/capture"},
        {"line": "PUT /v1/charges"},
        {"line": "POST /v1/charges/1/capture"},
    ],
)
def test_a_key_of_another_route_method_or_path_is_another_operation(call, other):
    call(0, headers={"Idempotency-Key": "a"})
    call(1, **{"headers": {"Idempotency-Key": "a"}, **other})

    assert grouped(call) == [[1], [2]]


@pytest.mark.parametrize("value", ["", None, 5, ["a"], {"a": 1}])
def test_a_field_that_holds_no_text_is_no_key(call, value):
    call(0, json={"idempotency_key": value})

    assert known_key(call.made[0].request) is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"[1]", "application/json"), (b"\xff", "application/json"),
     (b"a=1", "text/plain"), (b"", "application/json")],
)  # fmt: skip
def test_a_body_that_can_not_be_read_has_no_key_and_stops_nothing(call, body, kind):
    call(0, status=503, body=body, headers={"Content-Type": kind})
    call(1, body=body, headers={"Content-Type": kind})

    assert grouped(call) == [[1, 2]]


@pytest.mark.parametrize(
    ("name", "request_options", "place"),
    [
        ("x-order", {"headers": {"X-Order": "1"}}, "headers.x-order"),
        ("headers.order", {"headers": {"Order": "1"}}, "headers.order"),
        ("order", {"json": {"order": "1"}}, "json.order"),
        ("json.order", {"json": {"order": "1"}}, "json.order"),
        ("form.order", {"form": {"order": "1"}}, "form.order"),
        (" order ", {"json": {"order": "1"}}, "json.order"),
    ],
)
def test_names_can_be_added(call, name, request_options, place):
    made = call(0, **request_options)

    assert known_key(made.request) is None
    assert known_key(made.request, KeyNames().changed([name])) == (place, "1")


@pytest.mark.parametrize("name", ["-client_token", "-Idempotency-Key"])
def test_names_can_be_dropped(call, name):
    made = call(0, json={"client_token": "1"}) if "_" in name else call(0, headers={"Idempotency-Key": "1"})

    assert known_key(made.request) is not None
    assert known_key(made.request, KeyNames().changed([name])) is None


def test_a_name_that_is_not_known_can_not_be_dropped():
    with pytest.raises(InvalidInputError, match=r"'client_tokn' is not a known name.*client_token"):
        KeyNames().changed(["-client_tokn"])


def test_names_that_were_changed_group_calls():
    call = Calls()
    for at_s, order in enumerate("aba"):
        call(at_s, headers={"X-Order": order}, json={"n": at_s})

    assert grouped(call) == [[1], [2], [3]]
    assert grouped(call, names=KeyNames().changed(["x-order"])) == [[1, 3], [2]]


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        (
            {"json": {"idempotency_key": "a"}},
            {"headers": {"Idempotency-Key": "b"}},
            "headers.idempotency-key",
        ),
        ({"headers": {"Idempotency-Key": "a"}}, {"json": {"idempotency_key": "b"}}, "json.idempotency_key"),
    ],
)
def test_a_key_that_moved_is_named_by_its_new_place(call, first, second, changed):
    call(0, status=503, headers={"X-All": "1", **first.pop("headers", {})}, **first)
    call(1, headers={"X-All": "1", **second.pop("headers", {})}, **second)

    from mockserver.attempts import By

    (operation,) = operations(call.made, Grouping(By("headers.x-all")))
    assert operation.attempts[1].changed == (changed, "body")


KEYS = {
    "text": ("order-1", "order-2"),
    "UUID": ("4a7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d11", "9b7e8a4e-6c1e-4a8e-9f4e-2b1c9f4a1d22"),
    "hex": ("6f1ed002ab5595859014ebf0951522d9", "0cc175b9c0f1b6a831c399e269772661"),
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("kind", ["json", "form"])
def test_a_new_key_in_the_body_is_a_change_whatever_the_key_looks_like(call, keys, kind):
    for at_s, key in enumerate(keys):
        call(at_s, status=503, **{kind: {"amount": 5, "idempotency_key": key}})

    (operation,) = operations(call.made)
    assert operation.why.startswith(f"each has its own {kind}.idempotency_key, used once")
    assert "the requests differ" not in operation.why
    assert (operation.certain, operation.by, operation.left_out) == (False, f"{kind}.idempotency_key", ())
    texts = judged(call.made, same=["body"])
    assert texts[0].endswith(f'changed body: {kind}.idempotency_key: expected "{keys[0]}", got "{keys[1]}"')


def test_a_key_in_the_body_can_be_declared_to_vary(call):
    for at_s, key in enumerate(KEYS["UUID"]):
        call(at_s, status=503, json={"amount": 5, "idempotency_key": key})

    ignored = Ignored(["json.idempotency_key"])
    assert operations(call.made, Grouping(ignored=ignored))[0].left_out == ("json.idempotency_key",)
    assert judged(call.made, ignore=["json.idempotency_key"], by="route", same=["body"]) == []
