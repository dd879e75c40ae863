"""Webhooks on the wire: real receivers on loopback, the courier's own clock."""

import asyncio
import hashlib
import hmac
import socket
import struct
import time

import pytest
import stripe
from support.receivers import Deliveries, Home, Receiver, a_courier
from support.upstreams import Upstream

from mockserver.outbound.delivery import signed
from mockserver.outbound.egress import Egress
from mockserver.schema.webhook import SignSpec
from mockserver.store.delivery import DeliveryState

DAY_S = 86400.0
START_S = 1_800_000_000.0


@pytest.fixture
def home():
    return Home()


@pytest.fixture
def still():
    """A namespace whose clock stands at START_S."""
    home = Home()
    home.clock.freeze(START_S)
    return home


@pytest.fixture
def deliveries(home):
    return Deliveries(home)


@pytest.fixture
async def courier():
    async with a_courier() as courier:
        yield courier


@pytest.fixture
async def receiver():
    async with Receiver().open() as receiver:
        yield receiver


def a_closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# Sending


async def test_a_webhook_arrives_as_it_was_made(home, deliveries, courier, receiver):
    delivery = deliveries.make(
        receiver.url + "?a=%2F&b",
        method="PUT",
        body=b'{"a": 1}',
        headers=(("Content-Type", "application/json"), ("X-Two", "1"), ("X-Two", "2")),
    )

    courier.schedule(home, delivery)
    await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    (got,) = receiver.got
    assert (got.method, got.path, got.body) == ("PUT", "/hooks?a=%2F&b", b'{"a": 1}')
    assert got.headers.getall("x-two") == ["1", "2"]
    assert {name.decode().lower() for name, _ in got.raw} == {
        "host",
        "content-type",
        "x-two",
        "content-length",
        "connection",
    }


async def test_a_webhook_without_a_body_says_so(home, deliveries, courier, receiver):
    delivery = deliveries.make(receiver.url, body=b"")

    courier.schedule(home, delivery)
    await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    assert receiver.got[0].body == b""
    assert "content-type" not in receiver.got[0].headers


async def test_a_large_body_arrives_whole(home, deliveries, courier, receiver):
    body = bytes(range(256)) * 20_000

    await courier.deliver_before(home, deliveries.make(receiver.url, body=body))

    (got,) = receiver.got
    assert got.body == body
    assert got.headers["content-length"] == str(len(body))


async def test_what_a_receiver_sends_behind_its_answer_is_dropped(home, deliveries, courier):
    real = Upstream(b"HTTP/1.1 204 No Content\r\n\r\n0\r\n\r\n")
    delivery = deliveries.make(real.url)

    courier.schedule(home, delivery)
    await home.until(lambda: delivery.tries)
    real.close()

    assert [(one.status, one.error) for one in delivery.tries] == [(204, None)]


async def test_a_try_says_what_the_receiver_answered(home, deliveries, courier):
    async with Receiver(201, body=b"x" * 5000).open() as receiver:
        delivery = deliveries.make(receiver.url)
        courier.schedule(home, delivery)
        await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    (one,) = delivery.tries
    assert (one.status, one.error, one.answer) == (201, None, b"x" * 4096)
    assert abs(one.sent_at_s - time.time()) < 5
    assert 0 < one.duration_ms < 5000


async def test_an_endless_answer_is_read_only_in_part(home, deliveries, courier):
    async with Receiver(200, body=b"x" * 5_000_000).open() as receiver:
        delivery = deliveries.make(receiver.url)
        courier.schedule(home, delivery)
        await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    assert len(delivery.tries[0].answer) == 4096


