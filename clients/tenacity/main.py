"""A charge, by httpx under tenacity: four tries on any error at all, and a new idempotency key for each, the mistake that is made most. With the argument `key`, one key for all. Back-off 0.1 s, then twice as long each time."""

import os
import sys
import uuid

import httpx
import tenacity

one_key = str(uuid.uuid4()) if "key" in sys.argv else None


@tenacity.retry(
    stop=tenacity.stop_after_attempt(4), wait=tenacity.wait_exponential(multiplier=0.1), reraise=True
)
def charge():
    answer = httpx.post(
        os.environ["EXTERNAL_API_URL"] + "/plain/charges",
        json={"amount": 2000},
        headers={"idempotency-key": one_key or str(uuid.uuid4())},
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
