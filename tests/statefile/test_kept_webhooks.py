"""A webhook that was on its way when the server ended is sent by its successor; what has arrived has arrived."""

import asyncio

import pytest

from statefile.conftest import save

SCENARIO = """
vars: {callback: "${CALLBACK_URL}"}
routes:
  - name: pay
    request: POST /pay
    reply: 201
    webhook:
      url: "{{ vars.callback }}"
      json: {order: "{{ request.json.order }}"}
      sign: {scheme: stripe, secret: whsec_test}
      retry: {attempts: 3, backoff: 1h}
      DELAY
"""


@pytest.fixture
def paying(kept, monkeypatch):
    """Starts a server that tells `receiver` of each payment, `delay` after it."""

    def start(receiver, delay="0s"):
        monkeypatch.setenv("CALLBACK_URL", receiver.url)
        return kept(SCENARIO.replace("DELAY", f"delay: {delay}"), allow_egress=("127.0.0.1",))

    return start


def pay(server, order):
    headers = {"Content-Type": "application/json"}
    assert server.ask("POST", "/pay", f'{{"order": {order}}}', headers=headers).status == 201


def restarted(kept, server):
    return kept(server.folder, allow_egress=("127.0.0.1",))


def webhooks(server):
    return server.admin.get("/webhooks?reveal=true")["items"]


def test_one_that_waits_is_sent_at_its_moment(kept, paying, receiving):
    receiver = receiving()
    server = paying(receiver, delay="3d")
    pay(server, 7)
    before = webhooks(server)

    server = restarted(kept, server)

    assert webhooks(server) == before
    assert receiver.got == []
    server.admin.post("/clock", {"advance": "3d"})
    assert [one.body for one in receiver.got] == [b'{"order":7}']
    assert receiver.got[0].headers["Stripe-Signature"]
    assert webhooks(server)[0]["state"] == "delivered"


def test_one_whose_moment_came_meanwhile_is_sent_at_once(kept, paying, receiving):
    receiver = receiving()
    server = paying(receiver, delay="500ms")
    pay(server, 7)

    restarted(kept, server)

    receiver.wait(1)


def test_one_that_has_arrived_is_not_sent_again_and_is_still_told_of(kept, paying, receiving):
    receiver = receiving()
    server = paying(receiver)
    pay(server, 7)
    server.admin.post("/verify", {"webhooks": {"route": "pay"}, "times": 1, "within": "5s"})
    before = webhooks(server)

    server = restarted(kept, server)
    pay(server, 8)
    server.admin.post("/verify", {"webhooks": {"route": "pay"}, "times": 2, "within": "5s"})

    assert webhooks(server)[0] == before[0]
    assert [one["id"] for one in webhooks(server)] == ["w-000001", "w-000002"]
    assert [one.body for one in receiver.got] == [b'{"order":7}', b'{"order":8}']


def test_a_further_try_comes_when_it_is_due(kept, paying, receiving):
    receiver = receiving(500)
    server = paying(receiver)
    pay(server, 7)
    receiver.wait(1)
    server.admin.post("/clock", {"freeze": True})
    server.admin.post("/clock", {"advance": "1m"})  # comes back when the first try is over

    server = restarted(kept, server)

    for tries in (2, 3, 3):
        server.admin.post("/clock", {"advance": "1h"})
        assert [one["status"] for one in webhooks(server)[0]["tries"]] == [500] * tries


def test_one_that_is_cut_by_the_end_is_sent_again(kept, paying, receiving):
    """At least once, as services promise."""
    ended = asyncio.Event()
    receiver = receiving(seen=lambda _: ended.wait() if len(receiver.got) == 1 else None)
    server = paying(receiver)
    pay(server, 7)
    receiver.wait(1)

    server = restarted(kept, server)

    receiver.wait(2)
    server.admin.post("/verify", {"webhooks": {"route": "pay"}, "times": 1, "within": "5s"})
    assert [one["state"] for one in webhooks(server)] == ["delivered"]
    server.loop.run(asyncio.sleep(0, ended.set()))


def test_an_arrival_is_written_although_nobody_asked_anything_since(kept, paying, receiving, state_file):
    receiver = receiving()
    server = paying(receiver, delay="200ms")
    pay(server, 7)
    save(server)
    receiver.wait(1)
    server.admin.get("/verify")  # a request, but none that changes anything
    server.admin.post("/verify", {"webhooks": {"route": "pay"}, "times": 1, "within": "5s"})
    save(server)

    assert b'"state":"delivered"' in state_file.read_bytes()
