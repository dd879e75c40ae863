"""Who may use the admin API: no page of another site, no rebound name, and with a token only who has it."""

import logging

import pytest
from support.admin import Admin
from support.http import ask

from mockserver.admin.guard import Guard, is_loopback
from mockserver.errors import InvalidInputError

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
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "x.svc.evil", "EVIL.example.",
     "evil.example:80:80", "evil.example:.local", "[::1].evil.example", "[evil.example]", "[localhost]", "[::1", "localhost@evil.example",
     "evil.example@localhost", "localhost/evil", "localhost,evil.example", "local host", "1.2.3.4.5", "x.localhost.evil.example:80"],
)  # fmt: skip
def test_a_foreign_host_is_refused(server, host):
    assert server.admin.call("GET", "/calls", headers={"Host": host}).status == 403
    assert server.admin.call("GET", "/health", headers={"Host": host}).status == 200


def test_a_mocked_request_may_name_any_host(server):
    assert server.ask("POST", "/data", headers={"Host": "api.stripe.com"}).status == 503


def test_a_further_host_can_be_allowed(serving):
    server = serving(admin_hosts=("Mock.Example",))

    assert server.admin.call("GET", "/calls", headers={"Host": "mock.example:8080"}).status == 200
    assert server.admin.call("GET", "/calls", headers={"Host": "other.example"}).status == 403


@pytest.mark.parametrize("name", ["mock.example", "Mock.Example", "mock.example.", "mock.example:8080"])
def test_a_further_host_may_be_written_in_several_ways(serving, name):
    server = serving(admin_hosts=(name,))

    assert server.admin.call("GET", "/calls", headers={"Host": "mock.example"}).status == 200


@pytest.mark.parametrize("name", ["", "*", "*.example", "http://mock.example", "a b", "[::1", "me@mock"])
def test_a_further_host_that_is_none_is_refused_at_once(name):
    with pytest.raises(InvalidInputError, match=r"--admin-host: .* is not a valid host name\. Write a name"):
        Guard(hosts=[name])


def test_its_own_page_behind_something_that_ends_tls_is_served(server):
    own = f"https://127.0.0.1:{server.address[1]}"

    assert plant(server, Content_Type="application/json", Origin=own).status == 201


def test_what_it_answers_is_shown_in_no_frame_and_taken_for_no_script(server):
    for path in ("/calls", "/health", "/nothing", "/calls?limit=x"):
        answer = server.admin.call("GET", path)
        assert [answer.header(name) for name in ("x-content-type-options", "x-frame-options", "cross-origin-resource-policy")] == [
            "nosniff", "DENY", "same-origin",
        ]  # fmt: skip
    assert server.admin.call("GET", "/calls", headers={"Origin": "null"}).header("x-frame-options") == "DENY"
    assert server.admin.call("GET", "/calls").header("access-control-allow-origin") is None


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


def test_a_token_may_have_white_space_around_it(serving):
    server = serving(admin_token=" s3cret\n")

    assert server.admin.call("GET", "/calls", headers={"Authorization": "Bearer s3cret"}).status == 200
    assert server.admin.call("GET", "/calls", headers={"Authorization": "Bearer "}).status == 401


@pytest.mark.parametrize("token", [" ", "\n", " \t "])
def test_a_blank_token_is_refused_and_not_taken_for_none(serving, token):
    with pytest.raises(InvalidInputError, match="--admin-token: it is blank"):
        serving(admin_token=token)


def test_a_page_of_another_origin_is_refused_even_with_the_token(guarded):
    lines = {
        "Authorization": "Bearer " + "s3cret-ü".encode().decode("latin-1"),
        "Origin": "https://evil.example",
    }

    assert guarded.admin.call("GET", "/calls", headers=lines).status == 403


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


def test_the_mock_port_shows_nothing_of_an_admin_api_that_has_its_own(serving):
    server = serving(admin_port=0)

    for path in (
        "/__admin",
        "/__admin/",
        "/__admin/calls",
        "/@default/__admin/calls",
        "/mock/__admin/calls",
        "/__admin/../__admin/calls",
    ):
        answer = ask(server.url, "GET", path)
        assert (answer.status, answer.header("x-mockserver-matched")) == (404, "false")


# Who listens where


@pytest.mark.parametrize("settings", [{}, {"admin_port": 0}])
def test_others_who_reach_it_without_a_token_are_warned_of_once(serving, caplog, settings):
    with caplog.at_level(logging.WARNING, "mockserver"):
        serving(host="0.0.0.0", **settings)

    (said,) = caplog.messages
    assert said == (
        "the admin API listens on 0.0.0.0 without a token: everyone who can reach it can change every answer. "
        "Set --admin-token, or let only your tests reach this port"
    )


@pytest.mark.parametrize(
    "settings",
    [{}, {"host": "localhost"}, {"host": "127.0.0.2"}, {"host": "0.0.0.0", "admin_token": "s3cret"}],
)
def test_nobody_is_warned_where_only_this_machine_or_a_token_holder_asks(serving, caplog, settings):
    with caplog.at_level(logging.WARNING, "mockserver"):
        serving(**settings)

    assert caplog.messages == []


@pytest.mark.parametrize(
    ("address", "is_it"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False), ("10.0.0.1", False),
     ("0.0.0.0", False), ("::", False), ("localhost", False), ("", False)],
)  # fmt: skip
def test_loopback_is_told_by_the_address(address, is_it):
    assert is_loopback(address) is is_it
