"""
`/ui/`: the files of the dashboard in `dashboard/`.

The files contain no data, so they need no token; the page asks the user for it. The content security policy allows the
page to load and run only these files, and to call only this server.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mockserver.admin.api import AdminRequest, Answer, ProblemError, is_browser, json_answer, table
from mockserver.admin.models import IndexView
from mockserver.model.http import ADMIN, Response

FOLDER = Path(__file__).parent.parent / "dashboard"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
SAFETY = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file of the dashboard; `etag` is a hash of its bytes."""

    media_type: str
    body: bytes
    etag: str


@cache
def files() -> dict[str, File]:
    """Return the files by their names below `/ui/`, read once: no name in a URL reaches the file system."""
    contents = {}
    for path in sorted(FOLDER.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is not None:
            body = path.read_bytes()
            name = path.relative_to(FOLDER).as_posix()
            contents[name] = File(media_type, body, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
    return contents


def answer(request: AdminRequest[Any], name: str) -> Response:
    """Return that file, or 304 if the browser has it. Raises ProblemError(404)."""
    file = files().get(name)
    if file is None:
        raise ProblemError(
            404, "not-found", f"The dashboard has no file {name!r}", f"It begins at {ADMIN}/ui/"
        )
    lines = [("ETag", file.etag), ("Cache-Control", "no-cache"), *SAFETY]
    known = request.http.headers.get("if-none-match", "")
    if file.etag in (etag.strip().removeprefix("W/") for etag in known.split(",")):
        return Response(304, lines)
    return Response(200, [("Content-Type", file.media_type), *lines], file.body)


@table.get(
    "/",
    "Overview of the admin API; redirects browsers to the dashboard.",
    answer=IndexView,
    also=(302,),
    namespaced=False,
)
async def index(request: AdminRequest[Any]) -> Answer:
    if is_browser(request.http):
        return Response(
            302, [("Location", f"{ADMIN}/ui/"), ("Content-Type", "application/json"), *SAFETY], b"{}"
        )
    calls = [
        {"request": f"{method.upper()} {path}", "summary": operation["summary"]}
        for path, operations in request.services.openapi()["paths"].items()
        for method, operation in operations.items()
        if not path.startswith(f"{ADMIN}/@")
    ]
    return json_answer({"dashboard": f"{ADMIN}/ui/", "openapi": f"{ADMIN}/openapi.json", "items": calls})


@table.get("/ui", "Redirect to the dashboard.", status=308, content_type="text/plain", namespaced=False)
async def to_dashboard(_: AdminRequest[Any]) -> Answer:
    return Response(308, [("Location", f"{ADMIN}/ui/"), ("Content-Type", "text/plain"), *SAFETY], b"ui/")


@table.get(
    "/ui/",
    "The dashboard. The page needs no token; its requests do.",
    also=(304,),
    content_type="text/html",
    namespaced=False,
)
async def dashboard(request: AdminRequest[Any]) -> Answer:
    return answer(request, "index.html")


@table.get(
    "/ui/{path}", "A file of the dashboard.", also=(304,), content_type="*/*", errors=(404,), namespaced=False
)
async def dashboard_file(request: AdminRequest[Any]) -> Answer:
    return answer(request, request.params["path"])