async def test_webhooks_of_one_call_arrive_one_after_the_other(home, deliveries, courier):
    at_once, most = 0, 0

    async def slow(_got):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(20):
            await asyncio.sleep(0)
        at_once -= 1

    async with Receiver(seen=slow).open() as receiver:
        made = [deliveries.make(receiver.url, call="c-000001", body=b"%d" % n) for n in range(5)]
        for delivery in made:
            courier.schedule(home, delivery)
        await home.until(lambda: all(one.state is DeliveryState.DELIVERED for one in made))

    assert [got.body for got in receiver.got] == [b"0", b"1", b"2", b"3", b"4"]
    assert most == 1


async def test_a_slow_receiver_holds_up_no_other_call(home, deliveries, courier, receiver):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as slow:
        first, second = deliveries.make(slow.url), deliveries.make(receiver.url)
        courier.schedule(home, first)
        courier.schedule(home, second)
        await home.until(lambda: second.state is DeliveryState.DELIVERED)

        assert first.state is DeliveryState.SENDING
        release.set()
        await home.until(lambda: first.state is DeliveryState.DELIVERED)


async def test_a_webhook_waits_for_its_delay(home, deliveries, courier, receiver):
    delivery = deliveries.make(receiver.url, delay_s=0.05)
    courier.schedule(home, delivery)

    await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    assert delivery.tries[0].at_s >= delivery.created_s + 0.05


async def test_a_webhook_made_later_with_an_earlier_moment_waits_for_no_other(
    home, deliveries, courier, receiver
):
    late, soon = deliveries.make(receiver.url, delay_s=3600), deliveries.make(receiver.url, delay_s=0.01)
    courier.schedule(home, late)
    courier.schedule(home, soon)

    await home.until(lambda: soon.state is DeliveryState.DELIVERED)

    assert late.state is DeliveryState.WAITING


# Retries


async def test_a_receiver_that_is_down_twice_is_tried_by_the_schedule(still, courier):
    async with Receiver(503, 500, 200).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=4, backoff_s=(1.0, 60.0))
        courier.schedule(still, delivery)
        await still.until(lambda: len(delivery.tries) == 1)
        assert (delivery.state, delivery.due_s) == (DeliveryState.WAITING, START_S + 1)

        await courier.advance(still, START_S + 60.999)
        assert [one.status for one in delivery.tries] == [503, 500]

        await courier.advance(still, START_S + 61)
        assert [one.status for one in delivery.tries] == [503, 500, 200]

    assert [one.at_s - START_S for one in delivery.tries] == [0, 1, 61]
    assert (delivery.state, delivery.error, len(still.timers)) == (DeliveryState.DELIVERED, None, 0)


async def test_retries_that_fall_into_an_advance_happen_in_it(still, courier):
    async with Receiver(503, 503, 200).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=3, backoff_s=(60.0,))
        courier.schedule(still, delivery)
        await courier.advance(still, START_S + 3600)

    assert [one.at_s - START_S for one in delivery.tries] == [0, 60, 120]
    assert still.clock.now_s() == START_S + 3600


async def test_an_advance_waits_for_a_try_under_way_whose_retry_falls_into_it(still, courier):
    release = asyncio.Event()
    async with Receiver(503, 200, seen=lambda _: release.wait()).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=2)
        courier.schedule(still, delivery)
        await receiver.until_got(1)
        advanced = asyncio.create_task(courier.advance(still, START_S + 1))
        await asyncio.sleep(0)
        release.set()
        await advanced

    assert [one.status for one in delivery.tries] == [503, 200]


async def test_after_the_last_attempt_it_has_failed(still, courier):
    async with Receiver(500).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=3)
        courier.schedule(still, delivery)
        await courier.advance(still, START_S + DAY_S)

    assert len(receiver.got) == 3
    assert (delivery.state, delivery.error) == (DeliveryState.FAILED, "the receiver answered 500")


async def test_without_a_retry_one_try_is_all(still, courier):
    async with Receiver(500).open() as receiver:
        courier.schedule(still, Deliveries(still).make(receiver.url))
        await courier.advance(still, START_S + DAY_S)

    assert len(receiver.got) == 1


