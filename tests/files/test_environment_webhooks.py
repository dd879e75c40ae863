"""`${NAME}` in the URL of a webhook, and in nothing else of it."""

import pytest

from mockserver.scenarios.loader import from_text

ALONE = "{url: 'http://${HOST}/hooks', json: {url: '${HOST}'}}"


@pytest.mark.parametrize(
    "text",
    [
        f"routes: [{{request: POST /a, reply: 200, webhook: {ALONE}}}]",
        f"routes: [{{request: POST /a, reply: 200, webhook: [{ALONE}]}}]",
        f"routes: [{{request: POST /a, reply: {{status: 201, webhook: {ALONE}}}}}]",
        f"routes: [{{request: POST /a, reply: [503, {{status: 201, webhook: [{ALONE}]}}]}}]",
        f"routes: [{{request: POST /a, reply: {{cases: [{{choose: [{{webhook: {ALONE}}}]}}]}}}}]",
        f"resources: [{{path: /items, on: {{create: {{webhook: {ALONE}}}}}}}]",
    ],
)
def test_a_webhooks_url_is_filled_wherever_it_stands(text):
    shown = repr(from_text(text, "pay", env={"HOST": "app:8000"}).spec)

    assert "http://app:8000/hooks" in shown
    assert "'url': '${HOST}'" in shown
