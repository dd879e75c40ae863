"""Signatures as the receivers' own libraries judge them; where the vendor has none, by the vendor's page."""

import base64
import hashlib
import hmac
import json
import time

import pytest
import standardwebhooks
import stripe
from pydantic import ValidationError
from slack_sdk.signature import Clock, SignatureVerifier

from mockserver.responses.signing import sign, tampered
from mockserver.schema.webhook import SignSpec

BODY = '{"id": "evt_1", "object": "event", "data": {"name": "Zoë"}}'.encode()
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMED_FAULTS = ["expired", "wrong_key", "tampered"]
TIMELESS_FAULTS = ["wrong_key", "tampered"]


def signed(scheme, secret="s3cret", now_s=None, body=BODY, **more):
    spec = SignSpec(scheme=scheme, secret=secret, **more)
    return sign(spec, body, int(time.time()) if now_s is None else now_s, "msg_1")


def stripe_accepts(answer, secret="whsec_test"):
    try:
        stripe.Webhook.construct_event(answer.body, dict(answer.headers)["Stripe-Signature"], secret)
    except stripe.SignatureVerificationError:
        return False
    return True


def slack_accepts(answer, secret="s3cret"):
    return SignatureVerifier(secret, Clock()).is_valid_request(answer.body, dict(answer.headers))


def standard_accepts(answer, secret=STANDARD_SECRET):
    try:
        standardwebhooks.Webhook(secret).verify(answer.body, dict(answer.headers))
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def github_accepts(answer, secret="s3cret"):
    expected = "sha256=" + hmac.new(secret.encode(), answer.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(dict(answer.headers)["X-Hub-Signature-256"], expected)


def test_the_stripe_sdk_accepts_a_signature():
    assert stripe_accepts(signed("stripe", "whsec_test"))


@pytest.mark.parametrize("fault", TIMED_FAULTS)
def test_the_stripe_sdk_refuses_each_faulty_one(fault):
    assert not stripe_accepts(signed("stripe", "whsec_test", fault=fault))


def test_the_stripe_signature_is_over_the_exact_bytes():
    answer = signed("stripe", "whsec_test")

    respaced = json.dumps(json.loads(answer.body)).encode()
    header = dict(answer.headers)["Stripe-Signature"]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(respaced, header, "whsec_test")


def test_the_slack_verifier_accepts_a_signature():
    assert slack_accepts(signed("slack"))


@pytest.mark.parametrize("fault", TIMED_FAULTS)
def test_the_slack_verifier_refuses_each_faulty_one(fault):
    assert not slack_accepts(signed("slack", fault=fault))


@pytest.mark.parametrize(
    "secret", [STANDARD_SECRET, STANDARD_SECRET.removeprefix("whsec_"), "whsec_c2VjcmV0MQ"]
)
def test_the_standard_webhooks_verifier_accepts_a_signature(secret):
    assert standard_accepts(signed("standard", secret), secret)


@pytest.mark.parametrize("fault", TIMED_FAULTS)
def test_the_standard_webhooks_verifier_refuses_each_faulty_one(fault):
    assert not standard_accepts(signed("standard", STANDARD_SECRET, fault=fault))


def test_a_standard_signature_carries_the_message_id_that_it_was_handed():
    assert dict(signed("standard", STANDARD_SECRET).headers)["webhook-id"] == "msg_1"


def test_the_github_signature_is_the_one_of_githubs_own_example():
    answer = signed("github", "It's a Secret to Everybody", body=b"Hello, World!")

    assert answer.headers == (
        ("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
    )


@pytest.mark.parametrize("fault", TIMELESS_FAULTS)
def test_a_faulty_github_signature_does_not_verify(fault):
    assert github_accepts(signed("github"))
    assert not github_accepts(signed("github", fault=fault))


def test_a_plain_hmac_is_hex_sha256_in_x_signature():
    expected = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()

    assert signed("hmac").headers == (("x-signature", expected),)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_a_plain_hmac_takes_header_algorithm_and_encoding(algorithm):
    answer = signed("hmac", header="X-My-Sign", algorithm=algorithm, encoding="base64")

    expected = base64.b64encode(hmac.new(b"s3cret", BODY, algorithm).digest()).decode()
    assert answer.headers == (("X-My-Sign", expected),)


@pytest.mark.parametrize("scheme", ["stripe", "github", "slack", "hmac"])
def test_without_a_fault_the_body_goes_out_as_it_is(scheme):
    assert signed(scheme).body is BODY


@pytest.mark.parametrize("scheme", ["stripe", "slack"])
def test_only_the_stamp_of_an_expired_signature_is_old(scheme):
    fresh, expired = signed(scheme, now_s=1_000_000 - 3600), signed(scheme, now_s=1_000_000, fault="expired")

    assert expired == fresh


@pytest.mark.parametrize("body", [b'{"a": 1}', b"{}", b'{"a": {"b": 2}}\n', b"{ }"])
def test_a_json_object_tampered_with_is_still_one(body):
    assert json.loads(tampered(body)) == {**json.loads(body), "tampered": True}


@pytest.mark.parametrize("body", [b"", b"a=1", b"[1]"])
def test_any_other_body_tampered_with_is_another(body):
    assert tampered(body) != body


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"scheme": "strype"}, "'strype' is no signature scheme"),
        ({"scheme": "github", "fault": "expired"}, "github has no time to expire"),
        ({"scheme": "hmac", "fault": "expired"}, "hmac has no time to expire"),
        ({"scheme": "hmac", "fault": "expire"}, "'expire' is no fault of a signature"),
        ({"scheme": "stripe", "header": "x-a"}, "stripe has its own `header`"),
        ({"scheme": "slack", "algorithm": "sha1", "encoding": "hex"}, "its own `algorithm` and `encoding`"),
        ({"scheme": "hmac", "algorithm": "md5"}, "'md5' is no algorithm"),
        ({"scheme": "hmac", "header": "a b"}, "'a b' is not a valid header name"),
        ({"scheme": "standard", "secret": "whsec_%%"}, "'whsec_%%' is not valid Base64"),
        ({"scheme": "standard", "secret": "whsec_"}, "the secret is empty"),
    ],
)
def test_a_sign_spec_says_what_is_wrong(written, said):
    with pytest.raises(ValidationError) as caught:
        SignSpec(**{"secret": "s", **written})

    assert said in str(caught.value)


def test_a_secret_that_is_a_template_is_not_read_as_base64():
    assert SignSpec(scheme="standard", secret="{{ vars.secret }}").secret == "{{ vars.secret }}"
