"""Every fault at every place, to the byte: what arrives before it, how it ends, and what becomes of the connection."""

import re

import pytest
from support.admin import pointers
from support.server import InProcess
from support.wire import Wire

from mockserver.responses.faults import GARBAGE
from mockserver.settings import Settings

FAULTS = ["reset", "close", "truncate", "garbage", "malformed_chunk", "hang"]
BAD_CHUNK = b"ZZZ\r\nnot a chunk\r\n"
REPLIES = {
    "length": 'text: "0123456789"',
    "paced": 'text: "0123456789", throttle: {chunks: 5, over: 4ms}',
    "chunked": 'chunks: ["01234", "56789"]',
    "events": "events: [{event: a, data: 1}, {event: b, data: 2}]",
}
BODIES = {
    "length": b"0123456789",
    "paced": b"0123456789",
    "chunked": b"0123456789",
    "events": b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n",
}
PLACES = {"start": "", "headers": ", after: headers", "bytes": ", after: 4", "events": ", after: 1 events"}
SENT = {"headers": 0, "bytes": 4}
EVENT = {"chunked": 5, "events": 18}

CASES = [
    (fault, place, reply)
    for fault in FAULTS
    for place in PLACES
    for reply in REPLIES
    if place != "events" or reply in EVENT
]
NAMES = ["-".join(case) for case in CASES]


def route(fault, place, reply):
    return f"- {{request: GET /{fault}-{place}-{reply}, reply: {{{REPLIES[reply]}, fault: {{kind: {fault}{PLACES[place]}}}}}}}"


SCENARIO = "\n".join(
    ["routes:", "- {request: GET /fine, reply: {text: fine}}", *(route(*case) for case in CASES)]
)


def get(target, *lines, method="GET", version="1.1"):
    return "\r\n".join([f"{method} {target} HTTP/{version}", "Host: x", *lines, "", ""])


