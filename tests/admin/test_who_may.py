"""Who may use the admin API: no page of another site, no rebound name, and with a token only who has it."""

import pytest
from support.admin import Admin
from support.http import ask

FORM = "application/x-www-form-urlencoded"
CHANGE = '{"request": "GET /planted", "reply": 200}'


@pytest.fixture
def server(serving):
    return serving()


def plant(server, **headers):
    """Tries to add a route, with header names written as arguments."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.admin.call("POST", "/routes", body=CHANGE, headers=lines)


def planted(server):
    return server.ask("GET", "/planted").status == 200


def test_curl_without_a_content_type_of_its_own_is_served(server):
    assert plant(server, Content_Type=FORM).status == 201
    assert planted(server)


@pytest.mark.parametrize(
    "kind", [None, "application/json", "application/vnd.own+json", "APPLICATION/JSON; charset=utf-8"]
)
def test_json_has_several_content_types_and_none_will_do(server, kind):
    assert plant(server, **({} if kind is None else {"Content_Type": kind})).status == 201


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "image/png", "x"]
)
def test_other_content_types_are_415(server, kind):
    assert plant(server, Content_Type=kind).status == 415
    assert not planted(server)


@pytest.mark.parametrize(
    "marks",
    [
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Dest": "document"},
    ],
)
def test_a_form_that_a_browser_may_have_sent_is_refused(server, marks):
    assert plant(server, Content_Type=FORM, **marks).status in (403, 415)
    assert not planted(server)


@pytest.mark.parametrize("path", ["/routes", "/scenarios", "/reset", "/count", "/verify", "/scenarios/use"])
def test_no_call_takes_a_browsers_form(server, path):
    answer = server.admin.call(
        "POST", path, body="{}", headers={"Content-Type": FORM, "Sec-Fetch-Mode": "no-cors"}
    )

    assert answer.status == 415


@pytest.mark.parametrize(
    "marks",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_is_refused_whatever_it_sends(server, marks):
    assert plant(server, Content_Type="application/json", **marks).status == 403
    assert not planted(server)
    lines = {name.replace("_", "-"): value for name, value in marks.items()}
    assert server.admin.call("GET", "/calls", headers=lines).status == 403


def test_its_own_page_is_served(server):
    own = f"http://127.0.0.1:{server.address[1]}"

    assert (
        plant(server, Content_Type="application/json", Origin=own, Sec_Fetch_Site="same-origin").status == 201
    )


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8080", "127.0.0.1:99", "[::1]:8080", "10.1.2.3", "mock", "mock:8080", "a.localhost", "a.internal",
     "a.local", "a.test", "mock.ns.svc", "mock.ns.svc.cluster.local:80", "mock.test."],
)  # fmt: skip
def test_own_hosts_are_answered(server, host):
    assert server.admin.call("GET", "/calls", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "x.svc.evil"],
)
def test_a_foreign_host_is_refused(server, host):
    assert server.admin.call("GET", "/calls", headers={"Host": host}).status == 403
    assert server.admin.call("GET", "/health", headers={"Host": host}).status == 200


def test_a_mocked_request_may_name_any_host(server):
    assert server.ask("POST", "/data", headers={"Host": "api.stripe.com"}).status == 503


def test_a_further_host_can_be_allowed(serving):
    server = serving(admin_hosts=("Mock.Example",))

    assert server.admin.call("GET", "/calls", headers={"Host": "mock.example:8080"}).status == 200
    assert server.admin.call("GET", "/calls", headers={"Host": "other.example"}).status == 403


# A token


@pytest.fixture
def guarded(serving):
    return serving(admin_token="s3cret-ü")


@pytest.mark.parametrize(
    "given",
    [
        None,
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        "Basic s3cret",
        "s3cret",
        "Bearer s3cret-ü x",
        "Bearer caf\xe9",
    ],
)
def test_without_the_token_nothing_is_answered_but_health(guarded, given):
    lines = {} if given is None else {"Authorization": given.encode().decode("latin-1")}

    for method, path in (
        ("GET", "/calls"),
        ("POST", "/reset"),
        ("GET", "/openapi.json"),
        ("GET", "/nothing"),
    ):
        answer = guarded.admin.call(method, path, headers=lines)
        assert (answer.status, answer.header("www-authenticate")) == (401, "Bearer")
    assert guarded.admin.call("GET", "/health", headers=lines).status == 200


def test_with_the_token_everything_is_answered_whatever_the_host(guarded):
    admin = Admin(guarded.admin.url, {"Authorization": "bearer " + "s3cret-ü".encode().decode("latin-1")})

    assert admin.get("/calls")["items"] == []
    assert admin.call("GET", "/calls", headers={"Host": "mock.example"}).status == 200
    assert admin.call("GET", "/calls?reveal=true").status == 200


def test_mocked_requests_need_no_token(guarded):
    assert guarded.ask("POST", "/data").status == 503


# A port of its own


def test_the_admin_api_can_have_a_port_of_its_own(serving):
    server = serving(admin_port=0)
    mock, admin = server.url, server.admin.url

    assert not admin.startswith(mock)
    assert server.ask("POST", "/data").status == 503
    assert server.admin.get("/counts")["total"] == 1
    assert ask(mock, "GET", "/__admin/health").status == 404
    assert ask(admin.removesuffix("/__admin"), "POST", "/data").status == 404
    assert server.admin.get("/counts")["total"] == 2
