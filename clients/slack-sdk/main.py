"""A message to a channel, by slack_sdk with three of its retry handlers; by default it has only the one for lost connections."""

import os
import sys

from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

client = WebClient(
    token="xoxb-gallery",
    base_url=os.environ["EXTERNAL_API_URL"] + "/slack/api/",
    timeout=1,
    retry_handlers=[
        ConnectionErrorRetryHandler(max_retry_count=3),
        RateLimitErrorRetryHandler(max_retry_count=3),
        ServerErrorRetryHandler(max_retry_count=3),
    ],
)

try:
    answer = client.chat_postMessage(channel="C0GALLERY", text="Deployed.")
    if not answer["ts"]:
        raise ValueError(f"no time stamp: {answer}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
