"""A charge, by aiohttp as it comes, with its total time-out set to 1 s; with the argument `put`, by PUT, which it may send again by itself."""

import asyncio
import os
import sys
import uuid

import aiohttp


async def charge():
    url, key = os.environ["EXTERNAL_API_URL"] + "/plain/charges", str(uuid.uuid4())
    method, url = ("PUT", f"{url}/{key}") if "put" in sys.argv else ("POST", url)
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1), raise_for_status=True) as session,
        session.request(method, url, json={"amount": 2000}, headers={"idempotency-key": key}) as answer,
    ):
        return await answer.json()


try:
    made = asyncio.run(charge())
    if made["status"] != "paid":
        raise ValueError(f"not paid: {made}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
