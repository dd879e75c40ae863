"""What the shipped scenarios of providers do that an SDK in its clean run doesn't ask for."""

import base64
import json
from itertools import combinations

import pytest
import yaml
from support.server import PROJECT

PROVIDERS = PROJECT / "scenarios" / "providers"


@pytest.fixture
def ask(serving):
    """Asks the scenario that the path begins with; each is served by itself, which is quicker than all of them."""
    servers = {}

    def asked(method, path, body=None, **headers):
        name = path.split("/")[1]
        if name not in servers:
            servers[name] = serving(PROVIDERS / f"{name}.yaml")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body, sent = json.dumps(body), {"content-type": "application/json", **sent}
        elif isinstance(body, str):
            sent = {"content-type": "application/x-www-form-urlencoded", **sent}
        return servers[name].ask(method, path, body, headers=sent)

    asked.servers = servers
    return asked


def effects(ask):
    return [
        {name: value for name, value in one.items() if name not in ("at", "call", "id")}
        for server in ask.servers.values()
        for one in server.admin.get("/effects")["items"]
    ]


def test_no_two_providers_share_a_path():
    heads = []
    for path in sorted(PROVIDERS.glob("*.yaml")):
        scenario = yaml.safe_load(path.read_text("utf-8"))
        assert scenario["scenario"] == path.stem
        heads.append(scenario.get("base") or scenario["routes"][0]["request"].split()[1].split("{")[0])
        assert heads[-1].strip("/").split("/")[0] == path.stem
    assert all(one != other for one, other in combinations(heads, 2))


def test_no_two_routes_that_ship_have_one_name_so_that_a_name_alone_goes_on_to_mean_one():
    names = [
        route["name"]
        for path in (PROJECT / "scenarios").rglob("*.yaml")
        for route in yaml.safe_load(path.read_text("utf-8")).get("routes", ())
        if "name" in route
    ]
    assert sorted(set(names)) == sorted(names)


def test_stripe_replays_a_key_and_refuses_it_for_something_else(ask):
    first = ask("POST", "/stripe/v1/charges", "amount=500&currency=EUR", idempotency_key="k")
    again = ask("POST", "/stripe/v1/charges", "amount=500&currency=EUR", idempotency_key="k")
    other = ask("POST", "/stripe/v1/charges", "amount=501&currency=EUR", idempotency_key="k")

    assert first.json()["id"] == again.json()["id"]
    assert first.json()["currency"] == "eur"
    assert (other.status, other.json()["error"]["type"]) == (400, "idempotency_error")
    assert effects(ask) == [{"kind": "charge", "amount": 500, "currency": "eur"}]


