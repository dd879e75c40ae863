"""A route for WebSocket connections has no counterpart elsewhere: every export leaves it out, and says so."""

import pytest

from mockserver.formats import FORMATS, format_named

DOCUMENT = {
    "routes": [
        {"name": "page", "request": "GET /page", "reply": {"text": "hi"}},
        {"name": "feed", "request": "WS /feed", "reply": [503, {"websocket": [{"send": {"text": "a"}}]}]},
    ]
}


@pytest.mark.parametrize(
    "name", sorted(FORMATS.keys() - {"curl", "mockoon", "openapi"})
)  # which are only imported
def test_an_export_leaves_the_route_out_and_says_so(name):
    exported = format_named(name).write({"shop": DOCUMENT}, None)
    assert [str(lost) for lost in exported.lost if "WebSocket" in str(lost)], exported.lost
    for content in exported.files.values():
        text = content if isinstance(content, str) else content.decode()
        assert "/feed" not in text
    assert any("/page" in str(content) for content in exported.files.values())