async def test_retries_run_by_real_time_where_the_clock_does(home, deliveries, courier):
    async with Receiver(503, 200).open() as receiver:
        delivery = deliveries.make(receiver.url, attempts=2, backoff_s=(0.02,))
        courier.schedule(home, delivery)
        await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    assert delivery.tries[1].at_s >= delivery.created_s + 0.02


# The clock


async def test_a_webhook_three_days_later_arrives_at_once_when_the_clock_is_advanced(
    home, deliveries, courier
):
    nows = []
    async with Receiver(seen=lambda _: nows.append(home.clock.now_s())).open() as receiver:
        delivery = deliveries.make(receiver.url, delay_s=3 * DAY_S)
        courier.schedule(home, delivery)

        await courier.advance_by(home, 3 * DAY_S)

    assert delivery.state is DeliveryState.DELIVERED
    assert nows == [delivery.due_s]
    assert delivery.tries[0].at_s == delivery.due_s
    assert not home.clock.frozen


async def test_advancing_fires_what_is_due_in_order_each_at_its_own_moment(still, courier):
    nows = []

    async def seen(got):
        for _ in range(20):
            await asyncio.sleep(0)
        nows.append((got.body, still.clock.now_s() - START_S))

    async with Receiver(seen=seen).open() as receiver:
        deliveries = Deliveries(still)
        for delay_s in (300, 100, 200, 100, 400):
            courier.schedule(
                still, deliveries.make(receiver.url, delay_s=delay_s, body=b"%d" % (len(deliveries.made) + 1))
            )

        await courier.advance(still, START_S + 300)

    assert nows == [(b"2", 100), (b"4", 100), (b"3", 200), (b"1", 300)]
    assert still.clock.now_s() == START_S + 300
    assert deliveries.made[4].state is DeliveryState.WAITING


async def test_what_a_receiver_causes_within_the_span_is_sent_too(still, courier):
    deliveries = Deliveries(still)

    def cause(got):
        if len(got.body) < 3:
            courier.schedule(still, deliveries.make(receiver.url, delay_s=10, body=got.body + b"x"))

    async with Receiver(seen=cause).open() as receiver:
        courier.schedule(still, deliveries.make(receiver.url, delay_s=5, body=b"x"))
        await courier.advance(still, START_S + 60)

    assert [one.tries[0].at_s - START_S for one in deliveries.made] == [5, 15, 25]


async def test_while_the_clock_is_advanced_none_starts_before_the_one_before_is_over(still, courier):
    deliveries = Deliveries(still)

    async def cause(got):
        if got.body == b"first":
            courier.schedule(still, deliveries.make(receiver.url, body=b"second"))
            await asyncio.sleep(0.03)  # time enough for the second, if it could start
            assert len(receiver.got) == 1

    async with Receiver(seen=cause).open() as receiver:
        courier.schedule(still, deliveries.make(receiver.url, delay_s=5, body=b"first"))
        await courier.advance(still, START_S + 60)

    assert [one.tries[0].status for one in deliveries.made] == [200, 200]


async def test_an_advance_that_always_causes_another_webhook_ends(still):
    async with a_courier(limit=5) as courier:
        deliveries = Deliveries(still)
        async with Receiver(
            seen=lambda _: courier.schedule(still, deliveries.make(receiver.url))
        ).open() as receiver:
            courier.schedule(still, deliveries.make(receiver.url))
            await courier.advance(still, START_S + 1)
            await courier.close()

    assert still.clock.now_s() == START_S + 1


async def test_a_clock_that_stands_sends_only_what_is_due_already(still, courier, receiver):
    deliveries = Deliveries(still)
    later, now = deliveries.make(receiver.url, delay_s=0.001), deliveries.make(receiver.url)
    courier.schedule(still, later)
    courier.schedule(still, now)
    await still.until(lambda: now.state is DeliveryState.DELIVERED)
    await asyncio.sleep(0)  # the try's task ends
    assert later.state is DeliveryState.WAITING
    assert courier._queues == {}  # no timer of the loop runs for it

    await courier.change(still, lambda clock: clock.resume())
    await still.until(lambda: later.state is DeliveryState.DELIVERED)


