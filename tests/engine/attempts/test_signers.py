"""A client that signs each request anew stays the same client; one that shows other credentials may be another."""

import pytest
from support.calls import Calls

from mockserver.attempts import operations

DIGEST = 'Digest username="shop", realm="r", nonce="{}", uri="/", response="{}"'


def attempts_of(first, second, *, status=503):
    calls = Calls()
    calls(0, status=status, headers={"Authorization": first})
    calls(1, headers={"Authorization": second})
    return operations(calls.made)


@pytest.mark.parametrize(
    "signed",
    [
        "SharedKey account:{}",
        "SharedKeyLite account:{}",
        "AWS AKIDEXAMPLE:{}",
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature={}",
        "HMAC-SHA256 SignedHeaders=date&Signature={}&Credential=shop",
        'OAuth oauth_consumer_key="shop", oauth_token="t", oauth_nonce="{}", oauth_signature="{}"',
        'Hawk id="shop", ts="1", nonce="{}", mac="{}"',
        'Signature keyId="shop",algorithm="hmac-sha256",signature="{}"',
        DIGEST.replace("{}", "n", 1),
    ],
)
def test_another_signature_of_the_same_client_leaves_no_doubt(signed):
    (operation,) = attempts_of(signed.replace("{}", "abc="), signed.replace("{}", "xyz="))

    assert operation.size == 2
    assert operation.certain


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Bearer a:1", "Bearer a:2"),
        ("Basic YTox", "Basic YToy"),
        ("SharedKey one:abc=", "SharedKey two:abc="),
        ("AWS AKIDONE:abc=", "AWS AKIDTWO:abc="),
        ('OAuth oauth_consumer_key="one"', 'OAuth oauth_consumer_key="two"'),
        ("sk-first", "sk-second"),
    ],
)
def test_other_credentials_leave_a_doubt(first, second):
    (operation,) = attempts_of(first, second)

    assert not operation.certain
    assert operation.by == "headers.authorization"


def test_a_digest_with_a_new_nonce_repeats_its_401():
    (operation,) = attempts_of(DIGEST.format("old", "x"), DIGEST.format("new", "y"), status=401)

    assert [one.step for one in operation.attempts] == ["unauthorized", None]


def test_a_new_signature_after_a_401_is_another_authorization():
    (operation,) = attempts_of("SharedKey account:abc=", "SharedKey account:xyz=", status=401)

    assert [one.step for one in operation.attempts] == ["unauthorized", None]
