"""A charge, by StripeClient as it comes, but for its time-out of 80 s. It has no retries: stripe.max_network_retries, which is 2, is not for it."""

import os
import sys

from stripe import RequestsClient, StripeClient

client = StripeClient(
    "sk_test_gallery",
    base_addresses={"api": os.environ["EXTERNAL_API_URL"] + "/stripe"},
    http_client=RequestsClient(timeout=1),
)

try:
    charge = client.v1.charges.create({"amount": 2000, "currency": "eur", "source": "tok_visa"})
    if not charge.paid:
        raise ValueError(f"not paid: {charge}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
