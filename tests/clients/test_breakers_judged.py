"""Circuit breakers and bulkheads of Python and Node, judged under load: each with a setting that keeps the rule, and one that breaks it."""

import asyncio
import contextlib
import datetime as dt
import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import aiobreaker
import httpx
import purgatory
import pybreaker
import pytest

from mockserver import Server, VerificationFailed

pytestmark = pytest.mark.slow
RULE = {"opens_after": 5, "stays_open": "400ms", "probes": 1}
GOOD = {"opens_after": 5, "stays_open_s": 0.4}
NEVER_OPENS = {"opens_after": 100, "stays_open_s": 0.4}
TOO_SHORT = {"opens_after": 5, "stays_open_s": 0.1}
PAUSE_S = 0.03
MOST_CALLS = 200


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


@pytest.fixture
def charges(server):
    """Seven failures, then success."""
    server.reset()
    return server.post("/charges", name="charge").reply(*[503] * 7, 201)


# The clients. Each worker calls until three calls have succeeded, or so many times.


def run_pybreaker(url, opens_after, stays_open_s, workers=1, calls=MOST_CALLS):
    breaker = pybreaker.CircuitBreaker(fail_max=opens_after, reset_timeout=stays_open_s)

    def work():
        done = 0
        with httpx.Client() as client:
            for _ in range(calls):
                with contextlib.suppress(pybreaker.CircuitBreakerError, httpx.HTTPStatusError):
                    breaker.call(lambda: client.post(url).raise_for_status())
                    done += 1
                if done == 3:
                    return
                time.sleep(PAUSE_S)

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()


async def run_async(url, guarded, rejected, workers, calls):
    async with httpx.AsyncClient() as client:

        async def charge():
            (await client.post(url)).raise_for_status()

        async def work():
            done = 0
            for _ in range(calls):
                with contextlib.suppress(rejected, httpx.HTTPStatusError):
                    await guarded(charge)
                    done += 1
                if done == 3:
                    return
                await asyncio.sleep(PAUSE_S)

        await asyncio.gather(*(work() for _ in range(workers)))


def run_aiobreaker(url, opens_after, stays_open_s, workers=1, calls=MOST_CALLS):
    breaker = aiobreaker.CircuitBreaker(
        fail_max=opens_after, timeout_duration=dt.timedelta(seconds=stays_open_s)
    )
    asyncio.run(run_async(url, breaker.call_async, aiobreaker.CircuitBreakerError, workers, calls))


def run_purgatory(url, opens_after, stays_open_s, workers=1, calls=MOST_CALLS):
    breakers = purgatory.AsyncCircuitBreakerFactory(default_threshold=opens_after, default_ttl=stays_open_s)

    async def guarded(charge):
        async with await breakers.get_breaker("charges"):
            await charge()

    asyncio.run(run_async(url, guarded, purgatory.domain.model.OpenedState, workers, calls))


NODE = """
import CircuitBreaker from 'opossum'
import {bulkhead, circuitBreaker, ConsecutiveBreaker, handleAll} from 'cockatiel'
const {url, client, opens_after, stays_open_s, most, calls, workers, pause_s} = JSON.parse(process.argv[2])
const charge = async () => {
  const answer = await fetch(url, {method: 'POST'})
  await answer.text()
  if (!answer.ok) throw new Error(`status ${answer.status}`)
}
const clients = {
  opossum() {
    const breaker = new CircuitBreaker(charge, {
      timeout: false, errorThresholdPercentage: 50, resetTimeout: stays_open_s * 1000, volumeThreshold: opens_after,
    })
    return () => breaker.fire()
  },
  cockatiel() {
    const policy = circuitBreaker(handleAll, {
      halfOpenAfter: stays_open_s * 1000, breaker: new ConsecutiveBreaker(opens_after),
    })
    return () => policy.execute(charge)
  },
}
if (client === 'bulkhead') {
  const policy = bulkhead(most, 100)
  await Promise.all(Array.from({length: 12}, () => policy.execute(charge)))
  process.exit(0)
}
const call = clients[client]()
const work = async () => {
  for (let number = 0, done = 0; number < calls && done < 3; number++) {
    try { await call(); done++ } catch { }
    await new Promise(resolve => setTimeout(resolve, pause_s * 1000))
  }
}
await Promise.all(Array.from({length: workers}, work))
process.exit(0)
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Runs a client of Node with its settings."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("breakers")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "opossum@8", "cockatiel@3"]
    if subprocess.run(install, cwd=folder, capture_output=True, timeout=300, check=False).returncode:
        pytest.skip("npm could not fetch opossum and cockatiel")
    (folder / "client.mjs").write_text(NODE)

    def run(**settings):
        command = [
            node,
            "client.mjs",
            json.dumps({"calls": MOST_CALLS, "workers": 1, "pause_s": PAUSE_S, **settings}),
        ]
        subprocess.run(command, cwd=folder, timeout=60, check=True, capture_output=True)

    return run


@pytest.fixture(
    params=[run_pybreaker, run_aiobreaker, run_purgatory, "opossum", "cockatiel"],
    ids=["pybreaker", "aiobreaker", "purgatory", "opossum", "cockatiel"],
)
def client(request):
    if callable(request.param):
        return request.param
    node = request.getfixturevalue("node")
    return lambda url, **settings: node(url=url, client=request.param, **settings)


def test_a_breaker_as_configured_keeps_the_rule(server, charges, client):
    client(f"{server.url}/charges", **GOOD)

    charges.assert_load(breaker=RULE)
    charges.assert_called(10)


@pytest.mark.parametrize(
    ("settings", "said"),
    [(NEVER_OPENS, "after 5 failures in a row"), (TOO_SHORT, "expected no call for 400ms")],
    ids=["never opens", "too short"],
)
def test_a_breaker_with_a_wrong_setting_breaks_it(server, charges, client, settings, said):
    client(f"{server.url}/charges", **settings)

    with pytest.raises(VerificationFailed, match=f"breaker: c-\\d+ came .*{said}"):
        charges.assert_load(breaker=RULE)


KEEP_ONE_PROBE = {"pybreaker", "opossum", "cockatiel"}


def test_concurrent_workers_are_let_through_one_by_one_or_all_at_once(server, client, request):
    server.reset()
    route = server.post("/down", name="down").reply(status=503, delay="60ms")
    client(f"{server.url}/down", **GOOD, workers=4, calls=30)

    route.assert_load(breaker={**RULE, "probes": 4})
    if request.node.callspec.id in KEEP_ONE_PROBE:
        route.assert_load(breaker=RULE)
    else:
        with pytest.raises(VerificationFailed, match="came while 1 probe had no answer, at most 1 allowed"):
            route.assert_load(breaker=RULE)


def test_a_bulkhead_limits_the_calls_in_progress(server, node):
    server.reset()
    route = server.post("/slow", name="slow").reply(status=201, delay="100ms")
    node(url=f"{server.url}/slow", client="bulkhead", most=4)

    route.assert_load(in_flight={"max": 4})
    with pytest.raises(VerificationFailed, match="in_flight: 4 calls at the same time, at most 3 allowed"):
        route.assert_load(in_flight={"max": 3})
