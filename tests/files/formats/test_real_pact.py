"""The real pact-python: its verifier holds our mock to pacts that we wrote, and to those that its consumer side wrote."""

import json

import pytest

from mockserver.cli.importing import import_scenarios
from mockserver.formats import pact as pacts
from mockserver.scenarios.loader import load

SHOP = r"""
routes:
  - name: read a user
    request: GET /users/{id:\d+}
    match: {query: {full: 1}, headers: {x-tenant: {matches: "[a-z]+"}}}
    tags: [given a user exists]
    reply: {headers: {x-page: "1"}, json: {id: "{{ uuid() }}", n: "{{ random_int(1, 9) }}", name: Ann, tags: [a]}}
  - request: POST /users
    match: {json_exact: {age: {$type: integer}, name: Ann, mail: {$matches: ".+@.+"}}}
    reply: [{status: 503, headers: {retry-after: "1"}}, {status: 201, text: done}]
  - {request: DELETE /users/7, reply: 204}
"""


def verify(provider, url, folder):
    """Raises RuntimeError where the provider doesn't keep the pact."""
    from pact import Verifier

    # Nobody sets states: the mock's own sequences are what they tell of.
    Verifier(provider, host="127.0.0.1").add_transport(url=url).add_source(folder).verify()


@pytest.mark.slow
@pytest.mark.parametrize("version", [3, 4])
def test_the_verifier_takes_a_pact_that_was_exported(serving, tmp_path, version):
    server = serving(SHOP)
    (source,) = load([server.folder])
    exported = pacts.write({source.name: source.data}, source.folder, consumer="Web", version=version)
    assert exported.lost == []
    for name, content in exported.files.items():
        (tmp_path / name).write_bytes(content)

    verify("shop", server.url, tmp_path / "Web-shop.json")
    assert server.admin.get("/counts")["total"] == 4

    with pytest.raises(RuntimeError):
        verify("shop", server.url, spoilt(tmp_path / "Web-shop.json"))


def spoilt(file):
    """The pact with one promise that nobody keeps."""
    document = json.loads(file.read_text())
    document["interactions"][0]["response"]["status"] = 418
    file.write_text(json.dumps(document))
    return file


@pytest.mark.slow
def test_the_verifier_takes_the_calls_of_a_run(serving, tmp_path):
    from mockserver.cli.exporting import export_calls

    server = serving(SHOP)
    server.ask("GET", "/users/12?full=1", headers={"X-Tenant": "acme", "Accept": "application/json"})
    server.ask("DELETE", "/users/7")
    file = tmp_path / "run.json"
    code = export_calls(
        "pact", server.url, str(file), strict=False, force=False, reveal=False, admin_token=None, consumer="Web", provider="shop"
    )  # fmt: skip
    assert code == 0
    document = json.loads(file.read_text())
    document["interactions"][0]["request"]["headers"]["x-tenant"] = [
        "acme"
    ]  # what a verification is told to add
    file.write_text(json.dumps(document))

    verify("shop", server.url, file)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["V3", "V4"])
def test_a_pact_of_the_real_consumer_is_kept_by_what_was_imported(serving, tmp_path, version):
    from pact import Pact, match

    contract = Pact("Web", "Orders").with_specification(version)
    (
        contract.upon_receiving("an order is made")
        .given("there is stock")
        .with_request("POST", match.regex("/shops/7/orders", regex=r"^/shops/\d+/orders$"))
        .with_header("X-Tenant", match.regex("acme", regex="[a-z]+"))
        .with_query_parameter("dry", "1")
        .with_body({"sku": match.str("A1"), "count": match.int(3), "when": match.date("2026-01-31", format="%Y-%m-%d"), "note": "x"})
        .will_respond_with(201)
        .with_header("Location", "/orders/1")
        .with_body({"id": match.uuid(), "lines": match.each_like({"sku": "A1"}, min=1), "state": match.includes("pending")})
    )  # fmt: skip
    contract.upon_receiving("an order is read").with_request("GET", "/orders/1").will_respond_with(404)
    contract.write_file(tmp_path)
    file = tmp_path / "Web-Orders.json"

    out = tmp_path / "scenarios"
    assert import_scenarios("pact", str(file), str(out), None, strict=False, force=False) == 0

    verify("Orders", serving(out).url, file)
