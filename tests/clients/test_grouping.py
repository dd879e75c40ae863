"""
The grouping of real SDKs' calls, compared with the truth: which operation each call belongs to.

Each operation has its number in `baggage`, which the grouping doesn't look at. Requests of one program are equal
but for what its SDK makes anew. The SDKs know nothing but the base URL.
"""

import http.client
import json
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
import openai
import pytest
import requests
import slack_sdk
import stripe
from botocore.config import Config
from requests.adapters import HTTPAdapter
from slack_sdk.http_retry import FixedValueRetryIntervalCalculator
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from urllib3.util import Retry

pytestmark = pytest.mark.slow
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
}
MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
ASKED = [{"role": "user", "content": "Hello"}]
OPERATION = threading.local()


@pytest.fixture(autouse=True)
def _numbered(monkeypatch):
    """Clients over http.client send the operation's number of their thread."""
    plain = http.client.HTTPConnection.endheaders

    def endheaders(connection, *args, **options):
        number = getattr(OPERATION, "number", None)
        if number is not None:
            connection.putheader("baggage", f"operation={number}")
        return plain(connection, *args, **options)

    monkeypatch.setattr(http.client.HTTPConnection, "endheaders", endheaders)


# Each returns a function that makes one operation


def _stripe(url, _, retries):
    client = stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(),
    )
    return lambda: client.v1.charges.create({"amount": 5, "currency": "eur", "source": "tok_visa"})


def _openai(url, number, retries):
    client = openai.OpenAI(
        base_url=f"{url}/v1", api_key="k", max_retries=retries, default_headers=_baggage(number)
    )
    return lambda: client.chat.completions.create(model="m", messages=ASKED)


def _anthropic(url, number, retries):
    import anthropic

    client = anthropic.Anthropic(
        base_url=url, api_key="k", max_retries=retries, default_headers=_baggage(number)
    )
    return lambda: client.messages.create(model="m", max_tokens=5, messages=ASKED)


def _slack(url, _, retries):
    waits = FixedValueRetryIntervalCalculator(fixed_internal=0.1)
    handler = ServerErrorRetryHandler(max_retry_count=retries, interval_calculator=waits)
    client = slack_sdk.WebClient(token="x", base_url=f"{url}/api/", retry_handlers=[handler])
    return lambda: client.chat_postMessage(channel="C", text="Deployed.")


def _aws(service, url, retries):
    config = Config(
        retries={"total_max_attempts": retries + 1, "mode": "standard"}, s3={"addressing_style": "path"}
    )
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="dummy",
        aws_secret_access_key="dummy",
        config=config,
    )


def _s3(url, _, retries):
    client = _aws("s3", url, retries)
    return lambda: client.put_object(Bucket="bucket", Key="key", Body=b"20.00 EUR")


def _dynamodb(url, _, retries):
    client = _aws("dynamodb", url, retries)
    return lambda: client.put_item(TableName="t", Item={"id": {"S": "1"}})


def _requests(url, _, retries, **headers):
    retry = Retry(total=retries, backoff_factor=0.1, status_forcelist=[503], allowed_methods=None)
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=retry))

    def buy():
        session.post(f"{url}/charges", json={"amount": 5}, headers=headers, timeout=10).raise_for_status()

    return buy


def _requests_keyed(url, number, retries):
    return _requests(url, number, retries, **{"Idempotency-Key": str(uuid.uuid4())})


def _httpx_keyed(url, number, retries):
    headers = {**_baggage(number), "X-Idempotency-Key": str(uuid.uuid4())}

    def buy():
        for left in reversed(range(retries + 1)):
            answer = httpx.post(f"{url}/charges", json={"amount": 5}, headers=headers)
            if answer.is_success or not left:
                return answer.raise_for_status()
        return None

    return buy


def _baggage(number):
    return {"baggage": f"operation={number}"}


@dataclass(frozen=True)
class Program:
    """`evidence`: each operation has a key or an id of its own, so that equal ones at once are told apart too."""

    make: Any
    request: str
    success: dict[str, Any]
    evidence: bool
    failure: dict[str, Any]


