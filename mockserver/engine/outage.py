"""An outage: the service, or some of its routes, unavailable for a number of calls or a time. Set at the admin API."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import Field

from mockserver.engine.fault_uses import FaultShare, FaultUse, as_written, narrowed
from mockserver.errors import flaws_below, invalid, no_files
from mockserver.responses.planner import Reply, compile_reply
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.trouble import FaultShareSpec


class OutageSpec(FaultShareSpec):
    """The body of `PUT /outage`."""

    reply: ReplySpec = Field(description="What is answered instead: a status, or a whole reply.")
    routes: list[str] | None = Field(default=None, description="Ids or names; default: all.")
    skip: int = Field(default=0, ge=0, description="So many calls go through first.")
    times: int | None = Field(default=None, ge=1, description="Over after this many affected calls.")
    optional: bool = Field(default=False, description="A test does not fail where it answers no call.")


class Outage:
    """A compiled outage. `data` is what was sent; `routes` None for all."""

    __slots__ = ("_skipped", "answer", "answered", "data", "routes", "seen", "share", "spec", "use")

    def __init__(
        self, spec: OutageSpec, data: dict[str, Any], routes: frozenset[str] | None, now_s: float
    ) -> None:
        """Raises InvalidInputError if the reply can't be compiled."""
        self.spec = spec
        self.data = data
        self.routes = routes
        self.answer = _compiled(spec.reply)
        self.share = FaultShare(spec, "outage", now_s)
        self.seen: dict[str, int] = {}
        self._skipped = 0
        self.answered = 0
        self.use = FaultUse(f"outage {_worded(data)}", spec.optional)

    def is_over(self, now_s: float) -> bool:
        return self.share.is_over(now_s) or (self.spec.times is not None and self.answered >= self.spec.times)

    def is_in_effect(self, now_s: float) -> bool:
        """Whether it may answer the next call of its routes."""
        return self._skipped >= self.spec.skip and not self.is_over(now_s)

    def takes(self, route_ids: Sequence[str], seed: str, now_s: float) -> bool:
        """Whether it answers a call of these routes; counts it if so, at the first that it affects."""
        routes = self.routes
        route_id = next((item for item in route_ids if routes is None or item in routes), None)
        if route_id is None:
            return False
        self.use.calls += 1
        if self._skipped < self.spec.skip:
            self._skipped += 1
            return False
        number = self.seen[route_id] = self.seen.get(route_id, 0) + 1
        if not self.share.takes(seed, route_id, number, now_s):
            return False
        self.answered += 1
        self.use.affected = True
        return True

    def state(self) -> tuple[float | None, int, int, float, dict[str, int]]:
        """
        State for `restore`: its end, how many calls were skipped and answered, its beginning, and how many calls came
        by route.
        """
        return self.share.until_s, self._skipped, self.answered, self.share.since_s, dict(self.seen)

    def restore(
        self,
        until_s: float | None,
        skipped: int,
        answered: int,
        since_s: float = 0.0,
        seen: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Restore `state`; older state files end with `answered`."""
        self.share.until_s, self.share.since_s = until_s, since_s
        self._skipped, self.answered, self.seen = skipped, answered, dict(seen)
        self.use.affected = self.use.affected or self.answered > 0

    def twin(self) -> Outage:
        """Return an independent copy for a snapshot."""
        twin = copy.copy(self)
        twin.seen = dict(self.seen)
        return twin

    def view(self) -> dict[str, Any]:
        return {**self.data, "answered": self.answered, "skipped": self._skipped}


def _worded(data: dict[str, Any]) -> str:
    """The reply, and the calls that it applies to."""
    limits = narrowed(data, "routes", "skip")
    reply = data["reply"]
    is_bare = isinstance(reply, dict) and list(reply) == ["status"]
    return as_written(reply["status"] if is_bare else reply) + (f" ({', '.join(limits)})" if limits else "")


def _compiled(spec: ReplySpec) -> Reply:
    if spec.choose is not None or spec.cases is not None:
        raise invalid(("reply",), "an outage has one reply", "Leave `choose` and `cases` to routes")
    from mockserver.templating.variables import AFTER_CLAIM

    with flaws_below("reply"):
        return compile_reply(
            spec,
            ReplyDefaultsSpec(),
            no_files("an outage has no folder", "Write the body as text or base64"),
            AFTER_CLAIM,
        )
