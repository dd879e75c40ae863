"""Convert helpers of WireMock templates to expressions."""

from __future__ import annotations

import re

from mockserver.formats.mocks.dates import strftime
from mockserver.formats.mocks.handlebars import Arg, HelperCall
from mockserver.formats.mocks.handlebars_scope import UNITS, HandlebarsScope, Helper, argument, array, form
from mockserver.formats.mocks.requests import quoted
from mockserver.recording.conversion import NotConvertibleError

_PLAIN_QUERY = re.compile(r"\$(?:\.[A-Za-z_]\w*|\[-?\d+\]|\['[^'\\]+'\])*")


def _text(arg: Arg | None, default: str = "") -> str:
    if arg is None:
        return default
    if arg.kind == "call":
        raise NotConvertibleError("a computed argument can't be converted here")
    return arg.text


def _json_path(call: HelperCall, scope: HandlebarsScope) -> str:
    query = _text(call.args[1] if len(call.args) > 1 else None)
    first = call.args[0] if call.args else None
    if first is None or first.kind != "word" or not query:
        raise NotConvertibleError("jsonPath is converted for the body of the request and a written query")
    if first.text not in ("request.body", "originalRequest.body"):
        raise NotConvertibleError("jsonPath is converted for the body of the request")
    result = (
        "request.json" + query[1:]
        if _PLAIN_QUERY.fullmatch(query)
        else f"jsonpath(request.json, {quoted(query)})"
    )
    default = call.named.get("default")
    return f"{result} | default({scope.value(default) if default else quoted('')})"


def _shift(offset: str) -> str:
    words = offset.split()
    if len(words) != 2 or words[1] not in UNITS or not re.fullmatch(r"[+-]?\d+", words[0]):
        raise NotConvertibleError(f"the offset {offset!r} can't be expressed here")
    return f"{int(words[0]):+d}{UNITS[words[1]]}"


def _now(call: HelperCall, _: HandlebarsScope) -> str:
    if "timezone" in call.named and _text(call.named["timezone"]) not in ("UTC", "GMT"):
        raise NotConvertibleError("times are in UTC")
    offset = _text(call.named.get("offset"))
    form = _text(call.named.get("format"))
    moment = f"date(now, {quoted(_shift(offset))})" if offset else "now"
    if form == "epoch":
        return f"({moment}.timestamp() * 1000) | int"
    if form == "unix":
        return f"{moment}.timestamp() | int"
    shape = strftime(form) if form else "%Y-%m-%dT%H:%M:%SZ"
    return f"{moment}.strftime({quoted(shape)})"


def _random(call: HelperCall, _: HandlebarsScope) -> str:
    kind = _text(call.named.get("type"), "ALPHANUMERIC").upper()
    upper = _text(call.named.get("uppercase")) == "true"
    if kind == "UUID":
        made = "uuid()"
    elif kind == "ALPHANUMERIC":
        made = f"random_string({int(_text(call.named.get('length'), '36'))})"
        return f"{made} | {'upper' if upper else 'lower'}"
    elif kind == "NUMERIC":
        length = int(_text(call.named.get("length"), "36"))
        if length > 18:
            raise NotConvertibleError("a random number has at most 18 digits here")
        return f"random_int({10 ** (length - 1)}, {10**length - 1})"
    elif kind == "HEXADECIMAL":
        made = f"sha256(uuid())[:{int(_text(call.named.get('length'), '36'))}]"
    else:
        raise NotConvertibleError(f"a random value of type {kind} can't be made here")
    return f"{made} | upper" if upper else made


def _random_int(call: HelperCall, _: HandlebarsScope) -> str:
    lower = int(_text(call.named.get("lower"), str(-(2**31))))
    upper = int(_text(call.named.get("upper"), str(2**31)))
    return f"random_int({lower}, {upper - 1})"


def _pick_random(call: HelperCall, scope: HandlebarsScope) -> str:
    if not call.args:
        raise NotConvertibleError("pickRandom lacks its values")
    values = ", ".join(scope.value(arg) for arg in call.args)
    return f"[{values}][random_int(0, {len(call.args) - 1})]"


def _math(call: HelperCall, scope: HandlebarsScope) -> str:
    sign = _text(call.args[1]) if len(call.args) == 3 else ""
    if sign not in ("+", "-", "*", "/", "%"):
        raise NotConvertibleError("math is converted as {{math A '+' B}}")
    return f"decimal({scope.value(call.args[0])}, {quoted(sign)}, {scope.value(call.args[2])})"


def _base64(call: HelperCall, scope: HandlebarsScope) -> str:
    if _text(call.named.get("decode")) == "true":
        raise NotConvertibleError("Base64 is not decoded by templates here")
    made = f"base64({argument(call, scope)})"
    return f"{made}.rstrip('=')" if _text(call.named.get("padding")) == "false" else made


def _url_encode(call: HelperCall, scope: HandlebarsScope) -> str:
    if _text(call.named.get("decode")) == "true":
        raise NotConvertibleError("percent-encoding is not decoded by templates here")
    return f"({argument(call, scope)} | urlencode).replace('/', '%2F').replace('%20', '+')"


def _size(call: HelperCall, scope: HandlebarsScope) -> str:
    if not call.args:
        raise NotConvertibleError("size lacks an argument")
    return f"{scope.many(call.args[0])} | length"


def _join(call: HelperCall, scope: HandlebarsScope) -> str:
    if len(call.args) < 2:
        raise NotConvertibleError("join lacks an argument")
    between = scope.value(call.args[-1])
    if len(call.args) == 2:
        return f"{argument(call, scope)} | join({between})"
    return f"[{', '.join(scope.value(arg) for arg in call.args[:-1])}] | join({between})"


def _range(call: HelperCall, _: HandlebarsScope) -> str:
    first, last = (_text(arg) for arg in call.args) if len(call.args) == 2 else ("", "")
    if not re.fullmatch(r"-?\d{1,9}", first) or not re.fullmatch(r"-?\d{1,9}", last):
        raise NotConvertibleError("range is converted with two written numbers")
    return f"range({first}, {int(last) + 1})"


def _substring(call: HelperCall, scope: HandlebarsScope) -> str:
    first = _text(call.args[1] if len(call.args) > 1 else None)
    last = _text(call.args[2] if len(call.args) > 2 else None)
    if not first.isdigit() or (last and not last.isdigit()):
        raise NotConvertibleError("substring is converted with written numbers")
    return f"{argument(call, scope)}[{first}:{last}]"


HELPERS: dict[str, Helper] = {
    "jsonPath": _json_path,
    "now": _now,
    "randomValue": _random,
    "randomInt": _random_int,
    "pickRandom": _pick_random,
    "math": _math,
    "upper": form("{0} | upper"),
    "lower": form("{0} | lower"),
    "capitalize": form("{0} | title"),
    "capitalizeFirst": form("({0}[:1] | upper) ~ {0}[1:]"),
    "trim": form("{0} | trim"),
    "size": _size,
    "urlEncode": _url_encode,
    "base64": _base64,
    "join": _join,
    "replace": form("{0}.replace({1}, {2})"),
    "cut": form("{0}.replace({1}, '')"),
    "array": array,
    "range": _range,
    "toJson": form("{0} | tojson"),
    "substring": _substring,
    "defaultIfEmpty": form("{0} | default({1}, true)"),
}