BUSY = {"status": 503, "headers": {"retry-after-ms": "100"}}
THROTTLED = {
    "status": 400,
    "headers": {"content-type": "application/x-amz-json-1.0"},
    "json": {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"},
}
AMZ_JSON = {"headers": {"content-type": "application/x-amz-json-1.0"}, "json": {}}
PROGRAMS = {
    "stripe": Program(_stripe, "POST /v1/charges", {"json": {"id": "c", "object": "charge"}}, True, BUSY),
    "openai": Program(_openai, "POST /v1/chat/completions", {"json": CHAT}, False, BUSY),
    "anthropic": Program(_anthropic, "POST /v1/messages", {"json": MESSAGE}, False, BUSY),
    "slack": Program(_slack, "POST /api/chat.postMessage", {"json": {"ok": True}}, False, BUSY),
    "s3": Program(_s3, "PUT /bucket/key", {"headers": {"etag": '"x"'}}, True, BUSY),
    "dynamodb": Program(_dynamodb, "POST /", AMZ_JSON, True, THROTTLED),
    "requests": Program(_requests, "POST /charges", {"status": 201}, False, BUSY),
    "requests-keyed": Program(_requests_keyed, "POST /charges", {"status": 201}, True, BUSY),
    "httpx-keyed": Program(_httpx_keyed, "POST /charges", {"status": 201}, True, BUSY),
}
COUNTED = {"openai", "anthropic"}
"""These begin their retry counter anew with each operation."""


@pytest.fixture
def served(serving):
    """A server that answers a program's request with these replies; `per` operation, or in all."""

    def started(program, *replies, per=None):
        route = {"name": "it", "request": program.request, "reply": list(replies)}
        return serving(json.dumps({"routes": [route | ({"per": per} if per else {})]}))

    return started


def make(number, operation):
    """Make an operation; an SDK that gives up raises one error or another."""
    OPERATION.number = number
    try:
        operation()
    except Exception as error:  # noqa: BLE001  (each SDK has errors of its own)
        return error
    finally:
        OPERATION.number = None
    return None


def operations(server):
    return server.admin.get("/attempts?reveal=true&limit=1000")["items"]


def groups(server):
    return sorted(sorted(one["call"] for one in operation["tries"]) for operation in operations(server))


def truth(server):
    """The calls of each operation, as its number in `baggage` says."""
    calls = defaultdict(list)
    for call in server.admin.get("/calls?reveal=true&limit=1000")["items"]:
        headers = {name.lower(): value for name, value in call["request"]["headers"]}
        calls[headers["baggage"]].append(call["id"])
    return sorted(sorted(ids) for ids in calls.values())


def sizes(found):
    return sorted(len(calls) for calls in found)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_retry_that_succeeds_is_one_operation(served, name):
    program = PROGRAMS[name]
    server = served(program, program.failure, program.success)

    assert make(1, program.make(server.url, 1, 2)) is None

    assert sizes(truth(server)) == [2]
    assert groups(server) == truth(server)
    (operation,) = operations(server)
    assert operation["certain"]
    assert [one["changed"] for one in operation["tries"]] == [[], []]


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in ("slack", "httpx-keyed")])
def test_a_retry_after_a_broken_connection_is_of_the_same_operation(served, name):
    program = PROGRAMS[name]
    server = served(program, {"fault": "close"}, program.success)

    assert make(1, program.make(server.url, 1, 2)) is None

    assert sizes(truth(server)) == [2]
    assert groups(server) == truth(server)


@pytest.mark.parametrize("name", PROGRAMS)
def test_two_equal_operations_at_once_are_two(served, name):
    program = PROGRAMS[name]
    failure = program.failure | {"delay": "300ms"}  # so that the first attempts are under way at once
    server = served(program, failure, program.success, per="headers.baggage")
    both = [program.make(server.url, number, 2) for number in (1, 2)]
    ready = threading.Barrier(2)
    errors = []

    def run(number, operation):
        ready.wait()
        errors.append(make(number, operation))

    threads = [threading.Thread(target=run, args=(number, both[number - 1])) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == [None, None]
    assert sizes(truth(server)) == [2, 2]
    assert sizes(groups(server)) == [2, 2]
    if program.evidence:
        assert groups(server) == truth(server)
        assert all(operation["certain"] for operation in operations(server))


@pytest.mark.parametrize("name", [name for name in PROGRAMS if PROGRAMS[name].evidence or name in COUNTED])
def test_an_operation_that_gave_up_and_its_repetition_are_two(served, name):
    program = PROGRAMS[name]
    server = served(program, *[program.failure] * 3, program.success)

    assert make(1, program.make(server.url, 1, 1)) is not None
    assert make(2, program.make(server.url, 2, 1)) is None

    assert sizes(truth(server)) == [2, 2]
    assert groups(server) == truth(server)
    assert [operation["repeats"] for operation in operations(server)] == [None, 1]


@pytest.mark.parametrize("name", ["slack", "requests"])
def test_without_key_or_counter_a_repetition_is_told_apart_by_a_selector(served, name):
    program = PROGRAMS[name]
    server = served(program, *[program.failure] * 3, program.success)

    assert make(1, program.make(server.url, 1, 1)) is not None
    assert make(2, program.make(server.url, 2, 1)) is None

    assert sizes(groups(server)) == [4]
    items = server.admin.get("/attempts?by=headers.baggage")["items"]
    assert sorted(sorted(one["call"] for one in item["tries"]) for item in items) == truth(server)
