"""The operations of a resource. Each returns a decision, and changes nothing before that is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

from mockserver.errors import shown
from mockserver.model.http import ABSENT, Pairs, Request
from mockserver.model.merge_patch import merge_patch
from mockserver.model.problem import PROBLEM_TYPE, problem
from mockserver.model.sizes import size_of
from mockserver.resources.bodies import BodyMismatchError, read_object
from mockserver.resources.collection import Collection, Item
from mockserver.resources.expanding import Related, expanded, in_list, taken_paths
from mockserver.resources.kind import ResourceKind, id_text, unchanged
from mockserver.resources.paging import URL_CHARS, in_envelope, link_header, list_page
from mockserver.resources.schema import Errors
from mockserver.resources.state_machine import Machine
from mockserver.responses.planner import Reply
from mockserver.schema.resource import UPDATES
from mockserver.templating.templates import Scope, TemplateError


class ScopeFor(Protocol):
    """Creates the scope for the templates of this call, with additional variables: n, item, errors."""

    def __call__(self, **words: object) -> Scope: ...


def _nothing() -> None:
    """Change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    The answer, and the change that `commit` makes in the same transaction.

    `json` is ABSENT for an empty body. With `reply`, the answer is to be planned with `scope`; with `errors`, it is the
    resource's `invalid`. `events` are what happened, the most specific first; none if the request was rejected. `growth` is
    the change of the collection in items and bytes.
    """

    status: int
    headers: Pairs = ()
    json: Any = ABSENT
    commit: Callable[[], None] = _nothing
    events: tuple[str, ...] = ()
    growth: tuple[int, int] = (0, 0)
    item: Item | None = None
    errors: Errors | None = None
    reply: Reply | None = None
    scope: Scope | None = None

    @property
    def event(self) -> str | None:
        """The name of what happened: the operation or the transition."""
        return self.events[0] if self.events else None


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """A request, and everything that a decision on it needs."""

    kind: ResourceKind
    collection: Collection
    request: Request
    params: Mapping[str, str]
    scope_for: ScopeFor
    related: Related
    expand: list[str] = field(default_factory=list)
    """The fields that are returned as items."""

    def body(self) -> Item:
        """Return the object that was sent, without the parameter that expands fields. Raises BodyMismatchError."""
        sent = read_object(self.request, self.kind.shape)
        if self.kind.expand:
            self.expand.extend(taken_paths(self.request, sent))
        return sent

    def shown(self, item: Item) -> Item:
        """Return an item as the client asks for it. Raises BodyMismatchError."""
        if not self.kind.expand:
            return item
        if self.request.method in ("GET", "HEAD", "DELETE"):
            self.expand.extend(taken_paths(self.request, {}))
        return expanded(item, self.expand, self.kind, self.related)


def _unrelated(path: str) -> NoReturn:
    raise LookupError(path)


Act = Callable[[ResourceRequest], Decision]


@dataclass(frozen=True, slots=True)
class ResourceOperation:
    """
    An operation: its methods, and the suffix of its path.

    GET includes HEAD: the sender leaves out the body.
    """

    name: str
    methods: frozenset[str]
    suffix: str
    kind: ResourceKind
    act: Act

    @property
    def events(self) -> frozenset[str]:
        """The events that it can cause: changes of an item include transitions."""
        if self.name not in UPDATES.values():
            return frozenset({self.name})
        transitions = self.kind.machine.transitions if self.kind.machine else ()
        return frozenset({self.name, "update", *transitions})

    def decide(
        self,
        collection: Collection,
        request: Request,
        params: Mapping[str, str],
        scope_for: ScopeFor,
        related: Related = _unrelated,
    ) -> Decision:
        """Decide on a request. Raises TemplateError if `new`, an id or a reply can't be rendered."""
        try:
            return self.act(ResourceRequest(self.kind, collection, request, params, scope_for, related))
        except BodyMismatchError as error:
            return _invalid(self.kind, error.errors, scope_for)


