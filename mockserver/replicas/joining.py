"""Puts a replica together: settings in, one that has joined its store out."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockserver import __version__
from mockserver.admin.api import AdminApi, Services
from mockserver.admin.namespace_service import NamespaceFacts, facts_of
from mockserver.compiler import editing
from mockserver.engine.engine import IDLE_TTL_S, Engine
from mockserver.engine.namespace import NAMESPACE_NAME, Namespace
from mockserver.engine.scenario_set import ScenarioSet
from mockserver.errors import MockServerError, invalid
from mockserver.http.listener import Listener
from mockserver.model.http import ADMIN, Request
from mockserver.model.instants import instant
from mockserver.outbound.webhook_queue import AttemptListener, WebhookNamespace
from mockserver.outbound.webhooks import WebhookService
from mockserver.real_time import REAL
from mockserver.replicas.administration import Administration, replay_api
from mockserver.replicas.clock import StoreClock
from mockserver.replicas.journal import NamespaceJournal
from mockserver.replicas.link import LinkServer
from mockserver.replicas.ownership import Ownership
from mockserver.replicas.redis_store import RedisStore
from mockserver.replicas.replica import Replica
from mockserver.replicas.store import Facts, Member
from mockserver.settings import Settings
from mockserver.store.delivery import Delivery, Try
from mockserver.templating.random_values import seed_for

log = logging.getLogger("mockserver")


def check_settings(settings: Settings) -> None:
    """Raise InvalidInputError for settings that can't be combined with a shared store."""
    if settings.state_file:
        hint = "Leave one of them out: the store keeps what a state file would"
        raise invalid(("store",), "--store and --state-file can't be used together", hint)
    if settings.wiremock_port is not None:
        hint = "Leave one of them out, or change stubs by the admin API of mockserver"
        raise invalid(("store",), "--store and --wiremock-port can't be used together", hint)


def address_of(host: str, port: int) -> str:
    """
    Return host and port as one text, for a host that may have its port already.

    >>> address_of("fd00::1", 8081), address_of("10.0.0.7", 8081), address_of("gateway:9000", 8081)
    ('[fd00::1]:8081', '10.0.0.7:8081', 'gateway:9000')
    """
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    return host if re.search(r":\d+$", host) else f"{host}:{port}"


def files_of(scenario_set: ScenarioSet, settings: Settings) -> dict[str, str]:
    """Return the digests of all that decides an answer and has to be the same at each replica, by name."""
    files = {}
    for scenario in scenario_set.scenarios.values():
        source = scenario.source
        digest = hashlib.sha256(source.text.encode())
        digest.update(repr(scenario.spec).encode())  # with the environment filled in
        for name, content in sorted(source.bundle.items()):
            digest.update(name.encode() + hashlib.sha256(content).digest())
        name = source.file.name if source.file is not None else scenario.name
        files[f"{scenario.name} ({name})"] = digest.hexdigest()
    told = [
        settings.seed,
        settings.unmatched_status,
        settings.on_unmatched,
        settings.forward_to,
        list(settings.key_names),
    ]
    told += [settings.calls, settings.max_entries, settings.max_entries_bytes]
    files["settings (--seed, --calls and others)"] = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return files


