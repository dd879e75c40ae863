"""Three replicas and one store: what one of them is told holds at every other, whatever is killed, stopped or cut."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner

from mockserver import cli
from tests.support.cuts import CuttingProxy
from tests.support.replicas import (
    NEEDS_REDIS,
    Clients,
    RedisServer,
    ReplicaProcess,
    clients,
    free_port,
    replicas,
    store,
)

pytestmark = [NEEDS_REDIS, pytest.mark.slow]

SCENARIO = """
state: {paid: 0}
routes:
  - name: retry
    request: POST /data
    reply: [503, 503, 200]
    then: cycle
  - name: per
    request: POST /per/{key}
    per: path.key
    reply: [503, 503, {text: "{{ path.key }}"}]
  - name: pay
    request: POST /pay
    idempotency: {header: idempotency-key}
    reply:
      status: 201
      json: {id: "{{ uuid() }}"}
      set: {paid: "{{ state.paid + 1 }}"}
      effect: {kind: charge, amount: 5}
  - name: lost
    request: POST /lost
    idempotency: {header: idempotency-key}
    reply:
      status: 201
      json: {id: "{{ uuid() }}"}
      effect: {kind: charge, amount: 5}
  - name: static
    request: GET /static
    reply: {json: {ok: true}}
  - name: slow
    request: GET /slow
    reply: {text: slow, delay: 300ms}
  - name: chunks
    request: GET /chunks
    reply: {chunks: [a, b, c], delay: 20ms}
  - name: stream
    request: GET /stream
    reply: {chunks: [a, {text: b, delay: 2s}]}
  - name: reset
    request: POST /reset
    reply: {fault: reset}
  - name: one
    request: GET /one
    limit: {in_flight: 1}
    reply: {text: one, delay: 1ms}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenarios")
    (path / "shop.yaml").write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[tuple[list[ReplicaProcess], RedisServer]]:
    """Three replicas for tests that break nothing; each test begins with a reset."""
    with store() as redis, replicas(folder, redis.url, 3) as three:
        yield three, redis


@pytest.fixture
async def three(shared: tuple[list[ReplicaProcess], RedisServer]) -> list[ReplicaProcess]:
    async with clients() as client:
        await client.admin(shared[0][0], "POST /reset")
    return shared[0]


async def many(
    client: Clients, three: list[ReplicaProcess], lines: list[str], *, at_once: int = 64
) -> Counter[int]:
    """Ask each line once, by turns of the replicas, so many at once. Return how often each status came."""
    statuses: Counter[int] = Counter()
    left = iter(enumerate(lines))

    async def worker() -> None:
        for number, line in left:
            status, _ = await client.ask(three[number % len(three)], line)
            statuses[status] += 1

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return statuses


