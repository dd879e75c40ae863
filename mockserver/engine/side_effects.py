"""
Compiled side effects of a call: `let`, `set`, `effect` and `webhook`.

All values are made before anything is written, so that a failure changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.errors import KeyPath, invalid, shown
from mockserver.model.sizes import has_more_members
from mockserver.model.written import as_text
from mockserver.schema.base import is_template
from mockserver.templating.templates import (
    Scope,
    Template,
    TemplateError,
    Tree,
    compile_text,
    compile_tree,
    filling,
)

Writes = list[tuple[str, Any, float | None]]


@dataclass(frozen=True, slots=True)
class SetWork:
    """State that is written: keys (maybe templates), values, and their lifetime. `fixed` if nothing varies."""

    pairs: tuple[tuple[str | Template, Tree], ...]
    ttl_s: float | None
    fixed: Writes | None

    def writes(self, scope: Scope) -> Writes:
        """Return key, value and seconds to live. Raises TemplateError."""
        ttl_s = self.ttl_s
        return [
            (key if key.__class__ is str else key.render(scope), tree.value(scope), ttl_s)  # type: ignore[union-attr]
            for key, tree in self.pairs
        ]


@dataclass(frozen=True, slots=True)
class Work:
    """The side effects of a route or a reply. None: not defined there; `webhooks` empty: `none`."""

    sets: SetWork | None = None
    effects: tuple[Tree, ...] | None = None
    webhooks: tuple[Any, ...] | None = None

    @property
    def has_effect(self) -> bool:
        return bool(self.effects)


NO_WORK = Work()


def chosen(own: Work, default: Work, status: int) -> Work:
    """Return the side effects of a reply: its own, and, below 400, the route's for those that it does not define."""
    if status >= 400 or default is NO_WORK:
        return own
    if own is NO_WORK:
        return default
    return Work(
        own.sets if own.sets is not None else default.sets,
        own.effects if own.effects is not None else default.effects,
        own.webhooks if own.webhooks is not None else default.webhooks,
    )


def compile_key(key: object, path: KeyPath, names: frozenset[str]) -> str | Template:
    text = as_text(key)
    return compile_text(text, path, names=names) if is_template(text) else text


def compile_set(value: Mapping[str, Any], ttl_s: float | None, names: frozenset[str]) -> SetWork:
    """Raises InvalidInputError, paths relative to the parent of `set`."""
    pairs = tuple(
        (compile_key(key, ("set", key), names), compile_tree(item, ("set", key), names=names))
        for key, item in value.items()
    )
    fixed = [
        (key, tree.constant_value, ttl_s) for key, tree in pairs if isinstance(key, str) and tree.constant
    ]
    return SetWork(pairs, ttl_s, fixed if len(fixed) == len(pairs) else None)


def compile_effects(value: object, names: frozenset[str]) -> tuple[Tree, ...]:
    """Compile one effect, or a list of them. Raises InvalidInputError."""
    listed = value if isinstance(value, list) else [value]
    for item in listed:
        if not isinstance(item, dict) or not item:
            raise invalid(
                ("effect",),
                f"expected a mapping, got {shown(item)}",
                'Write {kind: charge, id: "{{ let.id }}"}',
            )
    paths: list[KeyPath] = [
        ("effect", i) if isinstance(value, list) else ("effect",) for i in range(len(listed))
    ]
    return tuple(compile_tree(item, path, names=names) for item, path in zip(listed, paths, strict=True))


KEPT_LET_CHARS = 256
"""Characters of a `let` text that the call log keeps."""


def kept_let(values: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten the values of `let`: their sources may be large, and must not live as long as the log."""
    kept = {}
    for name, value in values.items():
        if value.__class__ is str and len(value) <= KEPT_LET_CHARS:
            kept[name] = value
        elif value.__class__ is dict:
            kept[name] = f"{{… {len(value)}}}"
        else:
            kept[name] = _in_small(value)
    return kept


def _in_small(value: object) -> Any:
    if isinstance(value, str):
        return value[:KEPT_LET_CHARS] + "…"
    if isinstance(value, Mapping):
        return f"{{… {len(value)}}}"
    if isinstance(value, (list, tuple)):
        return f"[… {len(value)}]"
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)[:KEPT_LET_CHARS]


MOST_EFFECT_MEMBERS = 5_000
"""Limit: each member is checked for secrets whenever the call is shown, also in lists."""


def made_effects(effects: tuple[Tree, ...], scope: Scope) -> list[dict[str, Any]]:
    """Make the effects of the service. Raises TemplateError."""
    made = []
    for tree in effects:
        value = tree.value(scope)
        if not isinstance(value, dict):
            raise TemplateError("an effect is a mapping", place="effect")
        if has_more_members(value, MOST_EFFECT_MEMBERS):
            message = (
                f"an effect has at most {MOST_EFFECT_MEMBERS:,} members; keep the part that is looked at"
            )
            raise TemplateError(message, place="effect")
        made.append(dict(value))
    return made


def compile_let(value: Mapping[str, Any], names: frozenset[str]) -> Tree | None:
    """
    Compile values made once a call, in the order written; each can use those before it. The value of the tree is `let`
    of the scope, with the values added. Raises InvalidInputError.
    """
    lets = {name: compile_tree(item, ("let", name), names=names) for name, item in value.items()}
    return filling("let", lets) if lets else None
