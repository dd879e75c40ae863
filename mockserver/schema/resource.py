"""Resources, as written: collections with operations to list, read, create, change and delete."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic import model_validator as whole
from pydantic_core import CoreSchema

from mockserver.errors import WrongValueError, near, shown
from mockserver.schema.base import SchemaOf, Spec, is_template
from mockserver.schema.policies import GuardedSpec
from mockserver.schema.reply import ReplySpec, WorkSpec

EVENTS = ("create", "read", "list", "replace", "merge", "update", "delete")
"""Events of every collection; transitions of a machine are added."""
UPDATES = {"PUT": "replace", "PATCH": "merge", "POST": "update"}
"""Methods that may change an item, with their events."""
ENVELOPE = ("items", "total", "page", "pages", "has_next", "next_cursor")
"""Fields that the envelope of a list can have."""
MAX_SEEDS = 100_000
DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 100_000

_NAME = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*")


def _path(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("/"):
        raise WrongValueError(f"{shown(value)} is not a valid path", "Begin it with a slash, such as /items")
    if value.endswith("/") or value.startswith("//"):
        raise WrongValueError(
            f"{value!r} has a slash too many", f"Write {'/' + (value.strip('/') or 'items')}"
        )
    if "{" in value or "}" in value:
        raise WrongValueError(
            f"{value!r} has a parameter, but a collection has one path",
            "Write one resource for each path; the /{id} of items is added",
        )
    if any(c in "?#" or c.isspace() for c in value):
        raise WrongValueError(
            f"{value!r} is not a plain path", "Leave query, fragment and spaces out; write %20 for one"
        )
    return value


def _field(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise WrongValueError(
            f"{shown(value)} is not a valid field name", "Write the name of a field, such as id"
        )
    return value


FieldName = Annotated[str, BeforeValidator(_field)]


def _generate(value: object) -> object:
    if isinstance(value, str) and (value in ("increment", "uuid") or is_template(value)):
        return value
    advice = near(value, ("increment", "uuid")) if isinstance(value, str) else ""
    advice = advice if advice.startswith("Did") else ""
    remedy = "Write increment, uuid or a template; {field: order_id} names the field"
    raise WrongValueError(f"{shown(value)} is not a way to generate ids", f"{advice} {remedy}".strip())


class IdSpec(Spec):
    """The field of an item's id, and how ids are generated. A plain string is `generate`."""

    field: FieldName = "id"
    generate: Annotated[str, BeforeValidator(_generate)] = Field(
        default="increment", description="increment, uuid, or a template."
    )

    @whole(mode="before")
    @classmethod
    def _from_short(cls, value: object) -> object:
        if isinstance(value, (dict, cls)):
            return value
        return {"generate": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


class SeedSpec(Spec):
    """A number of items from one template, in which `n` counts from 1."""

    count: Annotated[int, Field(ge=0, le=MAX_SEEDS)] = Field(description="Number of items.")
    each: dict[str, Any] = Field(description="One item; strings may be templates, `n` counts from 1.")

    @whole(mode="before")
    @classmethod
    def _is_mapping(cls, value: object) -> object:
        if not isinstance(value, (dict, cls)):
            raise WrongValueError(
                f"expected items, got {shown(value)}",
                "Write {count: 25, each: {…}}, a list, or a file's name",
            )
        return value


_COUNTED, _LISTED, _IN_FILE = "{count, each}", "[items]", "file.json"
"""Tags of the union. They are not valid keys, so that they can be distinguished from keys in a path."""


def _seed_kind(value: object) -> str:
    if isinstance(value, list):
        return _LISTED
    return _IN_FILE if isinstance(value, str) else _COUNTED


Seed = Annotated[
    Annotated[SeedSpec, Tag(_COUNTED)]
    | Annotated[list[dict[str, Any]], Tag(_LISTED)]
    | Annotated[str, Tag(_IN_FILE)],
    Discriminator(_seed_kind),
]


class ConstantSpec(Spec):
    """A constant of an envelope."""

    value: Any = Field(description="Any JSON value.")


def _word(value: object) -> object:
    if not isinstance(value, (dict, ConstantSpec)) and value not in ENVELOPE:
        hint = near(str(value), ENVELOPE) or f"Write {{value: {shown(value)}}} for a constant"
        raise WrongValueError(f"{shown(value)} is not a field of a page", hint)
    return value


Word = Annotated[str | ConstantSpec, BeforeValidator(_word), SchemaOf(ConstantSpec, {"enum": list(ENVELOPE)})]
Parameter = Annotated[str, Field(min_length=1)]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)]


