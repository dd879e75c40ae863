"""An upload to S3, by boto3 with its default retries. Its back-off can't be shortened."""

import os
import sys

import boto3
from botocore.config import Config

s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["EXTERNAL_API_URL"] + "/aws-s3",
    region_name="eu-central-1",
    aws_access_key_id="gallery",
    aws_secret_access_key="gallery",
    config=Config(read_timeout=1, connect_timeout=1, s3={"addressing_style": "path"}),
)
# botocore writes the @ of a namespace's URL as %40, and the mock knows it by @ only.
s3.meta.events.register(
    "before-send.s3", lambda request, **_: setattr(request, "url", request.url.replace("/%40", "/@", 1))
)

try:
    answer = s3.put_object(Bucket="invoices", Key="2026/order-7.txt", Body=b"20.00 EUR")
    if not answer["ETag"]:
        raise ValueError(f"no ETag: {answer}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
