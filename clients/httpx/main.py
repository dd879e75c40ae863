"""A charge, by httpx with a transport of three retries, which are for connections that can't be made."""

import os
import sys
import uuid

import httpx

try:
    with httpx.Client(transport=httpx.HTTPTransport(retries=3), timeout=1) as client:
        answer = client.post(
            os.environ["EXTERNAL_API_URL"] + "/plain/charges",
            json={"amount": 2000},
            headers={"idempotency-key": str(uuid.uuid4())},
        )
    answer.raise_for_status()
    if answer.json()["status"] != "paid":
        raise ValueError(f"not paid: {answer.text}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