class PageSpec(Spec):
    """
    Pagination of a list: the names of query parameters, and the format of the answer.

    One of `number`, `offset` and `cursor`; `link` alone pages by `page` and `per_page`.
    """

    number: Parameter | None = Field(
        default=None, description="The parameter for the number of the page, from 1."
    )
    size: Parameter | None = Field(default=None, description="The parameter for the size of the page.")
    offset: Parameter | None = Field(
        default=None, description="The parameter for the number of items to skip."
    )
    limit: Parameter | None = Field(
        default=None, description="The parameter for the number of items to return."
    )
    cursor: Parameter | None = Field(default=None, description="The parameter for the cursor.")
    before: Parameter | None = Field(
        default=None, description="With a cursor: the parameter for the item before which the page ends."
    )
    order: Literal["oldest", "newest"] = Field(
        default="oldest", description="Which item comes first; by default the one that was created first."
    )
    link: bool = Field(default=False, description="Add a Link header with the other pages (RFC 8288).")
    default: PageSize = Field(default=DEFAULT_PAGE_SIZE, description="Default size of a page.")
    max: PageSize | None = Field(
        default=None, description="Maximum size of a page; larger requests are reduced to it."
    )
    envelope: dict[str, Word] | None = Field(
        default=None,
        description="Keys of the answer, each with items, total, page, pages, has_next, next_cursor, or {value: a constant}.",
    )

    @whole(mode="before")
    @classmethod
    def _link_alone(cls, value: object) -> object:
        if (
            isinstance(value, dict)
            and value.get("link") is True
            and not {"number", "offset", "cursor"} & set(value)
        ):
            size = {} if "limit" in value else {"size": "per_page"}
            return {"number": "page", **size, **value}
        return value

    @whole(mode="after")
    def _one_style(self) -> PageSpec:
        styles = [key for key in ("number", "offset", "cursor") if getattr(self, key) is not None]
        if len(styles) > 1:
            raise WrongValueError(
                f"a list is paged in one way, this one by {' and '.join(styles)}", "Keep one of them"
            )
        self._check_sizes(styles[0] if styles else "")
        self._check_names()
        if self.envelope is not None:
            self._check_envelope(self.envelope)
        elif not styles and not self.has("order"):
            raise WrongValueError(
                "the pages have no parameters", "Write number: page, size: per_page, or link: true"
            )
        return self

    def _check_sizes(self, style: str) -> None:
        if self.size is not None and style != "number":
            raise WrongValueError(
                "`size` goes with `number`", "Write number: page beside it, or `limit` with offset or cursor"
            )
        if self.limit is not None and style not in ("offset", "cursor"):
            raise WrongValueError(
                "`limit` goes with `offset` or `cursor`",
                "Write offset: offset beside it, or `size` with number",
            )
        if self.before is not None and style != "cursor":
            raise WrongValueError("`before` goes with `cursor`", "Write cursor: starting_after beside it")
        beside = [key for key in ("default", "max") if self.has(key)]
        if beside and not style:
            raise WrongValueError(
                f"`{beside[0]}` is the size of a page, but there are no pages", "Write number: page beside it"
            )
        if self.max is not None and self.has("default") and self.default > self.max:
            raise WrongValueError(f"default {self.default} is above max {self.max}", "Swap them")

    def _check_names(self) -> None:
        names = [
            name
            for name in (self.number, self.size, self.offset, self.limit, self.cursor, self.before)
            if name is not None
        ]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise WrongValueError(f"the parameter {twice!r} is used twice", "Use different names")

    def _check_envelope(self, envelope: dict[str, str | ConstantSpec]) -> None:
        words = [word for word in envelope.values() if isinstance(word, str)]
        if "items" not in words:
            raise WrongValueError("the envelope has no items", "Write the key that holds them: {data: items}")
        known = {"cursor": ("items", "total", "has_next", "next_cursor"), "": ("items", "total")}.get(
            self.style, ("items", "total", "page", "pages", "has_next")
        )
        for word in words:
            if word not in known:
                how = f"paging by {self.style}" if self.style else "a list without pages"
                remedy = (
                    "Name a `cursor`" if word == "next_cursor" else "Name a `number`, such as number: page"
                )
                raise WrongValueError(f"{how} has no {word}", f"{remedy}, or use {', '.join(known)}")

    @property
    def style(self) -> Literal["number", "offset", "cursor", ""]:
        """The style of pagination; empty if the list is complete."""
        if self.number is not None:
            return "number"
        if self.offset is not None:
            return "offset"
        return "cursor" if self.cursor is not None else ""

    @property
    def newest_first(self) -> bool:
        return self.order == "newest"

    @property
    def size_name(self) -> str | None:
        """The parameter for the size of a page."""
        return self.size if self.size is not None else self.limit

    @property
    def default_size(self) -> int:
        return self.default if self.max is None else min(self.default, self.max)


def _transition(value: object) -> object:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise WrongValueError(
            f"{shown(value)} is not a valid transition name",
            "It is the last part of a path: use letters, digits, dashes or underscores",
        )
    if value in EVENTS:
        raise WrongValueError(f"{value!r} is what happens to every item", "Give the transition another name")
    return value


TransitionName = Annotated[str, BeforeValidator(_transition)]
State = Annotated[str, Field(min_length=1)]


