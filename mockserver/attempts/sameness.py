"""The rule `same`: parts of the request that are equal in every attempt of an operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mockserver.attempts.evidence import Grouping, left_out, recorded_selector
from mockserver.attempts.findings import HELD, Finding, broken, nothing
from mockserver.attempts.gaps import too_few
from mockserver.attempts.likeness import as_text, body_fields
from mockserver.attempts.operations import Attempt, Operation, change_text, is_body_field
from mockserver.errors import KeyPath, near
from mockserver.matching.selectors import Selector
from mockserver.model.call import Call
from mockserver.model.http import ABSENT

BODY = "body"
_HEADER_ROOTS = ("headers", "header")
_AUTHORIZATION = tuple(f"{root}.authorization" for root in _HEADER_ROOTS)
_MAX_FIELDS = 5


class Same:
    """A selector of `same`. `optional`, written with a question mark: it may be absent from all attempts."""

    __slots__ = ("_selector", "optional", "text")

    def __init__(self, written: str, path: KeyPath) -> None:
        """Raises InvalidInputError if it is not a selector."""
        self.optional = written.endswith("?")
        self.text = written.removesuffix("?")
        self._selector: Selector = recorded_selector(self.text, path)

    def value(self, call: Call, grouping: Grouping) -> str | None:
        """Return the selected part as JSON; None if the request lacks it, or if a header or a key is empty."""
        value = self._selector.value(call.request, grouping.params_of(call))
        if value is ABSENT or value is None:
            return None
        root, _, name = self.text.partition(".")
        if value == "" and (root in _HEADER_ROOTS or name in grouping.names.fields):
            return None
        return as_text(value)


def same_findings(same: Same, operations: list[Operation], grouping: Grouping) -> Iterator[Finding]:
    """Yield a finding for each operation with at least two attempts."""
    judged = [
        (operation, attempts)
        for operation in operations
        if operation.size > 1
        for attempts in _compared(operation, same.text)
    ]
    if not judged:
        yield too_few(operations)
    for operation, attempts in judged:
        yield from (
            _same_body(operation, attempts, same)
            if same.text == BODY
            else _same_value(operation, attempts, same, grouping)
        )


def _compared(operation: Operation, text: str) -> list[list[tuple[int, Attempt]]]:
    """
    Return the attempts to compare with each other, by number.

    Attempts after a redirect are compared with each other, since they go to another URL. So is the authorization after
    a 401 that was answered by new credentials.
    """
    current: list[tuple[int, Attempt]] = []
    refreshed = [current]
    beyond: dict[object, list[tuple[int, Attempt]]] = {}
    for number, attempt in enumerate(operation.attempts, 1):
        if attempt.after_step == "unauthorized" and text.lower() in _AUTHORIZATION:
            current = []
            refreshed.append(current)
        target = attempt.evidence.target
        if attempt.after_step == "redirect":
            beyond.setdefault(target, [])
        beyond.get(target, current).append((number, attempt))
    retried = [
        attempts
        for attempts in beyond.values()
        if any(attempt.after_step != "redirect" for _, attempt in attempts)
    ]
    return [attempts for attempts in (*refreshed, *retried) if len(attempts) > 1]


def _same_body(operation: Operation, attempts: list[tuple[int, Attempt]], same: Same) -> Iterator[Finding]:
    """Compare the fields of the bodies, without volatile ones."""
    if all(not attempt.call.request.body and not attempt.call.body_sha256 for _, attempt in attempts):
        yield HELD if same.optional else nothing(f"no attempt of {operation.name} has a body")
        return
    first = attempts[0][1]
    volatile = [
        name
        for _, attempt in attempts[1:]
        for name in left_out(first.evidence, attempt.evidence)
        if is_body_field(name)
    ]
    compared = any(is_body_field(name) for _, attempt in attempts for name in attempt.evidence.stable)
    if volatile and not compared:
        listed = ", ".join(list(dict.fromkeys(volatile))[:_MAX_FIELDS])
        yield nothing(
            f"every field of the bodies of {operation.name} is left out of the comparison: {listed}"
        )
        return
    for number, attempt in attempts[1:]:
        before, after = first.evidence.stable, attempt.evidence.stable
        names = [name for name in dict.fromkeys((*before, *after)) if is_body_field(name)]
        changed = [name for name in names if before.get(name) != after.get(name)]
        if changed:
            fields = "; ".join(
                change_text(name, before.get(name), after.get(name)) for name in changed[:_MAX_FIELDS]
            )
            more = f"; and {len(changed) - _MAX_FIELDS} more" if len(changed) > _MAX_FIELDS else ""
            whole = changed == [BODY]
            yield broken(
                f"{operation.name}: attempt {number} changed body" + ("" if whole else f": {fields}{more}")
            )
            return
    yield HELD


def _same_value(
    operation: Operation, attempts: list[tuple[int, Attempt]], same: Same, grouping: Grouping
) -> Iterator[Finding]:
    values = [(number, same.value(attempt.call, grouping)) for number, attempt in attempts]
    if all(value is None for _, value in values):
        yield (
            HELD
            if same.optional
            else nothing(
                _absent(
                    f"no attempt of {operation.name}",
                    (attempt.call for _, attempt in attempts),
                    same.text,
                    grouping,
                )
            )
        )
        return
    wanted = values[0][1]
    for number, value in values[1:]:
        if value != wanted:
            yield broken(
                f"{operation.name}: attempt {number} changed {change_text(same.text, wanted, value)}"
            )
            return
    yield HELD


def by_findings(text: str, operations: list[Operation], grouping: Grouping) -> Iterator[Finding]:
    """Yield a finding if no call has the selected part of `by`, since the selector may be misspelt."""
    attempts = [attempt for operation in operations for attempt in operation.attempts]
    if attempts and all(attempt.evidence.by is None for attempt in attempts):
        yield nothing(_absent("no call", (attempt.call for attempt in attempts), text, grouping))


def _absent(whose: str, calls: Iterable[Call], text: str, grouping: Grouping) -> str:
    """Return that no request has the part, with the selector of a part that was probably meant."""
    names = list(dict.fromkeys(name for call in calls for name in _selectors(call, grouping)))
    root, rest = _split(text)
    if root + (rest.lower() if root == "headers" else rest) in names:
        return f"{whose} has a value in {text}: it is empty"
    # Compared without the root, which would make any two names similar.
    hint = near(rest, [known for of, known in map(_split, names) if of == root])
    meant = next(
        (name for name in names if hint == f"Did you mean {_split(name)[1]!r}?" and _split(name)[0] == root),
        None,
    )
    meant = meant or next((name for name in names if _split(name)[1] == rest), None)
    return f"{whose} has {text}" + (f". Did you mean {meant!r}?" if meant else "")


def _split(selector: str) -> tuple[str, str]:
    """Return the root of a selector, with `headers` for `header`, and the rest with its dot or bracket."""
    root = re.match(r"\w*", selector)[0]  # type: ignore[index]
    return ("headers" if root in _HEADER_ROOTS else root), selector[len(root) :]


def _selectors(call: Call, grouping: Grouping) -> Iterator[str]:
    """Yield the selectors of all parts of the request."""
    request = call.request
    yield from (f"headers.{name.lower()}" for name, _ in request.headers.pairs)
    yield from (f"query.{name}" for name, _ in request.query_pairs)
    yield from (f"cookies.{name}" for name, _ in request.cookie_pairs)
    yield from (f"path.{name}" for name in grouping.params_of(call))
    yield from (name for name in body_fields(call) if not name.startswith("files."))
