"""A chat completion, by OpenAI's SDK with its two retries; as a stream with the argument `stream`. Back-off from 0.5 s up, not to be shortened."""

import os
import sys

from openai import OpenAI

client = OpenAI(api_key="sk-gallery", base_url=os.environ["EXTERNAL_API_URL"] + "/openai/v1", timeout=1)
messages = [{"role": "user", "content": "Say hello."}]

try:
    if "stream" in sys.argv:
        chunks = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    else:
        text = (
            client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
        )
    if text != "Hello from the mock.":
        raise ValueError(f"another answer: {text!r}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
