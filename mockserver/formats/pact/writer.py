"""Scenarios as pacts, versions 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mockserver.formats.examples import NOTHING, Example, of_text, of_tree
from mockserver.formats.pact.parts import Interaction, PactPart, file_name, pact_of
from mockserver.formats.pact.rules import body_path, matcher_of, set_rule
from mockserver.formats.pact.texts import generator_of
from mockserver.formats.path_pieces import example_path, path_regex
from mockserver.formats.reading import pretty
from mockserver.formats.routes_to_exchanges import reply_parts, status_of
from mockserver.formats.steps import Step, steps_of
from mockserver.model.http import grouped
from mockserver.model.json_values import map_leaves
from mockserver.model.plural import counted
from mockserver.model.written import as_text
from mockserver.recording.conversion import Document, Exported, Losses, Lost
from mockserver.recording.exchanges import value_of
from mockserver.schema.base import is_template

CONSUMER, PROVIDER = "x-consumer", "x-provider"
"""The scenario's keys for the names in a pact."""
GIVEN = "given "
"""How a tag begins that names a provider state."""


def write(
    scenarios: Mapping[str, Document],
    folder: Path | None = None,
    *,
    consumer: str = "",
    provider: str = "",
    version: int = 4,
) -> Exported:
    """A pact for each scenario, its name being the provider's; one for all where a provider is given."""
    exported = Exported()
    pacts: dict[tuple[str, str], list[Interaction]] = {}
    for name, document in scenarios.items():
        sides = (consumer or document.get(CONSUMER) or "consumer", provider or document.get(PROVIDER) or name)
        result = pacts.setdefault(sides, [])
        result += [
            _of_step(step, folder, exported.lost)
            for step in steps_of({name: document}, exported.lost, frozenset({"when", "state", "fault"}))
            if not _is_broken(step, exported.lost)
        ]
    for (asking, answering), result in pacts.items():
        exported.files[file_name(asking, answering)] = pretty(
            pact_of(asking, answering, result, version, exported.lost)
        )
    return exported


def _is_broken(step: Step, lost: Losses) -> bool:
    if "fault" in step.reply:
        lost.add(f"{step.place}.fault", "no provider promises a fault: the answer is left out")
    return "fault" in step.reply


# Steps


def _of_step(step: Step, folder: Path | None, lost: Losses) -> Interaction:
    given = [tag.removeprefix(GIVEN) for tag in step.route.get("tags") or [] if tag.startswith(GIVEN)]
    when = dict(step.route.get("when") or {})
    state = when.pop("given", None)
    if not given and isinstance(state, str) and state not in ("present", "absent"):
        given = [state]
    lost += [
        Lost(f"{step.route_place}.when.{key}", "a pact names states, it doesn't compare them") for key in when
    ]
    description = step.name
    if step.number > 1:
        description += f" ({step.number})"
        given = [
            *given,
            f"{step.name} has been answered {counted(step.number - 1, 'time')}",
        ]
    if step.case:
        description += f" (case {step.case + 1})"
    return Interaction(description, given, _request(step, lost), _response(step, folder, lost))


def _request(step: Step, lost: Losses) -> PactPart:
    place = f"{step.route_place}.match"
    path, names = example_path(step.path)
    result = PactPart(more={"method": step.method, "path": path})
    if names:
        result.rules["path"] = {
            "combine": "AND",
            "matchers": [{"match": "regex", "regex": f"^{path_regex(step.path)}$"}],
        }
    query = _texts(step.match.get("query"), f"{place}.query", "query", result, lost)
    if query:
        result.more["query"] = query
    result.headers = _texts(step.match.get("headers"), f"{place}.headers", "header", result, lost)
    for key in ("json", "json_exact"):
        if key in step.match:
            _json_body(step.match[key], f"{place}.{key}", result, lost)
    if "json" in step.match:
        lost.add(f"{place}.json", "a pact lets no further fields in, here they may exist")
    if "form" in step.match:
        from urllib.parse import urlencode

        form = _texts(step.match["form"], f"{place}.form", "", result, lost)
        result.body, result.content_type = urlencode([(name, item) for name, some in form.items() for item in some]), "application/x-www-form-urlencoded"  # fmt: skip
    if "text" in step.match:
        example = of_text(step.match["text"])
        lost += [
            Lost(f"{place}.text", f"an example stands for {name}: {operand!r}")
            for _, name, operand in example.rules
        ]
        result.body, result.content_type = (
            ("" if example.value is NOTHING else as_text(example.value)),
            "text/plain",
        )
    for key in step.match:
        if key not in ("query", "headers", "json", "json_exact", "form", "text"):
            lost.add(f"{place}.{key}", "a pact can't express it")
    result.content_type = _own_type(result)
    return result


