"""
Convert variables of Postman, `{{$guid}}` and `{{base}}`, to templates and back.

An undefined variable stays a text, and is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from mockserver.formats.reading import json_bytes
from mockserver.model.json_values import map_leaves
from mockserver.model.written import written_float

VARIABLE = re.compile(r"\{\{\s*(\$?[^{}\s]+)\s*\}\}")

PLACEHOLDER = re.compile(r"(?:<|%3[Cc])([A-Za-z][\w .-]*)(?:>|%3[Ee])")
"""Placeholders of collections that Postman generates from a specification, such as `<integer>` or `<accountId>`."""

DYNAMIC: dict[str, str] = {
    "$guid": "uuid()",
    "$randomUUID": "uuid()",
    "$timestamp": "now.timestamp() | int",
    "$isoTimestamp": "now",
    "$randomInt": "random_int(0, 1000)",
    "$randomAlphaNumeric": "random_string(1)",
    "$randomBoolean": "fake.boolean()",
    "$randomCity": "fake.city()",
    "$randomColor": "fake.color_name()",
    "$randomCompanyName": "fake.company()",
    "$randomCountry": "fake.country()",
    "$randomCountryCode": "fake.country_code()",
    "$randomCurrencyCode": "fake.currency_code()",
    "$randomDomainName": "fake.domain_name()",
    "$randomEmail": "fake.email()",
    "$randomFileName": "fake.file_name()",
    "$randomFirstName": "fake.first_name()",
    "$randomFullName": "fake.name()",
    "$randomHexColor": "fake.hex_color()",
    "$randomIP": "fake.ipv4()",
    "$randomIPV6": "fake.ipv6()",
    "$randomJobTitle": "fake.job()",
    "$randomLastName": "fake.last_name()",
    "$randomLatitude": "fake.latitude()",
    "$randomLongitude": "fake.longitude()",
    "$randomLoremParagraph": "fake.paragraph()",
    "$randomLoremSentence": "fake.sentence()",
    "$randomLoremSlug": "fake.slug()",
    "$randomLoremWord": "fake.word()",
    "$randomMACAddress": "fake.mac_address()",
    "$randomNamePrefix": "fake.prefix()",
    "$randomNameSuffix": "fake.suffix()",
    "$randomPassword": "fake.password()",
    "$randomPhoneNumber": "fake.phone_number()",
    "$randomPrice": "fake.pricetag()",
    "$randomStreetAddress": "fake.street_address()",
    "$randomStreetName": "fake.street_name()",
    "$randomUrl": "fake.url()",
    "$randomUserAgent": "fake.user_agent()",
    "$randomUserName": "fake.user_name()",
    "$randomWord": "fake.word()",
}
"""Dynamic variables for which there is a template (learning.postman.com, 'dynamic variables')."""
_NO_TEXT = {"$timestamp", "$randomInt", "$randomBoolean", "$isoTimestamp"}
_VARIABLES = {expression: name for name, expression in reversed(DYNAMIC.items())}
_TEMPLATE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Unknown = Callable[[str], None]
"""Called with the name of each undefined variable."""


def has_variables(text: str) -> bool:
    return VARIABLE.search(text) is not None


_LEFT_OUT: Any = object()


def without_placeholders(value: object, left_out: Callable[[str], object]) -> object:
    """Return a JSON value without placeholders; `left_out` is called with each. None if it is one itself."""
    result = _without(value, left_out)
    return None if result is _LEFT_OUT else result


def _without(value: object, left_out: Callable[[str], object]) -> object:
    if isinstance(value, dict):
        pairs = ((key, _without(item, left_out)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _LEFT_OUT}
    if isinstance(value, list):
        return [item for item in (_without(item, left_out) for item in value) if item is not _LEFT_OUT]
    if isinstance(value, str) and (match := PLACEHOLDER.fullmatch(value)):
        left_out(match[0])
        return _LEFT_OUT
    return value


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Replace defined variables."""
    for _ in range(10):
        again = VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)
        if again == text:
            break
        text = again
    return text


