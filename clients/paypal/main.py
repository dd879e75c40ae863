"""An order, by PayPal's SDK with two retries, also of POST, where it has none by default. It fetches a token first. Its host is chosen from a table, in which the mock stands here."""

import os
import sys
import uuid

from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.amount_with_breakdown import AmountWithBreakdown
from paypalserversdk.models.checkout_payment_intent import CheckoutPaymentIntent
from paypalserversdk.models.order_request import OrderRequest
from paypalserversdk.models.purchase_unit_request import PurchaseUnitRequest
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = os.environ["EXTERNAL_API_URL"] + "/paypal"
client = PaypalServersdkClient(
    environment=Environment.SANDBOX,
    client_credentials_auth_credentials=ClientCredentialsAuthCredentials("client-id", "client-secret"),
    timeout=1,
    max_retries=2,
    backoff_factor=0.1,
    retry_methods=["GET", "PUT", "POST"],
)
order = OrderRequest(
    intent=CheckoutPaymentIntent.CAPTURE,
    purchase_units=[PurchaseUnitRequest(amount=AmountWithBreakdown(currency_code="EUR", value="20.00"))],
)

try:
    answer = client.orders.create_order({"body": order, "paypal_request_id": str(uuid.uuid4())})
    if answer.body.status != "CREATED":
        raise ValueError(f"not created: {answer.text}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