def _own_type(part: PactPart) -> str:
    return next(
        (some[0] for name, some in part.headers.items() if name.lower() == "content-type"), part.content_type
    )


def _texts(
    conditions: Any, place: str, category: str, result: PactPart, lost: Losses
) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, condition in (conditions or {}).items():
        if (
            name.lower() == "content-type"
            and isinstance(condition, dict)
            and condition.keys() == {"starts_with"}
        ):
            condition = condition["starts_with"]  # noqa: PLW2901  (a pact compares it so)
        example = of_text(condition)
        if example.value is NOTHING:
            lost.add(f"{place}.{name}", "a pact can't match what is absent")
            continue
        values[name] = [
            as_text(item) for item in (example.value if isinstance(example.value, list) else [example.value])
        ]
        rules = result.rules.setdefault(category, {}) if category else {}
        below: dict[str, Any] = {}
        _take(example, body_path, below, f"{place}.{name}", lost)
        if below:
            rules[name] = next(iter(below.values()))
        if category and not rules:
            del result.rules[category]
        elif not category and rules:
            lost.add(f"{place}.{name}", "an example stands for its condition")
    return values


def _json_body(condition: object, place: str, result: PactPart, lost: Losses) -> None:
    example = of_tree(condition)
    result.body = None if example.value is NOTHING else example.value
    result.content_type = "application/json"
    rules: dict[str, Any] = {}
    _take(example, body_path, rules, place, lost)
    if rules:
        result.rules["body"] = rules


def _take(example: Example, key_of: Any, rules: dict[str, Any], place: str, lost: Losses) -> None:
    for path, name, operand in example.rules:
        matcher = matcher_of(name, operand)
        if matcher is None:
            lost.add(f"{place}{body_path(path)[1:]}", f"there is no matcher for {name}: {operand!r}", "The example is used")  # fmt: skip
        else:
            set_rule(rules, key_of(path), matcher)


def _response(step: Step, folder: Path | None, lost: Losses) -> PactPart:
    quiet = Losses()
    lines, content = reply_parts(step, folder, quiet, step.origin)
    is_json = step.body_kind == "json"
    lost += [item for item in quiet if not (is_json and item.place == f"{step.place}.json")]
    result = PactPart(headers=grouped(lines), more={"status": status_of(step, lost)})
    result.content_type = value_of(lines, "content-type")
    if is_json:
        result.body = _examples(step.reply["json"], step, result, lost)
        result.rules["body"] = {"$": {"combine": "AND", "matchers": [{"match": "type"}]}}
    elif step.body_kind is not None:
        result.body = content
    return result


def _examples(value: object, step: Step, part: PactPart, lost: Losses) -> object:
    """Return the JSON with examples in the place of templates."""

    def leaf(item: object, path: tuple[str | int, ...]) -> object:
        if not is_template(item):
            return item
        made = generator_of(item)
        if made is None:
            lost.add(f"{step.place}.json{body_path(path)[1:]}", f"there is no generator for {item}", "It is used as an example")  # fmt: skip
            return item
        example, generator = made
        part.generators.setdefault("body", {})[body_path(path)] = generator
        return example

    return value if step.reply.get("raw") else map_leaves(value, leaf)
