"""JSON trees of `json` and `json_exact`, from other tools' bodies and back."""

from __future__ import annotations

from mockserver.formats.mocks.conditions import tree as literal_tree
from mockserver.formats.mocks.sources import NotConvertibleError


def subset(value: object) -> object:
    """Of a list, some items in any order; an object inside it again in part."""
    if isinstance(value, dict):
        fields = {key: subset(item) for key, item in value.items()}
        return {"$fields": fields} if any(key.startswith("$") for key in fields) else fields
    if isinstance(value, list):
        parts = [{"$contains": subset(item)} for item in value]
        return parts[0] if len(parts) == 1 else {"$all_of": parts} if parts else {"$type": "array"}
    return literal_tree(value)


def plain_subset(tree: object) -> object:
    """What `subset` was made of. Raises NotConvertibleError."""
    if isinstance(tree, dict):
        match next(iter(tree.items())) if len(tree) == 1 else ("", None):
            case ("$fields", fields):
                return {key: plain_subset(item) for key, item in fields.items()}
            case ("$equals", text):
                return text
            case ("$contains", item):
                return [plain_subset(item)]
            case ("$all_of", parts) if all(
                isinstance(one, dict) and list(one) == ["$contains"] for one in parts
            ):
                return [plain_subset(one["$contains"]) for one in parts]
        if any(key.startswith("$") for key in tree):
            raise NotConvertibleError("operators inside of `json` can't be carried")
        return {key: plain_subset(item) for key, item in tree.items()}
    if isinstance(tree, list):
        raise NotConvertibleError("a list in its order can't be asked for in part")
    if tree in ("$present", "$absent"):
        raise NotConvertibleError("operators inside of `json` can't be carried")
    return tree


def plain(tree: object) -> object:
    """The JSON value that a tree without operators stands for. Raises NotConvertibleError."""
    if isinstance(tree, dict):
        if list(tree) == ["$fields"]:
            return {key: plain(item) for key, item in tree["$fields"].items()}
        if list(tree) == ["$equals"]:
            return tree["$equals"]
        if any(key.startswith("$") for key in tree):
            raise NotConvertibleError("operators inside of `json_exact` can't be carried")
        return {key: plain(item) for key, item in tree.items()}
    if tree in ("$present", "$absent"):
        raise NotConvertibleError("operators inside of `json_exact` can't be carried")
    return [plain(item) for item in tree] if isinstance(tree, list) else tree
