"""A payment, by Adyen's SDK as it comes, with a key. It never tries again. Its hosts are fixed, but each of its services has a base URL that can be set."""

import os
import sys
import uuid

import Adyen

adyen = Adyen.Adyen(xapikey="gallery", platform="test", http_timeout=1)
adyen.checkout.payments_api.baseUrl = os.environ["EXTERNAL_API_URL"] + "/adyen/v72"
payment = {
    "merchantAccount": "Gallery",
    "reference": "order-7",
    "amount": {"currency": "EUR", "value": 2000},
    "paymentMethod": {"type": "scheme", "encryptedCardNumber": "test_4111111111111111"},
    "returnUrl": "https://example.org/done",
}

try:
    result = adyen.checkout.payments_api.payments(payment, idempotency_key=str(uuid.uuid4()))
    if result.message.get("resultCode") != "Authorised":
        raise ValueError(f"not authorised: {result.message}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
