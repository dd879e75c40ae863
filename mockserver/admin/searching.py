"""Search for a text in calls, as they are shown: masked values are not found unless they may be revealed."""

from __future__ import annotations

from mockserver.admin.views import form_of
from mockserver.model.call import Call
from mockserver.model.coding import UnreadableBodyError, decode_content
from mockserver.model.http import Pairs
from mockserver.redaction.redaction import mask_body, mask_header, mask_target
from mockserver.store.call_log import KEPT_BODY_BYTES

_FORM = "application/x-www-form-urlencoded"
_OF_MASKS = '*"'
"""Characters that masking adds. Another text that is not in a body is not in the masked one, except in a form, where masking
rewrites escapes."""


class TextSearch:
    """Finds a text, in any case, in the target, the headers and the body of a request, and those of its reply."""

    __slots__ = ("_is_kept", "_reveal", "_text")

    def __init__(self, text: str, *, reveal: bool) -> None:
        self._text = text.lower()
        self._is_kept = not set(text) & set(_OF_MASKS)
        self._reveal = reveal

    def finds(self, call: Call) -> bool:
        """Whether the call contains the text."""
        request, response = call.request, call.response
        target = request.target if self._reveal else mask_target(request.target)
        if self._text in target.lower() or self._in_message(request.headers.pairs, request.body):
            return True
        if response is None or call.status is None:  # nothing of it was sent
            return False
        body = b"" if request.method == "HEAD" else response.body
        return self._in_message(response.headers, body)

    def _in_message(self, headers: Pairs, body: bytes) -> bool:
        return any(self._in_header(name, value) for name, value in headers) or self._in_body(headers, body)

    def _in_header(self, name: str, value: str) -> bool:
        shown = value if self._reveal else mask_header(name, value)
        return self._text in f"{name}: {shown}".lower()

    def _in_body(self, headers: Pairs, body: bytes) -> bool:
        if not body:
            return False
        form = form_of(headers)
        if form.codings:
            try:
                body = decode_content(body, list(form.codings), KEPT_BODY_BYTES)
            except UnreadableBodyError:
                return False
        shown = body[:KEPT_BODY_BYTES].decode("utf-8", "replace")
        if self._reveal or (self._is_kept and form.media_type != _FORM and self._text not in shown.lower()):
            return self._text in shown.lower()
        return self._text in mask_body(shown, form.media_type).lower()