def test_stripe_refunds_a_charge_once(ask):
    made = ask("POST", "/stripe/v1/charges", "amount=500&currency=eur").json()
    charge = made["id"]

    assert ask("GET", f"/stripe/v1/charges/{charge}").json() == made
    assert ask("POST", "/stripe/v1/refunds", f"charge={charge}").json()["amount"] == 500
    again = ask("POST", "/stripe/v1/refunds", f"charge={charge}")
    assert (again.status, again.json()["error"]["code"]) == (400, "charge_already_refunded")
    assert ask("POST", "/stripe/v1/refunds", "charge=ch_none").status == 404
    assert [one["kind"] for one in effects(ask)] == ["charge", "refund"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "said"),
    [
        ("/stripe/v1/charges", "currency=eur", {}, 400, "amount"),
        ("/openai/v1/chat/completions", {"messages": []}, {}, 400, "model"),
        ("/openai/v1/chat/completions", {"model": "m"}, {}, 400, "messages"),
        ("/openai/v1/responses", {"model": "m"}, {}, 400, "input"),
        ("/openai/v1/embeddings", {"model": "m"}, {}, 400, "input"),
        ("/openai/v1/responses", b"no JSON", {}, 400, "parse the JSON body"),
        ("/anthropic/v1/messages", b"no JSON", {"anthropic_version": "2023-06-01"}, 400, "not valid JSON"),
        ("/gemini/v1/models/m:countTokens", b"[]", {"x_goog_api_key": "any"}, 400, "Invalid JSON payload"),
        ("/ollama/api/generate", b"", {}, 400, "missing request body"),
        ("/anthropic/v1/messages", {"model": "m", "max_tokens": 1}, {}, 400, "anthropic-version"),
        ("/anthropic/v1/messages", {"model": "m"}, {"anthropic_version": "2023-06-01"}, 400, "max_tokens"),
        ("/anthropic/v1/messages", {"model": "m", "max_tokens": 1}, {"anthropic_version": "2023-06-01"}, 400, "messages"),
        ("/gemini/v1beta/models/m:generateContent", {}, {}, 403, "PERMISSION_DENIED"),
        ("/gemini/v1/models/m:streamGenerateContent", {}, {"x_goog_api_key": "any"}, 400, "INVALID_ARGUMENT"),
        ("/ollama/api/chat", {"messages": []}, {}, 400, "model is required"),
        ("/twilio/2010-04-01/Accounts/AC1/Messages.json", "To=1&Body=x", {}, 401, "20003"),
        ("/twilio/2010-04-01/Accounts/AC1/Messages.json", "To=1", {"authorization": "Basic eA=="}, 400, "21602"),
        ("/slack/api/chat.postMessage", "channel=C1&text=x", {}, 200, "not_authed"),
        ("/slack/api/chat.postMessage", "text=x", {"authorization": "Bearer x"}, 200, "channel_not_found"),
        ("/slack/api/chat.postMessage", "channel=C1", {"authorization": "Bearer x"}, 200, "no_text"),
        ("/square/v2/payments", {"source_id": "cnon:ok", "amount_money": {"amount": 1}}, {}, 400, "idempotency_key"),
        ("/square/v2/payments", {"source_id": "cnon:card-nonce-declined", "idempotency_key": "k", "amount_money": {"amount": 1}}, {}, 400, "GENERIC_DECLINE"),
        ("/mollie/v2/payments", {"description": "x"}, {}, 422, "amount"),
        ("/adyen/v72/payments", {"reference": "x"}, {"x_api_key": "a"}, 422, "No amount specified"),
        ("/adyen/v72/payments", {"amount": {"value": 5}}, {"x_api_key": "a"}, 422, "Reference Missing"),
        ("/adyen/v72/payments", {"amount": {"value": 5}, "reference": "x"}, {}, 401, "Unauthorized"),
        ("/paypal/v2/checkout/orders", {}, {}, 401, 'realm="paypal"'),
        ("/sendgrid/v3/mail/send", {}, {}, 401, "authorization grant"),
        ("/aws-sqs", {}, {"x_amz_target": "AmazonSQS.PurgeQueue"}, 400, "UnknownOperationException"),
        ("/github/repos/o/r/issues", {}, {}, 422, "missing_field"),
        ("/plain/charges", {"amount": "5"}, {}, 422, "amount"),
    ],
)  # fmt: skip
def test_what_is_refused_has_the_shape_of_the_service_and_no_effect(ask, path, body, headers, status, said):
    answer = ask("POST", path, body, **headers)

    assert answer.status == status
    assert said in answer.text + (answer.header("www-authenticate") or "")
    assert effects(ask) == []


def test_the_key_of_square_stands_in_the_body(ask):
    paid = {"source_id": "cnon:ok", "idempotency_key": "k", "amount_money": {"amount": 5, "currency": "EUR"}}
    first, again = (ask("POST", "/square/v2/payments", paid) for _ in range(2))

    assert first.json() == again.json()
    assert ask("GET", f"/square/v2/payments/{first.json()['payment']['id']}").json() == first.json()
    assert effects(ask) == [{"kind": "payment", "amount": 5}]


