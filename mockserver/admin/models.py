"""The models of answers, for `openapi.json`. Tests validate every answer with them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model


class AdminView(BaseModel):
    """An answer of the admin API."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow", defer_build=True)
    type: str
    title: str
    status: int
    detail: str
    errors: list[FlawView] = []


class FlawView(AdminView):
    """One flaw, with a JSON pointer to its place."""

    pointer: str
    message: str
    hint: str


class ScenarioView(AdminView):
    name: str
    active: bool
    description: str | None
    origin: Literal["file", "admin"]
    file: str | None
    base: str
    host: str | None
    routes: list[str]


class Listing(AdminView):
    """A list; `next` is the cursor of the next page, or null."""

    items: list[Any]
    next: str | None


def list_of(name: str, item: Any) -> type[Listing]:
    """Return the model of a list of such items."""
    return create_model(name, __base__=Listing, __module__=__name__, items=(list[item], ...))


ScenarioList = list_of("ScenarioList", ScenarioView)


class RouteView(BaseModel):
    """A route as written, with what the server knows about it. `step` is the next one, from 1."""

    model_config = ConfigDict(extra="allow", defer_build=True)
    id: str
    scenario: str
    name: str
    request: str
    calls: int
    step: int
    steps: int
    exhausted: bool


RouteList = list_of("RouteList", RouteView)


class BodyView(AdminView):
    """A body: `text` where it is UTF-8, else `base64`; `length` and `sha256` are of the whole."""

    text: str | None
    base64: str | None
    length: int
    sha256: str
    truncated: bool


class ClientCertView(AdminView):
    subject: str
    issuer: str
    san: list[str]
    serial: str
    fingerprint_sha256: str


class RequestView(AdminView):
    method: str
    target: str
    path: str
    query: list[list[str]]
    headers: list[list[str]]
    body: BodyView
    complete: bool
    protocol: str
    client: str
    client_cert: ClientCertView | None


class ReplyView(AdminView):
    status: int
    headers: list[list[str]]
    trailers: list[list[str]]
    body: BodyView


class TimesView(AdminView):
    """`arrived` is an instant; the others are milliseconds after it."""

    arrived: str
    claimed_ms: float | None
    first_byte_ms: float | None
    last_byte_ms: float | None
    left_ms: float | None


class FrameBodyView(AdminView):
    """A payload: `text` where it is UTF-8, else `base64`; `length` is of the whole."""

    text: str | None
    base64: str | None
    length: int
    truncated: bool


class FrameView(AdminView):
    """A frame of a WebSocket connection; a fragmented message is one. `at_ms` is counted from the handshake."""

    direction: Literal["received", "sent"]
    at_ms: float
    type: Literal["text", "binary", "ping", "pong", "close"]
    body: FrameBodyView


class ClosedView(AdminView):
    """How a WebSocket connection ended; code 1006: without a close frame."""

    by: Literal["client", "server"]
    code: int
    reason: str


class WebSocketView(AdminView):
    """
    A WebSocket connection. `received` and `sent` count its messages, `dropped` the frames that are not in `frames`;
    `closed` is null while it is open.
    """

    subprotocol: str | None
    received: int
    sent: int
    dropped: int
    closed: ClosedView | None
    frames: list[FrameView]


class GrpcView(AdminView):
    """
    A gRPC call: its messages and those of its reply as JSON, `details` of its status, and its deadline after
    `timeout_ms`. `unreadable` is the reason why there are no messages.
    """

    service: str
    method: str
    messages: list[Any]
    unreadable: str | None
    timeout_ms: float | None
    status: str | None
    text: str | None
    details: list[Any]
    replies: list[Any]


class CallView(AdminView):
    id: str
    number: int
    namespace: str
    route: str | None
    scenario: str | None
    step: int | None
    matched: bool
    automatic: bool
    replayed: bool
    forwarded: str | None
    fault: str | None
    outcome: str
    error: dict[str, Any] | None
    request: RequestView
    reply: ReplyView | None
    websocket: WebSocketView | None
    grpc: GrpcView | None
    let: dict[str, Any]
    effects: list[Any]
    webhooks: list[Any]
    times: TimesView


class BriefView(AdminView):
    """A call in brief: `target` may be cut, `effects` and `webhooks` are how many, `duration_ms` null while it is open, `size` the bytes of the reply's body."""

    id: str
    number: int
    route: str | None
    step: int | None
    matched: bool
    automatic: bool
    replayed: bool
    complete: bool
    fault: str | None
    outcome: str
    method: str
    target: str
    status: int | None
    grpc_status: str | None
    effects: int
    webhooks: int
    arrived: str
    duration_ms: float | None
    size: int | None


CallList = list_of("CallList", CallView | BriefView)


