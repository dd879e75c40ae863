"""Name and attributes of a call's span, by the semantic conventions for HTTP servers."""

from __future__ import annotations

from urllib.parse import urlsplit

from mockserver.model.call import Call
from mockserver.model.plan import Outcome
from mockserver.redaction.redaction import mask_target

Attribute = str | int | bool
_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"}
)
_FINE = frozenset({Outcome.DONE, Outcome.OPEN, Outcome.CLIENT_LEFT})


def span_name(call: Call, template: str | None) -> str:
    """Return `POST /charges/{id}`; only the method without a route, since paths are of any number."""
    method = call.request.method if call.request.method in _METHODS else "HTTP"
    return f"{method} {template}" if template else method


def error_type(call: Call) -> str | None:
    """Return what went wrong for the client: a fault, a broken answer, or a status of 500 and above."""
    if call.fault is not None:
        return call.fault
    if call.outcome not in _FINE:
        return call.outcome.value
    return str(call.status) if call.status is not None and call.status >= 500 else None


def metric_attributes(call: Call, template: str | None) -> dict[str, Attribute]:
    """Return attributes of few values each: no namespaces, which may be as many as tests."""
    method = call.request.method
    found: dict[str, Attribute | None] = {
        "http.request.method": method if method in _METHODS else "_OTHER",
        "url.scheme": call.request.scheme,
        "http.response.status_code": call.status,
        "http.route": template,
        "error.type": error_type(call),
        "mockserver.matched": call.matched,
    }
    return {name: value for name, value in found.items() if value is not None}


def span_attributes(call: Call, template: str | None) -> dict[str, Attribute]:
    """Return all attributes of a call. Secrets are masked."""
    request, response = call.request, call.response
    query = f"?{request.query_string}" if request.query_string else ""
    path, _, query = mask_target(request.path + query).partition("?")
    host = urlsplit(f"//{request.host}")
    found: dict[str, Attribute | None] = {
        **metric_attributes(call, template),
        "http.request.method_original": None if request.method in _METHODS else request.method,
        "url.path": path,
        "url.query": query or None,
        "server.address": host.hostname,
        "server.port": _port_of(request.host),
        "client.address": request.client_ip or None,
        "user_agent.original": request.headers.get("user-agent"),
        "network.protocol.name": "http",
        "network.protocol.version": ".".join(map(str, request.version)),
        "http.request.body.size": call.body_length,
        "http.response.body.size": None if response is None else max(len(response.body), call.reply_length),
        "mockserver.call": call.id,
        "mockserver.namespace": call.namespace,
        "mockserver.route": call.route_id,
        "mockserver.scenario": call.scenario,
        "mockserver.step": call.step,
        "mockserver.fault": call.fault,
        "mockserver.outcome": call.outcome.value,
        "mockserver.replayed": True if call.replayed else None,
        "mockserver.forwarded": None if call.forwarded is None else mask_target(call.forwarded),
    }
    return {name: _valid(value) for name, value in found.items() if value is not None}


def _port_of(host: str) -> int | None:
    try:
        return urlsplit(f"//{host}").port
    except ValueError:
        return None


def _valid(value: Attribute) -> Attribute:
    """Replace what is not UTF-8: one such text would spoil a whole batch."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
