"""A sale, by Braintree's SDK, which has no retries. Its host and port can be set, its path can't, so the path stands behind the port."""

import os
import sys

import braintree

host, _, behind = os.environ["EXTERNAL_API_URL"].removeprefix("http://").partition(":")
mock = braintree.Environment("mock", host, behind + "/braintree", "", is_ssl=False, ssl_certificate=None)
gateway = braintree.BraintreeGateway(
    braintree.Configuration(
        mock, merchant_id="gallery", public_key="public", private_key="private", timeout=1
    )
)

try:
    made = gateway.transaction.sale({"amount": "20.00", "payment_method_nonce": "fake-valid-nonce"})
    if not made.is_success or made.transaction.status != "authorized":
        raise ValueError(f"not authorized: {made}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