class RecordingView(AdminView):
    """`left_out` are calls that are not in it, by reason; `running` says whether it takes more."""

    id: str
    name: str
    to: str | None
    running: bool
    started: str
    stopped: str | None
    calls: int
    left_out: dict[str, int]


RecordingList = list_of("RecordingList", RecordingView)


class RecordedView(RecordingView):
    """With its scenario: `yaml`, and files beside it by path in Base64; `POST /scenarios` takes these two as they are."""

    yaml: str
    files: dict[str, str]


class ArchiveLogView(AdminView):
    """`entries` are calls, with fields of our own below `_id`, `_namespace`, `_route`, `_step`, `_outcome`, `_fault`."""

    version: Literal["1.2"]
    creator: dict[str, str]
    entries: list[dict[str, Any]]


class ArchiveView(AdminView):
    """An HTTP archive, HAR 1.2."""

    log: ArchiveLogView


class DifferenceView(AdminView):
    where: str
    pointer: str
    expected: Any
    actual: Any = None
    hint: str
    text: str


class NearestView(AdminView):
    route: str
    request: str
    differences: list[DifferenceView]


class UnmatchedView(CallView):
    nearest: list[NearestView]
    suggestion: str


UnmatchedList = list_of("UnmatchedList", UnmatchedView)


class CountView(AdminView):
    count: int
    exact: bool


class RouteCountView(AdminView):
    calls: int
    statuses: dict[str, int]
    in_flight: int
    most_in_flight: int


class CountsView(AdminView):
    total: int
    routes: dict[str, RouteCountView]
    unmatched: int
    incomplete: int
    automatic: int


class VerdictView(AdminView):
    ok: bool
    expected: str
    saw: str
    text: str
    exact: bool = Field(
        default=True,
        description="false if the answer would need removed data; then the check fails.",
    )


class VerifiedView(AdminView):
    ok: Literal[True]
    checks: list[VerdictView]


class ReloadView(AdminView):
    scenarios: int
    routes: int
    warnings: list[str] = Field(default=[])


class StateFileView(AdminView):
    """When something new was last saved; `error` says why the last try failed."""

    saved_at: str | None
    error: str | None


class HealthView(BaseModel):
    model_config = ConfigDict(extra="allow", defer_build=True)
    status: Literal["ok"]
    version: str
    started: str
    uptime_s: float
    scenarios: int
    routes: int

    refused: dict[str, int]
    state_file: StateFileView | None
    tls_url: str | None


class LiveView(AdminView):
    status: Literal["ok"]


class StoreView(BaseModel):
    """`reason` says why the store can't be used now. `emptied_at` is when it was found empty, or another one, last."""

    model_config = ConfigDict(extra="allow", defer_build=True)
    kind: str
    version: str
    ready: bool
    reason: str | None
    emptied_at: str | None


class ReplicaView(AdminView):
    """`heard_s` is the age of its last heartbeat in seconds, `digest` that of its scenario files."""

    id: str
    address: str
    version: str
    digest: str
    started: str
    heard_s: float
    calls_per_s: float
    namespaces: list[str]
    namespace_count: int


class CommitsView(AdminView):
    """Writes of this replica to the store. `repeated` were sent again for want of an answer."""

    groups: int
    entries: int
    writes: int
    repeated: int
    mean_latency_ms: float


class ReplicasView(AdminView):
    """`store` is null for a server without a shared store; then it is alone."""

    store: StoreView | None
    self: str | None
    replicas: list[ReplicaView]
    commits: CommitsView | None
    takeovers: int
    lost: int
    relayed: int


class CandidateView(AdminView):
    route: str
    request: str
    matched: bool
    differences: list[DifferenceView]


class ExplainView(AdminView):
    """A dry run: the route that would answer, its step from 1, and the reply as it would be."""

    route: str | None
    step: int | None
    reply: dict[str, Any] | None
    candidates: list[CandidateView]


class OutageView(BaseModel):
    model_config = ConfigDict(extra="allow", defer_build=True)
    answered: int
    skipped: int


class OutageAnswer(RootModel[OutageView | None]):
    """The current outage, or null."""

    model_config = ConfigDict(defer_build=True)


class TroubleView(BaseModel):
    """
    A trouble as sent, with the complete id of its route.

    `seen` is the number of calls of the route since, `hits` are the ids of affected calls, at most the first 1000.
    """

    model_config = ConfigDict(extra="allow", defer_build=True)
    route: str
    seen: int
    hits: list[str]


TroubleList = list_of("TroubleList", TroubleView)


class StateView(BaseModel):
    """Values by key."""

    model_config = ConfigDict(extra="allow", defer_build=True)


ItemList = list_of("ItemList", dict[str, Any])


class ClockView(AdminView):
    now: str
    frozen: bool
    offset_s: float


