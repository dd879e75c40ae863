"""
How clients try again, judged: real ones that do it well, and ones written here that each break a rule.

No client is told anything but the base URL.
"""

import json
import shutil
import subprocess
import threading

import httpx
import openai
import pytest
import requests
import stripe
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

SCENARIO = """
base: /v1
routes:
  - name: create-charge
    request: POST /charges
    reply: [503, 503, {status: 201, json: {id: ch_1, object: charge, status: succeeded}}]
  - name: busy
    request: POST /busy
    reply: [{status: 429, headers: {retry-after: "1"}}, {status: 200, json: {id: "1"}}]
  - name: chat
    request: POST /chat/completions
    reply:
      - {status: 429, headers: {retry-after: "1"}, json: {error: {message: busy}}}
      - {status: 503, headers: {retry-after-ms: "600"}, json: {error: {message: busy}}}
      - status: 200
        json:
          {id: c-1, object: chat.completion, created: 0, model: gpt, choices: [{index: 0, finish_reason: stop, message: {role: assistant, content: hi}}]}
  - name: slow
    request: POST /slow
    reply: {status: 201, delay: 2s, json: {id: "1"}}
"""
KEY = {"Idempotency-Key": "4f1c-aaaa"}


@pytest.fixture
def server(serving):
    return serving({"pay.yaml": SCENARIO})


@pytest.fixture
def judged(server):
    """The problem that `POST /verify` answers of a route and its rules; None where they hold."""

    def verified(route, **rules):
        answer = server.admin.call("POST", "/verify", {"route": route, "attempts": rules})
        return None if answer.status == 200 else answer.json()["detail"]

    return verified


@pytest.fixture
def client(server):
    with httpx.Client(base_url=f"{server.url}/v1", timeout=20) as client:
        yield client


def keys(server, route):
    found = server.admin.get(f"/attempts?route={route}&reveal=true")["items"]
    return [one["key"] for one in found]


# Clients that do it well


@pytest.mark.slow
def test_stripe_keeps_one_key_and_waits_half_a_second_and_more(server, judged):
    http = stripe.RequestsClient()
    client = stripe.StripeClient(
        "sk_test_1234567890abcdef",
        base_addresses={"api": server.url},
        max_network_retries=3,
        http_client=http,
    )
    try:
        charge = client.v1.charges.create({"amount": 2000, "currency": "eur", "source": "tok_visa"})
    finally:
        http.close()

    assert charge.status == "succeeded"
    assert (
        judged(
            "create-charge",
            max=3,
            operations=1,
            gaps={"gte": "400ms"},
            same=["headers.idempotency-key", "body"],
            overlap=False,
        )
        is None
    )
    (operation,) = server.admin.get("/attempts?route=create-charge")["items"]
    assert operation["statuses"] == [503, 503, 201]
    assert operation["final"] == "succeeded"
    assert [one["changed"] for one in operation["tries"]] == [[], [], []]
    assert judged("create-charge", max=2).startswith("create-charge: operation 1 (key=")


@pytest.mark.slow
def test_openai_waits_as_both_kinds_of_retry_after_ask(server, judged):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-test", max_retries=3) as client:
        done = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Hello"}])

    assert done.choices[0].message.content == "hi"
    assert judged("chat", operations=1, max=3, honours="retry-after", same=["body"], overlap=False) is None
    (operation,) = server.admin.get("/attempts?route=chat")["items"]
    assert operation["retry_after"] == "kept"
    assert [one["gap_ms"] is None or one["gap_ms"] >= 550 for one in operation["tries"]] == [True] * 3


@pytest.mark.slow
def test_urllib3_backs_off_ever_longer(server, judged):
    retry = Retry(total=3, backoff_factor=0.3, status_forcelist=[503], allowed_methods=None)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        answer = session.post(f"{server.url}/v1/charges", json={"amount": 5}, timeout=10)

    assert answer.status_code == 201
    assert judged("create-charge", operations=1, max=3, growing=True, same=["body"], overlap=False) is None
    (operation,) = server.admin.get("/attempts?route=create-charge")["items"]
    assert operation["key"] is None
    assert operation["tries"][2]["gap_ms"] >= 550
    # its first retry comes at once
    assert "attempt 2 came" in judged("create-charge", gaps={"gte": "550ms"})


AXIOS = """
const axios = require('axios');
const axiosRetry = require('axios-retry').default;
axiosRetry(axios, {
  retries: 3,
  retryDelay: axiosRetry.exponentialDelay,
  retryCondition: (error) => error.response && error.response.status >= 500,
});
axios.post(process.argv[2] + '/v1/charges', {amount: 5}, {headers: {'Idempotency-Key': 'from-node'}})
  .then((answer) => console.log(JSON.stringify(answer.data)));
"""


