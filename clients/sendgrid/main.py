"""A mail, by SendGrid's SDK, which has no retries."""

import os
import sys

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

sendgrid = SendGridAPIClient("SG.gallery", host=os.environ["EXTERNAL_API_URL"] + "/sendgrid")
sendgrid.client.timeout = 1
mail = Mail(
    from_email="shop@example.com",
    to_emails="ada@example.com",
    subject="Your order",
    plain_text_content="It is on its way.",
)

try:
    answer = sendgrid.send(mail)
    if answer.status_code != 202:
        raise ValueError(f"not accepted: {answer.status_code}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
