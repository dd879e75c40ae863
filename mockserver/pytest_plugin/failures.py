"""
The evidence of a failed test as one HTML page: its calls, attempts, webhooks and effects, from what the admin API tells.

A server in this process ends with the session, and the page stays. It holds all
that it needs, and asks no network. Secrets are masked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mockserver import __version__
from mockserver.client import Call, Namespace, Unmatched
from mockserver.pytest_plugin.reports import became, ended, head_of, outcome_of
from mockserver.redaction.redaction import mask_text
from mockserver.sweep.evidence import SweepEvidence, collect_evidence
from mockserver.sweep.page import SHARED_SCRIPTS, assembled
from mockserver.sweep.results import timeline

FOLDER = "mock-server-report"
MOST_CALLS, MOST_OPERATIONS, MOST_BODY = 500, 100, 4000
_PARTS = Path(__file__).with_name("report")


def write_failure(ns: Namespace, test: str, error: str, below: Path, after: str | None = None) -> Path:
    """The page of a failed test, in the folder FOLDER. Raises ClientError, OSError."""
    folder = below / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{file_name(test)}.html"
    scripts = [*SHARED_SCRIPTS, _PARTS / "failed.js"]
    file.write_text(assembled(_PARTS / "failed.html", scripts, document(ns, test, error, after)), "utf-8")
    return file


def file_name(test: str) -> str:
    """
    A test's node id as the name of a file, the same in every run. Ids that look alike as names differ.

    >>> file_name("tests/test_pay.py::test_it")
    'tests-test_pay.py-test_it'
    """
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", test).strip("-.")
    if test.replace("::", "-").replace("/", "-") == slug and len(slug) <= 150:
        return slug
    return (
        f"{slug[-150:].lstrip('-.')}-{hashlib.sha256(test.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    )


def document(ns: Namespace, test: str, error: str, after: str | None = None) -> dict[str, Any]:
    """What the page shows. `after` is the id of the last call of earlier tests."""
    link = ns._link  # noqa: SLF001  (masked, other than `ns.calls`)
    views = list(link.items("/calls", masked=True, since=after))
    ids = {view["id"] for view in views}
    missed = {call["id"]: Unmatched(call) for call in link.items("/unmatched", masked=True)}
    operations = [
        operation
        for operation in link.items("/attempts", masked=True)
        if any(attempt["call"] in ids for attempt in operation["tries"])
    ]
    deliveries = [
        delivery for delivery in link.look("/webhooks", masked=True)["items"] if delivery["call"] in ids
    ]
    effects = [effect for effect in link.look("/effects", masked=True)["items"] if effect.get("call") in ids]
    whole = collect_evidence(views, operations, (), deliveries, {})
    start = datetime.fromisoformat(views[0]["times"]["arrived"]) if views else None
    return {
        "mockserver": __version__,
        "test": test,
        "url": ns.url,
        "error": mask_text(error),
        "total": len(views),
        "operations": [_operation(operation, whole) for operation in operations[:MOST_OPERATIONS]],
        "calls": [_call(view, missed.get(view["id"]), start) for view in views[:MOST_CALLS]],
        "webhooks": [_webhook(delivery, start) for delivery in deliveries[:MOST_CALLS]],
        "effects": effects[:MOST_CALLS],
        "violations": [
            f"{violation['call']}  {violation['request']}  {violation['text']}"
            for violation in link.items("/violations", masked=True)
            if violation["call"] in ids
        ],
    }


def _operation(view: Mapping[str, Any], whole: SweepEvidence) -> dict[str, Any]:
    attempts = view["tries"]
    ids = {attempt["call"] for attempt in attempts}
    known = ("key", "route", "retry_after", "final", "overlap", "certain", "why", "by", "repeats", "left_out")
    about = {name: view[name] for name in known if name in view}
    about["attempts"] = len(attempts)
    about["changed"] = list(dict.fromkeys(part for attempt in attempts for part in attempt["changed"]))
    part = SweepEvidence(
        calls=[call for call in whole.calls if call.id in ids],
        operations=[dict(view)],
        webhooks=[sent for sent in whole.webhooks if sent.call in ids],
    )
    return {"about": about, "timeline": timeline(part)}


def _call(view: Mapping[str, Any], missed: Unmatched | None, start: datetime | None) -> dict[str, Any]:
    call = Call(view)
    reply = view["reply"]
    return {
        "after": _after(view["times"]["arrived"], start),
        "status": ended(call),
        "became": became(call, missed),
        "request": {
            "method": view["request"]["method"],
            "path": _path(view["request"]),
            "headers": view["request"]["headers"],
            "body": _cut(view["request"]["body"]),
        },
        "reply": None
        if reply is None
        else {"status": reply["status"], "headers": reply["headers"], "body": _cut(reply["body"])},
        "suggestion": None if missed is None else missed.suggestion,
    }


def _path(request: Mapping[str, Any]) -> str:
    query = "&".join(f"{name}={value}" for name, value in request["query"])
    return f"{request['path']}?{query}" if query else str(request["path"])


def _cut(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as the page shows it: its beginning."""
    return {
        "length": body["length"],
        **{
            kind: text if len(text) <= MOST_BODY else f"{text[:MOST_BODY]}…"
            for kind in ("text", "base64")
            if (text := body.get(kind))
        },
    }


def _webhook(delivery: Mapping[str, Any], start: datetime | None) -> dict[str, Any]:
    return {
        "request": f"{delivery['method']} {delivery['url']}",
        "outcome": outcome_of(delivery),
        "of": f"{delivery['id']} of {delivery['call']}, {delivery['route']}"
        + (f": {delivery['error']}" if delivery["error"] else ""),
        "attempts": [
            {
                "after": _after(sent["sent_at"], start),
                "answer": sent["error"]
                if sent["status"] is None
                else f"{sent['status']}  {head_of(sent['answer'])}",
            }
            for sent in delivery["tries"]
        ],
        "body": _cut(delivery["body"]).get("text", ""),
    }


def _after(instant: str, start: datetime | None) -> str:
    seconds = (datetime.fromisoformat(instant) - start).total_seconds() if start is not None else 0.0
    return f"t+{seconds:.3f}"
