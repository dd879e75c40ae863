"""
The evidence of a failed test as an HTML page: its calls, attempts, webhooks and effects, from the admin API.

A server in this process ends with the session; the page remains. It is
self-contained, without network access. Secrets are masked.
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
from mockserver.redaction.redaction import mask_text
from mockserver.sessions.reports import outcome_of, response_head, result_text, status_text
from mockserver.sweep.evidence import SweepEvidence, collect_evidence
from mockserver.sweep.page import SHARED_SCRIPTS, assembled
from mockserver.sweep.results import timeline

FOLDER = "mock-server-report"
MAX_CALLS, MAX_OPERATIONS, MAX_BODY_CHARS = 500, 100, 4000
_PARTS = Path(__file__).with_name("report")


def write_failure(ns: Namespace, test: str, error: str, below: Path, after: str | None = None) -> Path:
    """Write the page of a failed test to FOLDER, and return its path. Raises ClientError, OSError."""
    folder = below / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{file_name(test)}.html"
    scripts = [*SHARED_SCRIPTS, _PARTS / "failed.js"]
    file.write_text(assembled(_PARTS / "failed.html", scripts, document(ns, test, error, after)), "utf-8")
    return file


def file_name(test: str) -> str:
    """
    Return a file name for a node id, the same in every run. A hash distinguishes ids that would get the same name.

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
    """Return the data of the page. `after` is the id of the last call of earlier tests."""
    link = ns._link  # noqa: SLF001  (masked, other than `ns.calls`)
    views = list(link.items("/calls", masked=True, since=after))
    ids = {view["id"] for view in views}
    unmatched = {call["id"]: Unmatched(call) for call in link.items("/unmatched", masked=True)}
    operations = [
        operation
        for operation in link.items("/attempts", masked=True)
        if any(attempt["call"] in ids for attempt in operation["tries"])
    ]
    deliveries = [
        delivery for delivery in link.look("/webhooks", masked=True)["items"] if delivery["call"] in ids
    ]
    effects = [effect for effect in link.look("/effects", masked=True)["items"] if effect.get("call") in ids]
    evidence = collect_evidence(views, operations, (), deliveries, {})
    start = datetime.fromisoformat(views[0]["times"]["arrived"]) if views else None
    return {
        "mockserver": __version__,
        "test": test,
        "url": ns.url,
        "error": mask_text(error),
        "total": len(views),
        "operations": [_operation(operation, evidence) for operation in operations[:MAX_OPERATIONS]],
        "calls": [_call(view, unmatched.get(view["id"]), start) for view in views[:MAX_CALLS]],
        "webhooks": [_webhook(delivery, start) for delivery in deliveries[:MAX_CALLS]],
        "effects": effects[:MAX_CALLS],
        "violations": [
            f"{violation['call']}  {violation['request']}  {violation['text']}"
            for violation in link.items("/violations", masked=True)
            if violation["call"] in ids
        ],
    }


def _operation(view: Mapping[str, Any], evidence: SweepEvidence) -> dict[str, Any]:
    attempts = view["tries"]
    ids = {attempt["call"] for attempt in attempts}
    known = ("key", "route", "retry_after", "final", "overlap", "certain", "why", "by", "repeats", "left_out")
    about = {name: view[name] for name in known if name in view}
    about["attempts"] = len(attempts)
    about["changed"] = list(dict.fromkeys(part for attempt in attempts for part in attempt["changed"]))
    part = SweepEvidence(
        calls=[call for call in evidence.calls if call.id in ids],
        operations=[dict(view)],
        webhooks=[sent for sent in evidence.webhooks if sent.call in ids],
    )
    return {"about": about, "timeline": timeline(part)}


def _call(view: Mapping[str, Any], unmatched: Unmatched | None, start: datetime | None) -> dict[str, Any]:
    call = Call(view)
    reply = view["reply"]
    return {
        "after": _after(view["times"]["arrived"], start),
        "status": status_text(call),
        "became": result_text(call, unmatched),
        "request": {
            "method": view["request"]["method"],
            "path": _path(view["request"]),
            "headers": view["request"]["headers"],
            "body": _cut(view["request"]["body"]),
        },
        "reply": None
        if reply is None
        else {"status": reply["status"], "headers": reply["headers"], "body": _cut(reply["body"])},
        "suggestion": None if unmatched is None else unmatched.suggestion,
    }


def _path(request: Mapping[str, Any]) -> str:
    query = "&".join(f"{name}={value}" for name, value in request["query"])
    return f"{request['path']}?{query}" if query else str(request["path"])


def _cut(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body for the page, truncated."""
    return {
        "length": body["length"],
        **{
            kind: text if len(text) <= MAX_BODY_CHARS else f"{text[:MAX_BODY_CHARS]}…"
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
                else f"{sent['status']}  {response_head(sent['answer'])}",
            }
            for sent in delivery["tries"]
        ],
        "body": _cut(delivery["body"]).get("text", ""),
    }


def _after(instant: str, start: datetime | None) -> str:
    seconds = (datetime.fromisoformat(instant) - start).total_seconds() if start is not None else 0.0
    return f"t+{seconds:.3f}"
