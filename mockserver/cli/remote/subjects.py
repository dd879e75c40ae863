"""The subject of a command: a route, or the calls of a request line."""

from __future__ import annotations

from typing import Any

import click

HELP = "SUBJECT is the id or name of a route, or a request line such as 'POST /data'."


def subject_of(text: str) -> dict[str, str]:
    """
    Return the subject of a count or a check.

    >>> subject_of("POST /data"), subject_of("/data"), subject_of("create-charge")
    ({'request': 'POST /data'}, {'request': 'ANY /data'}, {'route': 'create-charge'})
    """
    from mockserver.client.writing import check_document

    subject: dict[str, str] = check_document(f"ANY {text}" if text.startswith("/") else text, {})
    return subject


def filter_of(text: str) -> dict[str, Any]:
    """
    Return the filter of the call list. Raises BadParameter for several methods.

    >>> filter_of("POST /data"), filter_of("/data"), filter_of("create-charge")
    ({'path': '/data', 'method': 'POST'}, {'path': '/data'}, {'route': 'create-charge'})
    """
    subject = subject_of(text)
    if "route" in subject:
        return subject
    method, _, path = subject["request"].partition(" ")
    if "," in method:
        raise click.BadParameter(
            f"{text!r} has several methods; calls are listed of one", param_hint="SUBJECT"
        )
    return {"path": path.strip()} | ({} if method == "ANY" else {"method": method})
