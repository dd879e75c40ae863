"""Compiles what a scenario says about a field: its replies, and the conditions on its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import get_named_type

from mockserver.errors import Flaw, InvalidInputError, ReadFile, near
from mockserver.graphql.replies import compile_field_reply
from mockserver.graphql.schemas import FieldType, GraphQLApi, field_of
from mockserver.responses.planner import Reply
from mockserver.schema.match import MatchSpec
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec


@dataclass(frozen=True, slots=True)
class FieldTarget:
    """What the route of a field knows about it."""

    type: FieldType

    def compile_reply(
        self, spec: ReplySpec, defaults: ReplyDefaultsSpec, read_file: ReadFile, names: frozenset[str] | None
    ) -> Reply:
        """Compile a reply. Raises InvalidInputError with every flaw, with paths relative to the reply."""
        return compile_field_reply(spec, defaults, self.type, read_file, names)

    def typed_match(self, spec: MatchSpec) -> MatchSpec:
        """
        Return a `match` whose conditions on arguments are checked: each is one of the field, and a number is the text
        that GraphQL makes of it. Raises InvalidInputError.
        """
        written = spec.arguments
        if not spec.has("arguments") or not isinstance(written, dict):
            return spec
        known = self.type.field.args
        typed = {}
        flaws = []
        for name, condition in written.items():
            typed[name] = condition
            if name in known:
                is_text = get_named_type(known[name].type).name in ("ID", "String")
                if is_text and isinstance(condition, int) and not isinstance(condition, bool):
                    typed[name] = str(condition)
            elif not str(name).startswith("$"):
                said = f"{self.type.parent.name}.{self.type.name} has no argument {name!r}"
                flaws.append(Flaw(("arguments", name), said, near(str(name), known), at_key=True))
        if flaws:
            raise InvalidInputError(flaws)
        return spec.model_copy(update={"arguments": typed})


def target_of(apis: Sequence[GraphQLApi], path: str) -> FieldTarget:
    """Return the field of a request line. Raises InvalidInputError if no schema has it."""
    return FieldTarget(field_of(apis, path))