def test_paypal_captures_an_order_once(ask):
    basic = "Basic " + base64.b64encode(b"client-id:client-secret").decode()
    granted = ask("POST", "/paypal/v1/oauth2/token", "grant_type=client_credentials", authorization=basic)
    token = "Bearer " + granted.json()["access_token"]
    units = {"intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "EUR", "value": "5.00"}}]}
    order = ask("POST", "/paypal/v2/checkout/orders", units, authorization=token).json()["id"]

    capture = f"/paypal/v2/checkout/orders/{order}/capture"
    assert ask("POST", capture, {}, authorization=token).json()["status"] == "COMPLETED"
    again = ask("POST", capture, {}, authorization=token)
    assert (again.status, again.json()["details"][0]["issue"]) == (422, "ORDER_ALREADY_CAPTURED")
    assert [one["kind"] for one in effects(ask)] == ["order", "capture"]


def test_adyen_settles_a_payment_once_a_key_and_knows_no_other(ask):
    paid = {"amount": {"currency": "EUR", "value": 500}, "reference": "order-7", "merchantAccount": "Shop"}
    key = {"x_api_key": "a", "idempotency_key": "k1"}
    first, again = (ask("POST", "/adyen/v72/payments", paid, **key) for _ in range(2))
    other = ask("POST", "/adyen/v72/payments", {**paid, "reference": "order-8"}, **key)
    payment = first.json()
    assert (payment["resultCode"], payment["merchantReference"]) == ("Authorised", "order-7")
    assert again.json() == payment
    assert (other.status, other.json()["errorCode"]) == (422, "704")

    modified = f"/adyen/v72/payments/{payment['pspReference']}"
    captured = ask(
        "POST", f"{modified}/captures", {"amount": paid["amount"], "reference": "c"}, x_api_key="a"
    )
    assert (captured.status, captured.json()["status"], captured.json()["paymentPspReference"]) == (201, "received", payment["pspReference"])  # fmt: skip
    unknown = ask("POST", "/adyen/v72/payments/NONE/refunds", {"amount": paid["amount"]}, x_api_key="a")
    assert (unknown.status, unknown.json()["errorCode"]) == (422, "167")
    assert [one["kind"] for one in effects(ask)] == ["payment", "capture"]


def test_s3_gives_back_what_was_put_and_counts_the_same_bytes_once(ask):
    body = bytes(range(256))
    first, again = (ask("PUT", "/aws-s3/b/a/key.bin", body, content_type="image/png") for _ in range(2))
    got = ask("GET", "/aws-s3/b/a/key.bin")

    assert (got.body, got.header("content-type")) == (body, "image/png")
    assert first.header("etag") == again.header("etag") == got.header("etag")
    assert ask("DELETE", "/aws-s3/b/a/key.bin").status == 204
    missing = ask("GET", "/aws-s3/b/a/key.bin")
    assert (missing.status, "<Code>NoSuchKey</Code>" in missing.text) == (404, True)
    assert [one["kind"] for one in effects(ask)] == ["object", "deletion"]


def test_sqs_queues_a_deduplicated_message_once_and_forgets_what_was_deleted(ask):
    def call(name, **body):
        return ask("POST", "/aws-sqs/", {"QueueUrl": "http://q/1/orders", **body}, x_amz_target=f"AmazonSQS.{name}").json()  # fmt: skip

    sent = {"MessageBody": "order 7", "MessageDeduplicationId": "d"}
    assert call("SendMessage", **sent) == call("SendMessage", **sent)
    (message,) = call("ReceiveMessage", MaxNumberOfMessages=10)["Messages"]
    assert message["Body"] == "order 7"
    call("DeleteMessage", ReceiptHandle=message["ReceiptHandle"])
    assert call("ReceiveMessage") == {}
    assert [one["kind"] for one in effects(ask)] == ["message"]


def test_a_plain_charge_by_put_is_made_once(ask):
    first, again = (ask("PUT", "/plain/charges/mine", {"amount": 5}) for _ in range(2))

    assert (first.status, again.status) == (201, 200)
    assert first.json() == again.json() == ask("GET", "/plain/charges/mine").json()
    assert effects(ask) == [{"kind": "charge", "amount": 5}]


def test_a_github_issue_is_read_back_by_its_number(ask):
    made = ask("POST", "/github/repos/o/r/issues", {"title": "Late"})

    assert (made.status, made.json()["number"]) == (201, 1)
    assert ask("GET", "/github/repos/o/r/issues/1").json() == made.json()
    assert ask("GET", "/github/repos/o/other/issues/1").status == 404


def test_what_an_sdk_reads_again_is_what_was_made(ask):
    twilio = "/twilio/2010-04-01/Accounts/AC1/Messages"
    message = ask("POST", f"{twilio}.json", "To=1&Body=x", authorization="Basic eA==").json()
    assert ask("GET", f"{twilio}/{message['sid']}.json").json() == message

    payment = ask("POST", "/mollie/v2/payments", {"amount": {"value": "5.00"}, "description": "x", "redirectUrl": "y"}).json()  # fmt: skip
    assert ask("GET", f"/mollie/v2/payments/{payment['id']}").json() == payment