class NamespaceView(AdminView):
    """
    An isolated namespace.

    `url` is the value of EXTERNAL_API_URL for the application; with `ttl` null, it is never removed. `failed_test` is the
    test whose failure it was kept for.
    """

    name: str
    url: str
    admin_url: str
    seed: str
    ttl: str | None
    failed_test: str | None


class FailedTestView(AdminView):
    """A failed test: its name, its error, and the last call before it; null if all calls belong to it."""

    test: str
    error: str
    after: str | None


NamespaceList = list_of("NamespaceList", NamespaceView)


class SnapshotView(AdminView):
    id: str


class TryView(AdminView):
    """
    One attempt.

    `gap_ms` is the time since the end of the previous attempt, `asked_ms` the wait that its answer required,
    `retry_after` whether that was `kept` or `broken`; null if nothing was required. `changed` are the parts that
    differ from the previous attempt, `fields` the fields, each with the previous and the new value as JSON text.
    `step`: the next call belongs to the same attempt.
    """

    call: str
    arrived: str
    duration_ms: float | None
    gap_ms: float | None
    asked_ms: float | None
    retry_after: Literal["kept", "broken"] | None
    status: int | str | None
    outcome: str
    key: str | None
    changed: list[str]
    fields: dict[str, list[str | None]]
    step: Literal["unauthorized", "redirect"] | None
    effects: list[str]


class OperationView(AdminView):
    """
    Calls that are attempts of one operation.

    `why` is the evidence for the grouping or, if it is not `certain`, the doubt; `by` is the selector that removes it.
    `repeats` is the number, from 1, of an earlier operation that failed with an equal request. `left_out` are fields
    that are new on each attempt.
    """

    key: str | None
    route: str | None
    certain: bool
    why: str | None
    by: str | None
    repeats: int | None
    left_out: list[str]
    tries: list[TryView]
    statuses: list[int | str | None]
    overlap: bool
    retry_after: Literal["kept", "broken", "none"]
    final: Literal["succeeded", "failed", "open"]


class LoadIntervalView(AdminView):
    """The calls that arrived in an interval; `answers` has their number by status, fault or outcome."""

    at_ms: float
    calls: int
    retries: int
    in_flight: int
    answers: dict[str, int]


class FaultPeriodView(AdminView):
    """
    The time in which an outage or an injected failure was in effect. `routes` is null for all routes.

    `began` and `ended` are real times, `clock_began` and `clock_ended` those of the virtual clock; the end is null
    while it is in effect.
    """

    what: str
    routes: list[str] | None
    began: str
    ended: str | None
    clock_began: str
    clock_ended: str | None
    began_ms: float
    ended_ms: float | None


class LoadRuleView(AdminView):
    """A rule that does not hold, with the time of the calls that broke it, or that all rules hold."""

    ok: bool
    text: str
    began_ms: float | None
    ended_ms: float | None


class LoadView(AdminView):
    """
    The calls over time. `since` is the arrival of the first call; `at_ms`, `began_ms` and `ended_ms` count from it.

    `amplification` is the number of calls per operation, `outages` are those since the first call.
    """

    since: str | None
    interval_ms: float
    calls: int
    operations: int
    retries: int
    amplification: float | None
    most_in_flight: int
    intervals: list[LoadIntervalView]
    outages: list[FaultPeriodView]
    rules: list[LoadRuleView]


class OperationList(Listing):
    """
    `amplification` is the number of calls per operation, `most_in_flight` the maximum of concurrent calls of the
    route.
    """

    items: list[OperationView]
    amplification: float | None
    most_in_flight: int


class DeliveryView(BaseModel):
    model_config = ConfigDict(extra="allow", defer_build=True)
    id: str
    call: str
    route: str
    state: str
    url: str
    again: bool
    tries: list[dict[str, Any]]


DeliveryList = list_of("DeliveryList", DeliveryView)


class ViolationView(AdminView):
    """`operation` is null if the document has none; `got` is missing if there was no value."""

    id: str
    at: str
    call: str
    route: str | None
    scenario: str | None
    operation: str | None
    request: str
    part: str
    where: str
    pointer: str
    expected: str
    got: Any = None
    text: str


ViolationList = list_of("ViolationList", ViolationView)


class CallOfApi(AdminView):
    request: str
    summary: str


class IndexView(AdminView):
    """Overview of the admin API. `dashboard` is for people, `openapi` describes every endpoint."""

    dashboard: str
    openapi: str
    items: list[CallOfApi]


class EffectList(Listing):
    items: list[dict[str, Any]]


class OpenWebSocketView(AdminView):
    """An open WebSocket connection; `call` is its handshake."""

    call: str
    route: str
    opened: str
    client: str
    subprotocol: str | None
    received: int
    sent: int


OpenWebSocketList = list_of("OpenWebSocketList", OpenWebSocketView)


class ReachedView(AdminView):
    """The calls of the connections that were reached."""

    calls: list[str]