class SharedReplica:
    """A replica that has joined. `start` comes before the server listens, `serve` after its listener is made."""

    def __init__(self, settings: Settings, engine: Engine, webhooks: WebhookService) -> None:
        check_settings(settings)
        self.settings = settings
        self._engine = engine
        self._webhooks = webhooks
        self._store = RedisStore(settings.store, settings.store_prefix)
        self.clock = StoreClock(REAL.monotonic)
        self._links = LinkServer()
        self.ownership: Ownership
        self.replica: Replica
        self._administration: Administration
        self._answered_before = (0.0, 0)
        engine.shared.wall = engine.shared.mono = self.clock.now

    async def start(self, api: AdminApi, services: Services) -> None:
        """
        Join the store. Raises StoreRefusedError and StoreAwayError, with the reason and the remedy, and
        InvalidInputError; nothing is joined then.
        """
        settings, engine = self.settings, self._engine
        try:
            await self._store.open()
            port = await self._links.listen(settings.host, settings.replica_port)
            files = files_of(engine.shared.scenario_set, settings)
            member = Member(
                secrets.token_hex(8),
                await self._own_address(port),
                __version__,
                digest_of(files)[:12],
                REAL.time(),
            )
            self._administration = Administration(api, replay_api(api, engine, services))
            self.ownership = Ownership(
                self._store,
                engine,
                self.clock,
                member,
                files,
                adopt=settings.store_adopt,
                local=REAL.monotonic,
                run=self._administration.run_again,
                settled=self._settled,
                dropped=self._dropped,
                told=self._told,
            )
            await self.ownership.start()
        except BaseException:
            await self._links.close()
            await self._store.close()
            raise
        self._webhooks.listener = _Attempts(self.ownership)

    async def _own_address(self, port: int) -> str:
        """The address by which other replicas reach this one: the one that it listens on, or that the store sees."""
        settings = self.settings
        if settings.replica_host:
            return address_of(settings.replica_host, port)
        return f"{await self._own_host()}:{port}"

    async def _own_host(self) -> str:
        settings = self.settings
        if settings.host not in ("0.0.0.0", "::", ""):  # noqa: S104  (compared, not listened on)
            return f"[{settings.host}]" if ":" in settings.host else settings.host
        return await self._store.own_address() or socket.gethostbyname(socket.gethostname())

    def serve(self, listener: Listener) -> None:
        """Answer the requests of that listener from now on."""
        self.replica = Replica(
            self.ownership,
            listener,
            secret=self._store.secret,
            server=self._links,
            facts=self._facts,
            unknown=listener.no_namespace,
            admin=self._administration.run,
        )
        self._administration.replica = self.replica
        self.ownership.keep_beating(self.replica.tidy)
        listener.replica = self.replica
        self.replica.administration = self._administration

    def _facts(self, name: str) -> Facts | None:
        if self.settings.namespaces == "auto" and NAMESPACE_NAME.fullmatch(name):
            return Facts(None, IDLE_TTL_S)
        return None

    def _settled(self, ns: Namespace) -> None:
        if ns.timers:
            self._webhooks.moved(ns)

    def _dropped(self, ns: Namespace) -> None:
        self._webhooks.abandon(ns)

    # What is said of it

    def _told(self) -> Mapping[str, Any]:
        now_s = self.clock.live()
        before_s, before = self._answered_before
        answered = self.replica.answered if hasattr(self, "replica") else 0
        self._answered_before = (now_s, answered)
        rate = (answered - before) / max(0.001, now_s - before_s) if before_s else 0.0
        names = sorted(self.ownership.journals)
        return {
            "calls_per_s": round(rate, 1),
            "namespaces": names[:MOST_NAMES],
            "namespace_count": len(names),
        }

    def ready(self) -> str | None:
        """Return why no request can be answered; None where they can."""
        if self.ownership.committer.is_away:
            return "the store does not answer"
        return self.ownership.error

    def view(self) -> dict[str, Any]:
        """Return what `GET /replicas` says."""
        ownership = self.ownership
        committer, figures = ownership.committer, ownership.figures
        now_s = self.clock.live()
        return {
            "store": {
                **self._store.about,
                "ready": self.ready() is None,
                "reason": self.ready(),
                "emptied_at": None if figures.emptied_at_s is None else instant(figures.emptied_at_s),
            },
            "self": ownership.member.id,
            "replicas": [
                {
                    "id": member.id,
                    "address": member.address,
                    "version": member.version,
                    "digest": member.digest,
                    "started": instant(member.started_s),
                    "heard_s": round(max(0.0, now_s - member.beat_s), 3),
                    "calls_per_s": member.told.get("calls_per_s", 0.0),
                    "namespaces": member.told.get("namespaces", []),
                    "namespace_count": member.told.get("namespace_count", 0),
                }
                for member in sorted(ownership.members.values(), key=lambda member: member.started_s)
            ],
            "commits": {
                "groups": committer.figures.groups,
                "entries": committer.figures.entries,
                "writes": committer.figures.writes,
                "repeated": committer.figures.repeated,
                "mean_latency_ms": round(
                    1000 * committer.figures.seconds / max(1, committer.figures.writes), 3
                ),
            },
            "takeovers": figures.taken_over,
            "lost": figures.lost,
            "relayed": self.replica.relay.count,
        }

    def metrics(self) -> Iterator[tuple[str, str, str, Any]]:
        """Return the metrics of the store: kind, name, help and samples."""
        committer, figures = self.ownership.committer.figures, self.ownership.figures
        yield (
            "counter",
            "mockserver_store_groups",
            "Groups of entries that the store has taken.",
            committer.groups,
        )
        yield "counter", "mockserver_store_entries", "Entries in them.", committer.entries
        yield "counter", "mockserver_store_repeated_writes", "Writes that were sent again for want of an answer.", committer.repeated  # fmt: skip
        total, buckets = 0, []
        for bound, count in zip(
            [*(f"{bound:g}" for bound in committer.bounds_s), "+Inf"], committer.latency, strict=True
        ):
            total += count
            buckets.append((bound, total))
        yield "histogram", "mockserver_store_write_seconds", "How long the store took for a write.", (buckets, committer.seconds)  # fmt: skip
        yield "counter", "mockserver_replica_takeovers", "Namespaces that were taken over from other replicas.", figures.taken_over  # fmt: skip
        yield "counter", "mockserver_replica_lost_namespaces", "Namespaces that were given up.", figures.lost
        yield "counter", "mockserver_replica_relayed_requests", "Requests that another replica answered.", self.replica.relay.count  # fmt: skip
        yield "gauge", "mockserver_replicas", "Replicas that share the store.", len(self.ownership.members)
        yield "gauge", "mockserver_store_ready", "1 if the store can be used.", int(self.ready() is None)
        yield "gauge", "mockserver_store_emptied_timestamp_seconds", "When the store was found empty last; 0 for never.", figures.emptied_at_s or 0.0  # fmt: skip

    def check_reload(self, scenario_set: ScenarioSet) -> list[str]:
        """Return the names of the files that are not those which all replicas have."""
        files, valid = files_of(scenario_set, self.settings), self.ownership.files
        return sorted(name for name in {*files, *valid} if files.get(name) != valid.get(name))

    async def collect(self, idle: Sequence[Namespace]) -> None:
        """Remove namespaces that nobody uses any more."""
        for ns in idle:
            journal = self.ownership.journals.get(ns.name)
            if journal is not None:
                try:
                    await journal.opening.closed()  # others may have added calls
                except MockServerError as error:
                    log.debug("the namespace %s stays: %s", ns.name, error)
                    continue
            if ns in self._engine.idle_namespaces():
                await self.remove(ns)

    async def close(self) -> None:
        if hasattr(self, "replica"):
            await self.replica.close()
        else:
            await self._links.close()
            await self.ownership.stop()

    # Namespaces

    async def make(
        self, name: str, *, seed: str | None, ttl_s: float | None, scenarios: Sequence[str] | None
    ) -> Namespace:
        journal = await self.ownership.make(name, Facts(seed, ttl_s))
        if scenarios is not None:
            body = json.dumps({"names": list(scenarios)}).encode()
            headers = [("Content-Type", "application/json")]
            request = Request("POST", f"{ADMIN}/@{name}/scenarios/use", headers, body)

            async def use() -> None:
                editing.use(journal.ns, scenarios)

            await journal.change(request, use, lambda _: True)
            await journal.entries.stored()
        return journal.ns

    async def all(self) -> list[NamespaceFacts]:
        kept = await self._store.namespaces()
        named = {"default": Facts(None, None), **{name: facts for name, (_, facts) in kept.items()}}
        own = self.ownership.journals
        return [
            NamespaceFacts(
                name,
                seed_for(name, self.settings.seed) if facts.seed is None else facts.seed,
                facts.ttl_s,
                facts_of(own[name].ns).failed_test if name in own else None,  # only its owner knows
            )
            for name, facts in named.items()
        ]

    async def remove(self, ns: Namespace) -> None:
        journal = self.ownership.journals.get(ns.name)
        if journal is not None and journal.ns is ns:
            await self.ownership.remove(journal)
        self._webhooks.forget(ns)
        if self._engine.namespaces.get(ns.name) is ns:
            self._engine.remove_namespace(ns)


MOST_NAMES = 100
"""So many names of namespaces a replica tells the others with each heartbeat."""


def digest_of(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(sorted(files.items()))).encode()).hexdigest()


class _Attempts(AttemptListener):
    """Writes down how the webhooks of owned namespaces go."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    def _journal(self, ns: WebhookNamespace) -> NamespaceJournal | None:
        journal = self._ownership.journals.get(getattr(ns, "name", ""))
        return journal if journal is not None and journal.ns is ns else None

    def sending(self, ns: WebhookNamespace, delivery: Delivery, number: int) -> None:
        journal = self._journal(ns)
        if journal is not None:
            journal.sending(delivery, number)

    def sent(self, ns: WebhookNamespace, delivery: Delivery, attempt: Try | None, next_number: int) -> None:
        journal = self._journal(ns)
        if journal is not None:
            journal.sent(delivery, attempt, next_number)


__all__ = ["SharedReplica", "check_settings", "files_of"]