async def test_a_frozen_clock_stays_frozen_and_a_running_one_runs_on(home, still, courier):
    await courier.advance(still, START_S + 5)
    await courier.advance_by(home, 1000)

    assert (still.clock.frozen, still.clock.now_s()) == (True, START_S + 5)
    assert not home.clock.frozen
    assert 999 < home.clock.offset_s <= 1000


async def test_a_clock_set_back_sends_nothing(still, courier, receiver):
    delivery = Deliveries(still).make(receiver.url, delay_s=10)
    courier.schedule(still, delivery)

    await courier.advance(still, START_S - DAY_S)

    assert (still.clock.now_s(), delivery.state) == (START_S - DAY_S, DeliveryState.WAITING)


async def test_two_advances_at_once_add_up(still, courier):
    await asyncio.gather(courier.advance_by(still, 60), courier.advance_by(still, 60))

    assert still.clock.now_s() == START_S + 120


async def test_without_waiting_the_clock_jumps_and_the_webhook_follows(home, deliveries, courier):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as receiver:
        delivery = deliveries.make(receiver.url, delay_s=DAY_S)
        courier.schedule(home, delivery)
        await courier.advance(home, delivery.due_s, wait=False)
        assert home.clock.now_s() >= delivery.due_s
        await receiver.until_got(1)
        release.set()
        await home.until(lambda: delivery.state is DeliveryState.DELIVERED)


async def test_a_change_of_the_clock_waits_for_an_advance_under_way(still, courier):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as receiver:
        courier.schedule(still, Deliveries(still).make(receiver.url, delay_s=1))
        advanced = asyncio.create_task(courier.advance(still, START_S + 9))
        await receiver.until_got(1)
        changed = asyncio.create_task(courier.change(still, lambda clock: clock.freeze(START_S + 77)))
        await asyncio.sleep(0)
        assert still.clock.now_s() == START_S + 1
        release.set()
        await asyncio.gather(advanced, changed)

    assert still.clock.now_s() == START_S + 77


# Before, again, never


async def test_a_webhook_before_the_answer_has_arrived_when_the_answer_leaves(
    home, deliveries, courier, receiver
):
    delivery = deliveries.make(receiver.url)

    await courier.deliver_before(home, delivery)

    assert (delivery.state, len(receiver.got)) == (DeliveryState.DELIVERED, 1)


async def test_a_webhook_before_the_answer_is_tried_again_by_the_clock(still, courier):
    async with Receiver(503, 200).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=2)
        await courier.deliver_before(still, delivery)
        assert (delivery.state, delivery.due_s) == (DeliveryState.WAITING, START_S + 1)

        await courier.advance(still, START_S + 1)

    assert delivery.state is DeliveryState.DELIVERED


async def test_who_leaves_before_the_answer_stops_no_webhook(home, deliveries, courier):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as receiver:
        delivery = deliveries.make(receiver.url)
        waiting = asyncio.create_task(courier.deliver_before(home, delivery))
        await receiver.until_got(1)
        waiting.cancel()
        release.set()
        await home.until(lambda: delivery.state is DeliveryState.DELIVERED)


async def test_a_repeated_webhook_is_the_same_body_under_the_same_message_id(
    home, deliveries, courier, receiver
):
    sign = SignSpec(scheme="standard", secret="whsec_c2VjcmV0MQ")
    twice = [
        deliveries.make(receiver.url, sign=sign, message_id="msg_1", body=b'{"a":1}', call="c-000001")
        for _ in range(2)
    ]
    for delivery in twice:
        courier.schedule(home, delivery)
    await home.until(lambda: all(one.state is DeliveryState.DELIVERED for one in twice))

    first, second = receiver.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "msg_1"


