"""
An application as it might stand beside the mock: sends a text message through Twilio's own SDK.

The SDK always calls https://api.twilio.com. Nothing here knows of the mock: which machine that name leads to
is the network's business, and whose certificates are trusted the environment's.
"""

import os
import sys

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client


def main() -> int:
    client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
    try:
        message = client.messages.create(
            to=os.environ.get("SMS_TO", "+491700000000"),
            from_="+491710000000",
            body="Your parcel is on its way.",
        )
    except TwilioRestException as error:
        print(f"not sent: {error.code} {error.msg}", file=sys.stderr)
        return 1
    print(f"message {message.sid} is {message.status}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
