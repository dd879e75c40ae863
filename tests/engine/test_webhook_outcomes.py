"""Checks on webhooks: what became of each delivery, when that is settled, and what a failed check shows of it."""

import pytest
from support.calls import WALL_S, World

from mockserver.errors import InvalidInputError
from mockserver.store.delivery import Delivery, DeliveryState, Try
from mockserver.verification.verdict import Standing

PAY = """
routes:
  - {name: pay, request: POST /pay, reply: 200, webhook: {url: "http://app.test/hook"}}
"""


@pytest.fixture
def world(write):
    return World(write(PAY))


@pytest.fixture
def deliver(world):
    def delivered(state, *answers, **facts):
        """An answer is a status, (status, body), or the text of an error."""
        one = Delivery(
            len(world.ns.deliveries) + 1, namespace="default", call="c-000001", route="shop/pay", attempts=3,
            url="http://app.test/hook", body=b"{}", message_id="m", created_s=WALL_S, due_s=WALL_S,
        )  # fmt: skip
        for answer in answers:
            status, body = answer if isinstance(answer, tuple) else (answer, b"")
            got = {"error": status} if isinstance(status, str) else {"status": status, "answer": body}
            one.tries.append(Try(WALL_S, WALL_S, 1.0, **got))
        one.state = DeliveryState(state)
        for name, value in facts.items():
            setattr(one, name, value)
        world.ns.deliveries.add(one)

    return delivered


def test_each_outcome_is_counted_by_itself(world, deliver):
    deliver("delivered", 500, 204)
    deliver("failed", 500, 422)
    deliver("failed", 500, "timed out")
    deliver("failed", "refused", "timed out")
    deliver("failed", error="the webhook could not be made: x")
    deliver("dropped", 500)
    deliver("waiting", 500)
    deliver("sending")

    counts = {"delivered": 1, "refused": 2, "failed": 2, "dropped": 1}
    for outcome, count in counts.items():
        assert world.verdict({"webhooks": {"outcome": outcome}, "times": count}).ok, outcome
    assert world.verdict({"webhooks": {"route": "pay"}, "times": 1}).ok


@pytest.mark.parametrize(
    ("states", "times", "standing"),
    [
        ([], 1, Standing.SHORT),
        (["waiting"], 1, Standing.SHORT),
        (["sending"], {"min": 1}, Standing.SHORT),
        (["delivered"], 1, Standing.FAILED),
        (["dropped"], 1, Standing.FAILED),
        (["failed"], 1, Standing.OK),
        (["failed"], 2, Standing.SHORT),  # another call may bring another webhook
        (["failed", "delivered"], 2, Standing.FAILED),
        (["failed", "waiting"], 2, Standing.SHORT),
        (["delivered", "delivered", "waiting"], 2, Standing.FAILED),
        (["delivered", "waiting", "waiting"], 2, Standing.SHORT),
        (["failed", "failed"], 1, Standing.FAILED),
        (["delivered"], 0, Standing.OK),
        (["failed"], 0, Standing.FAILED),
    ],
)
def test_a_check_waits_while_its_number_can_be_reached_and_fails_once_it_cannot(
    world, deliver, states, times, standing
):
    for state in states:
        deliver(state, *{"failed": [500], "delivered": [200]}.get(state, []))

    assert world.verdict({"webhooks": {"outcome": "refused"}, "times": times}).standing is standing


def test_each_delivery_is_shown_with_its_attempts_and_the_answers(world, deliver):
    deliver("failed", (500, b'{"error":\n  "no   signature"}'), "timed out after 10 s", 422)
    deliver("delivered", 204)
    deliver("waiting", (503, b"later"))
    deliver("waiting")
    deliver("failed", error="the webhook could not be made: 'x' is undefined")
    deliver("dropped", error="taken back by a reset")

    assert world.verdict({"webhooks": {"route": "pay"}, "times": 9}).text == (
        "webhooks of shop/pay: expected 9 webhooks delivered, saw 1\n"
        "  w-000001  failed, refused  POST http://app.test/hook\n"
        '    attempt 1: the receiver answered 500: {"error": "no signature"}\n'
        "    attempt 2: timed out after 10 s\n"
        "    attempt 3: the receiver answered 422\n"
        "  w-000002  delivered  POST http://app.test/hook\n"
        "    attempt 1: the receiver answered 204\n"
        "  w-000003  waiting  POST http://app.test/hook  attempt 2 of 3 is to come (advance the clock, or wait)\n"
        "    attempt 1: the receiver answered 503: later\n"
        "  w-000004  waiting  POST http://app.test/hook  not sent yet (advance the clock, or wait)\n"
        "  w-000005  failed  POST http://app.test/hook  the webhook could not be made: 'x' is undefined\n"
        "  w-000006  dropped  POST http://app.test/hook  taken back by a reset"
    )


def test_long_and_secret_answers_are_cut_and_masked(world, deliver):
    deliver("failed", (500, b"x" * 500), (500, b'{"password": "hunter2", "card": 4242424242424242}'))

    text = world.verdict({"webhooks": {}, "times": 1}).text

    assert f"answered 500: {'x' * 79}…" in text
    assert "hunter2" not in text
    assert "4242424242424242" not in text


def test_of_many_attempts_the_last_are_shown(world, deliver):
    deliver("failed", *[500] * 8)

    text = world.verdict({"webhooks": {}, "times": 1}).text

    assert "… 3 attempts before …" in text
    assert "attempt 3:" not in text
    assert "attempt 8: the receiver answered 500" in text


def test_an_outcome_that_is_none_is_refused(world):
    with pytest.raises(InvalidInputError, match="outcome"):
        world.verdict({"webhooks": {"outcome": "refusd"}})
