"""Real clients with the mock as their HTTPS proxy, set up by the environment alone: the seed case, and how it is judged."""

import json
import shutil
import subprocess
import sys
import textwrap

import pytest
from click.testing import CliRunner

from mockserver.cli import main

SEED = "host: {host}\nroutes: [{{request: '{line}', expect: 3, reply: [503, 503, {{json: {json}}}]}}]\n"
CLIENTS = {
    "curl": ("api.fixed.example", "GET /data", None, "curl"),
    "requests": (
        "api.fixed.example", "GET /data", None,
        """
        import requests, urllib3
        with requests.Session() as session:
            retry = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0.01)
            session.mount("https://", requests.adapters.HTTPAdapter(max_retries=retry))
            assert session.get("https://api.fixed.example/data").status_code == 200
        """,
    ),
    "httpx": (
        "api.fixed.example", "GET /data", None,
        """
        import httpx
        with httpx.Client() as client:
            assert [client.get("https://api.fixed.example/data").status_code for _ in range(3)] == [503, 503, 200]
        """,
    ),
    "stripe": (
        "api.stripe.com", "POST /v1/charges", {"id": "ch_1", "object": "charge"},
        """
        import os, stripe
        stripe.api_key, stripe.max_network_retries = "sk_test_1", 3
        stripe.ca_bundle_path = os.environ["SSL_CERT_FILE"]
        assert stripe.Charge.create(amount=1, currency="usd").id == "ch_1"
        """,
    ),
    "openai": (
        "api.openai.com", "GET /v1/models", {"object": "list", "data": []},
        """
        import openai
        assert openai.OpenAI(api_key="x", max_retries=2).models.list().data == []
        """,
    ),
    "boto3": (
        "sqs.eu-west-1.amazonaws.com", "POST /", {"QueueUrls": []},
        """
        import boto3
        sqs = boto3.client("sqs", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
        assert sqs.list_queues()["ResponseMetadata"]["RetryAttempts"] == 2
        """,
    ),
    "twilio": (
        "api.twilio.com", "POST /2010-04-01/Accounts/AC1/Messages.json", {"sid": "SM1", "status": "queued"},
        """
        from twilio.base.exceptions import TwilioException
        from twilio.rest import Client

        def send():
            try:
                return Client("AC1", "x").messages.create(to="+15005550006", from_="+15005550006", body="hi").sid
            except TwilioException as error:
                return error.status

        assert [send() for _ in range(3)] == [503, 503, "SM1"]
        """,
    ),
    "adyen": (
        "checkout-test.adyen.com", "POST /{version}/payments", {"pspReference": "P1", "resultCode": "Authorised"},
        """
        import Adyen

        def pay():
            adyen = Adyen.Adyen(xapikey="x", platform="test")
            try:
                return adyen.checkout.payments_api.payments({"reference": "r"}).message["resultCode"]
            except Adyen.exceptions.AdyenError as error:
                return error.status_code

        assert [pay() for _ in range(3)] == [503, 503, "Authorised"]
        """,
    ),
    "node": (
        "api.fixed.example", "GET /data", None,
        """
        const statuses = []
        for (let n = 0; n < 3; n++) statuses.push((await fetch('https://api.fixed.example/data')).status)
        if (statuses.join() !== '503,503,200') throw new Error(statuses.join())
        """,
    ),
}  # fmt: skip


def fetch_uses_the_proxy():
    if shutil.which("node") is None:
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, said.lstrip("v").split(".")[:2])
    return major >= 24 or (major, minor) >= (22, 21)


@pytest.fixture
def run(monkeypatch):
    """`mockserver run FOLDER -- COMMAND` in this process, whose log is pytest's: its exit code, and what it says itself."""
    monkeypatch.setattr("mockserver.logs.set_up", lambda _: None)

    def ended(folder, *command):
        done = CliRunner().invoke(main, ["run", str(folder), "--", *command])
        assert isinstance(done.exception, SystemExit | None), done.exception
        return done.exit_code, done.stderr

    return ended


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIENTS)
def test_an_unmodified_client_retries_through_the_proxy(name, run, write):
    host, line, document, program = CLIENTS[name]
    folder = write(SEED.format(host=host, line=line, json=json.dumps(document or {"success": True})))
    if program == "curl":
        assert shutil.which("curl")
        command = ["curl", "-sSf", "--retry", "3", "--retry-delay", "1", f"https://{host}/data"]
    elif name == "node":
        command = ["node", "--input-type=module", "-e", program]
        if not fetch_uses_the_proxy():
            pytest.skip("the fetch of Node.js uses a proxy of the environment from 22.21 and 24 on")
    else:
        command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)]
    code, said = run(folder, *command)

    assert code == 0, said
    assert f"ok: shop/{line}: expected 3 calls, saw 3" in said


NOT_CALLED = "failed: shop/GET /data: expected 3 calls, saw 0"
CALLS = """
import http.client, os
connection = http.client.HTTPConnection(os.environ["EXTERNAL_API_URL"].removeprefix("http://"))
for path in ("/other", "/data", "/data", "/data"):
    connection.request("GET", path, headers={"Host": "api.fixed.example"})
    connection.getresponse().read()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["-c", "raise SystemExit(7)"], 7, NOT_CALLED),
        (["-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"], 143, NOT_CALLED),
        (["-c", "pass"], 1, NOT_CALLED),
        (["-c", CALLS], 0, "warning: expected no unmatched call, saw 1\n  t+0.000  GET /other  404"),
    ],
)
def test_run_exits_as_its_command_or_by_the_verdict(run, write, command, code, said):
    folder = write(SEED.format(host="api.fixed.example", line="GET /data", json="{}"))
    ended, printed = run(folder, sys.executable, *command)

    assert ended == code
    assert said in printed
