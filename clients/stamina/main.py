"""A charge, by httpx under stamina: four tries on any HTTP error, as its README does. Back-off from 0.1 s up, with a jitter of up to 1 s."""

import os
import sys
import uuid

import httpx
import stamina


@stamina.retry(on=httpx.HTTPError, attempts=4)
def charge(key):
    answer = httpx.post(
        os.environ["EXTERNAL_API_URL"] + "/plain/charges",
        json={"amount": 2000},
        headers={"idempotency-key": key},
        timeout=1,
    )
    answer.raise_for_status()
    return answer.json()


stamina.instrumentation.set_on_retry_hooks([])

try:
    made = charge(str(uuid.uuid4()))
    if made["status"] != "paid":
        raise ValueError(f"not paid: {made}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