async def test_redelivering_sends_the_same_once_more(home, deliveries, courier, receiver):
    delivery = deliveries.make(receiver.url, body=b"same")
    courier.schedule(home, delivery)
    await home.until(lambda: delivery.state is DeliveryState.DELIVERED)

    one = await courier.redeliver(home, delivery)

    assert one.status == 200
    assert [got.body for got in receiver.got] == [b"same", b"same"]
    assert len(delivery.tries) == 2


async def test_a_redelivery_that_arrives_takes_the_place_of_the_retries(still, courier):
    async with Receiver(500, 200).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=5)
        courier.schedule(still, delivery)
        await still.until(lambda: delivery.state is DeliveryState.WAITING and delivery.tries)
        await courier.redeliver(still, delivery)
        await courier.advance(still, START_S + DAY_S)

    assert (delivery.state, len(receiver.got), len(still.timers)) == (DeliveryState.DELIVERED, 2, 0)


async def test_a_redelivery_that_fails_leaves_the_schedule_as_it_is(still, courier):
    async with Receiver(500, 500, 200).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=2)
        courier.schedule(still, delivery)
        await still.until(lambda: delivery.state is DeliveryState.WAITING and delivery.tries)
        assert (await courier.redeliver(still, delivery)).status == 500
        assert delivery.state is DeliveryState.WAITING
        await courier.advance(still, START_S + 1)

    assert delivery.state is DeliveryState.DELIVERED


async def test_what_was_delivered_stays_so_when_a_redelivery_fails(home, deliveries, courier):
    async with Receiver(200, 500).open() as receiver:
        delivery = deliveries.make(receiver.url)
        await courier.deliver_before(home, delivery)
        await courier.redeliver(home, delivery)

    assert (delivery.state, delivery.error) == (DeliveryState.DELIVERED, "the receiver answered 500")


async def test_a_reset_takes_back_what_waits(still, courier, receiver):
    delivery = Deliveries(still).make(receiver.url, delay_s=5)
    courier.schedule(still, delivery)

    courier.forget(still)
    await courier.advance(still, START_S + DAY_S)

    assert (delivery.state, delivery.error) == (DeliveryState.DROPPED, "taken back by a reset")
    assert receiver.got == []


async def test_a_try_under_way_at_a_reset_has_no_further_one(still, courier):
    release = asyncio.Event()
    async with Receiver(500, seen=lambda _: release.wait()).open() as receiver:
        delivery = Deliveries(still).make(receiver.url, attempts=3)
        courier.schedule(still, delivery)
        await receiver.until_got(1)
        courier.forget(still)
        release.set()
        await still.until(lambda: delivery.state is DeliveryState.FAILED)

    assert len(still.timers) == 0


async def test_a_reset_stops_an_advance_where_it_stands_and_lets_the_clock_run(
    home, deliveries, courier, receiver
):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as slow:
        first, second = deliveries.make(slow.url, delay_s=10), deliveries.make(slow.url, delay_s=20)
        courier.schedule(home, first)
        courier.schedule(home, second)
        advanced = asyncio.create_task(courier.advance_by(home, 100))
        await slow.until_got(1)
        courier.forget(home)
        home.clock.reset()

        fresh, later = deliveries.make(receiver.url), deliveries.make(receiver.url, delay_s=50)
        courier.schedule(home, fresh)
        courier.schedule(home, later)
        await home.until(lambda: fresh.state is DeliveryState.DELIVERED)
        release.set()
        await advanced

    assert later.state is DeliveryState.WAITING
    assert not home.clock.frozen
    assert abs(home.clock.offset_s) < 1
    assert (second.state, len(slow.got)) == (DeliveryState.DROPPED, 1)


