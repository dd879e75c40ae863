"""
Grouping: which calls are attempts of one operation. docs/attempts.md describes the evidence and its order.

Calls are taken in the order of their arrival. Each joins the operation that the strongest evidence names, or begins
one. Where the evidence allows two readings, `readings` gives the groups of each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

from mockserver.attempts.evidence import ABSENT_AT_FIRST, INVOCATION_HEADER, ROUTE, CallEvidence, left_out
from mockserver.attempts.keys import Key
from mockserver.attempts.retryable import UNAUTHORIZED, failed
from mockserver.model.call import Call
from mockserver.model.plan import Outcome

T = TypeVar("T")
Use = tuple[object, ...]
LEAVING_S = 0.05
"""After a client timeout, the server may see the next attempt this long before the disconnect of the previous one."""
MAX_PENDING = 512
"""Maximum number of equal failed requests without a next attempt; of more, the latest half is kept."""
EXACT, SIMILAR, DOUBTFUL = 0, 1, 2
"""
How much a request differs from the previous one: not at all, only in parts that
certainly vary between attempts, in parts that may show another operation.
"""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CUT = frozenset(
    {Outcome.RESET, Outcome.CLOSE, Outcome.TRUNCATE, Outcome.MALFORMED_CHUNK, Outcome.CLIENT_LEFT}
)
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})", re.ASCII)


@dataclass(slots=True)
class Join:
    """
    Why a call belongs to the operation of the previous call.

    `doubt`: why it may not; `pairing`: why another call may be the previous attempt.
    """

    evidence: str
    by: str | None = None
    doubt: str | None = None
    settled_by: str | None = None
    pairing: str | None = None
    level: int = EXACT


class CallNode:
    """A call and its group. `followed`: another call is its next attempt."""

    __slots__ = ("call", "evidence", "followed", "group", "join")

    def __init__(self, evidence: CallEvidence) -> None:
        self.evidence = evidence
        self.call = evidence.call
        self.group = Group()
        self.join: Join | None = None
        self.followed = False


class Group:
    """The calls of one operation, by arrival, with the latest known value of each identifier."""

    __slots__ = ("by", "invocation", "key", "nodes")

    def __init__(self) -> None:
        self.nodes: list[CallNode] = []
        self.by: str | None = None
        self.invocation: str | None = None
        self.key: Key | None = None

    def add(self, node: CallNode) -> None:
        evidence = node.evidence
        self.nodes.append(node)
        self.by = self.by if evidence.by is None else evidence.by
        self.invocation = evidence.invocation or self.invocation
        self.key = evidence.key or self.key


def ended_before(first: Call, second: Call) -> bool:
    """Return whether the first call had ended when the second arrived."""
    ended_at_s = first.ended_at_s
    if first.outcome is Outcome.OPEN or ended_at_s is None:
        return False
    margin_s = LEAVING_S if first.outcome is Outcome.CLIENT_LEFT else 0.0
    return ended_at_s <= second.request.arrived_at_s + margin_s


def readings(evidence: list[CallEvidence]) -> list[list[Group]]:
    """
    Return the groups of the first reading, then those of the others that the evidence allows.

    The first joins calls where the evidence leaves a doubt, and pairs a retry with the
    attempt that ended first. Others pair it with the one that ended last, and with one
    whose requested wait has passed.
    """
    uses = Counter(use for call in evidence for use in _uses(call))
    first = _Grouper(uses, DOUBTFUL).grouped(evidence)
    worst = max((join.level for join in first.joins), default=EXACT)
    certain: _Grouper | None = None
    if worst > EXACT:
        # A more similar later request is the next attempt, rather than a less similar earlier one.
        taken: dict[int, int] = {}
        for level in range(worst):
            certain = _Grouper(uses, level, taken).grouped(evidence)
            taken = certain.followed
        first = _Grouper(uses, DOUBTFUL, taken).grouped(evidence)
    others = []
    if certain is not None and any(join.doubt for join in first.joins):
        others.append(certain.groups)
    if any(join.pairing for join in first.joins):
        picks = [_ended_last, *([_waited] if any(call.due_at_s for call in evidence) else [])]
        others += [_Grouper(uses, DOUBTFUL, first.taken, pick).grouped(evidence).groups for pick in picks]
    return [first.groups, *others]


def _ended_first(nodes: list[CallNode], _: CallNode) -> CallNode:
    return min(nodes, key=_end)


def _ended_last(nodes: list[CallNode], _: CallNode) -> CallNode:
    return max(nodes, key=_end)


def _waited(nodes: list[CallNode], node: CallNode) -> CallNode:
    """Return the node that ended first among those whose requested wait has passed."""
    arrived_at_s = node.call.request.arrived_at_s
    return min(nodes, key=lambda candidate: (candidate.evidence.due_at_s > arrived_at_s, *_end(candidate)))


def _end(node: CallNode) -> tuple[float, int]:
    return node.call.ended_at_s or 0.0, node.call.number


class _Grouper:
    """
    Groups calls, one after the other.

    `level`: how much the requests of one operation may differ. `taken`: calls with a
    more similar next attempt, by call number, with the level of that attempt. `pick`
    returns the previous attempt of a call among nodes that are equally similar to it.
    """

    def __init__(
        self,
        uses: Counter[Use],
        level: int,
        taken: dict[int, int] | None = None,
        pick: Callable[[list[CallNode], CallNode], CallNode] = _ended_first,
    ) -> None:
        self.groups: list[Group] = []
        self.joins: list[Join] = []
        self.taken = taken or {}
        self.followed = dict(self.taken)
        """`taken`, plus the calls that have a next attempt in this grouping."""
        self._level = level
        self._pick = pick
        self._uses = uses
        self._by_value: dict[tuple[object, ...], Group] = {}
        self._by_invocation: dict[tuple[object, ...], list[Group]] = {}
        self._by_key: dict[tuple[object, ...], list[Group]] = {}
        self._by_counter: dict[tuple[object, ...], list[CallNode]] = {}
        self._failed: dict[tuple[bytes, int, bool], list[CallNode]] = {}
        self._refused: dict[bytes, list[CallNode]] = {}
        self._by_location: dict[str, list[CallNode]] = {}

    def grouped(self, evidence: Iterable[CallEvidence]) -> Self:
        """Add the calls, and return this."""
        for call in evidence:
            self.add(call)
        return self

    def add(self, evidence: CallEvidence) -> None:
        node = CallNode(evidence)
        before = (
            self._sharing_value(node)
            or self._sharing_invocation(node)
            or self._redirect_before(node)
            or self._unauthorized_before(node)
            or self._counted_before(node)
        )
        if before is None and not self._is_first(evidence):
            before = self._sharing_key(node) or self._retried_request(node)
        if before is None:
            self.groups.append(node.group)
        else:
            before.followed = True
            node.group = before.group
            assert node.join is not None
            self.joins.append(node.join)
            self.followed.setdefault(before.call.number, node.join.level)
        node.group.add(node)
        self._register(node, before)

    def _is_first(self, evidence: CallEvidence) -> bool:
        """Return whether the retry counter, or its absence where its client would send it, shows a first attempt."""
        return evidence.first or (
            evidence.counter is None and self._uses[evidence.likeness, ABSENT_AT_FIRST] > 0
        )

    # The evidence, strongest first. Each method returns the previous attempt, and sets `node.join`.

    def _sharing_value(self, node: CallNode) -> CallNode | None:
        evidence = node.evidence
        if evidence.by is None:
            return None
        group = self._by_value.get((evidence.route_id, evidence.by))
        if group is None:
            return None
        what = "`by: route`" if evidence.by_text == ROUTE else f"the calls share {evidence.by_text}"
        node.join = Join(what, evidence.by_text)
        return group.nodes[-1]

    def _sharing_invocation(self, node: CallNode) -> CallNode | None:
        evidence = node.evidence
        if evidence.invocation is None:
            return None
        groups = self._by_invocation.get((*evidence.target[1:], evidence.invocation), ())
        group = next((group for group in reversed(groups) if not _different_by(group, evidence)), None)
        if group is None:
            return None
        node.join = Join("the calls share an invocation id", f"headers.{INVOCATION_HEADER}")
        return group.nodes[-1]

    def _redirect_before(self, node: CallNode) -> CallNode | None:
        """Return the redirect that this request follows. Both belong to one attempt."""
        candidates = [
            redirect
            for redirect in self._candidates(self._by_location.get(_target_of(node.call)), node)
            if is_followed(redirect.call, node.call)
        ]
        return self._join_one(node, candidates, Join("it follows the redirect of the call before"))

    def _unauthorized_before(self, node: CallNode) -> CallNode | None:
        """Return the 401 after which the client sends new credentials. Both calls belong to one attempt."""
        evidence = node.evidence
        refused = [
            before
            for before in self._candidates(self._refused.get(evidence.likeness), node)
            if before.evidence.authorization != evidence.authorization
        ]
        return self._most_similar(
            node, refused, "it repeats a 401 with another authorization", refreshed=True
        )

    def _counted_before(self, node: CallNode) -> CallNode | None:
        evidence = node.evidence
        if evidence.counter is None or evidence.first:
            return None
        candidates = [
            before
            for at in evidence.counted_before()
            for before in self._candidates(self._by_counter.get(at), node)
            if not _different_invocation(before.group, evidence)
        ]
        same_key = [before for before in candidates if have_same_key(before.evidence, evidence)]
        nearest = _nearest(same_key or candidates, evidence)
        failed_before = [before for before in nearest if before.evidence.retryable_by_id]
        name = f"headers.{evidence.counter_name}"
        return self._join_one(
            node,
            failed_before or nearest,
            Join(f"{name} counts it as the next attempt", name),
        )

    def _sharing_key(self, node: CallNode) -> CallNode | None:
        evidence = node.evidence
        if evidence.key is None:
            return None
        place, value = evidence.key
        groups = self._by_key.get((*evidence.target, value), ())
        for group in reversed(groups):
            if not _different_by(group, evidence) and not _different_invocation(group, evidence):
                node.join = Join(f"the calls share {place}", place)
                return group.nodes[-1]
        return None

    def _retried_request(self, node: CallNode) -> CallNode | None:
        return self._most_similar(
            node, self._failed_requests(node), "an equal request got a retryable answer before"
        )

    def _most_similar(
        self, node: CallNode, candidates: Iterable[CallNode], reason: str, *, refreshed: bool = False
    ) -> CallNode | None:
        """Return the candidate with the most similar request."""
        evidence = node.evidence
        similar: list[tuple[tuple[int, ...], CallNode, Join]] = []
        for before in candidates:
            if self._level == EXACT and before.evidence.volatile_digest != evidence.volatile_digest:
                continue
            doubts = self._doubts(before, evidence, refreshed=refreshed)
            if doubts is None:
                continue
            differences = (
                not refreshed and before.evidence.identity != evidence.identity,
                len(doubts),
                (before.evidence.key is None) != (evidence.key is None),
                len(left_out(before.evidence, evidence)),
            )
            level = DOUBTFUL if doubts else SIMILAR if any(differences) else EXACT
            if level > self._level or self.taken.get(before.call.number, level) < level:
                continue
            join = Join(reason, level=level)
            if doubts:
                join.doubt, join.settled_by = "; ".join(text for text, _ in doubts), doubts[0][1]
            similar.append((differences, before, join))
        best = [item for item in similar if item[0] == min(rank for rank, _, _ in similar)]
        if not best:
            return None
        nodes = [before for _, before, _ in best]
        chosen = self._pick(nodes, node)
        return self._join_one(node, nodes, next(join for _, before, join in best if before is chosen))

    def _failed_requests(self, node: CallNode) -> Iterator[CallNode]:
        """Yield equal requests with a retryable answer, without those of another operation by id or key."""
        evidence = node.evidence
        uses = self._uses_of(evidence)
        kinds = (0, 1, 2) if uses == 0 else (0, 1) if uses == 1 and self._level == DOUBTFUL else (0,)
        for kind in kinds:
            for invoked in (False,) if evidence.invocation else (False, True):
                yield from self._candidates(self._failed.get((evidence.likeness, kind, invoked)), node)

    def _uses_of(self, evidence: CallEvidence) -> int:
        """Return how often its key is used: 0, 1 or 2, which means several times."""
        if evidence.key is None:
            return 0
        return min(2, self._uses[(*evidence.target, evidence.key[1])])

    def _doubts(
        self, before: CallNode, evidence: CallEvidence, *, refreshed: bool
    ) -> list[tuple[str, str | None]] | None:
        """
        Return each doubt with the selector that resolves it; None if the requests are of two operations.

        `refreshed`: the request follows a 401, so its authorization differs.
        """
        keys = self._key_doubt(before, evidence)
        if keys == "" or _counter_not_increased(before.evidence, evidence):
            return None
        doubts: list[tuple[str, str | None]] = []
        if keys:
            doubts.append((keys, _key_place(evidence)))
        if refreshed:
            if _different_invocation(before.group, evidence):
                doubts.append(("the requests have different invocation ids", f"headers.{INVOCATION_HEADER}"))
        elif before.evidence.identity != evidence.identity:
            doubts.append(("the requests have different headers.authorization", "headers.authorization"))
        for name, certain in left_out(before.evidence, evidence).items():
            if self._has_repeated_value(before.evidence, evidence, name):
                return None
            if not certain:
                doubts.append((f"the requests differ in {name}, which may be new on each attempt", name))
        return doubts

    def _has_repeated_value(self, before: CallEvidence, after: CallEvidence, name: str) -> bool:
        """Return whether another request has the same value in a field that looks random, so it does not vary between attempts."""
        return any(self._uses[use] > 1 for use in (*field_uses(before, name), *field_uses(after, name)))

    def _key_doubt(self, before: CallNode, evidence: CallEvidence) -> str | None:
        """Return None if the keys don't differ, "" if they show two operations, else the doubt."""
        old, new = before.group.key, evidence.key
        if old is None or new is None or old[1] == new[1]:
            return None
        uses = (*before.evidence.target, old[1]), (*evidence.target, new[1])
        if any(self._uses.get(use, 0) > 1 for use in uses):
            return ""
        return f"each has its own {new[0]}, used once: a new key for each attempt, or an operation that was repeated"

    # Finding the previous attempt

    def _candidates(self, nodes: list[CallNode] | None, node: CallNode) -> list[CallNode]:
        """Return the nodes that ended before it and have no next attempt. The others are removed from the list."""
        if not nodes:
            return []
        if any(candidate.followed for candidate in nodes):
            nodes[:] = [candidate for candidate in nodes if not candidate.followed]
        return [
            candidate
            for candidate in nodes
            if ended_before(candidate.call, node.call)
            and same_range(candidate.evidence, node.evidence)
            and not _different_by(candidate.group, node.evidence)
        ]

    def _join_one(self, node: CallNode, candidates: list[CallNode], join: Join) -> CallNode | None:
        """Join the call to one of the candidates."""
        if not candidates:
            return None
        if len(candidates) > 1:
            join.pairing = (
                "several equal requests had ended before it, and it may be the next attempt of each"
            )
        node.join = join
        return self._pick(candidates, node)

    # Registering calls for later lookups

    def _register(self, node: CallNode, before: CallNode | None) -> None:
        evidence, call = node.evidence, node.call
        if evidence.by is not None:
            self._by_value.setdefault((evidence.route_id, evidence.by), node.group)
        if evidence.invocation is not None:
            _add_group(self._by_invocation, (*evidence.target[1:], evidence.invocation), node.group)
        if evidence.key is not None:
            _add_group(self._by_key, (*evidence.target, evidence.key[1]), node.group)
        if call.outcome is Outcome.OPEN:
            return  # an open call has no next attempt yet
        _add_node(self._by_counter, evidence.counted(), node)
        if call.meaning == UNAUTHORIZED:
            _add_node(self._refused, evidence.likeness, node)
        if evidence.retryable:
            kind = self._uses_of(evidence), evidence.invocation is not None
            _add_node(self._failed, (evidence.likeness, *kind), node)
            for step in _redirected_from(node, before):
                # A client that follows redirects automatically retries the first request.
                _add_node(self._failed, (step.evidence.likeness, *kind), node)
        self._register_redirect(node)

    def _register_redirect(self, node: CallNode) -> None:
        location = redirected_to(node.call)
        if location is not None:
            _add_node(self._by_location, location, node)


