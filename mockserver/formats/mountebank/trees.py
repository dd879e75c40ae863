"""Convert JSON trees to predicates of mountebank on a body: complete for deepEquals, otherwise leaf by leaf."""

from __future__ import annotations

from typing import Any

from mockserver.formats.mocks.trees import contained
from mockserver.formats.mountebank.conditions import Predicate, combined, predicates_of, together
from mockserver.recording.conversion import NotConvertibleError


def of_whole(value: object, cases: set[bool]) -> object:
    """
    A tree for deepEquals, which compares lists without order. Notes in `cases`
    whether texts count with their case; other operators have no counterpart.
    """
    if isinstance(value, dict):
        match next(iter(value.items())) if len(value) == 1 else ("", None):
            case ("$fields", fields):
                return {key: of_whole(item, cases) for key, item in fields.items()}
            case ("$unordered", items):
                return [of_whole(item, cases) for item in items]
            case ("$equals", text):
                return text
            case ("$ignore_case", text):
                cases.add(False)
                return text
        if any(key.startswith("$") for key in value):
            raise NotConvertibleError("operators inside of `json_exact` can't be converted")
        return {key: of_whole(item, cases) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > 1:
            raise NotConvertibleError("mountebank compares a list without its order")
        return [of_whole(item, cases) for item in value]
    if isinstance(value, str) and value.lower() != value.upper():
        cases.add(True)
    return value


def of_part(tree: object) -> list[Predicate]:
    """Return predicates for a part of a JSON body: one for each leaf, merged by kind."""
    if isinstance(tree, dict) and list(tree) in (["$any_of"], ["$not"], ["$all_of"]):
        operator, operand = next(iter(tree.items()))
        inner = [together(of_part(item)) for item in (operand if isinstance(operand, list) else [operand])]
        return combined(operator[1:], inner)
    if not isinstance(tree, dict):
        raise NotConvertibleError("a JSON body that is not an object can't be matched in part")
    made: list[Predicate] = []
    leaves = sorted(_leaves(tree, ()), key=lambda leaf: "caseSensitive" not in leaf[1])
    for path, predicate in leaves:
        operator = next(iter(predicate))
        value = predicate[operator]["body"]
        options = {key: item for key, item in predicate.items() if key != operator}
        for name in reversed(path):
            value = {name: value} if isinstance(name, str) else [value]
        caseless = operator == "equals" and not isinstance(predicate[operator]["body"], str)
        twin = next(
            (item for item in made if operator in item and (caseless or _options(item, operator) == options)),
            None,
        )
        if twin is None or not _merge(twin[operator]["body"], value):
            made.append({operator: {"body": value}, **options})
    return made


def _options(predicate: Predicate, operator: str) -> Predicate:
    return {key: item for key, item in predicate.items() if key != operator}


def _merge(into: object, value: object) -> bool:
    """Merge the branch of a leaf into a tree. Return False if the place is occupied."""
    while isinstance(into, dict) and isinstance(value, dict):
        name, value = next(iter(value.items()))
        if name not in into:
            into[name] = value
            return True
        into = into[name]
    if isinstance(into, list) and isinstance(value, list):
        into += value
        return True
    return False


def _leaves(tree: object, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Predicate]]:
    if isinstance(tree, dict) and list(tree) == ["$fields"]:
        tree = tree["$fields"]
    elif isinstance(tree, dict) and any(key.startswith("$") for key in tree):
        return _operators(tree, path)
    if isinstance(tree, dict):
        if not tree:
            raise NotConvertibleError("an object that may hold anything can't be matched")
        return [leaf for key, item in tree.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(tree, list):
        raise NotConvertibleError("a list of a JSON body in its order can't be matched in part")
    return [(path, _leaf(tree))]


def _operators(
    tree: dict[str, Any], path: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], Predicate]]:
    made: list[tuple[tuple[str | int, ...], Predicate]] = []
    for key, operand in tree.items():
        if key == "$all_of" and (items := contained(operand)) is not None:
            made += [leaf for item in items for leaf in _leaves(item, (*path, 0))]
        elif key == "$contains" and not isinstance(operand, str):
            made += _leaves(operand, (*path, 0))
        else:
            result = predicates_of({key[1:]: operand}, "body", None, {})
            if any(next(iter(item)) in ("not", "or", "and") for item in result):
                raise NotConvertibleError(f"`{key}` inside of a JSON body can't be converted")
            made += [(path, item) for item in result]
    return made


def _leaf(value: object) -> Predicate:
    if value in ("$present", "$absent"):
        return {"exists": {"body": value == "$present"}}
    if not isinstance(value, str):  # has no case
        return {"equals": {"body": value}}
    return {"equals": {"body": value}, "caseSensitive": True}
