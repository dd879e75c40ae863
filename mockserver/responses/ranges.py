"""
Files over HTTP: ETag, conditional requests and byte ranges (RFC 9110 13 and 14).

One range is answered with 206; several at once with the whole file, as the RFC allows.
"""

from __future__ import annotations

import re

from mockserver.model.http import Request, Response

_RANGE = re.compile(r"bytes=\s*([0-9]*)-([0-9]*)\s*")


def for_file(response: Response, etag: str, request: Request) -> Response:
    """Return the response to a request for a file: whole, a part of it, or 304."""
    if response.status != 200 or request.method not in ("GET", "HEAD"):
        return response
    headers = list(response.headers)
    written = response.header("etag")
    etag = written or etag
    if written is None:
        headers.append(("ETag", etag))
    headers.append(("Accept-Ranges", "bytes"))
    if _is_known(request.headers.all("if-none-match"), etag):
        kept = [(name, value) for name, value in headers if name.lower() != "content-type"]
        return Response(304, kept)
    requested = request.headers.get("range")
    # Only GET supports ranges (RFC 9110 14.2).
    if requested is None or request.method != "GET" or not _may_range(request, etag):
        return Response(200, headers, response.body)
    return _part(headers, response.body, requested)


def _is_known(lines: list[str], etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for line in lines for tag in line.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def _may_range(request: Request, etag: str) -> bool:
    """Whether If-Range allows a range; weak tags never match (RFC 9110 13.1.5)."""
    condition = request.headers.get("if-range")
    return condition is None or (condition == etag and not etag.startswith("W/"))


def _number(digits: str) -> int:
    """Parse a number; Python rejects thousands of digits, and 18 exceed every file."""
    return int(digits.lstrip("0")[:19] or "0")


def _part(headers: list[tuple[str, str]], body: bytes, requested: str) -> Response:
    result = _RANGE.fullmatch(requested)
    if not result or result.groups() == ("", ""):
        return Response(200, headers, body)
    first, last = result.groups()
    if not first:
        start, end = max(0, len(body) - _number(last)), len(body) - 1
        satisfiable = _number(last) > 0 and len(body) > 0
    else:
        start, end = _number(first), min(_number(last) if last else len(body) - 1, len(body) - 1)
        if last and _number(last) < start:
            return Response(200, headers, body)
        satisfiable = start < len(body)
    if not satisfiable:
        return Response(416, [*headers, ("Content-Range", f"bytes */{len(body)}")])
    headers.append(("Content-Range", f"bytes {start}-{end}/{len(body)}"))
    return Response(206, headers, body[start : end + 1])
