"""
Compiled side effects of a call: `let`, `set`, `effect` and `webhook`.

All values are made before anything is written, so that a failure changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    filled,
    filling,
)

Writes = tuple[tuple[str, Any, float | None], ...]


Sets = tuple[tuple[str | Template, Tree, float | None], ...]
"""State that is written: keys, values, and their lifetime in seconds."""


MOST_EFFECT_MEMBERS = 5_000
"""Limit: each member is checked for secrets whenever the call is shown, also in lists."""


class Work:
    """
    The side effects of a route or a reply. None: not defined there; `webhooks` empty: `none`. `fixed` is what is
    written if nothing varies, and there are no effects.
    """

    __slots__ = ("_make", "effects", "fixed", "sets", "webhooks")

    def __init__(
        self,
        sets: Sets | None = None,
        effects: tuple[Tree, ...] | None = None,
        webhooks: tuple[Any, ...] | None = None,
    ) -> None:
        self.sets = sets
        self.effects = effects
        self.webhooks = webhooks
        self.fixed: Writes | None = None
        if not effects and all(isinstance(key, str) and tree.constant for key, tree, _ in sets or ()):
            self.fixed = tuple((str(key), tree.constant_value, ttl_s) for key, tree, ttl_s in sets or ())
        self._make: Callable[[Scope], Any] | None = None

    @property
    def has_effect(self) -> bool:
        return bool(self.effects)

    def over(self, default: Work) -> Work:
        """Return these side effects, and the default for those that are not defined here."""
        if default is NO_WORK:
            return self
        if self is NO_WORK:
            return default
        return Work(
            self.sets if self.sets is not None else default.sets,
            self.effects if self.effects is not None else default.effects,
            self.webhooks if self.webhooks is not None else default.webhooks,
        )

    def make(self, scope: Scope) -> tuple[Writes, tuple[dict[str, Any], ...]]:
        """Make what is written to the state, and the effects of the service. Raises TemplateError."""
        make = self._make
        if make is None:
            make = self._make = filled((self.sets or (), self.effects or ()))
        writes, effects = make(scope)
        for value in effects:
            if has_more_members(value, MOST_EFFECT_MEMBERS):
                message = (
                    f"an effect has at most {MOST_EFFECT_MEMBERS:,} members; keep the part that is looked at"
                )
                raise TemplateError(message, place="effect")
        return writes, tuple([dict(value) for value in effects])


NO_WORK = Work()


def compile_key(key: object, path: KeyPath, names: frozenset[str]) -> str | Template:
    text = as_text(key)
    return compile_text(text, path, names=names) if is_template(text) else text


def compile_set(value: Mapping[str, Any], ttl_s: float | None, names: frozenset[str]) -> Sets:
    """Raises InvalidInputError, paths relative to the parent of `set`."""
    return tuple(
        (compile_key(key, ("set", key), names), compile_tree(item, ("set", key), names=names), ttl_s)
        for key, item in value.items()
    )


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


def compile_let(value: Mapping[str, Any], names: frozenset[str]) -> Tree | None:
    """
    Compile values made once a call, in the order written; each can use those before it. The value of the tree is `let`
    of the scope, with the values added. Raises InvalidInputError.
    """
    lets = {name: compile_tree(item, ("let", name), names=names) for name, item in value.items()}
    return filling("let", lets) if lets else None
