"""A charge, by requests with urllib3's Retry of four that takes POST too; as it comes, without retries, with the argument `plain`. Back-off 0.1 s."""

import os
import sys
import uuid

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

session = requests.Session()
if "plain" not in sys.argv:
    retry = Retry(
        total=4, backoff_factor=0.1, status_forcelist=[429, 500, 502, 503, 504], allowed_methods=None
    )
    session.mount("http://", HTTPAdapter(max_retries=retry))

try:
    answer = session.post(
        os.environ["EXTERNAL_API_URL"] + "/plain/charges",
        json={"amount": 2000},
        headers={"idempotency-key": str(uuid.uuid4())},
        timeout=1,
    )
    answer.raise_for_status()
    if answer.json()["status"] != "paid":
        raise ValueError(f"not paid: {answer.text}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
