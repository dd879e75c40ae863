"""
SDKs whose hosts are built in run unmodified: the name leads to the mock, and the environment trusts its CA.

The example of examples/fixed-hosts runs as it stands, with Twilio's real SDK in a process of its own; in place of
a network alias its resolver is told where two names lead.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import requests
import yaml
from support.papers import issue, trusting

from mockserver.scenarios.yaml.yaml12 import parse

EXAMPLE = Path(__file__).parents[2] / "examples" / "fixed-hosts"
HOSTS = ("api.twilio.com", "checkout-test.adyen.com")

RESOLVER = """
import json, os, socket

where = json.loads(os.environ["LEADS_TO"])
resolve = socket.getaddrinfo


def aliased(host, port, *args, **kwargs):
    if (host, port) in [(name, 443) for name in where["names"]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", tuple(where["address"]))]
    return resolve(host, port, *args, **kwargs)


socket.getaddrinfo = aliased
"""


@pytest.fixture
def server(serving, tmp_path):
    return serving(EXAMPLE / "scenarios", tls=True, tls_port=0, tls_dir=str(tmp_path / "tls"))


@pytest.fixture
def run(server, tmp_path):
    """Runs a program to which the fixed hosts lead to the mock."""
    (tmp_path / "sitecustomize.py").write_text(RESOLVER)

    def started(*command, trust=True, **env):
        leads_to = {"names": HOSTS, "address": server.tls_address}
        own = {"PYTHONPATH": str(tmp_path), "LEADS_TO": json.dumps(leads_to), **environment(), **env}
        if trust:
            own |= {"REQUESTS_CA_BUNDLE": str(tmp_path / "tls" / "ca.pem")}
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            kept.pop(name, None)
        return subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            timeout=60,
            env=kept | own,
            check=False,
        )

    return started


def compose():
    return parse((EXAMPLE / "compose.yaml").read_text())["services"]


def environment():
    return {
        name: value for name, value in compose()["app"]["environment"].items() if name.startswith("TWILIO_")
    }


@pytest.mark.slow
def test_twilios_own_sdk_sends_a_message(server, run):
    done = run(EXAMPLE / "app.py")

    assert done.returncode == 0, done.stderr
    (effect,) = server.admin.get("/effects?reveal=true")["items"]
    assert done.stdout == f"message {effect['sid']} is queued\n"
    assert (effect["kind"], effect["to"]) == ("message", "+491700000000")
    (call,) = server.calls()
    assert call["route"] == "twilio/send-message"
    headers = {name.lower(): value for name, value in call["request"]["headers"]}
    assert headers["host"] == "api.twilio.com"
    assert headers["user-agent"].startswith("twilio-python/")


@pytest.mark.slow
def test_twilios_errors_reach_the_application(server, run):
    done = run(EXAMPLE / "app.py", SMS_TO="+15005550001")

    assert done.returncode == 1
    assert done.stderr.startswith("not sent: 21211 ")
    assert server.admin.get("/effects")["items"] == []


@pytest.mark.slow
def test_without_the_ca_the_sdk_sends_nothing(server, run):
    done = run(EXAMPLE / "app.py", trust=False)

    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert server.calls() == []


def test_the_compose_example_names_what_the_scenarios_name():
    mock, app = compose()["mock"], compose()["app"]
    scenarios = [yaml.safe_load(path.read_text()) for path in (EXAMPLE / "scenarios").iterdir()]
    named = {one["host"]: one for one in scenarios}

    assert set(mock["networks"]["default"]["aliases"]) == set(named) == set(HOSTS)
    assert mock["command"] == ["serve", "--tls", "--tls-port", "443", "--tls-dir", "/tls"]
    assert app["environment"]["REQUESTS_CA_BUNDLE"] == "/tls/ca.pem"
    assert {"tls:/tls"} < set(mock["volumes"])
    assert app["volumes"] == ["tls:/tls:ro"]
    account, token = environment()["TWILIO_ACCOUNT_SID"], environment()["TWILIO_AUTH_TOKEN"]
    assert named["api.twilio.com"]["auth"] == {"basic": {account: token}}


# Other clients


@pytest.fixture
def bundle(server, tmp_path):
    return str(tmp_path / "tls" / "ca.pem")


def test_requests_takes_the_ca_as_a_file(server, bundle):
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{server.app.tls_url}/v71/payments",
            headers={"Host": "checkout-test.adyen.com", "x-api-key": "test-key"},
            json={"amount": {"value": 500, "currency": "EUR"}, "reference": "42"},
            verify=bundle,
        )
    assert answer.json()["resultCode"] == "Authorised"


def test_httpx_takes_the_ca_in_a_context(server):
    with httpx.Client(verify=trusting(server.app.ca_pem), trust_env=False) as client:
        answer = client.post(
            f"{server.app.tls_url}/v71/payments",
            headers={"Host": "checkout-test.adyen.com", "x-api-key": "test-key"},
            json={"amount": {"value": 12300, "currency": "EUR"}},
        )
    assert answer.json()["resultCode"] == "Refused"


def test_httpx_presents_a_certificate(serving, tmp_path):
    ca = issue(tmp_path, "shop-ca", ca=True)
    server = serving(
        "routes: [{request: GET /who, match: {client_cert: {subject: CN=app}}, reply: {text: the app}}]",
        tls=True,
        tls_client_ca=str(ca.cert_file),
    )
    context = trusting(server.app.ca_pem, issue(tmp_path, "app", by=ca))
    with httpx.Client(verify=context, trust_env=False) as client:
        assert client.get(f"{server.app.tls_url}/who").text == "the app"
