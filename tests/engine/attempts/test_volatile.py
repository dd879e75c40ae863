"""Fields that a client makes anew for each attempt: by name, by shape, by both."""

from datetime import UTC, datetime

import pytest
from support.calls import WALL_S, Calls

from mockserver.attempts import operations
from mockserver.attempts.volatile import VOLATILE_NAMES, is_volatile_name, is_volatile_shape

NOW = int(WALL_S)
HEX_A, HEX_B = "0123456789abcdef" * 2, "fedcba9876543210" * 2
UUID_A, UUID_B = "0b1f4a64-5717-4562-b3fc-2c963f66afa6", "91c5a1de-0f8e-4f9b-9d0a-6a1c6f1f3c11"
JWT_A, JWT_B = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.", "eyJhbGciOiJub25lIn0.eyJhIjoyfQ."


def joined(first, second):
    """`certain` of one operation that holds both requests; None where they are two."""
    call = Calls()
    call(0, status=503, **first)
    call(1, **second)
    listed = operations(call.made)
    return listed[0].certain if len(listed) == 1 else None


@pytest.mark.parametrize(
    "name", [*sorted(VOLATILE_NAMES - {"_"}), "X-Amz-Date", "time_stamp", "oauth_nonce", "Signature"]
)
def test_a_name_alone_joins_with_a_doubt_and_with_the_shape_certainly(name):
    assert joined({"json": {name: "one"}}, {"json": {name: "two"}}) is False
    assert joined({"json": {name: HEX_A}}, {"json": {name: HEX_B}}) is True
    assert joined({"json": {name: NOW}}, {"json": {name: NOW + 1}}) is True


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (HEX_A, HEX_B), (UUID_A, UUID_B), (JWT_A, JWT_B), (NOW, NOW + 3), (NOW * 1000, NOW * 1000 + 3), (NOW + 0.5, NOW + 1.5),
        (str(NOW), str(NOW + 1)), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"), ("2026-01-01T00:00:00.123456+02:00", "2026-01-01T10:00:00Z"),
        ("Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:01 GMT"), ("Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFC", "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFD"),
    ],
)  # fmt: skip
def test_a_shape_alone_joins_with_a_doubt(first, second):
    assert joined({"json": {"x": first}}, {"json": {"x": second}}) is False


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, 2), ("a", "b"), ("0123456789abcdef", "fedcba9876543210"), (NOW + 90_000, NOW + 90_001), ("2027-01-01", "2027-01-02"),
        ("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"), ("cus_9s6XKzkNRiz8i3Ab", "cus_9s6XKzkNRiz8i3Ac"), (True, False),
        ("cus_9s6XKzkNRiz8i3AbCdEfGhIj", "cus_9s6XKzkNRiz8i3AbCdEfGhIk"), ("a" * 40 + "g", "b" * 40 + "g"),
    ],
)  # fmt: skip
def test_other_values_part(first, second):
    assert joined({"json": {"x": first}}, {"json": {"x": second}}) is None


@pytest.mark.parametrize("kind", ["form", "json"])
def test_forms_and_json_alike(kind):
    assert joined({kind: {"a": "1", "nonce": HEX_A}}, {kind: {"a": "1", "nonce": HEX_B}}) is True
    assert joined({kind: {"a": "1", "nonce": HEX_A}}, {kind: {"a": "2", "nonce": HEX_B}}) is None


def test_query_parameters_too():
    assert joined({"line": f"GET /a?_={NOW}"}, {"line": f"GET /a?_={NOW + 1}"}) is True
    assert joined({"line": "GET /a?cb=1"}, {"line": "GET /a?cb=2"}) is False


def test_a_nested_field_is_volatile_by_its_last_name():
    assert joined({"json": {"meta": [{"ts": NOW}]}}, {"json": {"meta": [{"ts": NOW + 1}]}}) is True


@pytest.mark.parametrize("rpc", [{"jsonrpc": "2.0", "method": "m"}, {"method": "m"}])
def test_the_id_of_json_rpc_is_volatile_beside_jsonrpc_only(rpc):
    expected = False if "jsonrpc" in rpc else None
    assert joined({"json": {**rpc, "id": 1}}, {"json": {**rpc, "id": 2}}) is expected
    assert joined({"json": [{**rpc, "id": 1}]}, {"json": [{**rpc, "id": 2}]}) is expected


def test_what_was_left_out_is_listed_with_the_doubt():
    call = Calls()
    call(0, status=503, json={"amount": 5, "order": UUID_A, "ts": NOW})
    call(1, json={"amount": 5, "order": UUID_B, "ts": NOW + 1})

    (operation,) = operations(call.made)
    assert operation.left_out == ("json.order", "json.ts")
    assert operation.why == "the requests differ in json.order, which may be new on each attempt"
    assert operation.by == "json.order"
    assert operation.attempts[1].changed == ()


def test_a_random_value_that_is_used_again_is_not_new_on_each_attempt():
    call = Calls()
    for at_s, order in enumerate([UUID_A, UUID_B, UUID_A, UUID_B]):
        call(at_s, status=503 if at_s < 2 else 201, json={"order": order})

    listed = operations(call.made)
    assert [[attempt.call.number for attempt in operation.attempts] for operation in listed] == [
        [1, 3],
        [2, 4],
    ]
    assert all(operation.certain for operation in listed)


def test_a_signature_of_one_second_may_be_used_again():
    call = Calls()
    for at_s, (ts, sig) in enumerate([(NOW, "aa"), (NOW, "aa"), (NOW + 1, "bb")]):
        call(at_s * 0.4, status=503, json={"ts": ts, "sig": sig})

    assert [operation.size for operation in operations(call.made)] == [3]


@pytest.mark.parametrize("name", ["ts", "X-Amz-Signature", "oauth_timestamp", "_", "Nonce"])
def test_names_in_any_spelling(name):
    assert is_volatile_name(name)


@pytest.mark.parametrize("name", ["amount", "tsx", "id", "", "__", "date", "time"])
def test_other_names(name):
    assert not is_volatile_name(name)


@pytest.mark.parametrize("days", [-2, 2])
def test_a_time_of_another_day_says_what_is_asked(days):
    moment = datetime.fromtimestamp(WALL_S + days * 86_400, UTC)

    assert not is_volatile_shape(moment.isoformat(), WALL_S)
    assert not is_volatile_shape(int(moment.timestamp()), WALL_S)
    assert not is_volatile_shape(int(moment.timestamp() * 1000), WALL_S)