@pytest.fixture(scope="module")
def server(server_loop, tmp_path_factory):
    """One for all cases. A hang ends at its limit, so that it too can be read to its end."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "shop.yaml").write_text(SCENARIO)
    server = InProcess(server_loop, Settings(paths=(str(folder),), port=0, hang_limit_s=0.02), folder)
    yield server
    server.stop()


def body_sent(fault, place, reply):
    """The bytes of the body that come before the fault, without their framing."""
    whole = BODIES[reply]
    if place == "start":
        return whole[: len(whole) // 2] if fault == "truncate" else b""
    return whole[: EVENT[reply] if place == "events" else SENT[place]]


def has_head(fault, place):
    return place != "start" or fault in ("truncate", "malformed_chunk")


def is_chunked(fault, reply):
    return fault == "malformed_chunk" or reply in EVENT


def unframed(data):
    """The data of the chunks at the beginning, and what follows them."""
    body = b""
    while found := re.match(rb"([1-9a-f][0-9a-f]*)\r\n", data):
        size = int(found[1], 16)
        end = found.end() + size
        body += data[found.end() : end]
        assert data[end : end + 2] == b"\r\n"
        data = data[end + 2 :]
    return body, data


LAST_WORDS = {"garbage": GARBAGE, "malformed_chunk": BAD_CHUNK}


def assert_broken(fault, place, reply, data, end, *, head=False, version="1.1"):
    """That this is what stands before the fault, to the byte, and the right end."""
    assert end == ("RST" if fault == "reset" else "FIN")
    if has_head(fault, place):
        lines, _, data = data.partition(b"\r\n\r\n")
        assert lines.startswith(b"HTTP/1.1 200 OK\r\n")
        chunked = is_chunked(fault, reply)
        framed = chunked and version == "1.1"
        assert (b"Transfer-Encoding: chunked" in lines) == framed
        assert (b"Content-Length: %d" % len(BODIES[reply]) in lines) == (not chunked)
        sent = b"" if head else body_sent(fault, place, reply)
        if framed:
            body, data = unframed(data)
        else:
            body, data = data[: len(sent)], data[len(sent) :]
        assert body == sent
    assert data == LAST_WORDS.get(fault, b"")


def broken(wire, fault, place, reply, **options):
    data, end = wire.ending()
    assert_broken(fault, place, reply, data, end, **options)


@pytest.mark.parametrize(("fault", "place", "reply"), CASES, ids=NAMES)
def test_on_a_connection_of_its_own(server, fault, place, reply):
    with Wire(server.address) as wire:
        wire.send(get(f"/{fault}-{place}-{reply}"))
        broken(wire, fault, place, reply)


@pytest.mark.parametrize(("fault", "place", "reply"), CASES, ids=NAMES)
def test_on_a_connection_that_was_kept(server, fault, place, reply):
    with Wire(server.address) as wire:
        wire.send(get("/fine"))
        assert wire.answer().body == b"fine"

        wire.send(get(f"/{fault}-{place}-{reply}"))
        broken(wire, fault, place, reply)


@pytest.mark.parametrize(("fault", "place", "reply"), CASES, ids=NAMES)
def test_in_the_middle_of_a_pipeline(server, fault, place, reply):
    """What stands before it is answered whole, what stands behind it never."""
    with Wire(server.address) as wire:
        wire.send(get("/fine") + get(f"/{fault}-{place}-{reply}") + get("/fine") * 2)
        assert wire.answer().body == b"fine"

        broken(wire, fault, place, reply)


@pytest.mark.parametrize(("fault", "place", "reply"), CASES, ids=NAMES)
def test_as_an_answer_to_head(server, fault, place, reply):
    with Wire(server.address) as wire:
        wire.send(get(f"/{fault}-{place}-{reply}", method="HEAD"))
        broken(wire, fault, place, reply, head=True)


@pytest.mark.parametrize(("fault", "place", "reply"), CASES, ids=NAMES)
def test_by_http_1_0(server, fault, place, reply):
    with Wire(server.address) as wire:
        wire.send(get(f"/{fault}-{place}-{reply}", version="1.0"))
        broken(wire, fault, place, reply, version="1.0")


OUTCOMES = {"hang": "close"}


@pytest.fixture
def fresh(serving):
    return serving(SCENARIO, hang_limit_s=0.02)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_record_names_the_fault_and_how_it_ended(fresh, fault):
    with Wire(fresh.address) as wire:
        wire.send(get(f"/{fault}-bytes-length"))
        wire.ending()

    call = fresh.closed_call()
    assert (call["fault"], call["outcome"]) == (fault, OUTCOMES.get(fault, fault))
    assert call["matched"]
    assert call["times"]["left_ms"] is None
    assert call["times"]["first_byte_ms"] <= call["times"]["last_byte_ms"]
    assert fresh.admin.get("/counts")["routes"][call["route"]]["in_flight"] == 0


@pytest.mark.parametrize("fault", ["reset", "close", "garbage", "hang"])
def test_a_fault_before_any_byte_is_recorded_and_counted_as_that_fault(fresh, fault):
    with Wire(fresh.address) as wire:
        wire.send(get(f"/{fault}-start-length"))
        wire.ending()

    call = fresh.closed_call()
    assert (call["fault"], call["reply"]) == (fault, None), "no status line was sent"
    assert (call["times"]["first_byte_ms"] is None) == (fault != "garbage")
    assert fresh.admin.get("/calls?brief=true")["items"][0]["status"] is None
    assert fresh.admin.get("/counts")["routes"][call["route"]]["statuses"] == {fault: 1}


def test_what_stands_behind_a_fault_in_a_pipeline_is_no_call(fresh):
    with Wire(fresh.address) as wire:
        wire.send(get("/fine") + get("/close-start-length") + get("/fine") * 3)
        wire.ending()

    assert fresh.closed_call(2)["outcome"] == "close"
    assert fresh.admin.get("/counts")["total"] == 2


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "written", ["text: hello", "chunks: [hel, lo]", "text: hello, throttle: {chunks: 2, over: 2ms}"]
)
def test_a_place_past_the_end_of_the_body_lets_all_of_it_through(serving, fault, written):
    server = serving(
        f"routes: [{{request: GET /x, reply: {{{written}, fault: {{kind: {fault}, after: 99}}}}}}]",
        hang_limit_s=0.02,
    )
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        head, _, body = wire.ending()[0].partition(b"\r\n\r\n")

    if b"Transfer-Encoding" in head:
        body, rest = unframed(body)
        assert rest == LAST_WORDS.get(fault, b"")  # and no last chunk
        assert body == b"hello"
    elif fault == "truncate":
        assert int(re.search(rb"Content-Length: (\d+)", head)[1]) > len(body)
    else:
        assert body == b"hello" + LAST_WORDS.get(fault, b"")


def test_an_event_counts_as_one_however_it_is_throttled(serving):
    a = "a" * 200
    server = serving(
        f"routes: [{{request: GET /x, reply: {{events: [{a}, b, c], throttle: 2KB/s,"
        " fault: {kind: close, after: 2 events}}}]"
    )
    data = f"data: {a}\n\ndata: b\n\n".encode()
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        body, rest = unframed(wire.ending()[0].partition(b"\r\n\r\n")[2])

    assert (body, rest) == (data, b"")


def test_events_are_counted_only_where_there_are_some(serving):
    server = serving("routes: []")
    for place in ("1 events", "1 event"):
        reply = {"text": "hi", "fault": {"kind": "close", "after": place}}
        problem = server.admin.refused(422, "POST", "/routes", {"request": "GET /x", "reply": reply})
        assert pointers(problem) == ["/reply/fault/after"]


LYING = {
    "short": 'text: hello, headers: {Content-Length: "3"}',
    "long": 'text: hello, headers: {Content-Length: "9"}',
    "long and paced": 'text: hello, headers: {Content-Length: "9"}, throttle: {chunks: 2, over: 2ms}',
    "long in chunks": 'chunks: [hel, lo], headers: {Content-Length: "9"}',
}


@pytest.mark.parametrize("written", LYING.values(), ids=LYING)
def test_a_length_that_is_wrong_is_corrected(serving, written):
    server = serving(f"routes: [{{request: GET /x, reply: {{{written}}}}}]")
    with Wire(server.address) as wire:
        wire.send(get("/x") * 2)
        for _ in range(2):
            answer = wire.answer()
            assert (answer.body, answer.all("content-length")) == (b"hello", ["5"])


TRUE = {
    "length for chunks": ('chunks: [hel, lo], headers: {content-length: "5"}', "content-length", "5"),
    "chunks for a text": (
        "text: hello, headers: {transfer-encoding: chunked}",
        "transfer-encoding",
        "chunked",
    ),
}


@pytest.mark.parametrize(("written", "name", "value"), TRUE.values(), ids=TRUE)
def test_framing_by_hand_is_kept_to(serving, written, name, value):
    server = serving(f"routes: [{{request: GET /x, reply: {{{written}}}}}]")
    with Wire(server.address) as wire:
        wire.send(get("/x") * 2)
        for _ in range(2):
            answer = wire.answer()
            assert (answer.body, answer.all(name)) == (b"hello", [value])


def test_chunks_that_are_malformed_are_promised_as_chunks(serving):
    server = serving(
        'routes: [{request: GET /x, reply: {text: hello, headers: {content-length: "5"}, fault: malformed_chunk}}]'
    )
    with Wire(server.address) as wire:
        wire.send(get("/x"))
        head, _, body = wire.ending()[0].partition(b"\r\n\r\n")

    assert b"Transfer-Encoding: chunked" in head
    assert b"content-length" not in head
    assert body == BAD_CHUNK


def test_a_reset_throws_nothing_away_of_what_was_sent_before_it(serving):
    """An RST would take along what still stands in the kernel's queue."""
    server = serving(
        {
            "shop.yaml": "routes: [{request: GET /x, reply: {file: a.bin, fault: {kind: reset, after: 100000}}}]",
            "a.bin": bytes(4_000_000),
        }
    )
    with Wire(server.address, receive_buffer=4096) as wire:
        wire.send(get("/x"))
        head, _, body = wire.ending()[0].partition(b"\r\n\r\n")

    assert b"Content-Length: 4000000" in head
    assert len(body) == 100_000
