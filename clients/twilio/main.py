"""A text message, by Twilio's SDK as it comes. Its host is fixed, so an HTTP client of its own kind sends the request elsewhere."""

import os
import sys

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


class Elsewhere(TwilioHttpClient):
    def request(self, method, url, *args, **more):
        mock = os.environ["EXTERNAL_API_URL"] + "/twilio"
        return super().request(method, url.replace("https://api.twilio.com", mock), *args, **more)


client = Client("AC" + 32 * "0", "gallery", http_client=Elsewhere(timeout=1))

try:
    message = client.messages.create(to="+15005550006", from_="+15005550001", body="Your code is 4711")
    if message.status != "queued":
        raise ValueError(f"not queued: {message.status}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
