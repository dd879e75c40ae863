"""What a start of `serve` puts off is done at its first use, as if it had never been put off."""

import os
import ssl
import subprocess
import sys

import pytest

from mockserver import late

ASKS = """
import asyncio, sys
from mockserver import late
with late.imports():
    import mockserver.running
import aiohttp
from aiohttp import connector

async def ask():
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1]) as answer:
        return answer.status

print(type(connector._SSL_CONTEXT_VERIFIED).__name__, type(connector._SSL_CONTEXT_UNVERIFIED).__name__)
try:
    print(asyncio.run(ask()))
except aiohttp.ClientConnectorCertificateError:
    print("untrusted")
"""


@pytest.fixture(autouse=True)
def an_environment_that_stays(monkeypatch):
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "")


@pytest.fixture
def secured(serving, tmp_path):
    """A URL that is asked by TLS, and the file with the authority that it can be trusted by."""
    server = serving("routes: [{request: GET /here, reply: 200}]", tls=True, tls_dir=str(tmp_path / "tls"))
    return f"https://127.0.0.1:{server.address[1]}/here", str(tmp_path / "tls" / "ca.pem")


def asked(url, **environment):
    done = subprocess.run(
        [sys.executable, "-c", ASKS, url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


def test_aiohttps_own_contexts_trust_whom_they_always_did(secured):
    url, ca_file = secured

    assert asked(url, SSL_CERT_FILE=ca_file) == ["_Late", "_Late", "200"]
    assert asked(url, SSL_CERT_FILE=os.devnull, SSL_CERT_DIR=os.devnull) == ["_Late", "_Late", "untrusted"]


@pytest.mark.parametrize(
    "use",
    [
        lambda context: context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a.example"),
        lambda context: context.get_ca_certs(),
        lambda context: context.cert_store_stats(),
    ],
)
def test_a_context_is_a_plain_one_from_its_first_use_on(secured, monkeypatch, use):
    monkeypatch.setenv("SSL_CERT_FILE", secured[1])
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    with late.imports():
        context = ssl.create_default_context()
    assert type(context) is not ssl.SSLContext

    use(context)

    assert type(context) is ssl.SSLContext
    assert context.cert_store_stats() == ssl.create_default_context().cert_store_stats()
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("reader", ["load_default_certs", "set_default_verify_paths"])
def test_a_context_may_be_used_while_things_are_put_off(secured, monkeypatch, reader):
    monkeypatch.setenv("SSL_CERT_FILE", secured[1])
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    with late.imports():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        getattr(context, reader)()

        assert context.cert_store_stats()["x509_ca"] == 1
        assert type(context) is ssl.SSLContext


def test_contexts_made_later_are_as_ever():
    with late.imports():
        pass

    assert type(ssl.create_default_context()) is ssl.SSLContext
    assert "set_default_verify_paths" not in vars(ssl.SSLContext)


def test_what_the_environment_says_of_plugins_stays(monkeypatch):
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "logfire-plugin")
    with late.imports():
        assert os.environ["PYDANTIC_DISABLE_PLUGINS"] == "logfire-plugin"