@pytest.mark.slow
def test_axios_retry_in_node_keeps_its_key_and_body(server, judged, tmp_path):
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline", "axios@1", "axios-retry@4"]
    installed = subprocess.run(install, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    if installed.returncode:
        pytest.skip("npm could not fetch axios and axios-retry")
    (tmp_path / "buy.js").write_text(AXIOS)

    bought = subprocess.run(
        [node, "buy.js", server.url], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert bought.returncode == 0, bought.stderr
    assert json.loads(bought.stdout)["id"] == "ch_1"
    rules = {"operations": 1, "max": 3, "same": ["headers.idempotency-key", "body"], "overlap": False}
    assert judged("create-charge", gaps={"gte": "100ms"}, **rules) is None
    assert keys(server, "create-charge") == ["from-node"]


# Clients that each break a rule


def test_a_new_key_for_each_try_is_caught_through_the_body(server, client, judged):
    for n in range(3):
        client.post("/charges", json={"amount": 5}, headers={"Idempotency-Key": f"key-{n}"})

    text = judged("create-charge", operations=1, same=["headers.idempotency-key"])
    assert text.splitlines()[0] == (
        "create-charge: operation 1 (key=key-0): attempt 2 changed headers.idempotency-key: "
        'expected "key-0", got "key-1"'
    )
    assert text.splitlines()[1].startswith(
        "create-charge: can't tell whether calls 1 and 2 are one operation: "
    )
    assert [line.split("  ")[-1].strip() for line in text.splitlines()[3:]] == [
        "503",
        "changed headers.idempotency-key",
        "changed headers.idempotency-key",
    ]


def test_a_retry_before_retry_after_is_over_is_caught(client, judged):
    client.post("/busy", json={"amount": 5})
    client.post("/busy", json={"amount": 5})

    (line, *timeline) = judged("busy", honours="retry-after").splitlines()
    assert line.startswith(
        "busy: operation 1: attempt 2 ignored Retry-After: 1: the answer before asked to wait 1 s, it came after 0."
    )
    assert timeline[0] == "  operation 1"
    assert [one.split()[4] for one in timeline[1:]] == ["429", "200"]
    assert timeline[2].endswith("ignored Retry-After: 1")


@pytest.mark.slow
def test_two_tries_at_once_are_caught(server, client, judged):
    first = threading.Thread(target=client.post, args=("/slow",), kwargs={"json": {"a": 1}, "headers": KEY})
    first.start()
    server.admin.post("/verify", {"route": "slow", "times": 1, "within": "10s"})
    client.post("/slow", json={"a": 1}, headers=KEY)
    first.join()

    line = judged("slow", operations=1, overlap=False).splitlines()[0]
    assert line.startswith("slow: operation 1 (key=4f1c-aaa): attempt 2 overlaps: attempt 1 ended ")
    assert line.endswith(" ms after it came")
    assert server.admin.get("/attempts?route=slow")["items"][0]["overlap"] is True
    assert server.admin.get("/counts")["routes"]["pay/slow"]["most_in_flight"] == 2


@pytest.mark.slow
def test_a_client_that_did_not_wait_for_the_answer_is_caught(server, judged):
    with httpx.Client(base_url=f"{server.url}/v1") as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/slow", json={"a": 1}, headers=KEY, timeout=0.2)
        server.closed_call(1)
        client.post("/slow", json={"a": 1}, headers=KEY, timeout=10)

    (operation,) = server.admin.get("/attempts?route=slow")["items"]
    assert [one["outcome"] for one in operation["tries"]] == ["client_left", "done"]
    assert operation["final"] == "succeeded"
    assert judged("slow", max=1).startswith("slow: operation 1 (key=4f1c-aaa): 2 attempts, at most 1 allowed")


@pytest.mark.parametrize(
    ("send", "selector", "said"),
    [
        ("json", "body", ": json.amount: expected 5, got 6"),
        ("json", "json.amount", ": expected 5, got 6"),
        ("data", "body", ': form.amount: expected "5", got "6"'),
        ("data", "form.amount", ': expected "5", got "6"'),
    ],
)
def test_a_body_that_changes_is_caught_through_the_key(client, judged, send, selector, said):
    for amount in ("5", "6"):
        client.post("/charges", headers=KEY, **{send: {"amount": int(amount) if send == "json" else amount}})

    assert judged("create-charge", operations=1, same=[selector]).splitlines()[0] == (
        f"create-charge: operation 1 (key=4f1c-aaa): attempt 2 changed {selector}{said}"
    )


def test_trying_too_often_is_caught_with_the_number(client, judged):
    for _ in range(5):
        client.post("/charges", json={"amount": 5}, headers=KEY)

    line = judged("create-charge", max=3).splitlines()[0]
    assert line == "create-charge: operation 1 (key=4f1c-aaa): 5 attempts, at most 3 allowed"


def test_two_honest_purchases_of_the_same_thing_stay_two(server, judged, client):
    for key in ("first", "second"):
        for _ in range(3):
            if (
                client.post("/charges", json={"amount": 5}, headers={"Idempotency-Key": key}).status_code
                == 201
            ):
                break
        server.admin.post("/reset", {"what": ["positions"]})

    assert judged("create-charge", operations=2, max=3, same=["headers.idempotency-key"]) is None
    assert keys(server, "create-charge") == ["first", "second"]
