"""A charge, by Stripe's module API with three retries. Its back-off of 0.5 s and more can't be shortened."""

import os
import sys

import stripe

stripe.api_key = "sk_test_gallery"
stripe.api_base = os.environ["EXTERNAL_API_URL"] + "/stripe"
stripe.max_network_retries = 3
stripe.default_http_client = stripe.RequestsClient(timeout=1)

try:
    charge = stripe.Charge.create(amount=2000, currency="eur", source="tok_visa")
    if not charge.paid:
        raise ValueError(f"not paid: {charge}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
