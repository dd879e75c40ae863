"""A payment, by Mollie's SDK with its three retries, which are for connections that can't be made."""

import os
import sys
import uuid

from mollie.api.client import Client

client = Client(api_endpoint=os.environ["EXTERNAL_API_URL"] + "/mollie", timeout=1)
client.set_api_key("test_gallerygallerygallerygallery")

try:
    payment = client.payments.create(
        {
            "amount": {"currency": "EUR", "value": "20.00"},
            "description": "Order 7",
            "redirectUrl": "https://shop.example/orders/7",
        },
        idempotency_key=str(uuid.uuid4()),
    )
    if not payment.is_open():
        raise ValueError(f"not open: {payment}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
