"""A message to a queue of SQS, by boto3 with its default retries; to a FIFO queue, with a MessageDeduplicationId, with the argument `fifo`."""

import os
import sys
import uuid

import boto3
from botocore.config import Config

sqs = boto3.client(
    "sqs",
    endpoint_url=os.environ["EXTERNAL_API_URL"] + "/aws-sqs",
    region_name="eu-central-1",
    aws_access_key_id="gallery",
    aws_secret_access_key="gallery",
    config=Config(read_timeout=1, connect_timeout=1),
)
queue = "https://sqs.eu-central-1.amazonaws.com/000000000000/orders"
fifo = "fifo" in sys.argv

try:
    if fifo:
        key = str(uuid.uuid4())
        answer = sqs.send_message(
            QueueUrl=queue + ".fifo", MessageBody="order 7", MessageGroupId="7", MessageDeduplicationId=key
        )
    else:
        answer = sqs.send_message(QueueUrl=queue, MessageBody="order 7")
    if not answer["MessageId"]:
        raise ValueError(f"no id: {answer}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
