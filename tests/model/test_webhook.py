"""What an author may write under `webhook`, and what is said of mistakes."""

import pytest
from pydantic import Field, TypeAdapter

from mockserver.errors import InvalidInputError
from mockserver.scenarios.flaws import parse_spec
from mockserver.schema.base import Spec
from mockserver.schema.webhook import Webhooks, WebhookSpec
from mockserver.store.delivery import Delivery, Try

URL = "http://app:8000/hooks"


class Holder(Spec):
    webhook: Webhooks = Field(default=[])


def webhook(**keys):
    return parse_spec(WebhookSpec, {"url": URL, **keys})


def flaws(**keys):
    with pytest.raises(InvalidInputError) as caught:
        webhook(**keys)
    return [str(flaw) for flaw in caught.value.flaws]


def held(value):
    return parse_spec(Holder, {"webhook": value}).webhook


def test_a_url_is_enough():
    spec = webhook()

    assert (spec.method, spec.delay_s, spec.attempts, spec.repeat, spec.before) == ("POST", 0.0, 1, 1, False)
    assert spec.body_kind is None


@pytest.mark.parametrize(
    "url", ["{{ vars.callback }}", "https://[::1]:8/x?y=1", "http://{{ request.host }}/", "${HOOK:-x}"]
)
def test_a_url_may_be_a_template(url):
    assert webhook(url=url).url == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("app:8000/hooks", "is not an http or https URL"),
        ("ftp://app/", "is not an http or https URL"),
        ("http:///hooks", "is not an http or https URL"),
        ("http://app:99999/", "is not a valid URL"),
        ("http://me:pw@app/", "can't contain user and password. Send them as headers"),
        ("http://app/a b", "Percent-encode it"),
        ("http://app\\evil/", "contains a space or a backslash"),
        ("", "expected a URL"),
        (None, "expected a URL, got null"),
    ],
)
def test_a_url_that_is_none_is_refused(url, said):
    assert said in flaws(url=url)[0]


@pytest.mark.parametrize(
    ("retry", "tries", "gaps"),
    [
        ({"attempts": 3, "backoff": "1s"}, 3, (1.0,)),
        ({"backoff": ["1s", "5s", "1m"]}, 4, (1.0, 5.0, 60.0)),
        ({"attempts": 9, "backoff": ["1s", "5s"]}, 9, (1.0, 5.0)),
        ({}, 3, (1.0,)),
        ({"backoff": "0"}, 3, (0.0,)),
    ],
)
def test_a_retry_is_attempts_in_all_and_gaps(retry, tries, gaps):
    spec = webhook(retry=retry)

    assert (spec.attempts, spec.backoff_s) == (tries, gaps)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"retry": 3}, "retry: expected a mapping, got 3. Write {attempts: 3, backoff: 1s}"),
        ({"retry": {"attempts": 0}}, "retry.attempts: expected at least 1, got 0"),
        (
            {"retry": {"backoff": "1"}},
            "retry.backoff: '1' is not a valid duration. Write a number with a unit",
        ),
        ({"retry": {"backoff": ["1s", "x"]}}, "retry.backoff[1]: 'x' is not a valid duration"),
        ({"retry": {"backoff": []}}, "retry.backoff: expected at least 1 item"),
        ({"retry": {"times": 3}}, "retry.times: unknown key"),
        ({"repeat": 0}, "repeat: expected at least 1, got 0"),
        (
            {"method": "post"},
            "method: 'post' is not a valid method: methods are case-sensitive. Write 'POST'",
        ),
        ({"method": "PO ST"}, "method: 'PO ST' is not a valid method"),
        ({"json": {}, "text": "x"}, "a webhook has one body, this one has json and text. Keep one of them"),
        (
            {"before": True, "delay": "2s"},
            "`before` sends it before the answer, `delay` later. Keep one of them",
        ),
        ({"headers": {"Content-Length": 3}}, "the header 'Content-Length' follows from the body"),
        ({"headers": {"x y": "1"}}, "headers: 'x y' is not a valid header name"),
        ({"delay": 2}, "delay: 2 is not a valid duration"),
        ({"signed": {}}, "signed: unknown key. Did you mean 'sign'?"),
        (
            {"sign": {"scheme": "strype", "secret": "x"}},
            "sign.scheme: 'strype' is no signature scheme. Did you mean 'stripe'?",
        ),
    ],
)
def test_a_mistake_is_named_with_its_remedy(keys, said):
    assert flaws(**keys)[0].startswith(said)


