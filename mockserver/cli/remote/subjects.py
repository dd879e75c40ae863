"""The subject of a command: a route, or the calls of a request line."""

from __future__ import annotations

HELP = "SUBJECT is the id or name of a route, or a request line such as 'POST /data'."


def subject_of(text: str) -> dict[str, str]:
    """
    Return the subject of a count or a check, or the filter of a list of calls.

    >>> subject_of("POST /data"), subject_of("/data"), subject_of("create-charge")
    ({'request': 'POST /data'}, {'request': 'ANY /data'}, {'route': 'create-charge'})
    """
    from mockserver.client.writing import check_document

    subject: dict[str, str] = check_document(f"ANY {text}" if text.startswith("/") else text, {})
    return subject
