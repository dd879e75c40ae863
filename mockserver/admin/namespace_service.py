"""Making, listing and removing namespaces: in this process alone, or shared with other replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mockserver.compiler import editing
from mockserver.engine.engine import Engine
from mockserver.engine.namespace import Namespace


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """An entry of the list of namespaces. `ttl_s` None: it is never removed when idle."""

    name: str
    seed: str
    ttl_s: float | None
    failed_test: str | None = None


class NamespaceService(Protocol):
    """Creates, lists and removes namespaces."""

    async def make(
        self, name: str, *, seed: str | None, ttl_s: float | None, scenarios: Sequence[str] | None
    ) -> Namespace:
        """Make a namespace, in which exactly these scenarios answer. Raises NamespaceExistsError."""

    async def all(self) -> list[NamespaceFacts]:
        """Return all namespaces, oldest first."""

    async def remove(self, ns: Namespace) -> None:
        """Remove a namespace with all that is in it."""


def facts_of(ns: Namespace) -> NamespaceFacts:
    failed = ns.failed_test
    return NamespaceFacts(ns.name, ns.seed, ns.ttl_s, None if failed is None else failed.test)


class LocalNamespaces:
    """The namespaces of one engine. `forget` drops the webhooks of a namespace."""

    def __init__(self, engine: Engine, forget: Callable[[Namespace], None]) -> None:
        self._engine = engine
        self._forget = forget

    async def make(
        self, name: str, *, seed: str | None, ttl_s: float | None, scenarios: Sequence[str] | None
    ) -> Namespace:
        ns = self._engine.make_namespace(name, seed=seed, ttl_s=ttl_s)
        if scenarios is not None:
            editing.use(ns, scenarios)
        return ns

    async def all(self) -> list[NamespaceFacts]:
        return [facts_of(ns) for ns in self._engine.namespaces.values()]

    async def remove(self, ns: Namespace) -> None:
        self._forget(ns)
        self._engine.remove_namespace(ns)
