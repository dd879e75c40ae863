"""A charge, by httpx under backoff: four tries on what httpx raises, one key for all. It waits by its own `full_jitter`: anything from nothing to 0.1 s, 0.2 s, 0.4 s."""

import os
import sys
import uuid

import backoff
import httpx

key = str(uuid.uuid4())


@backoff.on_exception(backoff.expo, httpx.HTTPError, max_tries=4, factor=0.1)
def charge():
    answer = httpx.post(
        os.environ["EXTERNAL_API_URL"] + "/plain/charges",
        json={"amount": 2000},
        headers={"idempotency-key": key},
        timeout=1,
    )
    answer.raise_for_status()
    return answer.json()


try:
    made = charge()
    if made["status"] != "paid":
        raise ValueError(f"not paid: {made}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
