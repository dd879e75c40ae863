"""Convert the calls of a test run to a pact."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.formats.pact.parts import Interaction, PactPart, file_name, pact_of
from mockserver.formats.reading import free_name, pretty, utf8_text
from mockserver.model.http import UnreadableBodyError, grouped
from mockserver.model.plural import counted
from mockserver.recording.conversion import Exported, Losses
from mockserver.recording.exchanges import RecordedExchange, json_of, value_of
from mockserver.recording.noise import telling

_KEPT_HEADERS = ("content-type", "accept")
_OF_CLIENTS = frozenset(
    [
        "host",
        "user-agent",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-length",
        "cache-control",
        "pragma",
        "origin",
        "referer",
        "traceparent",
        "tracestate",
        "baggage",
        "expect",
        "x-mockserver-namespace",
    ]
)


def from_calls(archive: object, *, consumer: str = "", provider: str = "", version: int = 4) -> Exported:
    """Return a pact of the matched and answered calls of a server; each different one is an interaction."""
    from mockserver.formats.har import exchanges

    exported = Exported()
    result = _of_calls(exchanges(archive, exported.lost), exported.lost)
    consumer, provider = consumer or "consumer", provider or "provider"
    exported.files[file_name(consumer, provider)] = pretty(
        pact_of(consumer, provider, result, version, exported.lost)
    )
    return exported


def _of_calls(exchanges: Iterable[RecordedExchange], lost: Losses) -> list[Interaction]:
    result: list[Interaction] = []
    known: dict[str, list[str]] = {}
    taken: set[str] = set()
    left: set[str] = set()
    for exchange in exchanges:
        if not exchange.name:
            lost.add(
                exchange.place,
                f"unmatched request: {exchange.method} {exchange.path}",
                "It is not part of the pact",
            )
        elif exchange.fault or not 200 <= exchange.status <= 599:
            lost.add(
                exchange.place, f"it ended with {exchange.fault or 'no answer'}", "It is not part of the pact"
            )
        else:
            request, response = _request_part(exchange, left), _response_part(exchange)
            conditions, answered = repr(request), repr(response)
            answers = known.setdefault(conditions, [])
            if answered in answers:
                continue
            answers.append(answered)
            route = exchange.name.partition("/")[2]
            given = [f"{route} has been answered otherwise {counted(len(answers) - 1, 'time')}"] if len(answers) > 1 else []  # fmt: skip
            result.append(Interaction(_description(route, exchange, taken), given, request, response))
    if left:
        lost.add("request headers", f"they are not part of the pact: {', '.join(sorted(left))}", "Let the provider's verification add what it needs")  # fmt: skip
    return result


def _description(route: str, exchange: RecordedExchange, taken: set[str]) -> str:
    at = exchange.split
    line = f"{exchange.method} {exchange.path}{f'?{at.query}' if at.query else ''}"
    description = f"{route}: {line}" if route in taken and route != line else route
    description = free_name(description, taken, " (", ")")
    taken.add(description)
    return description


def _request_part(exchange: RecordedExchange, left: set[str]) -> PactPart:
    result = PactPart(more={"method": exchange.method, "path": exchange.path})
    query = grouped(exchange.request.query_pairs)
    if query:
        result.more["query"] = query
    for name, value in exchange.request_headers:
        if name.lower() in _KEPT_HEADERS and value != "*/*":
            result.headers.setdefault(name.lower(), []).append(value)
        elif name.lower() not in _OF_CLIENTS and name.lower() not in _KEPT_HEADERS:
            left.add(name.lower())
    result.content_type = value_of(exchange.request_headers, "content-type")
    if exchange.request_body:
        result.body = _content(exchange.request_body, result.content_type)
    return result


def _response_part(exchange: RecordedExchange) -> PactPart:
    kept = [
        (name, value) for name, value in telling(exchange.headers)[0] if not name.startswith("x-mockserver")
    ]
    result = PactPart(
        headers=grouped(kept), more={"status": exchange.status}, content_type=exchange.header("content-type")
    )
    if exchange.body:
        result.body = _content(exchange.body, result.content_type)
        if not isinstance(result.body, (str, bytes)):
            result.rules["body"] = {"$": {"combine": "AND", "matchers": [{"match": "type"}]}}
    return result


def _content(body: bytes, content_type: str) -> object:
    if content_type.partition(";")[0].strip().lower().endswith("json"):
        try:
            return json_of(body)
        except UnreadableBodyError:
            pass
    text = utf8_text(body)
    return body if text is None else text
