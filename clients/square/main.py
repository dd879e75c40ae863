"""A payment, by Square's SDK with its two retries."""

import os
import sys
import uuid

from square import Square

client = Square(token="gallery", base_url=os.environ["EXTERNAL_API_URL"] + "/square", timeout=1)

try:
    answer = client.payments.create(
        source_id="cnon:card-nonce-ok",
        idempotency_key=str(uuid.uuid4()),
        amount_money={"amount": 2000, "currency": "EUR"},
    )
    if answer.payment is None or answer.payment.status != "COMPLETED":
        raise ValueError(f"not completed: {answer}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
