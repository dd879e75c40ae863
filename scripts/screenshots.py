"""
Pictures of the dashboard for README and docs: a server with something to see, clients that retry well and badly.

    scripts/screenshots             writes docs/images/*.png
    scripts/screenshots --load      a minute of 1,000 calls a second with the dashboard open; prints what it cost
    scripts/screenshots --saturate  as many calls as the server can answer, with the dashboard closed and open by turns; needs wrk
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page, async_playwright

PROJECT = Path(__file__).parents[1]
IMAGES = PROJECT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TRIES = """
scenario: payments
base: /v1
routes:
  - name: create-charge
    request: POST /charges
    per: headers.x-client
    reply:
      - {status: 503, headers: {retry-after-ms: "900"}, json: {error: {type: api_error, message: The service is down.}}}
      - {status: 503, headers: {retry-after-ms: "900"}, json: {error: {type: api_error, message: The service is down.}}}
      - {status: 201, json: {id: ch_1, amount: 2000}, effect: {kind: charge, order: "42"}}
  - name: capture
    request: POST /charges/{id}/capture
    reply: [{delay: 5s}, {status: 200, effect: {kind: capture}, json: {captured: true}}]
  - name: refund
    request: POST /refunds
    reply: [{status: 201, fault: reset, effect: {kind: refund}}, {status: 201, effect: {kind: refund}, json: {id: re_1}}]
    webhook: {url: "http://127.0.0.1:9/hooks", json: {type: refund.created}, retry: {backoff: [5s, 5m]}}
"""
LOAD = """
scenario: stock
expect: {load: {budget: {retries: 20%, window: 1s}, optional: true}}
routes:
  - {name: reserve, request: POST /reservations, reply: {status: 201, delay: 20ms}}
"""
ORDERS = """
scenario: orders
description: Orders that are approved, shipped and delivered.
resources:
  - path: /orders
    seed: [{id: "1", total: 2000}, {id: "2", total: 500}, {id: "3", total: 990}]
    machine:
      field: status
      initial: pending
      transitions: {approve: {pending: approved}, reject: {pending: rejected}, ship: {approved: shipped}, deliver: {shipped: delivered}}
