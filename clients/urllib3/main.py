"""A charge, by urllib3 with a Retry of four that takes POST too. Back-off 0.1 s."""

import os
import sys
import uuid

import urllib3

retry = urllib3.Retry(
    total=4, backoff_factor=0.1, status_forcelist=[429, 500, 502, 503, 504], allowed_methods=None
)
http = urllib3.PoolManager(retries=retry, timeout=1)

try:
    answer = http.request(
        "POST",
        os.environ["EXTERNAL_API_URL"] + "/plain/charges",
        json={"amount": 2000},
        headers={"idempotency-key": str(uuid.uuid4())},
    )
    if answer.status >= 400:
        raise ValueError(f"answered {answer.status}")
    if answer.json()["status"] != "paid":
        raise ValueError(f"not paid: {answer.data}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