def operations_of(kind: ResourceKind, updates: list[str]) -> tuple[ResourceOperation, ...]:
    """Return the operations of a resource; `updates` are the methods that change an item."""

    def operation(name: str, method: str, suffix: str, act: Act) -> ResourceOperation:
        return ResourceOperation(name, frozenset({method}), suffix, kind, act)

    changes = [operation(UPDATES[method], method, "/{id}", partial(_change, method)) for method in updates]
    transitions = [
        operation(name, "POST", f"/{{id}}/{name}", partial(_move, name))
        for name in (kind.machine.transitions if kind.machine else ())
    ]
    return (
        operation("list", "GET", "", _list),
        operation("create", "POST", "", _create),
        operation("read", "GET", "/{id}", _read),
        *changes,
        operation("delete", "DELETE", "/{id}", _delete),
        *transitions,
    )


_FEW = 10
"""Up to this number, ids are listed in the error for an unknown one."""
_JSON = ("Content-Type", "application/json")


def _list(call: ResourceRequest) -> Decision:
    spec = call.kind.page
    page = list_page(spec, call.collection, call.request)
    if call.kind.expand:
        paths = in_list(taken_paths(call.request, {}), spec.envelope if spec is not None else None)
        items = [expanded(item, paths, call.kind, call.related) for item in page.facts["items"]]
        page = replace(page, facts={**page.facts, "items": items})
    headers = (_JSON, *link_header(spec, page, call.request))
    return Decision(status=200, headers=headers, json=in_envelope(spec, page), events=("list",))


def _read(call: ResourceRequest) -> Decision:
    item = call.collection.get(call.params["id"])
    return _missing(call) if item is None else _ok(call, item, "read")


def _create(call: ResourceRequest) -> Decision:
    kind, collection = call.kind, call.collection
    sent = call.body()
    own_fields = kind.added | kind.kept
    excused = frozenset(name for name in own_fields if name not in sent) | (kind.kept - {kind.id_field})
    value = kind.sent_id(sent)
    try:
        scope = call.scope_for(n=collection.next_number)
        value = kind.new_id(collection, scope) if value is None else value
        item = kind.made(sent, value, scope)
    except TemplateError:
        # If a template lacks a field that the schema requires, the client gets the schema error.
        kind.check(sent, excused)
        raise
    kind.check(item, excused)
    text = id_text(value)
    assert text is not None
    if text in collection:
        title = f"{kind.path} already has an item {shown(text)}"
        return _problem(409, "item-exists", title, "Choose another id, or leave it out", call, id=text)
    path = quote(call.request.prefix + call.request.path, safe=URL_CHARS, errors="replace")
    shown_item = call.shown(item)
    return Decision(
        status=201,
        headers=(_JSON, ("Location", f"{path}/{quote(text, safe='', errors='replace')}")),
        json=shown_item,
        reply=kind.created,
        scope=None if kind.created is None else call.scope_for(item=shown_item),
        commit=partial(collection.insert, text, item, counted=kind.counted),
        events=("create",),
        growth=(1, size_of(item)),
        item=item,
    )


def _change(method: str, call: ResourceRequest) -> Decision:
    """
    Replace an item (PUT), or merge into it (PATCH and POST).

    Id and state are kept, except for a state that a transition leads to.
    """
    kind, name = call.kind, UPDATES[method]
    text = call.params["id"]
    current = call.collection.get(text)
    if current is None:
        return _missing(call)
    if call.request.media_type == "application/json-patch+json":
        return _no_json_patch(call)
    sent = call.body()
    item = dict(sent) if name == "replace" else merge_patch(current, sent)
    item = {kind.id_field: current[kind.id_field], **item, kind.id_field: current[kind.id_field]}
    machine = kind.machine
    if machine is not None:
        item[machine.field] = sent.get(machine.field, current[machine.field])
    kind.check(item, _excused(kind, name, sent, current))
    events = (name,) if name == "update" else (name, "update")
    if machine is not None and item[machine.field] != current[machine.field]:
        transition = machine.between(current[machine.field], item[machine.field])
        if transition is None:
            wanted = item[machine.field]
            return _forbidden(call, machine, current, f"become {'null' if wanted is None else shown(wanted)}")
        events = (transition, *events)
    return _replaced(call, current, item, *events)