"""


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """A server of a folder, in a process of its own: its URL and its process id."""
    command = [sys.executable, "-m", "mockserver", "serve", ".", "--port", "0", "--allow-egress", "127.0.0.1"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=folder)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    found = re.search(r"mock (\S+)", line)
    if found is None:
        raise SystemExit(f"the server did not start: {line}")
    try:
        yield found[1], process.pid
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


async def retries(http: aiohttp.ClientSession, url: str) -> None:
    """Four clients: one does it right, one comes too early, one makes a new key, one hangs up; and some misses."""

    async def charge(client: str, gaps_s: list[float], keys: list[str]) -> None:
        for gap_s, key in zip([0, *gaps_s], keys, strict=True):
            await asyncio.sleep(gap_s)
            headers = {
                "Idempotency-Key": key,
                "X-Client": client,
                "Authorization": "Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            }
            async with http.post(
                f"{url}/v1/charges",
                json={"amount": 2000, "currency": "eur", "client": client},
                headers=headers,
            ) as answer:
                await answer.read()

    async def capture() -> None:
        hurry = aiohttp.ClientTimeout(total=0.8)
        for _ in range(2):
            try:
                async with http.post(
                    f"{url}/v1/charges/ch_1/capture", json={"amount": 2000}, timeout=hurry
                ) as answer:
                    await answer.read()
            except TimeoutError:
                await asyncio.sleep(0.4)

    async def refund() -> None:
        for _ in range(2):
            try:
                async with http.post(
                    f"{url}/v1/refunds", json={"charge": "ch_1"}, headers={"Idempotency-Key": "9b2e41"}
                ) as answer:
                    await answer.read()
            except aiohttp.ClientError:
                await asyncio.sleep(0.5)

    await charge("patient", [0.95, 1.0], ["4f1c-7a90"] * 3)
    await charge("hasty", [0.12, 0.31], ["77d0-b21e"] * 3)
    await charge("forgetful", [0.93, 0.97], ["a1", "b2", "c3"])
    await capture()
    await refund()
    for method, path, body in (("POST", "/v1/charge", {"amount": 2000}), ("GET", "/v1/refunds", None), ("POST", "/orders/1/approve", None),
                               ("POST", "/orders/2/approve", None), ("POST", "/orders/2/ship", None), ("GET", "/orders", None)):  # fmt: skip
        async with http.request(method, url + path, json=body) as answer:
            await answer.read()


async def failed(http: aiohttp.ClientSession, url: str) -> None:
    """Namespaces of tests: one that passed, and one that a failed test kept."""
    for name in ("test_refund", "test_checkout"):
        async with http.post(f"{url}/__admin/namespaces", json={"name": name}) as answer:
            await answer.read()
    for path, key in (
        ("/v1/charges", "a1"),
        ("/v1/charges", "b2"),
        ("/v1/charges", "c3"),
        ("/v1/charge", "d4"),
    ):
        headers = {"Idempotency-Key": key, "X-Client": "checkout"}
        body = {"amount": 2000, "currency": "eur"}
        async with http.post(f"{url}/@test_checkout{path}", json=body, headers=headers) as answer:
            await answer.read()
    async with http.get(f"{url}/@test_refund/data") as answer:
        await answer.read()
    error = (
        "    def test_checkout_survives_an_outage(shop, mock_server):\n        order = shop.checkout(amount=2000)\n"
        ">       assert order.status == 'paid'\nE       AssertionError: assert 'unknown' == 'paid'"
    )
    kept = {"test": "tests/test_checkout.py::test_checkout_survives_an_outage", "error": error}
    async with http.post(f"{url}/__admin/namespaces/test_checkout/keep", json=kept) as answer:
        await answer.read()
    route = {"request": "GET /v1/balance", "reply": {"json": {"available": 2000}}}
    async with http.post(f"{url}/__admin/routes", json=route) as answer:
        await answer.read()
    trouble = [{"route": "payments/create-charge", "before": {"status": 429, "headers": {"retry-after": "1"}}, "times": 2},
               {"route": "payments/refund", "after": {"fault": "reset"}, "call": 3}]  # fmt: skip
    async with http.put(f"{url}/__admin/troubles", json=trouble) as answer:
        await answer.read()


async def storm(http: aiohttp.ClientSession, url: str) -> None:
    """A namespace with an outage, during which every client retries without a limit."""
    async with http.post(f"{url}/__admin/namespaces", json={"name": "load-test"}) as answer:
        await answer.read()
    admin = f"{url}/__admin/@load-test"

    async def operation(number: int) -> None:
        await asyncio.sleep(number * 0.03)
        for _ in range(4):
            headers = {"Idempotency-Key": f"order-{number}"}
            async with http.post(
                f"{url}/@load-test/reservations", json={"item": number}, headers=headers
            ) as answer:
                if answer.status == 201:
                    return
            await asyncio.sleep(0.15)

    async def outage() -> None:
        await asyncio.sleep(1.2)
        async with http.put(f"{admin}/outage", json={"reply": 503}) as answer:
            await answer.read()
        await asyncio.sleep(1.3)
        async with http.delete(f"{admin}/outage") as answer:
            await answer.read()

    await asyncio.gather(outage(), *(operation(number) for number in range(130)))


async def pictures() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = PROJECT / "build" / "pictured"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "payments.yaml").write_text(TRIES)
    (folder / "orders.yaml").write_text(ORDERS)
    (folder / "stock.yaml").write_text(LOAD)
    shutil.copy(PROJECT / "scenarios" / "data.yaml", folder)
    async with serving(folder) as (url, _), chromium() as browser, aiohttp.ClientSession() as http:
        await retries(http, url)
        await failed(http, url)
        for theme in ("light", "dark"):
            page = await opened(browser, url, theme, 1280, 720)
            for name, place in (
                ("calls", "calls"),
                ("call", "calls/c-000003"),
                ("all", "@*/calls"),
                ("failure", "@test_checkout/failure"),
                ("unmatched", "unmatched"),
                ("attempts", "attempts"),
                ("troubles", "troubles"),
                ("scenarios", "scenarios"),
            ):
                await page.evaluate("(place) => { location.hash = `#/${place}` }", place)
                await page.wait_for_timeout(700)
                if name == "scenarios":  # sequences and the machine
                    await page.evaluate(
                        "document.querySelector('[data-scenario=payments]').scrollIntoView({block: 'end'})"
                    )
                await page.screenshot(path=IMAGES / f"{name}-{theme}.png")
        page = await opened(browser, url, "light", 390, 800)
        for name, place in (
            ("calls", "calls"),
            ("attempts", "attempts"),
            ("failure", "@test_checkout/failure"),
        ):
            await page.evaluate("(place) => { location.hash = `#/${place}` }", place)
            await page.wait_for_timeout(700)
            await page.screenshot(path=IMAGES / f"{name}-phone.png")
        await storm(http, url)
        for name, theme, width, height in (
            ("light", "light", 1280, 720),
            ("dark", "dark", 1280, 720),
            ("phone", "light", 390, 800),
        ):
            page = await opened(browser, url, theme, width, height)
            await page.evaluate("() => { location.hash = '#/@load-test/load' }")
            await page.wait_for_selector(".load-picture")
            await page.screenshot(path=IMAGES / f"load-{name}.png")


async def opened(browser: Browser, url: str, theme: Any, width: int, height: int) -> Page:
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = await context.new_page()
    await page.goto(f"{url}/__admin/ui/")
    await page.wait_for_selector(".connection[data-state=live]")
    return page


# What it costs


async def steady(url: str, per_s: int, seconds: float) -> int:
    """So many calls a second, in bursts of 10 ms, over kept connections. How many were answered."""
    done = 0
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def one() -> None:
            nonlocal done
            async with http.post(f"{url}/data") as answer:
                await answer.read()
            done += 1

        began_s, sent = time.monotonic(), 0
        tasks: set[asyncio.Task[None]] = set()
        while (passed_s := time.monotonic() - began_s) < seconds:
            while sent < passed_s * per_s:
                task = asyncio.create_task(one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)
    return done


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


async def spent(pid: int, work: Callable[[], Awaitable[int]]) -> tuple[int, float]:
    """Calls, and microseconds of the server's processor for each."""
    before_s = cpu_s(pid)
    calls = await work()
    return calls, (cpu_s(pid) - before_s) / calls * 1e6


