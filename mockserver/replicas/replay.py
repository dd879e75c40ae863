"""Gives a journal the memory of the earlier owners of its namespace, by running their entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from mockserver.engine.namespace import Namespace
from mockserver.model.http import Request
from mockserver.model.plan import Forward, Outcome
from mockserver.replicas.entries import (
    BadEntryError,
    Kind,
    LogEntry,
    entries_of,
    first_of,
    request_of,
    response_of,
)
from mockserver.replicas.journal import NamespaceJournal
from mockserver.store.delivery import DeliveryAttempt, DeliveryState, Try

AdminRun = Callable[[Request, Namespace], Awaitable[object]]
"""Runs a call of the admin API again, with no effect outside of the namespace."""


async def replay(
    journal: NamespaceJournal,
    blocks: Sequence[bytes],
    run: AdminRun,
    pause: Callable[[], Awaitable[None]],
) -> None:
    """
    Run the entries of an earlier owner. `pause` lets others have their turn. Raises BadEntryError. Calls that were
    open then are lost: their client was connected to nobody who lives. Listeners hear of these alone: the earlier
    owner has told its own of the others.
    """
    ns = journal.ns
    journal.entries.is_replaying = True
    listeners, ns.listeners = ns.listeners, frozenset()
    try:
        for block in blocks:
            try:
                await _run_block(journal, block, run, pause)
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                raise BadEntryError(f"an entry is wrong: {type(error).__name__}: {error}") from error
        await journal.opening.added.log(pause)
    finally:
        journal.entries.is_replaying = False
        ns.listeners = listeners
    journal.due.clear()
    for call in tuple(journal.open.values()):
        journal.finish(call, Outcome.LOST)
    journal.due.clear()


async def _run_block(
    journal: NamespaceJournal, block: bytes, run: AdminRun, pause: Callable[[], Awaitable[None]]
) -> None:
    header = first_of(block)
    added = journal.opening.added
    if header.kind is Kind.ADDED and added.can_count(header):
        journal.clock.at_least(header.at_s)
        added.count(block)
        await pause()
        return
    await added.log(pause)
    for entry in entries_of(block):
        await _run_entry(journal, entry, run)
        journal.replayed += 1
        await pause()


async def _run_entry(journal: NamespaceJournal, entry: LogEntry, run: AdminRun) -> None:
    journal.clock.at_least(entry.at_s)
    if entry.kind is Kind.ADMIN:
        with journal.clock.at_in_task(entry.at_s):
            await run(_request_of(entry, journal), journal.ns)
        return
    with journal.clock.at(entry.at_s):
        _RUN[entry.kind](journal, entry)


def _request_of(entry: LogEntry, journal: NamespaceJournal) -> Request:
    return request_of(entry.head[0], entry.first, entry.second, journal.ns.name)


def _call(journal: NamespaceJournal, entry: LogEntry) -> None:
    _, request_id, header, completed, *apart = entry.head
    request = _request_of(entry, journal)
    if apart:
        said, document = apart
        journal.run_apart(request, None if said is None else response_of(said[:-1], said[-1]), document)
        return
    call = journal.run(request, None if header is None else (header[0], header[1]))
    journal.remember(request_id, (call, call.plan))
    if completed:
        journal.complete(call, entry.at_s)


def _added(journal: NamespaceJournal, entry: LogEntry) -> None:
    """Calls follow that can't be counted, since the scenarios are others."""


def _constant(journal: NamespaceJournal, entry: LogEntry) -> None:
    journal.complete(journal.run(_request_of(entry, journal), None), entry.at_s)


def _answered(journal: NamespaceJournal, entry: LogEntry) -> None:
    number, status, first_byte_at_s = entry.head
    call = journal.open.get(number)
    if call is not None:
        call.first_byte_at_s = first_byte_at_s
        journal.engine.answered(call, status)


def _left(journal: NamespaceJournal, entry: LogEntry) -> None:
    call = journal.open.get(entry.head[0])
    if call is not None:
        journal.engine.left(call)


def _end(journal: NamespaceJournal, entry: LogEntry) -> None:
    number, outcome, first_byte_at_s, last_byte_at_s, left_at_s, said, error = entry.head
    call = journal.open.get(number)
    if call is None:
        return
    call.first_byte_at_s, call.last_byte_at_s = first_byte_at_s, last_byte_at_s
    if left_at_s is not None:
        call.left_at_s = left_at_s
    if said is not None:
        *head, length, digest = said
        call.response = response_of(head, entry.first)
        call.reply_length, call.reply_sha256 = length, digest
    if error is not None:
        call.error = error
    journal.close(call, Outcome(outcome))


def _amend(journal: NamespaceJournal, entry: LogEntry) -> None:
    number, outcome, sent = entry.head
    call = journal.ns.call_log.get(number)
    if call is not None:
        journal.engine.amend(journal.ns, call, Outcome(outcome), sent=sent)


def _reply(journal: NamespaceJournal, entry: LogEntry) -> None:
    number, status, headers, reason, error = entry.head
    call = journal.open.get(number)
    if call is None:
        return
    step = next((step for step in call.plan if isinstance(step, Forward)), None)
    if step is not None:
        call.error = error
        step.came(response_of([status, headers, reason], entry.first))


def _clock(journal: NamespaceJournal, entry: LogEntry) -> None:
    offset_s, frozen_s = entry.head
    journal.ns.clock.restore((offset_s, frozen_s))


def _sending(journal: NamespaceJournal, entry: LogEntry) -> None:
    delivery = journal.ns.deliveries.get(entry.head[0])
    if delivery is not None:
        delivery.again = True


def _sent(journal: NamespaceJournal, entry: LogEntry) -> None:
    number, state, error, due_s, next_number, said = entry.head
    delivery = journal.ns.deliveries.get(number)
    if delivery is None:
        return
    delivery.again = False
    if said is not None:
        at_s, sent_at_s, duration_ms, status, failure = said
        delivery.tries.append(Try(at_s, sent_at_s, duration_ms, status, failure, entry.first))
    delivery.state, delivery.error, delivery.due_s = DeliveryState(state), error, due_s
    timers = journal.ns.timers
    timers.remove(lambda attempt: attempt.delivery is delivery)
    if next_number:
        timers.push(due_s, DeliveryAttempt(delivery, next_number))


def _kept(journal: NamespaceJournal, entry: LogEntry) -> None:
    journal.ns.ttl_s, journal.ns.kept_at_s, journal.ns.used_at_s = entry.head


_RUN: dict[Kind, Callable[[NamespaceJournal, LogEntry], None]] = {
    Kind.CALL: _call,
    Kind.ANSWERED: _answered,
    Kind.LEFT: _left,
    Kind.END: _end,
    Kind.AMEND: _amend,
    Kind.REPLY: _reply,
    Kind.CLOCK: _clock,
    Kind.SENDING: _sending,
    Kind.SENT: _sent,
    Kind.KEPT: _kept,
    Kind.ADDED: _added,
    Kind.CONSTANT: _constant,
}
