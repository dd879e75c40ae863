"""`/__admin` itself: for a browser the way to the dashboard, for others what the API has."""

import pytest

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/__admin", "/__admin/"])
def test_a_browser_is_led_to_the_dashboard_and_others_get_the_list(serving, path):
    server = serving("routes: []")

    led = server.ask("GET", path, headers=HTML)
    assert (led.status, led.header("location")) == (302, "/__admin/ui/")
    listed = server.ask("GET", path)
    assert listed.status == 200
    assert listed.json()["dashboard"] == "/__admin/ui/"
    calls = {one["request"]: one["summary"] for one in listed.json()["items"]}
    assert calls["GET /__admin/calls"]
    assert calls["DELETE /__admin/outage"] == "End the outage."
    described = server.admin.get("/openapi.json")["paths"]
    assert len(calls) == sum(len(one) for path, one in described.items() if "/@{namespace}" not in path)


def test_the_list_asks_for_the_token_and_the_way_to_the_dashboard_does_not(serving):
    server = serving("routes: []", admin_token="s3cret")

    assert server.ask("GET", "/__admin/").status == 401
    assert server.ask("GET", "/__admin/", headers=HTML).status == 302
    assert server.ask("GET", "/__admin/", headers={"Authorization": "Bearer s3cret"}).status == 200


def test_without_an_outage_there_is_null(serving):
    server = serving("routes: []")

    assert server.admin.call("GET", "/outage").json() is None
    server.admin.call("PUT", "/outage", {"reply": 503, "times": 1})
    assert server.admin.get("/outage")["answered"] == 0
    server.admin.call("DELETE", "/outage")
    assert server.admin.call("GET", "/outage").status == 200
