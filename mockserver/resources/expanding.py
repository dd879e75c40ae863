"""Fields with ids of other items, which a client has returned as the items themselves: `?expand[]=customer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mockserver.model.http import Request
from mockserver.resources.bodies import unfit
from mockserver.resources.collection import Collection, Item
from mockserver.resources.kind import ResourceKind, id_text

PARAMETER = "expand"
MOST_LEVELS = 4
Related = Callable[[str], tuple[ResourceKind, Collection]]
"""Return the resource at a path."""


def taken_paths(request: Request, sent: Item) -> list[str]:
    """Return the fields that a request asks for, in its query or its body, from which they are removed."""
    paths = [
        value for name, value in request.query_pairs if name == PARAMETER or name.startswith(f"{PARAMETER}[")
    ]
    written = sent.pop(PARAMETER, [])
    return [*paths, *map(str, written if isinstance(written, list) else [written])]


def expanded(item: Item, paths: Iterable[str], kind: ResourceKind, related: Related) -> Item:
    """Return an item with the items in place of their ids. Raises BodyMismatchError for a field that has none."""
    below: dict[str, list[str]] = {}
    for path in paths:
        if path.count(".") >= MOST_LEVELS:
            raise unfit(PARAMETER, f"has more than {MOST_LEVELS} levels")
        field, dot, inner = path.partition(".")
        below.setdefault(field, []).extend([inner] if dot else [])
    found: dict[str, Any] = {}
    for field, rest in below.items():
        if field not in kind.expand:
            raise unfit(PARAMETER, f"can't expand {field}")
        other, collection = related(kind.expand[field])
        text = id_text(item.get(field))
        value = None if text is None else collection.get(text)
        if value is not None:
            found[field] = expanded(value, rest, other, related)
    return {**item, **found}


def in_list(paths: Iterable[str], envelope: Mapping[str, object] | None) -> list[str]:
    """Return the paths from an item; in a list they may begin with the key of the items: `data.customer`."""
    key = next((key for key, word in (envelope or {}).items() if word == "items"), "")
    return [path.removeprefix(f"{key}.") if key else path for path in paths]