def _add_node(nodes: dict[T, list[CallNode]], at: T, node: CallNode) -> None:
    """Add a node, and drop the oldest ones: each call searches the whole list."""
    pending = nodes.setdefault(at, [])
    pending.append(node)
    if len(pending) > MAX_PENDING:
        pending[:] = [waiting for waiting in pending if not waiting.followed][-MAX_PENDING // 2 :]


def _add_group(groups: dict[tuple[object, ...], list[Group]], at: tuple[object, ...], group: Group) -> None:
    known = groups.setdefault(at, [])
    if not known or known[-1] is not group:
        known.append(group)


def _different_by(group: Group, evidence: CallEvidence) -> bool:
    """Return whether `by` shows another operation. A call without the value may belong to any."""
    return evidence.by is not None and group.by is not None and group.by != evidence.by


def _different_invocation(group: Group, evidence: CallEvidence) -> bool:
    ids = group.invocation, evidence.invocation
    return None not in ids and ids[0] != ids[1]


def _counter_not_increased(before: CallEvidence, after: CallEvidence) -> bool:
    """
    Return whether the retry counter does not increase. It may skip attempts that did not reach the server.

    Clients with a counter send it in every retry, so a request without it starts a new operation.
    """
    if before.counter is None:
        return False
    if after.counter is None or before.counter_name != after.counter_name:
        return True
    return after.counter <= before.counter


def _nearest(nodes: list[CallNode], evidence: CallEvidence) -> list[CallNode]:
    """Return the nodes with the fewest different volatile fields."""
    if len(nodes) < 2 or not evidence.volatile:
        return nodes
    differences = [len(left_out(candidate.evidence, evidence)) for candidate in nodes]
    return [
        candidate for candidate, count in zip(nodes, differences, strict=True) if count == min(differences)
    ]


def _uses(evidence: CallEvidence) -> Iterator[Use]:
    """Yield the keys under which uses of its idempotency key, its counter and its random-looking fields are counted."""
    if evidence.key is not None:
        yield (*evidence.target, evidence.key[1])
    if evidence.counter_name == ABSENT_AT_FIRST:
        yield evidence.likeness, ABSENT_AT_FIRST
    for name in evidence.volatile:
        yield from field_uses(evidence, name)


def field_uses(evidence: CallEvidence, name: str) -> Iterator[Use]:
    """Yield the key under which uses of a field's value are counted, if a second use shows that it does not vary between attempts."""
    volatile = evidence.volatile.get(name)
    if volatile is not None and volatile.reason.is_stable_if_repeated:
        yield evidence.likeness, name, volatile.value


def have_same_key(before: CallEvidence, after: CallEvidence) -> bool:
    return before.key is not None and after.key is not None and before.key[1] == after.key[1]


def _key_place(evidence: CallEvidence) -> str | None:
    return evidence.key[0] if evidence.key is not None else None


# Redirects and ranges


def is_followed(redirect: Call, following: Call) -> bool:
    """Return whether the second request follows the redirect of the first."""
    methods = (redirect.request.method, "GET", "HEAD")
    return redirected_to(redirect) == _target_of(following) and following.request.method in methods


def _redirected_from(node: CallNode, before: CallNode | None) -> Iterator[CallNode]:
    """Yield the redirects that led to a request, the last one first."""
    if before is None:
        return
    following = node
    for step in reversed(before.group.nodes[:-1]):
        if not is_followed(step.call, following.call):
            return
        yield step
        following = step


def redirected_to(call: Call) -> str | None:
    """Return path and query of the answer's Location, without a namespace's prefix; None without one."""
    if call.status not in _REDIRECTS or call.response is None or failed(call):
        return None
    location = call.response.header("location")
    if not location:
        return None
    try:
        parts = urlsplit(urljoin(call.request.path, location))
    except ValueError:
        return None
    path = parts.path.removeprefix(call.request.prefix) or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _target_of(call: Call) -> str:
    request = call.request
    return f"{request.path}?{request.query_string}" if request.query_string else request.path


def same_range(before: CallEvidence, after: CallEvidence) -> bool:
    """Return whether both request the same bytes, or the later one the rest of an incomplete answer."""
    if before.range == after.range:
        return True
    call = before.call
    wanted, earlier = _span(after.range), _span(before.range)
    if wanted is not None and wanted == earlier:
        return True  # `bytes=0-` is the whole resource
    if wanted is None or earlier is None or call.outcome not in _CUT or call.status not in (200, 206):
        return False
    whole = len(call.response.body) if call.response is not None else 0
    # A client that knows the length of the resource names its last byte.
    last = earlier[1] or str(earlier[0] + max(whole, call.reply_length) - 1)
    return wanted[1] in (last, "") and earlier[0] < wanted[0] <= earlier[0] + (call.reply_length or whole)


def _span(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return 0, ""
    span = _RANGE.fullmatch(text.strip())
    return (int(span[1]), span[2]) if span else None
