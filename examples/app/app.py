"""
An application as it might stand beside the mock: charges a card through a payment service.

Retries what a payment service says to retry, with one Idempotency-Key for all attempts, so that a
charge is made once however often it is asked for. Knows of the mock only by EXTERNAL_API_URL.
"""

import itertools
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

ATTEMPTS = 5
FIRST_PAUSE_S = 0.2
RETRIED = {429, 500, 502, 503, 504}


def charge(base_url: str) -> tuple[dict[str, object], int]:
    """Gives the service's answer and the number of attempts; OSError where it refused or can't be reached."""
    request = urllib.request.Request(
        base_url.rstrip("/") + "/v1/charges",
        data=b"amount=2000&currency=eur&source=tok_visa",
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    for attempt in itertools.count(1):
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer), attempt
        except OSError as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code not in RETRIED
            if refused or attempt == ATTEMPTS:
                raise
            print(f"attempt {attempt}: {error}; trying again", flush=True)
        time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
    raise AssertionError("unreachable: the last attempt returns or raises")


def main() -> int:
    try:
        answer, attempts = charge(os.environ["EXTERNAL_API_URL"])
    except OSError as error:
        print(f"charge failed: {error}", file=sys.stderr)
        return 1
    print(f"charge {answer.get('id')} made at attempt {attempts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
