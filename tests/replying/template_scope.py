"""What the templates of these tests see: one request, and words of each kind."""

from datetime import UTC, datetime

from mockserver.model.http import Request
from mockserver.templating.random_values import Draws
from mockserver.templating.templates import Scope, compile_text

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
BODY = b"""{"amount": 500, "currency": "usd", "paid": true, "note": null, "name": "Zo\xc3\xab",
"items": [{"sku": "A1", "n": 2, "price": 1.5}, {"sku": "B2", "n": 1, "price": 4}], "items_count": 2}"""


def a_request(body=BODY, content_type="application/json", target="/v1/charges/ch_1?a=1&a=2&b=x%20y"):
    headers = [
        ("Host", "api.example:8080"),
        ("Content-Type", content_type),
        ("X-Id", "7"),
        ("Cookie", "sid=s1; t=2"),
    ]
    return Request("POST", target, headers, body, client="10.0.0.1:5000")


def a_scope(seed=1, **words):
    values = {
        "request": a_request(),
        "path": {"id": "ch_1"},
        "vars": {"rate": 1.5, "callback": "http://app/hooks", "list": [3, 1, 2]},
        "state": {"order.7": "paid", "outage": "no"},
        "call": {"number": 3, "id": "call_9"},
        "let": {"id": "ch_x"},
        "reply": {"status": 201, "headers": {"location": "/x"}, "json": {"ok": True}},
        "n": 4,
        "item": {"sku": "A1"},
        "errors": [{"field": "amount", "message": "is missing"}],
    }
    return Scope({**values, **words}, Draws("", "", seed), lambda: NOW)


PLACE = ("reply", "json")


def value(source, scope=None, **words):
    return compile_text(source, PLACE).value(scope or a_scope(**words))


def text(source, **words):
    return compile_text(source, PLACE).render(a_scope(**words))
