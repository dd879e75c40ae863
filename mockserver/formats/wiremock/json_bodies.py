"""WireMock's patterns for JSON bodies: `equalToJson` with its placeholders, `matchesJsonPath`, `matchesJsonSchema`."""

from __future__ import annotations

import json
import re
from typing import Any

from mockserver.formats.mocks.conditions import value_or_text
from mockserver.formats.mocks.trees import PLACEHOLDERS, some_items, tree
from mockserver.formats.reading import json_of
from mockserver.formats.wiremock.losses import LossPlace
from mockserver.formats.wiremock.values import ANYTHING, FAILED, is_regex, queried, text_condition

_PLACEHOLDER = re.compile(r"\$\{json-unit\.([a-z-]+)\}(.*)", re.DOTALL)
_FILTER = re.compile(r"\$\[\?(?:\(((?:[^()]|\([^()]*\))*)\)|([^()\]]*))\]")
_CURRENT = re.compile(r"""'[^']*'|"[^"]*"|@""")
_EQUALITY = frozenset({"equalToJson", "ignoreArrayOrder", "ignoreExtraElements"})
DRAFTS = {
    "V4": "http://json-schema.org/draft-04/schema#",
    "V6": "http://json-schema.org/draft-06/schema#",
    "V7": "http://json-schema.org/draft-07/schema#",
    "V201909": "https://json-schema.org/draft/2019-09/schema",
    "V202012": "https://json-schema.org/draft/2020-12/schema",
}
"""Names of drafts in WireMock; the last one is the default."""


class _Trees:
    """Converts a literal JSON value to a condition; the two flags are those of `equalToJson`."""

    def __init__(self, at: LossPlace, *, ordered: bool, exact: bool) -> None:
        self._at = at
        self._ordered = ordered
        self._exact = exact
        self.failed = False

    def items(self, items: list[Any]) -> object:
        if self._exact:
            return items if self._ordered else {"$unordered": items}
        if self._ordered and len(items) > 1:
            self._at.lost(
                "in which order the items of lists came is not matched where others may be among them"
            )
        return some_items(items)

    def leaf(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        placeholder = _PLACEHOLDER.fullmatch(value)
        if placeholder is None:
            return {"$equals": value} if value.startswith("$") else value
        kind, rest = placeholder[1], placeholder[2]
        if kind in PLACEHOLDERS:
            return PLACEHOLDERS[kind]
        if kind == "regex":
            self.failed |= not is_regex(rest, self._at)
            return {"$matches": rest}
        self._at.lost(f"the placeholder {value!r} is not known here")
        self.failed = True
        return None


def equal_to_json(pattern: dict[str, Any], at: LossPlace) -> tuple[str, Any]:
    """The key, `json` or `json_exact`, and its condition; FAILED where there is none."""
    at.unknown(pattern, _EQUALITY)
    written = pattern["equalToJson"]
    try:
        value = json_of(written) if isinstance(written, str) else written
    except ValueError:
        at.at("equalToJson").lost("it is not valid JSON")
        return "json", FAILED
    exact = not pattern.get("ignoreExtraElements", False)
    trees = _Trees(at.at("equalToJson"), ordered=not pattern.get("ignoreArrayOrder", False), exact=exact)
    made = tree(value, trees.leaf, trees.items)
    return "json_exact" if exact else "json", FAILED if trees.failed else made


def json_path(pattern: dict[str, Any], at: LossPlace) -> dict[str, Any]:
    """Return the condition by its query; empty, and noted, if there is none."""
    if isinstance(pattern["matchesJsonPath"], str):
        return {_of_itself(rfc_query(pattern["matchesJsonPath"], at.at("matchesJsonPath"))): "present"}
    return queried(pattern, "matchesJsonPath", at, _selection, rfc_query)


def _of_itself(query: str) -> str:
    """
    Return a filter that also applies to the body itself: in WireMock it does, in RFC 9535 only to its members.

    >>> _of_itself("$[?(@.n == 1)]")
    '$[?($.n == 1) || (@.n == 1)]'
    """
    match = _FILTER.fullmatch(query)
    if match is None:
        return query
    said = match[1] if match[1] is not None else match[2]
    itself = _CURRENT.sub(lambda item: item[0].replace("@", "$") if item[0][0] == "@" else item[0], said)
    return f"$[?({itself}) || ({said})]"


def rfc_query(query: str, at: LossPlace) -> str:
    """A JSONPath as RFC 9535 writes it. What only Jayway's has is noted."""
    if not query.startswith("$"):
        query = f"$.{query}"
    if "=~" in query or "()" in query:
        at.lost(
            f"{query!r} is not a query of RFC 9535", "Functions and =~ are Jayway's own: use a plain path"
        )
    return query


def _selection(pattern: dict[str, Any], at: LossPlace) -> object:
    """Return the condition on each result of a query."""
    if set(pattern) <= _EQUALITY and "equalToJson" in pattern:
        return _selected_tree(pattern, at)
    made = text_condition(pattern, at)
    if made is FAILED or made is ANYTHING or made == "absent":
        return made
    return {"contains": _typed(made)}


def _typed(condition: object) -> object:
    """Let a text match the number or boolean that prints as this text, as in WireMock."""
    if isinstance(condition, str) and condition != "present":
        return value_or_text(condition)
    if isinstance(condition, dict) and set(condition) == {"equals"}:
        return condition
    if isinstance(condition, dict):
        return {
            key: [_typed(entry) for entry in item]
            if key in ("all_of", "any_of")
            else _typed(item)
            if key == "not"
            else item
            for key, item in condition.items()
        }
    return condition


def _selected_tree(pattern: dict[str, Any], at: LossPlace) -> object:
    """Return the condition on a result that equals a JSON value without operators."""
    _, made = equal_to_json(pattern, at)
    if made is FAILED:
        return made
    written = pattern["equalToJson"]
    value = json_of(written) if isinstance(written, str) else written
    if made != value:
        at.lost("`equalToJson` of a found value is converted without flags and placeholders only")
        return FAILED
    return {"contains": {"equals": value}}


def json_schema(pattern: dict[str, Any], at: LossPlace) -> object:
    """The schema, in the draft that it names; FAILED where it is none."""
    written = pattern["matchesJsonSchema"]
    try:
        schema = json.loads(written) if isinstance(written, str) else written
    except ValueError:
        at.lost("the schema is not valid JSON")
        return FAILED
    draft = DRAFTS.get(str(pattern.get("schemaVersion")))
    if isinstance(schema, dict) and "$schema" not in schema and draft:
        return {"$schema": draft, **schema}
    return schema