def template(text: str, variables: Mapping[str, str], unknown: Unknown) -> str:
    """A text with Postman's variables as a template. Constants are `vars`."""
    result, at = "", 0
    for variable in VARIABLE.finditer(text):
        result += _quoted(text[at : variable.start()]) + _expression(variable[1], variables, unknown)
        at = variable.end()
    return result + _quoted(text[at:])


def _expression(name: str, variables: Mapping[str, str], unknown: Unknown) -> str:
    if name in DYNAMIC:
        return f"{{{{ {DYNAMIC[name]} }}}}"
    if name in variables:
        return f"{{{{ vars.{name} }}}}" if _IDENTIFIER.fullmatch(name) else f"{{{{ vars['{name}'] }}}}"
    unknown(name)
    return "{{ '{{" + name.replace("\\", "\\\\").replace("'", "\\'") + "}}' }}"


def _quoted(text: str) -> str:
    """Escape braces that are not variables."""
    return re.sub(r"\{[{%#]", lambda match: "{{ '" + match[0] + "' }}", text)


def json_template(text: str, variables: Mapping[str, str], unknown: Unknown) -> object:
    """
    JSON with variables in its texts, or in the place of values, as a tree with templates.
    Raises ValueError for what is none. A text stays a text, whatever its template gives.
    """
    marked = "".join(_marked(text))
    return _tree(json.loads(marked, parse_float=written_float), variables, unknown)


_MARK = "\ue000"
"""Marks a variable in the place of a JSON value."""


def _marked(text: str) -> list[str]:
    """Return the parts of a text, with quotes around variables outside of strings."""
    result, at, inside = [], 0, False
    while at < len(text):
        variable = None if inside else VARIABLE.match(text, at)
        if variable is not None:
            result.append(json.dumps(f"{_MARK}{{{{{variable[1]}}}}}"))
            at = variable.end()
            continue
        step = 2 if inside and text[at] == "\\" else 1
        inside ^= text[at] == '"'
        result.append(text[at : at + step])
        at += step
    return result


def _tree(value: object, variables: Mapping[str, str], unknown: Unknown) -> object:
    if isinstance(value, dict):
        for key in value:
            for match in VARIABLE.finditer(key):  # no key is a template
                unknown(match[1])
        return {key: _tree(item, variables, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [_tree(item, variables, unknown) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith(_MARK):
        return template(value[1:], variables, unknown)
    alone = VARIABLE.fullmatch(value)
    if alone and alone[1] in _NO_TEXT:
        return f"{{{{ {DYNAMIC[alone[1]]} | string }}}}"
    return template(value, variables, unknown)


# Back


def json_variables(value: object, unsaid: Callable[[str], None]) -> str:
    """Return JSON with variables, unquoted if a template has no text."""

    def leaf(item: object, _: object) -> object:
        if not isinstance(item, str):
            return item
        made = as_variables(item, unsaid)
        alone = VARIABLE.fullmatch(made)
        return _MARK + made if alone and alone[1] in _NO_TEXT and "| string" not in item else made

    text = json_bytes(map_leaves(value, leaf)).decode("utf-8", "surrogatepass")
    return re.sub(f'"{_MARK}({VARIABLE.pattern})"', lambda match: match[1], text)


def as_variables(text: str, unsaid: Callable[[str], None]) -> str:
    """Convert a template to variables; `unsaid` is called with each expression without a variable."""

    def one(match: re.Match[str]) -> str:
        expression = match[1].removesuffix(" | string")
        if expression in _VARIABLES:
            return f"{{{{{_VARIABLES[expression]}}}}}"
        constant = re.fullmatch(r"vars\.(\w+)|vars\['([^']+)'\]", expression)
        if constant:
            return f"{{{{{constant[1] or constant[2]}}}}}"
        literal = re.fullmatch(r"'(\{\{[^']+\}\}|\{[{%#])'", expression)
        if literal:
            return literal[1]
        unsaid(expression)
        return match[0]

    return _TEMPLATE.sub(one, text) if "{{ '" not in text else _TEMPLATE_WITH_QUOTES.sub(one, text)


_TEMPLATE_WITH_QUOTES = re.compile(r"\{\{\s*((?:'[^']*'|[^'}])*?)\s*\}\}")
