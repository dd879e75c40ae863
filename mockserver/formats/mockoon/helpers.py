"""Convert helpers of Mockoon's templates to expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce

from mockserver.formats.mocks.dates import strftime
from mockserver.formats.mocks.handlebars import Arg, HelperCall
from mockserver.formats.mocks.handlebars_scope import UNITS, HandlebarsScope, Helper, argument, array, form
from mockserver.formats.mocks.requests import quoted
from mockserver.recording.conversion import NotConvertibleError

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FUNCTIONS = frozenset(("count", "index", "get", "keys", "values", "items"))

FAKER = {
    "person.firstName": "fake.first_name()", "person.lastName": "fake.last_name()", "person.fullName": "fake.name()",
    "person.prefix": "fake.prefix()", "person.suffix": "fake.suffix()", "person.jobTitle": "fake.job()",
    "internet.email": "fake.email()", "internet.exampleEmail": "fake.safe_email()",
    "internet.userName": "fake.user_name()", "internet.username": "fake.user_name()",
    "internet.displayName": "fake.user_name()", "internet.url": "fake.url()", "internet.domainName": "fake.domain_name()",
    "internet.domainWord": "fake.domain_word()", "internet.ip": "fake.ipv4()", "internet.ipv4": "fake.ipv4()",
    "internet.ipv6": "fake.ipv6()", "internet.mac": "fake.mac_address()", "internet.password": "fake.password()",
    "internet.userAgent": "fake.user_agent()", "internet.httpMethod": "fake.http_method()",
    "location.city": "fake.city()", "location.country": "fake.country()", "location.countryCode": "fake.country_code()",
    "location.state": "fake.state()", "location.street": "fake.street_name()",
    "location.streetAddress": "fake.street_address()", "location.zipCode": "fake.zipcode()",
    "location.latitude": "fake.latitude()", "location.longitude": "fake.longitude()",
    "location.timeZone": "fake.timezone()", "company.name": "fake.company()",
    "company.catchPhrase": "fake.catch_phrase()", "phone.number": "fake.phone_number()", "lorem.word": "fake.word()",
    "lorem.words": "fake.words(3) | join(' ')", "lorem.sentence": "fake.sentence()",
    "lorem.sentences": "fake.sentences(3) | join(' ')", "lorem.paragraph": "fake.paragraph()",
    "lorem.paragraphs": "fake.paragraphs(3) | join('\\n')", "lorem.text": "fake.text()", "lorem.slug": "fake.slug()",
    "string.uuid": "uuid()", "finance.currencyCode": "fake.currency_code()",
    "finance.currencyName": "fake.currency_name()", "finance.iban": "fake.iban()", "finance.bic": "fake.swift()",
    "finance.creditCardNumber": "fake.credit_card_number()", "color.rgb": "fake.hex_color()",
    "color.human": "fake.color_name()", "datatype.boolean": "fake.boolean()", "system.fileName": "fake.file_name()",
    "system.mimeType": "fake.mime_type()", "image.url": "fake.image_url()",
}  # fmt: skip
"""Names of faker.js 8 and later, and what fakes such a value here."""
_OLDER = {
    "name": "person", "address": "location", "datatype.uuid": "string.uuid", "company.companyName": "company.name",
    "phone.phoneNumber": "phone.number", "name.findName": "person.fullName", "name.fullName": "person.fullName",
    "random.uuid": "string.uuid", "random.number": "number.int", "datatype.number": "number.int",
    "address.zipCode": "location.zipCode", "random.word": "lorem.word", "random.words": "lorem.words",
    "random.boolean": "datatype.boolean",
}  # fmt: skip
_LARGEST = 99_999


def access(steps: list[str]) -> str:
    """Return look-ups of these keys, as a person writes them: `.a[0]['b c']`."""
    return "".join(
        f"[{step}]"
        if step.isdigit()
        else f".{step}"
        if _NAME.fullmatch(step) and step not in _FUNCTIONS
        else f"[{quoted(step)}]"
        for step in steps
    )


def path_steps(path: str) -> list[str]:
    r"""Return the parts of a path of Mockoon; a dot in a name is written as `\.`."""
    return [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", path)]


def looked_up(source: str, path: str) -> str:
    """Return the expression for what is at a path, which may be a JSONPath."""
    if path.startswith("$"):
        return f"jsonpath({source}, {quoted(path)}) | first"
    return source + access(path_steps(path))


def _text(call: HelperCall, at: int, default: str | None = None) -> str:
    """Return an argument that is written as a text. Raises NotConvertibleError."""
    if at >= len(call.args):
        if default is None:
            raise NotConvertibleError(f"{call.name} lacks an argument")
        return default
    if call.args[at].kind == "call":
        raise NotConvertibleError(f"a computed argument of {call.name} can't be converted")
    return call.args[at].text


def _default(call: HelperCall, scope: HandlebarsScope, at: int = 1) -> str:
    return scope.value(call.args[at]) if at < len(call.args) else "''"


def _body(call: HelperCall, scope: HandlebarsScope) -> str:
    path = _text(call, 0, "")
    return f"{looked_up('request.json', path)} | default({_default(call, scope)})" if path else "request.text"


def _named(part: str) -> Helper:
    def make(call: HelperCall, scope: HandlebarsScope) -> str:
        return f"request.{part}{access([_text(call, 0)])} | default({_default(call, scope)})"

    return make


def _url_param(call: HelperCall, _: HandlebarsScope) -> str:
    return f"path{access([_text(call, 0)])} | default('')"


def _numbers(call: HelperCall, scope: HandlebarsScope, sign: str) -> str:
    if len(call.args) < 2:
        raise NotConvertibleError(f"{call.name} lacks an argument")
    values = [scope.value(arg) for arg in call.args]
    return reduce(lambda left, right: f"decimal({left}, '{sign}', {right})", values)


def _arithmetic(sign: str) -> Helper:
    return lambda call, scope: _numbers(call, scope, sign)


def _compared(sign: str) -> Helper:
    return form(f"({{0}} | float) {sign} ({{1}} | float)")


def _concat(call: HelperCall, scope: HandlebarsScope) -> str:
    return " ~ ".join(scope.value(arg) for arg in call.args)


def _one_of(call: HelperCall, scope: HandlebarsScope) -> str:
    inner = call.args[0].call if call.args else None
    if inner is None or inner.name != "array" or not inner.args:
        raise NotConvertibleError("oneOf is converted with an array of written values")
    return f"{array(inner, scope)}[random_int(0, {len(inner.args) - 1})]"


def _slice(call: HelperCall, scope: HandlebarsScope) -> str:
    start, end = _whole(_text(call, 1)), _text(call, 2, "")
    return f"{argument(call, scope, 0)}[{start}:{_whole(end) if end else ''}]"


def _substr(call: HelperCall, scope: HandlebarsScope) -> str:
    start, length = _whole(_text(call, 1, "0")), _text(call, 2, "")
    return f"{argument(call, scope, 0)}[{start}:{start + _whole(length) if length else ''}]"


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotConvertibleError(f"{text!r} is where a whole number is expected") from None


def _split(call: HelperCall, scope: HandlebarsScope) -> str:
    return f"{argument(call, scope, 0)}.split({scope.value(call.args[1]) if len(call.args) > 1 else quoted(' ')})"


def _join(call: HelperCall, scope: HandlebarsScope) -> str:
    between = scope.value(call.args[1]) if len(call.args) > 1 else quoted(", ")
    return f"{argument(call, scope, 0)} | join({between})"


def _int(call: HelperCall, scope: HandlebarsScope) -> str:
    lower, upper = (
        _bound(call, scope, at, name, default) for at, name, default in ((0, "min", 0), (1, "max", _LARGEST))
    )
    return f"random_int({lower}, {upper})"


def _bound(call: HelperCall, scope: HandlebarsScope, at: int, name: str, default: int) -> str:
    arg = call.named.get(name) or (call.args[at] if at < len(call.args) else None)
    return str(default) if arg is None else scope.value(arg)


def _lorem(call: HelperCall, _: HandlebarsScope) -> str:
    return f"fake.words({_whole(_text(call, 0, '7'))}) | join(' ')"


def _faker(call: HelperCall, scope: HandlebarsScope) -> str:
    name = _text(call, 0)
    group, _, rest = name.partition(".")
    name = _OLDER.get(name) or f"{_OLDER.get(group, group)}.{rest}"
    if name == "number.int":
        return _int(HelperCall(name, call.args[1:], call.named), scope)
    if name not in FAKER:
        raise NotConvertibleError(f"faker's {name!r} has no counterpart here", "See docs/templates.md")
    if call.args[1:] or call.named:
        raise NotConvertibleError(f"arguments of faker's {name!r} can't be converted")
    return FAKER[name]


def _known(expression: str) -> Helper:
    return lambda *_: expression


def _moment(expression: str, form: str) -> str:
    return f"{expression}.strftime({quoted(strftime(form))})" if form else expression


def _now(call: HelperCall, _: HandlebarsScope) -> str:
    return _moment("now", _text(call, 0, ""))


def _shifted(call: HelperCall, scope: HandlebarsScope) -> str:
    def word(name: str) -> str:
        arg: Arg | None = call.named.get(name)
        if arg is None:
            return ""
        if arg.kind == "call":
            raise NotConvertibleError(f"a computed `{name}` of {call.name} can't be converted")
        return arg.text

    shift = "".join(f"{_whole(word(name)):+d}{unit}" for name, unit in UNITS.items() if word(name))
    signs = {part for part in shift if part in "+-"}
    if len(signs) > 1:
        raise NotConvertibleError("a shift that adds and subtracts can't be converted")
    shift = "".join(signs) + shift.replace("+", "").replace("-", "")
    start = scope.value(call.named["date"]) if "date" in call.named else "now"
    return _moment(f"date({start}, {quoted(shift)})", word("format"))


def _date_format(call: HelperCall, scope: HandlebarsScope) -> str:
    return _moment(f"date({argument(call, scope, 0)})", _text(call, 1))


HELPERS: Mapping[str, Helper] = {
    "body": _body,
    "bodyRaw": _body,
    "queryParam": _named("query"),
    "queryParamRaw": _named("query"),
    "header": _named("headers"),
    "cookie": _named("cookies"),
    "urlParam": _url_param,
    "method": _known("request.method"),
    "hostname": _known("request.host.split(':')[0]"),
    "baseUrl": _known("request.base_url"),
    "add": _arithmetic("+"),
    "subtract": _arithmetic("-"),
    "multiply": _arithmetic("*"),
    "modulo": _arithmetic("%"),
    "divide": form("({0} | float) / ({1} | float)"),
    "round": form("({0} | float) | round | int"),
    "eq": form("{0} == {1}"),
    "gt": _compared(">"),
    "gte": _compared(">="),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "includes": form("{1} in {0}"),
    "indexOf": form("{0}.find({1})"),
    "lowercase": form("{0} | lower"),
    "uppercase": form("{0} | upper"),
    "replace": form("{0}.replace({1}, {2}, 1)"),
    "replaceAll": form("{0}.replace({1}, {2})"),
    "parseInt": form("{0} | int"),
    "stringify": form("{0} | tojson(2)"),
    "base64": form("base64({0})"),
    "len": form("{0} | length"),
    "jsonPath": form("jsonpath({0}, {1})"),
    "concat": _concat,
    "substr": _substr,
    "slice": _slice,
    "split": _split,
    "join": _join,
    "array": array,
    "oneOf": _one_of,
    "newline": _known(r"'\n'"),
    "now": _now,
    "dateTimeShift": _shifted,
    "dateFormat": _date_format,
    "faker": _faker,
    "int": _int,
    "lorem": _lorem,
    "uuid": _known("uuid()"),
    "guid": _known("uuid()"),
    "objectId": _known("sha256(uuid())[:24]"),
    "boolean": _known(FAKER["datatype.boolean"]),
    "title": _known(FAKER["person.prefix"]),
    "firstName": _known(FAKER["person.firstName"]),
    "lastName": _known(FAKER["person.lastName"]),
    "company": _known(FAKER["company.name"]),
    "domain": _known(FAKER["internet.domainName"]),
    "email": _known(FAKER["internet.email"]),
    "phone": _known(FAKER["phone.number"]),
    "street": _known(FAKER["location.streetAddress"]),
    "city": _known(FAKER["location.city"]),
    "country": _known(FAKER["location.country"]),
    "countryCode": _known(FAKER["location.countryCode"]),
    "zipcode": _known(FAKER["location.zipCode"]),
    "postcode": _known(FAKER["location.zipCode"]),
    "lat": _known(FAKER["location.latitude"]),
    "long": _known(FAKER["location.longitude"]),
    "ipv4": _known(FAKER["internet.ipv4"]),
    "ipv6": _known(FAKER["internet.ipv6"]),
    "color": _known(FAKER["color.human"]),
    "hexColor": _known(FAKER["color.rgb"]),
}
