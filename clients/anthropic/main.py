"""A message, by Anthropic's SDK with its two retries; as a stream with the argument `stream`. Back-off from 0.5 s up, not to be shortened."""

import os
import sys

from anthropic import Anthropic

client = Anthropic(
    api_key="sk-ant-gallery", base_url=os.environ["EXTERNAL_API_URL"] + "/anthropic", timeout=1
)
asked = {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}

try:
    if "stream" in sys.argv:
        with client.messages.stream(**asked) as stream:
            text = "".join(stream.text_stream)
    else:
        text = client.messages.create(**asked).content[0].text
    if text != "Hello from the mock.":
        raise ValueError(f"another answer: {text!r}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