async def load(per_s: int, seconds: float) -> None:
    report: dict[str, Any] = {"asked_per_s": per_s, "seconds": seconds}
    async with serving(PROJECT / "scenarios") as (url, pid), chromium() as browser:
        await steady(url, per_s, 3)
        report["closed"] = dict(
            zip(
                ("calls", "server_us_each"),
                await spent(pid, lambda: steady(url, per_s, seconds)),
                strict=True,
            )
        )
        page = await opened(browser, url, "light", 1280, 800)
        report["server_mb_before"] = resident_mb(pid)
        clicks: list[float] = []

        async def clicking() -> None:
            while True:
                await asyncio.sleep(1)
                clicks.append(await page.evaluate(CLICK))

        clicker = asyncio.create_task(clicking())
        report["open"] = dict(
            zip(
                ("calls", "server_us_each"),
                await spent(pid, lambda: steady(url, per_s, seconds)),
                strict=True,
            )
        )
        clicker.cancel()
        await page.wait_for_timeout(1000)
        report["click_ms"] = {
            "worst": max(clicks),
            "median": sorted(clicks)[len(clicks) // 2],
            "clicks": len(clicks),
        }
        report["shown"] = await page.inner_text(".toolbar .quiet[role=status]")
        report["missed"] = await page.inner_text(".missed") if await page.is_visible(".missed") else ""
        report["server_mb_after"] = resident_mb(pid)
        report["page_heap_mb"] = await page.evaluate("performance.memory.usedJSHeapSize / 1e6")
        report["own_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(report, indent=2))


FASTEST = "routes: [{request: GET /static, reply: {json: {ok: true}}}]"
ROUNDS = 9
ROUND_S = 2


@asynccontextmanager
async def full_speed(url: str) -> AsyncIterator[None]:
    """As many calls as one thread of wrk gets answered, meanwhile."""
    command = ["wrk", "-t1", "-c32", "-d1h", f"{url}/static"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def counted(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(f"{url}/__admin/counts") as answer:
        total: int = (await answer.json())["total"]
        return total


@asynccontextmanager
async def following(url: str) -> AsyncIterator[None]:
    """Somebody who reads the stream and does nothing with it, beside the browser the cheapest there is."""
    command = ["curl", "-sN", "-o", "/dev/null", f"{url}/__admin/calls/stream?brief=true"]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def saturate() -> None:
    """
    By turns, since the machine's speed changes: nobody there, a follower of the stream, the dashboard. Browser and
    wrk share a processor, so what is compared is what the server spends for each call: where it has nothing else
    to do its throughput is the inverse.
    """
    others = set(range(1, os.cpu_count() or 1)) or {0}
    os.sched_setaffinity(0, others)  # wrk and the browser too: the first processor is the server's
    folder = PROJECT / "build" / "saturated"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fast.yaml").write_text(FASTEST)
    turns = ("closed", "followed", "open")
    cost_us: dict[str, list[float]] = {turn: [] for turn in turns}
    per_s: dict[str, list[float]] = {turn: [] for turn in turns}
    said = ""
    async with serving(folder) as (url, pid), chromium() as browser, aiohttp.ClientSession() as http:
        os.sched_setaffinity(pid, {0})
        page = await opened(browser, url, "light", 1280, 800)

        async def meanwhile() -> int:
            before = await counted(http, url)
            await asyncio.sleep(ROUND_S)
            return await counted(http, url) - before

        async with full_speed(url):
            for number in range(ROUNDS * len(turns)):
                turn = turns[number % len(turns)]
                await page.goto(f"{url}/__admin/ui/" if turn == "open" else "about:blank")
                async with following(url) if turn == "followed" else nullcontext():
                    await page.wait_for_timeout(2000)
                    calls, us = await spent(pid, meanwhile)
                    cost_us[turn].append(us)
                    per_s[turn].append(calls / ROUND_S)
                if turn == "open":
                    said = await page.inner_text(".missed")
    middle = {turn: statistics.median(values) for turn, values in cost_us.items()}
    ratios = {
        turn: [beside / alone for beside, alone in zip(cost_us[turn], cost_us["closed"], strict=True)]
        for turn in turns[1:]
    }
    report = {
        "server_us_each": middle,
        "calls_per_s": {turn: statistics.median(values) for turn, values in per_s.items()},
        "rounds": cost_us,
        "of_a_processor": {
            turn: f"{(middle[turn] - middle['closed']) * statistics.median(per_s[turn]) / 1e6:.1%}"
            for turn in turns[1:]
        },
        "lost": {turn: f"{1 - 1 / statistics.median(values):.1%}" for turn, values in ratios.items()},
        "page_said": said,
    }
    print(json.dumps(report, indent=2))


CLICK = """() => new Promise((done) => {
    const rows = [...document.querySelectorAll('.grid-rows [data-call]:not([hidden])')];
    const row = rows[Math.floor(rows.length / 2)];
    const began = performance.now();
    const wanted = row.dataset.call;
    row.click();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""
"""From the click to when the frame that answers it is painted: the row is marked and the pane is open."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--saturate", action="store_true")
    parser.add_argument("--per-s", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    if options.saturate:
        asyncio.run(saturate())
    else:
        asyncio.run(load(options.per_s, options.seconds) if options.load else pictures())
