"""A thousand conversations over raw sockets, half of them broken, with one server; and that the fuzzer sees what is wrong."""

import pytest
from support.sampling import part

from fuzz import wire
from fuzz.conversations import FIXED, SCENARIO, Conversation, conversation
from fuzz.talking import Heard, _judge
from fuzz.watching import watched

CONVERSATIONS = len(part(range(5000), 1000))
LONGEST_S = 600


@pytest.mark.slow
def test_whatever_comes_over_the_wire_the_server_goes_on_exact_and_without_a_leak(process):
    server = process(*wire.FLAGS, scenarios={"fuzz.yaml": SCENARIO, "fixed.yaml": FIXED})

    with watched(server) as one:
        report = wire.fuzz(one, "1", LONGEST_S, most=CONVERSATIONS)

    assert report.failures == [], "\n".join(report.failures)
    assert report.conversations == CONVERSATIONS
    assert one.pings > 0


# The fuzzer itself


def test_a_seed_and_a_number_make_the_same_conversation():
    for number in range(50):
        assert conversation("x", number) == conversation("x", number)
    assert conversation("x", 1).data != conversation("y", 1).data


def test_half_of_the_conversations_are_well_formed():
    found = [conversation("x", number) for number in range(400)]

    assert 150 < sum(one.answers is not None for one in found) < 250
    assert {one.ending for one in found} == {"quiet", "leaves", "resets"}
    assert any(len(one.data) > 60_000 for one in found)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def said(**facts):
    facts = {"answers": 1, "counted": [True], "heads": [False], "bodies": [b"hi"], **facts}
    return Conversation(1, [b"GET / HTTP/1.1\r\n\r\n"], **facts)


@pytest.mark.parametrize(
    ("data", "facts", "wrong"),
    [
        (OK, {}, ""),
        (OK.replace(b"200 OK", b"500 Internal Server Error"), {}, "an answer of HTTP/1.1 500 Internal Server Error"),
        (OK + OK, {}, "2 answers to 1 requests"),
        (b"", {}, "0 answers to 1 requests"),
        (OK[:-1], {}, "an answer broke off"),
        (OK.replace(b"hi", b"ho"), {}, "b'hi' came back as b'ho'"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", {}, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, {}, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {"heads": [True], "bodies": [None]}, ""),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), {"answers": 2, "counted": [True, True]}, ""),
        (b"hello", {"answers": None}, "what came is not valid HTTP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", {"answers": None}, ""),
        (OK + b"HTTP/1.1 500 Internal Server Error\r\n\r\n", {"answers": None}, "an answer of HTTP/1.1 500"),
    ],
)  # fmt: skip
def test_the_fuzzer_sees_what_is_wrong(data, facts, wrong):
    heard = Heard(data)

    _judge(said(**facts), heard)

    assert heard.wrong.startswith(wrong)
    assert bool(heard.wrong) == bool(wrong)
