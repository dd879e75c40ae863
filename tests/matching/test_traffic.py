"""Requests as well-known clients write them, down to their headers."""

import hashlib
import json

import pytest
from support.matching import a_matcher, a_request, multipart

from mockserver.model.http import Request

STRIPE = Request(
    "POST",
    "/v1/payment_intents",
    [
        ("Host", "api.stripe.com"),
        ("Authorization", "Bearer sk_test_123"),
        ("Idempotency-Key", "0b7e1c3a"),
        ("Stripe-Version", "2026-10-28"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ],
    b"amount=2000&currency=usd&automatic_payment_methods[enabled]=true&metadata[order_id]=6735"
    b"&expand[0]=latest_charge&expand[1]=customer&items%5B0%5D%5Bprice_data%5D%5Bproduct_data%5D%5Bname%5D=T-shirt+%28red%29",
)
SQS = Request(
    "POST",
    "/",
    [
        ("Host", "sqs.eu-central-1.amazonaws.com"),
        ("X-Amz-Target", "AmazonSQS.SendMessage"),
        ("Content-Type", "application/x-amz-json-1.0"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260102/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=0"),
    ],
    b'{"QueueUrl":"https://sqs/1/q","MessageBody":"{\\"id\\":7}","DelaySeconds":0}',
)  # fmt: skip
S3 = Request(
    "PUT",
    "/bucket/dir/a%20b.txt?x-id=PutObject",
    [
        ("Host", "s3.amazonaws.com"),
        ("Expect", "100-continue"),
        ("x-amz-content-sha256", hashlib.sha256(b"hello").hexdigest()),
        ("Content-Length", "5"),
    ],
    b"hello",
)
APOLLO = Request(
    "POST",
    "/graphql",
    [("Accept", "application/graphql-response+json, application/json;q=0.9"), ("Content-Type", "application/json")],
    b'{"operationName":"GetOrder","variables":{"id":"7","first":10},"extensions":{"clientLibrary":{"name":"@apollo/client"}},'
    b'"query":"query GetOrder($id: ID!, $first: Int) {\\n  order(id: $id) {\\n    id\\n    lines(first: $first) {\\n      sku\\n      __typename\\n    }\\n    __typename\\n  }\\n}"}',
)  # fmt: skip
DRIVE = Request(
    "POST",
    "/upload/drive/v3/files?uploadType=multipart&alt=json",
    [("Content-Type", 'multipart/related; boundary="===============7330845974216740156=="')],
    multipart(
        ("Content-Type: application/json; charset=UTF-8\r\nMIME-Version: 1.0", b'{"name": "report.pdf", "parents": ["root"]}'),
        ("Content-Type: application/pdf\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary", b"%PDF-1.7\r\n\x00\xff"),
        boundary="===============7330845974216740156==",
    ),
)  # fmt: skip
SLACK = a_request(
    "POST /interactive",
    ("X-Slack-Signature", "v0=abc"),
    form={"payload": json.dumps({"type": "block_actions", "user": {"id": "U1"}})},
)
SOAP = Request(
    "POST",
    "/Calculator.asmx",
    [("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", '"http://tempuri.org/Add"')],
    b'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
    b'xmlns:tns="http://tempuri.org/"><soap:Body><tns:Add><tns:intA>5</tns:intA><tns:intB>3</tns:intB></tns:Add></soap:Body></soap:Envelope>',
)  # fmt: skip

TAKEN = [
    (STRIPE, {
        "headers": {"authorization": {"starts_with": "Bearer sk_test_"}, "idempotency-key": "present"},
        "form": {
            "amount": {"gte": 50}, "currency": "usd", "automatic_payment_methods[enabled]": True, "metadata[order_id]": 6735,
            "expand[1]": "customer", "items[0][price_data][product_data][name]": "T-shirt (red)", "customer": "absent",
        },
    }),
    (SQS, {"headers": {"x-amz-target": "AmazonSQS.SendMessage"}, "json": {"DelaySeconds": 0, "MessageBody": {"$contains": '"id":7'}}}),
    (S3, {"headers": {"expect": "100-continue", "content-length": {"lte": 5}}, "query": {"x-id": "PutObject"}, "text": "hello",
          "body_sha256": hashlib.sha256(b"hello").hexdigest()}),
    (APOLLO, {
        "headers": {"accept": {"contains": "application/graphql-response+json"}},
        "graphql": {
            "operation": "GetOrder", "type": "query", "variables": {"id": "7", "first": {"$lte": 10}},
            "query": "query GetOrder($id: ID!, $first: Int) { order(id: $id) { id lines(first: $first) { sku __typename } __typename } }",
        },
    }),
    (DRIVE, {
        "query": {"uploadType": "multipart"},
        "files": {"0": {"text": {"contains": "report.pdf"}}, "1": {"content_type": "application/pdf", "length": 12}},
    }),
    (SLACK, {"form": {"payload": {"contains": '"block_actions"'}}}),
    (SOAP, {"headers": {"soapaction": {"ends_with": '/Add"'}}, "xml": {"//tns:Add/tns:intA": 5, "//intB": {"gt": 2}}}),
]  # fmt: skip
OTHERS = [
    (STRIPE, {"form": {"metadata[order_id]": 6736}}),
    (SQS, {"headers": {"x-amz-target": "AmazonSQS.ReceiveMessage"}}),
    (S3, {"text": "Hello"}),
    (APOLLO, {"graphql": {"variables": {"id": 7}}}),
    (DRIVE, {"files": {"1": {"content_type": "image/png"}}}),
    (SLACK, {"json": {"type": "block_actions"}}),
    (SOAP, {"xml": {"//intA": 6}}),
]


@pytest.mark.parametrize(("request_", "match"), TAKEN)
def test_what_a_client_sends_is_taken(request_, match):
    assert a_matcher(**match).differences(request_) == []
    assert a_matcher(**match).holds(request_)


@pytest.mark.parametrize(("request_", "match"), OTHERS)
def test_what_is_asked_otherwise_is_not(request_, match):
    assert not a_matcher(**match).holds(request_)
    assert a_matcher(**match).differences(request_)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8", "application/vnd.api+json; ext=x", ""])  # fmt: skip
@pytest.mark.parametrize("content_type", ["application/json", "text/json", "application/vnd.api+json", "application/json; charset=utf-8", "application/x-amz-json-1.1", "text/plain", "application/octet-stream", "", "nonsense;;;="])  # fmt: skip
def test_json_is_json_under_any_accept_and_content_type(accept, content_type):
    request = a_request("POST /", ("Accept", accept), ("Content-Type", content_type), body=b'{"a": 1}')

    assert a_matcher(json={"a": 1}, headers={"accept": {"equals": accept}, "content-type": {"equals": content_type}}).holds(request)  # fmt: skip
    assert not a_matcher(form={"a": "absent"}).holds(request)