async def test_a_clock_that_ran_runs_on_when_its_webhooks_are_taken_back(home, deliveries, courier):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as slow:
        courier.schedule(home, deliveries.make(slow.url, delay_s=10))
        advanced = asyncio.create_task(courier.advance_by(home, 100))
        await slow.until_got(1)
        assert home.clock.frozen

        courier.forget(home)
        assert not home.clock.frozen
        release.set()
        await advanced

    assert home.clock.offset_s < 11


async def test_timers_of_a_snapshot_wait_again(still, courier, receiver):
    delivery = Deliveries(still).make(receiver.url, delay_s=5)
    courier.schedule(still, delivery)
    kept = still.timers.copy()
    await courier.advance(still, START_S + 5)

    courier.forget(still)
    still.timers = kept
    still.clock.freeze(START_S)
    courier.restored(still)
    assert (delivery.state, delivery.error) == (DeliveryState.WAITING, None)
    await courier.advance(still, START_S + 5)

    assert len(receiver.got) == 2


async def test_what_a_restore_took_back_and_put_back_is_as_before(still, courier, receiver):
    delivery = Deliveries(still).make(receiver.url, delay_s=5)
    courier.schedule(still, delivery)
    kept = still.timers.copy()

    courier.forget(still)
    still.timers = kept
    courier.restored(still)

    assert (delivery.state, delivery.error) == (DeliveryState.WAITING, None)


async def test_more_than_the_limit_waiting_is_refused_and_said(still):
    async with a_courier(limit=2) as courier:
        made = [Deliveries(still).make("http://127.0.0.1:9/", delay_s=1) for _ in range(3)]
        for delivery in made:
            courier.schedule(still, delivery)

    assert [one.state.value for one in made] == ["waiting", "waiting", "failed"]
    assert made[2].error == "not sent: 2 webhooks of its namespace are pending; see --max-webhooks"


async def test_closing_cuts_what_hangs_within_a_second(home, deliveries):
    async with Receiver(seen=lambda _: asyncio.Event().wait()).open() as receiver, a_courier() as courier:
        delivery = deliveries.make(receiver.url)
        courier.schedule(home, delivery)
        hung = asyncio.create_task(courier.deliver_before(home, deliveries.make(receiver.url)))
        courier.schedule(home, deliveries.make(receiver.url, delay_s=60))
        await receiver.until_got(2)

        started_at_s = time.monotonic()
        await courier.close()
        assert time.monotonic() - started_at_s < 1
        with pytest.raises(asyncio.CancelledError):
            await hung

    assert (delivery.state, delivery.error) == (DeliveryState.DROPPED, "the server stopped")


async def test_closing_cuts_what_hangs_from_before_a_reset(home, deliveries):
    async with Receiver(seen=lambda _: asyncio.Event().wait()).open() as receiver, a_courier() as courier:
        delivery = deliveries.make(receiver.url)
        courier.schedule(home, delivery)
        await receiver.until_got(1)
        courier.forget(home)

        await courier.close()

    assert (delivery.state, delivery.error) == (DeliveryState.DROPPED, "the server stopped")


async def test_a_closed_courier_sends_nothing_more(home, deliveries, courier, receiver):
    await courier.close()
    scheduled, before = deliveries.make(receiver.url), deliveries.make(receiver.url)

    courier.schedule(home, scheduled)
    await courier.deliver_before(home, before)

    assert (scheduled.state, before.state) == (DeliveryState.FAILED, DeliveryState.DROPPED)
    assert scheduled.error == before.error == "the server stopped"
    assert receiver.got == []


async def test_an_advance_asked_for_before_a_reset_does_nothing_after_it(home, deliveries, courier):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as receiver:
        courier.schedule(home, deliveries.make(receiver.url, delay_s=1))
        first = asyncio.create_task(courier.advance_by(home, 60))
        await receiver.until_got(1)
        second = asyncio.create_task(courier.advance_by(home, 60))
        await asyncio.sleep(0)
        courier.forget(home)
        home.clock.reset()
        release.set()
        await asyncio.gather(first, second)

    assert (home.clock.frozen, home.clock.offset_s < 1) == (False, True)