async def test_a_sequence_over_three_replicas_is_exact(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        statuses = await many(client, three, ["POST /data"] * 900)
        assert statuses == {503: 600, 200: 300}
        assert [await client.total(replica) for replica in three] == [900] * 3


async def test_each_key_has_its_own_sequence(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        lines = [f"POST /per/{key}" for _ in range(3) for key in range(80)]
        assert await many(client, three, lines) == {503: 160, 200: 80}


async def test_racing_clients_with_one_key_have_one_effect(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        answers = await asyncio.gather(
            *(client.ask(three[i % 3], "POST /pay", key="same") for i in range(200))
        )
        assert len({body for status, body in answers if status == 201}) == 1
        assert {status for status, _ in answers} == {201}
        effects = await client.admin(three[1], "GET /effects")
        assert len(effects["items"]) == 1


async def test_a_lost_answer_is_repeated_at_another_replica(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        trouble = [{"route": "shop/lost", "call": 1, "after": {"fault": "reset"}}]
        await client.admin(three[0], "PUT /troubles", trouble)
        first = await client.ask(three[1], "POST /lost", key="k")
        assert first[0] == 0
        await client.admin(three[2], "DELETE /troubles")
        second = await client.ask(three[0], "POST /lost", key="k")
        assert second[0] == 201
        assert len((await client.admin(three[1], "GET /effects"))["items"]) == 1


async def test_the_same_key_at_once_at_another_replica_is_the_replay(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        for number in range(60):
            first = await client.ask(three[number % 3], "POST /pay", key=f"k{number}")
            again = await client.ask(three[(number + 1) % 3], "POST /pay", key=f"k{number}")
            assert again == first


async def test_a_sequential_client_is_never_two(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        for number in range(60):
            assert (await client.ask(three[number % 3], "GET /one"))[0] == 200


async def test_changes_hold_at_every_replica_at_once(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        for number in range(15):
            a, b, c = three[number % 3], three[(number + 1) % 3], three[(number + 2) % 3]
            scenario = {"routes": [{"name": "new", "request": "GET /new", "reply": {"text": str(number)}}]}
            await client.admin(a, "PUT /scenarios/extra", scenario)
            assert await client.ask(b, "GET /new") == (200, str(number).encode())
            await client.admin(b, "PUT /outage", {"reply": 502})
            assert (await client.ask(c, "GET /new"))[0] == 502
            await client.admin(c, "POST /reset")
            assert (await client.ask(a, "GET /new"))[0] == 404
            assert await client.total(b) == 1


async def test_every_reply_goes_through_another_replica(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        for replica in three:
            assert await client.ask(replica, "GET /slow") == (200, b"slow")
            assert await client.ask(replica, "GET /chunks") == (200, b"abc")
            assert await client.ask(replica, "POST /reset") == (0, b"")
        calls = (await client.admin(three[0], "GET /calls"))["items"]
        assert [call["outcome"] for call in calls] == ["done", "done", "reset"] * 3


async def test_namespaces_are_shared(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        await client.admin(three[0], "POST /namespaces", {"name": "mine"})
        assert await client.status(three[1], "POST /namespaces", {"name": "mine"}) == 409
        for replica in three:
            assert (await client.ask(replica, "POST /@mine/data"))[0] in (503, 200)
        assert (await client.admin(three[2], "GET /@mine/counts"))["total"] == 3
        assert {one["name"] for one in (await client.admin(three[1], "GET /namespaces"))["items"]} == {
            "default",
            "mine",
        }
        await client.admin(three[2], "DELETE /namespaces/mine")
        for replica in three:
            assert (await client.ask(replica, "POST /@mine/data"))[0] == 404


async def test_a_check_waits_for_a_call_at_another_replica(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        check = {"request": "GET /static", "times": 1, "within": "10s"}
        waiting = asyncio.create_task(client.admin(three[2], "POST /verify", check))
        assert (await client.ask(three[1], "GET /static"))[0] == 200
        await waiting


async def test_the_clock_moves_at_every_replica(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        await client.admin(three[0], "POST /clock", {"freeze": "2030-01-01T00:00:00Z"})
        for replica in three:
            assert (await client.admin(replica, "GET /clock"))["now"].startswith("2030-01-01T00:00:00")


async def test_replicas_are_told_of(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        for replica in three:
            async with asyncio.timeout(10):  # each hears of the others with its next heartbeat
                while len((said := await client.admin(replica, "GET /replicas"))["replicas"]) != 3:
                    pass
            assert said["store"]["ready"] is True
            assert await client.status(replica, "GET /health/live") == 200
            assert await client.status(replica, "GET /health/ready") == 200


# Open to every replica


async def until_open(client: Clients, three: list[ReplicaProcess]) -> int:
    """Ask for a constant reply until each replica decides such calls itself. Return how often."""
    asked = 0
    async with asyncio.timeout(60):
        while True:
            await many(client, three, ["GET /static"] * 300)
            before = [await client.relayed(replica) for replica in three]
            await many(client, three, ["GET /static"] * 30)
            asked += 330
            if before == [await client.relayed(replica) for replica in three]:
                return asked


async def test_constant_replies_of_every_replica_are_counted_exactly(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        await until_open(client, three)
        await client.admin(three[1], "POST /reset")
        await many(client, three, ["GET /static"] * 500)
        assert await many(client, three, ["POST /data"] * 30) == {503: 20, 200: 10}
        await many(client, three, ["GET /static"] * 400)
        assert [await client.total(replica) for replica in three] == [930] * 3
        calls = (await client.admin(three[2], "GET /calls?limit=10000"))["items"]
        assert len(calls) == len({call["id"] for call in calls}) == 930
        assert {call["outcome"] for call in calls} == {"done"}


async def test_a_change_holds_at_replicas_that_decided_calls_themselves(three: list[ReplicaProcess]) -> None:
    async with clients() as client:
        for number in range(2):
            await until_open(client, three)
            a, b, c = three[number % 3], three[(number + 1) % 3], three[(number + 2) % 3]
            await client.admin(a, "PUT /outage", {"reply": 502})
            answers = await asyncio.gather(*(client.ask(replica, "GET /static") for replica in (b, c, a)))
            assert [status for status, _ in answers] == [502] * 3
            await client.admin(b, "DELETE /outage")
            assert (await client.ask(c, "GET /static"))[0] == 200


async def test_a_paused_replica_that_decided_calls_answers_nothing_stale(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 2) as (first, second):
        async with clients() as client:
            await client.ask(first, "GET /static")  # the owner from now on
            await until_open(client, [first, second])
            second.send(signal.SIGSTOP)
            asked = asyncio.create_task(client.ask(second, "GET /static"))
            await client.admin(first, "PUT /outage", {"reply": 502})
            second.send(signal.SIGCONT)
            assert (await asked)[0] == 502


@pytest.mark.parametrize("killed", [0, 1], ids=["the owner", "another"])
async def test_calls_that_any_replica_decided_survive_a_killed_one(folder: Path, killed: int) -> None:
    with store() as redis, replicas(folder, redis.url, 3) as three:
        async with clients() as client:
            await client.ask(three[0], "GET /static")
            asked = 1 + await until_open(client, three)
            left = [replica for replica in three if replica is not three[killed]]
            statuses: Counter[int] = Counter()

            async def worker(number: int) -> None:
                for turn in range(100):
                    if number == 0 and turn == 20:
                        three[killed].send(signal.SIGKILL)
                    status, _ = await client.ask(left[(number + turn) % 2], "GET /static")
                    statuses[status] += 1

            await asyncio.gather(*(worker(number) for number in range(8)))
            assert statuses == {200: 800}
            assert [await client.total(replica) for replica in left] == [asked + 800] * 2


# What is killed, stopped and cut


async def test_a_killed_owner_is_replaced_and_nothing_that_was_answered_is_missing(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 3) as three:
        async with clients() as client:
            await client.ask(three[0], "POST /data")  # the owner from now on
            answered: Counter[int] = Counter()
            killed = asyncio.Event()

            async def worker(number: int) -> None:
                for turn in range(60):
                    if number == 0 and turn == 15:
                        three[0].send(signal.SIGKILL)
                        killed.set()
                    status, _ = await client.ask(three[1 + (number + turn) % 2], "POST /data")
                    answered[status] += 1

            open_call = asyncio.create_task(client.ask(three[0], "GET /slow"))
            await asyncio.gather(*(worker(i) for i in range(8)))
            await open_call
            assert killed.is_set()
            assert set(answered) <= {503, 200}
            total = await client.total(three[1])
            counted = (await client.admin(three[2], "GET /counts"))["routes"]["shop/retry"]
            assert counted["calls"] == sum(answered.values()) + 1
            assert counted["statuses"] == {"503": answered[503] + 1, "200": answered[200]}
            assert total >= counted["calls"]
            assert await client.total(three[2]) == total


async def test_webhooks_of_a_killed_owner_are_sent_by_the_next(tmp_path: Path) -> None:
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        came.put_nowait(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "shop.yaml").write_text(
        "routes:\n  - name: pay\n    request: POST /pay\n    reply:\n      status: 201\n"
        f"      webhook: {{url: 'http://127.0.0.1:{port}/hook', delay: 1s, text: paid}}\n"
    )
    try:
        with store() as redis, replicas(tmp_path, redis.url, 2) as (first, second):
            async with clients() as client:
                assert (await client.ask(first, "POST /pay"))[0] == 201
                first.send(signal.SIGKILL)
                async with asyncio.timeout(30):
                    assert await came.get() == b"paid"
                async with asyncio.timeout(30):
                    while (hooks := (await client.admin(second, "GET /webhooks"))["items"])[0][
                        "state"
                    ] != "delivered":
                        pass
                assert [hook["state"] for hook in hooks] == ["delivered"]
                assert came.empty()
    finally:
        await runner.cleanup()


async def test_a_replica_that_was_paused_answers_nothing_stale(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 2) as (first, second):
        async with clients() as client:
            assert (await client.ask(first, "POST /data"))[0] == 503
            first.send(signal.SIGSTOP)
            assert (await client.ask(second, "POST /data"))[
                0
            ] == 503  # held until the namespace is taken over
            assert (await client.ask(second, "POST /data"))[0] == 200
            first.send(signal.SIGCONT)
            assert await client.total(first) == 3
            assert (await client.ask(first, "POST /data"))[0] == 503
            assert await client.total(second) == 4


async def test_a_store_that_is_away_is_told_within_a_second_and_heals(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 2) as two:
        async with clients() as client:
            for replica in two:
                assert (await client.ask(replica, "GET /static"))[0] == 200
            redis.send(signal.SIGSTOP)
            statuses = await asyncio.gather(*(client.ask(replica, "GET /static") for replica in two))
            assert {status for status, _ in statuses} == {503}
            assert all(b"urn:mockserver:store" in body for _, body in statuses)
            assert await client.status(two[0], "GET /health/live") == 200
            assert await client.status(two[0], "GET /health/ready") == 503
            redis.send(signal.SIGCONT)
            for replica in two:
                await client.until_ready(replica)
            assert (await client.ask(two[0], "GET /static"))[0] == 200
            calls = (await client.admin(two[1], "GET /calls"))["items"]
            assert [call["outcome"] for call in calls if call["outcome"] != "lost"] == ["done"] * 3
            assert len(calls) <= 5


async def test_a_store_that_comes_back_empty_begins_anew(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 2) as two:
        async with clients() as client:
            for _ in range(2):
                assert (await client.ask(two[0], "POST /data"))[0] == 503
            redis.stop()
            redis.start()
            for replica in two:
                await client.until_ready(replica)
            async with asyncio.timeout(20):
                while (await client.ask(two[1], "GET /static"))[0] != 200:
                    pass
            assert await client.total(two[0]) == await client.total(two[1]) <= 2
            assert [(await client.ask(two[0], "POST /data"))[0] for _ in range(3)] == [503, 503, 200]
            async with asyncio.timeout(20):
                while len((await client.admin(two[0], "GET /replicas"))["replicas"]) != 2:
                    pass


async def test_a_full_store_is_told_at_every_replica_and_does_nothing(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 2) as two:
        async with clients() as client:
            assert (await client.ask(two[0], "POST /data"))[0] == 503
            for replica in two:
                redis.command("config", "set", "maxmemory", "1")
                status, body = await client.ask(replica, "POST /data")
                assert status == 503
                assert b"The shared store is full" in body
                redis.command("config", "set", "maxmemory", "0")
                assert await client.total(replica) == 1
            assert [(await client.ask(two[1], "POST /data"))[0] for _ in range(2)] == [503, 200]
            assert await client.total(two[0]) == 3


async def test_a_reply_of_another_replica_breaks_if_the_store_stops_in_its_middle(folder: Path) -> None:
    with store() as redis, replicas(folder, redis.url, 2) as (first, second):
        async with clients() as client:
            await client.ask(first, "GET /static")
            async with client.session.get(second.url + "/stream") as reply:
                assert await reply.content.readexactly(1) == b"a"
                redis.send(signal.SIGSTOP)
                with pytest.raises(aiohttp.ClientError):
                    await reply.read()


# What refuses the start


def refused(folder: Path, *options: str) -> str:
    """What a start says that does not come about, in this process: each costs half a second in one of its own."""
    try:
        done = CliRunner().invoke(cli.main, ["serve", str(folder), "--port", "0", *options])
    finally:
        gc.enable()  # as it was before the start
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == 2, done
    assert done.stdout == ""
    return done.stderr


def test_what_can_t_be_joined_is_told_with_the_remedy(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "shop.yaml").write_text(SCENARIO.replace("GET /static", "GET /other"))
    with store("--requirepass", "secret") as redis:
        right = f"redis://:secret@127.0.0.1:{redis.port}/0"
        assert "password" in refused(folder, "--store", redis.url)
        assert "password" in refused(folder, "--store", f"redis://:wrong@127.0.0.1:{redis.port}/0")
        assert "Sentinel is not supported" in refused(folder, "--store", "redis+sentinel://localhost/0")
        assert "redis://host:6379/0" in refused(folder, "--store", "http://localhost")
        assert "can't be reached" in refused(folder, "--store", "redis://127.0.0.1:1/0")
        assert "--state-file" in refused(folder, "--store", right, "--state-file", str(tmp_path / "state"))
        with replicas(folder, right, 1) as (one,):
            said = refused(other, "--store", right)
            assert "shop (shop.yaml)" in said
            assert "--store-adopt" in said
            with replicas(other, right, 1, "--store-adopt") as (adopted,):
                assert "--store-adopt" in refused(folder, "--store", right)
                for each in (one, adopted):
                    each.send(signal.SIGTERM)
                    each.process.wait()
                with replicas(folder, right, 1):  # nobody has other files any more
                    pass
    with store("--maxmemory-policy", "allkeys-lru") as redis:
        assert "noeviction" in refused(folder, "--store", redis.url)
    with store() as redis:
        redis.command("hset", "mockserver:meta", "format", "0")
        assert "--store-prefix" in refused(folder, "--store", redis.url)


# What cuts the network


@pytest.mark.parametrize("cuts", [30])
async def test_cut_connections_lose_and_repeat_nothing(folder: Path, cuts: int) -> None:
    """Connections to the store and between the replicas break again and again, in both directions."""
    chance = random.Random(7)
    ports = [free_port() for _ in range(3)]
    with store() as redis:
        to_store = [CuttingProxy(redis.port, chance, late_s=0.02) for _ in range(3)]
        links = [CuttingProxy(port, chance) for port in ports]
        proxies = [*to_store, *links]
        for proxy in proxies:
            await proxy.start()
        three = []
        try:
            for number in range(3):
                url = f"redis://127.0.0.1:{to_store[number].port}/0"
                options = [
                    "--replica-port",
                    str(ports[number]),
                    "--replica-host",
                    f"127.0.0.1:{links[number].port}",
                ]
                three.append(ReplicaProcess(folder, url, *options))
            for replica in three:
                await asyncio.to_thread(replica.wait)
            async with clients() as client:
                answered: Counter[int] = Counter()
                done = asyncio.Event()

                async def worker(number: int) -> None:
                    turn = number
                    while not done.is_set():
                        turn += 1
                        status, _ = await client.ask(three[turn % 3], "POST /data")
                        answered[status] += 1

                workers = [asyncio.create_task(worker(number)) for number in range(6)]
                while sum(proxy.cuts for proxy in proxies) < cuts:
                    before = sum(answered.values())
                    while sum(answered.values()) < before + 3:
                        await client.ask(three[0], "GET /static")
                    chance.choice(proxies).cut()
                done.set()
                await asyncio.gather(*workers)
                assert set(answered) <= {503, 200}
                kept = (await client.admin(three[1], "GET /calls?limit=10000"))["items"]
                calls = [call for call in kept if call["route"] == "shop/retry"]
                lost = sum(call["outcome"] == "lost" for call in calls)
                counted = (await client.admin(three[2], "GET /counts"))["routes"]["shop/retry"]
                assert counted["calls"] == len(calls)
                # A call that was answered 503 by the server itself may be recorded as lost; all others are recorded once.
                assert answered[200] == counted["statuses"]["200"]
                assert (
                    counted["statuses"]["503"]
                    <= answered[503]
                    <= counted["statuses"]["503"] + lost + answered[503] // 10
                )
                assert sum(answered.values()) >= len(calls)
        finally:
            for replica in three:
                replica.stop()
            for proxy in proxies:
                await proxy.close()