def _excused(kind: ResourceKind, name: str, sent: Item, current: Item) -> frozenset[str]:
    """Return the generated fields that the client left unchanged or did not send."""
    left_alone = kind.kept if name == "replace" else kind.kept | kind.added
    return frozenset(
        field
        for field in kind.kept | kind.added
        if (field not in sent and field in left_alone)
        or unchanged(sent, current, field)
        or field == kind.id_field
    )


def _delete(call: ResourceRequest) -> Decision:
    text = call.params["id"]
    item = call.collection.get(text)
    if item is None:
        return _missing(call)
    return Decision(
        status=204,
        reply=call.kind.deleted,
        scope=None if call.kind.deleted is None else call.scope_for(item=item),
        commit=partial(call.collection.remove, text),
        events=("delete",),
        item=item,
    )


def _move(transition: str, call: ResourceRequest) -> Decision:
    machine = call.kind.machine
    assert machine is not None
    text = call.params["id"]
    current = call.collection.get(text)
    if current is None:
        return _missing(call)
    state = machine.after(transition, machine.state(current))
    if state is None:
        return _forbidden(call, machine, current, f"do {shown(transition)}")
    if call.kind.expand:
        call.body()
    item = {**current, machine.field: state}
    return _replaced(call, current, item, transition)


def _ok(call: ResourceRequest, item: Item, *events: str) -> Decision:
    return Decision(status=200, headers=(_JSON,), json=call.shown(item), events=events, item=item)


def _replaced(call: ResourceRequest, current: Item, item: Item, *events: str) -> Decision:
    commit = partial(call.collection.replace, call.params["id"], item)
    return replace(_ok(call, item, *events), commit=commit, growth=(0, size_of(item) - size_of(current)))


def _invalid(kind: ResourceKind, errors: Errors, scope_for: ScopeFor) -> Decision:
    scope = scope_for(errors=errors)
    status = kind.invalid.status(lambda: scope)
    return Decision(status=status, errors=errors, reply=kind.invalid, scope=scope)


def _problem(
    status: int, name: str, title: str, detail: str, call: ResourceRequest, **members: object
) -> Decision:
    document = problem(status, name, title, detail, resource=call.kind.path, **members)
    return Decision(status=status, headers=(("Content-Type", PROBLEM_TYPE),), json=document)


def _missing(call: ResourceRequest) -> Decision:
    if call.kind.missing is not None:
        return Decision(status=404, reply=call.kind.missing, scope=call.scope_for())
    text, items = call.params["id"], call.collection.items
    detail = f"It has {len(items)} item{'' if len(items) == 1 else 's'}"
    if 0 < len(items) <= _FEW:
        detail += ": " + ", ".join(shown(str(item[call.kind.id_field])) for item in items)
    return _problem(404, "unknown-item", f"{call.kind.path} has no item {shown(text)}", detail, call, id=text)


def _forbidden(call: ResourceRequest, machine: Machine, current: Item, doing: str) -> Decision:
    """Return 409, with the state of the item and its possible transitions."""
    state = machine.state(current)
    allowed = machine.allowed(state)
    now = f"It can {', '.join(allowed)} now" if allowed else "There is no transition from this state"
    title = f"{call.kind.path}/{call.params['id']} is {shown(state)} and can't {doing}"
    return _problem(409, "transition", title, now, call, id=call.params["id"], state=state, allowed=allowed)


def _no_json_patch(call: ResourceRequest) -> Decision:
    """Return 415, with the supported formats (RFC 5789 2.2)."""
    title = "JSON Patch (RFC 6902) is not understood here"
    detail = "Send a JSON merge patch (RFC 7396): an object with what changes, null removing a field"
    refused = _problem(415, "media-type", title, detail, call)
    accepted = ("Accept-Patch", "application/merge-patch+json, application/json")
    return Decision(status=415, headers=(*refused.headers, accepted), json=refused.json)
