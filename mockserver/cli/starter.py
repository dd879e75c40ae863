"""The files that `mockserver init` writes."""

from __future__ import annotations

SCENARIO = """\
# yaml-language-server: $schema=scenario.schema.json
# A payment service with one route. Check changes with: mockserver check
routes:
  - name: create-charge
    request: POST /charges
    # A repeated key gets the first answer again, and nothing is charged twice.
    idempotency: {header: idempotency-key}
    let: {id: "ch_{{ random_string(12) }}"}
    # What really happened at the service, apart from its answer: tests and sweeps compare it.
    effect: {kind: charge, order: "{{ request.json.order }}", amount: "{{ request.json.amount }}"}
    reply: {status: 201, json: {id: "{{ let.id }}"}}
"""

TEST = '''\
"""A test of code that calls a payment service. Run it with: pytest"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest


def pay(url, order, amount):
    """Charge an order and return the id of the charge. Replace this function with an import of your code."""
    key = str(uuid.uuid4())
    body = json.dumps({"order": order, "amount": amount}).encode()
    for _ in range(4):
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        request = urllib.request.Request(f"{url}/charges", body, headers)
        wait_s = 0.1
        try:
            with urllib.request.urlopen(request, timeout=1) as answer:
                return json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            with error:
                wait_s = float(error.headers.get("Retry-After", wait_s))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # no answer, or not a complete one
        time.sleep(wait_s)
    raise RuntimeError("the payment failed")


@pytest.fixture
def service_url(mock_server):
    """The URL of the mock: of this test alone, or of `mockserver run` and `mockserver sweep`."""
    mock_server.load(Path(__file__).parent / "scenarios" / "payments.yaml")
    return os.environ.get("EXTERNAL_API_URL", mock_server.url)


def test_an_order_is_paid(service_url):
    assert pay(service_url, "order-7", 500).startswith("ch_")
'''

TEST_OF_ROUTE = '''\
"""A test that calls the mock. Run it with: pytest"""

import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest


def call(url):
    """Return the status of an answer. Replace this function with an import of your code."""
    request = urllib.request.Request(
        url + {target},
        method={method},
        data={body},
        headers={headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def service_url(mock_server):
    """The URL of the mock: of this test alone, or of `mockserver run` and `mockserver sweep`."""
    mock_server.load(Path(__file__).parent / "scenarios" / {file})
    return os.environ.get("EXTERNAL_API_URL", mock_server.url)


def test_the_service_answers(service_url):
    assert call(service_url) == {status}
'''

COMPOSE = """\
# The mock as a container. Build the image in a clone of mockserver: docker build -t mockserver .
services:
  mock:
    image: ${MOCKSERVER_IMAGE:-mockserver}
    volumes: ["./scenarios:/scenarios:ro"]
    ports: ["127.0.0.1:8080:8080"]
  # Your application finds the mock by this variable:
  # app:
  #   build: .
  #   environment: {EXTERNAL_API_URL: "http://mock:8080"}
  #   depends_on: {mock: {condition: service_healthy}}
"""