@pytest.mark.parametrize("kind", ["json", "text", "html", "xml", "base64", "file", "form"])
def test_a_body_is_one_of_those_that_replies_have(kind):
    assert webhook(**{kind: {} if kind in ("json", "form") else "eA=="}).body_kind == kind


def test_null_is_a_body():
    assert webhook(json=None).body_kind == "json"


def test_one_or_a_list_or_none():
    assert [spec.url for spec in held({"url": URL})] == [URL]
    assert [spec.repeat for spec in held([{"url": URL}, {"url": URL, "repeat": 2}])] == [1, 2]
    assert held("none") == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "webhook: `webhook` has no value. Write none to send nothing"),
        ("http://app/", "webhook: expected a webhook, got 'http://app/'. Write {url:"),
        ({"urll": URL}, "webhook: the key 'url' is missing. Write url: http://app:8000/hooks"),
        ([{"url": URL}, {"url": URL, "repaet": 2}], "webhook[1].repaet: unknown key. Did you mean 'repeat'?"),
    ],
)
def test_what_is_no_webhook_is_refused(value, said):
    with pytest.raises(InvalidInputError) as caught:
        held(value)

    assert str(caught.value.flaws[0]).startswith(said)


def test_the_schema_for_editors_takes_what_the_language_takes():
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    valid = jsonschema_rs.validator_for(TypeAdapter(Webhooks).json_schema()).is_valid

    assert valid("none")
    assert valid({"url": URL})
    assert valid(
        [
            {"url": URL, "retry": {"attempts": 3, "backoff": ["1s", "5s"]}},
            {"url": URL, "retry": {"backoff": "1s"}},
        ]
    )
    assert not valid({"json": {}})
    assert not valid({"url": URL, "retry": {"backoff": 1}})
    assert not valid("nothing")


def a_delivery(**more):
    fixed = {"namespace": "default", "call": "c-000017", "route": "pay/charge", "url": URL, "body": b"{}"}
    return Delivery(7, **{**fixed, "message_id": "msg_1", "created_s": 0.0, "due_s": 2.0, **more})


def test_the_last_gap_of_a_schedule_repeats():
    delivery = a_delivery(attempts=6, backoff_s=(1.0, 5.0, 60.0))

    assert [delivery.gap_s(n) for n in range(1, 6)] == [1, 5, 60, 60, 60]


def test_a_delivery_shows_every_try_as_json():
    delivery = a_delivery(headers=(("x-a", "1"),))
    delivery.tries.append(Try(2.0, 1.0, 3.5, error="connection refused by 127.0.0.1:9"))
    delivery.tries.append(Try(3.0, 1.1, 3.5, 200, answer=b"ok\xff"))

    view = delivery.view()

    assert (view["id"], view["state"], view["due"]) == ("w-000007", "waiting", "1970-01-01T00:00:02.000000Z")
    assert view["body"] == {"text": "{}", "base64": None, "length": 2}
    assert [one["status"] for one in view["tries"]] == [None, 200]
    assert view["tries"][1]["answer"] == "ok�"
    assert delivery.arrived


def test_a_body_that_is_no_text_is_shown_in_base64():
    assert a_delivery(body=b"\xff").view()["body"] == {"text": None, "base64": "/w==", "length": 1}