async def test_what_waits_its_turn_behind_its_call_is_taken_back_too(home, deliveries, courier):
    release = asyncio.Event()
    async with Receiver(seen=lambda _: release.wait()).open() as receiver:
        first, second = (deliveries.make(receiver.url, call="c-000001") for _ in range(2))
        courier.schedule(home, first)
        courier.schedule(home, second)
        await receiver.until_got(1)
        courier.forget(home)
        release.set()
        await home.until(lambda: second.state is DeliveryState.DROPPED)

    assert (first.state, len(receiver.got)) == (DeliveryState.DELIVERED, 1)


async def test_nothing_is_kept_of_calls_whose_webhooks_are_over(home, deliveries, courier, receiver):
    courier.schedule(home, deliveries.make(receiver.url, delay_s=60))
    for _ in range(3):
        courier.schedule(home, deliveries.make(receiver.url))
    queue = courier._queues[home]
    await home.until(lambda: sum(one.state is DeliveryState.DELIVERED for one in deliveries.made) == 3)
    await asyncio.sleep(0)  # the last task ends

    assert queue._last == {}
    assert queue.in_progress == 0


async def test_nothing_is_left_of_a_namespace_that_has_sent_all(home, deliveries, courier, receiver):
    delivery = deliveries.make(receiver.url)
    courier.schedule(home, delivery)
    await home.until(lambda: delivery.state is DeliveryState.DELIVERED)
    courier.schedule(home, deliveries.make(receiver.url, delay_s=60))
    assert list(courier._queues) == [home]

    courier.forget(home)
    await courier.advance_by(home, 1)

    assert courier._queues == {}
    assert courier._retired == set()


# Signatures


async def test_the_stripe_sdk_accepts_what_arrives_at_real_time_three_days_ahead(
    home, deliveries, courier, receiver
):
    sign = SignSpec(scheme="stripe", secret="whsec_test")
    courier.schedule(
        home,
        deliveries.make(
            receiver.url, sign=sign, delay_s=3 * DAY_S, body=b'{"id": "evt_1", "object": "event"}'
        ),
    )

    await courier.advance_by(home, 3 * DAY_S)

    (got,) = receiver.got
    assert (
        stripe.Webhook.construct_event(got.body, got.headers["stripe-signature"], "whsec_test").id == "evt_1"
    )


@pytest.mark.parametrize("fault", ["expired", "wrong_key", "tampered"])
async def test_the_stripe_sdk_refuses_a_faulty_one(home, deliveries, courier, receiver, fault):
    sign = SignSpec(scheme="stripe", secret="whsec_test", fault=fault)
    await courier.deliver_before(home, deliveries.make(receiver.url, sign=sign, body=b'{"id": "evt_1"}'))

    (got,) = receiver.got
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(got.body, got.headers["stripe-signature"], "whsec_test")


async def test_every_try_is_signed_anew(still):
    walls = iter([1000.0, 2000.0])
    async with Receiver(500, 200).open() as receiver, a_courier() as courier:
        courier._sender._wall = lambda: next(walls)
        sign = SignSpec(scheme="stripe", secret="whsec_test")
        courier.schedule(still, Deliveries(still).make(receiver.url, attempts=2, sign=sign))
        await courier.advance(still, START_S + 1)

    assert [got.headers["stripe-signature"].split(",")[0] for got in receiver.got] == ["t=1000", "t=2000"]


async def test_a_signature_replaces_a_header_of_its_name(deliveries):
    sign = SignSpec(scheme="hmac", secret="s", header="x-sig")
    delivery = deliveries.make("http://app/", sign=sign, headers=(("X-Sig", "mine"), ("X-A", "1")), body=b"b")

    headers, body = signed(delivery, 1000)

    assert headers == (("X-A", "1"), ("x-sig", hmac.new(b"s", b"b", hashlib.sha256).hexdigest()))
    assert body == b"b"


