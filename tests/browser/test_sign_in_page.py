"""The page on which a user of the identity provider signs in, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

IDP = """
base: /idp
oauth: {oidc: true, clients: {app: s3cret}, users: {ann: {password: pw}}}
routes: [{request: POST /callback, reply: {html: "<p id=back>{{ request.form.code }} {{ request.form.state | length }}</p>"}}]
"""


def test_a_user_signs_in_with_the_form_and_the_keyboard(
    serving: Callable[..., Any], browser: Callable[[], Any]
) -> None:
    server = serving({"idp.yaml": IDP})
    fields = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": f"{server.url}/idp/callback",
        "state": "<s>",
        "response_mode": "form_post",
    }
    url = f"{server.url}/idp/oauth/authorize?{urlencode(fields)}"
    visit = browser()
    page = visit.page

    async def sign_in() -> list[str]:
        await page.goto(url)
        await page.fill("#username", "ann")
        await page.fill("#password", "wrong")
        await page.press("#password", "Enter")
        await page.wait_for_selector("[role=alert]")
        alert = await page.inner_text("[role=alert]")
        await page.fill("#password", "pw")
        await page.click("#allow")
        await page.wait_for_selector("#back")
        return [alert, *(await page.inner_text("#back")).split()]

    alert, code, state_chars = visit._loop.run(sign_in())

    assert (alert, state_chars) == ("Unknown user, or wrong password", "3")
    form = {
        "grant_type": "authorization_code",
        "client_id": "app",
        "client_secret": "s3cret",
        "code": code,
        "redirect_uri": fields["redirect_uri"],
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert server.ask("POST", "/idp/oauth/token", urlencode(form), headers=headers).status == 200


def test_a_device_is_connected_on_its_page(serving: Callable[..., Any], browser: Callable[[], Any]) -> None:
    server = serving({"idp.yaml": IDP})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    client = {"client_id": "app", "client_secret": "s3cret"}
    codes = server.ask("POST", "/idp/oauth/device_authorization", urlencode(client), headers=headers).json()
    visit = browser()
    page = visit.page

    async def connect() -> str:
        await page.goto(codes["verification_uri_complete"])
        await page.fill("#username", "ann")
        await page.fill("#password", "pw")
        await page.click("#allow")
        await page.wait_for_selector("h1:has-text('Allowed')")
        return str(await page.inner_text("p"))

    assert visit._loop.run(connect()) == "You can return to your device."
    grant = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": codes["device_code"],
    }
    answer = server.ask("POST", "/idp/oauth/token", urlencode({**client, **grant}), headers=headers)
    assert answer.status == 200