class MachineSpec(Spec):
    """The states of an item and their transitions: `POST PATH/{id}/TRANSITION`."""

    field: FieldName = Field(default="status", description="The field of the state.")
    initial: State = Field(description="The initial state of an item.")
    transitions: Annotated[
        dict[TransitionName, Annotated[dict[State, State], Field(min_length=1)]],
        Field(min_length=1, description="Names of transitions, each with {from: to}."),
    ]


class OnSpec(WorkSpec):
    """Side effects of an event of an item, as in a route."""

    @whole(mode="after")
    def _ttl_of_something(self) -> OnSpec:
        if self.set_ttl_s is not None and self.set_ is None:
            raise WrongValueError("`set_ttl` needs `set`", "Write what to set, or remove it")
        return self


def _schema(value: object) -> object:
    if not isinstance(value, (dict, bool, str)):
        raise WrongValueError(
            f"expected a JSON Schema, got {shown(value)}", "Write the schema, or the name of a file with it"
        )
    return value


def _methods(value: object) -> object:
    listed = [value] if isinstance(value, str) else value
    for method in listed if isinstance(listed, list) else ():
        if not isinstance(method, str) or method not in UPDATES:
            raise WrongValueError(
                f"{shown(method)} changes no item", near(str(method), UPDATES) or "Use PATCH, PUT or POST"
            )
    return listed


Methods = Annotated[
    list[Literal["PATCH", "PUT", "POST"]],
    BeforeValidator(_methods),
    WithJsonSchema({"type": "array", "items": {"enum": list(UPDATES)}}),
]


def _one_reply(reply: ReplySpec) -> ReplySpec:
    for field, key in (("choose", "choose"), ("cases", "cases"), ("times", "times"), ("for_s", "for")):
        if reply.has(field):
            raise WrongValueError(f"it is one reply, and this one has `{key}`", "Remove it")
    return reply


OneReply = Annotated[ReplySpec, AfterValidator(_one_reply)]
INVALID = ReplySpec.known(status=422, json_={"errors": "{{ errors }}"})


class ResourceSpec(GuardedSpec):
    """A collection: list, create, read, change, delete, and the transitions of its state machine."""

    path: Annotated[
        str,
        BeforeValidator(_path),
        WithJsonSchema({"type": "string", "pattern": "^/", "examples": ["/items"]}),
    ] = Field(description="Path of the collection; its items are at /{id} below.")
    id: IdSpec = Field(default=IdSpec(), description="increment, uuid, a template, or {field, generate}.")
    seed: Seed = Field(default=[], description="Initial items: {count, each}, a list, or a file.")
    new: dict[str, Any] = Field(default={}, description="Default fields of a created item.")
    always: dict[str, Any] = Field(
        default={}, description="Fields of a created item, whatever was sent; templates can use `item`."
    )
    page: PageSpec | None = Field(
        default=None, description="Pagination; by default, the complete list is returned."
    )
    schema_: Annotated[
        Any,
        BeforeValidator(_schema),
        WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "boolean"}, {"type": "string"}]}),
    ] = Field(default=None, alias="schema", description="JSON Schema 2020-12 of an item: inline, or a file.")
    invalid: OneReply = Field(default=INVALID, description="The answer to an invalid body; can use `errors`.")
    missing: OneReply | None = Field(default=None, description="The answer to an unknown id; default 404.")
    created: OneReply | None = Field(
        default=None, description="The answer to a created item; can use `item`; default 201 and the item."
    )
    deleted: OneReply | None = Field(
        default=None, description="The answer to a deleted item; can use `item`; default 204."
    )
    names: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default={},
        description="Names of its routes, by event; by default a name is method and path.",
        examples=[{"create": "create-charge"}],
    )
    graphql: dict[str, str] = Field(
        default={},
        description="Fields of the GraphQL schema that its operations answer, by event.",
        examples=[{"list": "Query.users", "read": "Query.user", "create": "Mutation.createUser"}],
    )
    expand: dict[FieldName, str] = Field(
        default={},
        description="Fields with the id of an item, and the path of its resource: `?expand[]=FIELD` returns the item instead.",
        examples=[{"customer": "/customers"}],
    )
    update: Methods = Field(default=["PATCH", "PUT"], description="Methods that change an item.")
    machine: MachineSpec | None = Field(default=None, description="State machine of an item.")
    on: dict[str, OnSpec] = Field(default={}, description="Side effects by event.")

    @whole(mode="after")
    def _fits(self) -> ResourceSpec:
        if self.machine is not None and self.machine.field == self.id.field:
            raise WrongValueError(
                f"the field {self.id.field!r} is both id and state", "Name another field in `machine`"
            )
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """All events that can be used under `on`."""
        changes = tuple(UPDATES[method] for method in self.update)
        any_change = ("update",) if changes and "update" not in changes else ()
        transitions = tuple(self.machine.transitions) if self.machine else ()
        return ("create", "read", "list", "delete", *changes, *any_change, *transitions)
