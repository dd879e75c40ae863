"""The dashboard's files: whole, safe, and served to whoever may look."""

import re

import pytest
from support.http import ask

from mockserver.admin.endpoints import ui


def get(server, path, headers=None):
    return ask(server.admin.url, "GET", path, headers=headers or {})


def test_the_dashboard_is_one_page_with_a_strict_policy(serving):
    answer = get(serving(), "/ui/")

    assert answer.status == 200
    assert answer.header("content-type") == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.header("content-security-policy").split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert answer.header("x-content-type-options") == "nosniff"


def test_its_address_without_a_slash_leads_there(serving):
    answer = get(serving(), "/ui")

    assert (answer.status, answer.header("location")) == (308, "/__admin/ui/")


def test_every_file_that_a_file_asks_for_is_served(serving):
    server = serving()
    page = get(server, "/ui/").text
    names = set(re.findall(r'(?:href|src)="([^"]+)"', page))
    modules = [name for name in names if name.endswith(".js")]
    while modules:
        name = modules.pop()
        for other in re.findall(r'from "\./([^"]+)"', get(server, f"/ui/{name}").text):
            if f"js/{other}" not in names:
                names.add(f"js/{other}")
                modules.append(f"js/{other}")

    for name in names:
        answer = get(server, f"/ui/{name}")
        assert answer.status == 200, name
        assert answer.media_type == ui.MEDIA_TYPES[name[name.rindex(".") :]].split(";")[0]
        assert "content-security-policy" in {key.lower() for key, _ in answer.headers}
    assert names >= {name for name in ui.files() if name != "index.html"}, "a file that nobody asks for"


def test_a_file_that_the_browser_has_is_not_sent_again(serving):
    server = serving()
    first = get(server, "/ui/js/main.js")

    again = get(server, "/ui/js/main.js", {"If-None-Match": first.header("etag")})

    assert (again.status, again.body) == (304, b"")
    assert again.header("cache-control") == "no-cache"


@pytest.mark.parametrize("path", ["/ui/nothing.js", "/ui/../api.py", "/ui/%2e%2e/api.py", "/ui/js/..%2f..%2fapi.py", "/ui/js/", "/ui//etc/passwd"])  # fmt: skip
def test_nothing_else_is_served(serving, path):
    assert get(serving(), path).status == 404


def test_the_files_need_no_token_and_the_data_does(serving):
    server = serving(admin_token="s3cret")

    assert get(server, "/ui/").status == 200
    assert get(server, "/ui/js/main.js").status == 200
    assert get(server, "/calls").status == 401
    assert get(server, "/uix").status == 401
    assert get(server, "/@default/ui/").status == 401


def test_a_page_of_another_site_and_a_foreign_host_get_no_dashboard(serving):
    server = serving()

    assert get(server, "/ui/", {"Origin": "https://evil.example"}).status == 403
    assert get(server, "/ui/", {"Host": "evil.example"}).status == 403


def test_with_an_admin_port_it_is_there_and_nowhere_else(serving):
    server = serving(admin_port=0)

    assert get(server, "/ui/").status == 200
    assert ask(server.url, "GET", "/__admin/ui/").status == 404


@pytest.mark.parametrize("name", sorted(ui.files()))
def test_no_file_reads_text_as_html_or_code_or_asks_another_server(name):
    text = ui.files()[name].body.decode()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
        "srcdoc",
        "setHTML",
        "createContextualFragment",
    ):
        assert word not in text
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/)[a-z0-9.-]+\.[a-z]{2,}", text)
    if name.endswith((".html", ".svg")):
        assert not re.findall(r"\son\w+=|<style|\sstyle=", text)
        assert not re.findall(r"<script(?![^>]*\ssrc=)", text)