# What goes wrong, said for people


async def tried(home, courier, url, **more):
    delivery = Deliveries(home).make(url, **more)
    await courier.deliver_before(home, delivery)
    return delivery


async def test_a_refused_connection_is_said(home, courier):
    port = a_closed_port()

    delivery = await tried(home, courier, f"http://127.0.0.1:{port}/")

    assert (delivery.state, delivery.error) == (
        DeliveryState.FAILED,
        f"connection refused by 127.0.0.1:{port}",
    )
    assert delivery.tries[0].status is None


async def test_a_receiver_that_never_answers_is_said(home):
    async with (
        Receiver(seen=lambda _: asyncio.Event().wait()).open() as receiver,
        a_courier(timeout_s=0.05) as courier,
    ):
        assert (await tried(home, courier, receiver.url)).error == "timed out after 50ms"


async def test_a_name_server_that_never_answers_is_said(home):
    async def silent(_name, _port):
        await asyncio.Event().wait()

    async with a_courier(Egress(["app"], resolver=silent), timeout_s=0.05) as courier:
        assert (await tried(home, courier, "http://app/")).error == "timed out after 50ms"


async def test_a_name_without_an_address_is_said(home):
    async def unknown(_name, _port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with a_courier(Egress(["app"], resolver=unknown)) as courier:
        assert (await tried(home, courier, "http://app/")).error == "the name 'app' can't be resolved"


async def test_what_egress_refuses_is_said_with_the_remedy_and_not_tried_again(still):
    async with a_courier(Egress()) as courier:
        delivery = await tried(still, courier, "http://127.0.0.1:9/", attempts=5)

    assert (delivery.state, len(delivery.tries), len(still.timers)) == (DeliveryState.FAILED, 1, 0)
    assert delivery.error == (
        "refused by egress: 127.0.0.1:9 is not in any scenario file and was not allowed. "
        "Start the server with --allow-egress 127.0.0.1:9, or write the URL into a scenario file"
    )


async def raw_server(answer):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_connection_that_is_reset_is_said(home, courier):
    async def serve(_reader, writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        delivery = await tried(home, courier, f"http://127.0.0.1:{port}/", body=b"x" * 5_000_000)

    assert delivery.error == f"127.0.0.1:{port} reset the connection"


async def test_a_receiver_without_tls_is_said(home, courier, receiver):
    delivery = await tried(home, courier, f"https://127.0.0.1:{receiver.port}/")

    assert delivery.error.startswith(f"no TLS with 127.0.0.1:{receiver.port}: ")


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (b"", None, "closed the connection without an answer"),
        (b"SSH-2.0-nonsense\r\n\r\n", None, "is not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 200, "the answer broke off"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", 500, "the receiver answered 500"),
    ],
)
async def test_an_answer_that_is_none_is_said(home, courier, answer, status, said):
    server, url = await raw_server(answer)
    async with server:
        delivery = await tried(home, courier, url, body=b"")

    (one,) = delivery.tries
    assert one.status == status
    assert said in (one.error or delivery.error)


async def test_an_answer_that_stops_half_way_counts_by_its_status(home):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, a_courier(timeout_s=0.2) as courier:
        delivery = await tried(home, courier, url, body=b"")

    assert delivery.state is DeliveryState.DELIVERED
    assert delivery.tries[0].error == "the answer began, but did not end in time"


async def test_a_header_that_cannot_stand_on_the_wire_is_said(home, courier, receiver):
    delivery = await tried(home, courier, receiver.url, headers=(("x-a", "1\r\nx-b: 2"),))

    assert delivery.error.startswith("it can't be sent: ")
    assert receiver.got == []
