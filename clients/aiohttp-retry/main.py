"""A charge, by aiohttp-retry: four tries where the status is 500 or more, which is its default; exceptions are none of it. Back-off 0.2 s, then twice as long each time."""

import asyncio
import os
import sys
import uuid

import aiohttp
from aiohttp_retry import ExponentialRetry, RetryClient


async def charge():
    async with (
        RetryClient(
            retry_options=ExponentialRetry(attempts=4, start_timeout=0.1),
            timeout=aiohttp.ClientTimeout(sock_read=1),
            raise_for_status=True,
        ) as client,
        client.post(
            os.environ["EXTERNAL_API_URL"] + "/plain/charges",
            json={"amount": 2000},
            headers={"idempotency-key": str(uuid.uuid4())},
        ) as answer,
    ):
        return await answer.json()


try:
    made = asyncio.run(charge())
    if made["status"] != "paid":
        raise ValueError(f"not paid: {made}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
