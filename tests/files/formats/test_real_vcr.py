"""The real vcrpy: it plays what we wrote, and we answer what it recorded."""

import pytest
from support.recordings import Played

from mockserver.formats import vcr as cassettes

SHOP = {
    "x-origin": "http://api.example",
    "routes": [
        {
            "request": "POST /charges",
            "match": {"query": {"expand": 1}},
            "reply": [
                {"status": 503, "headers": {"retry-after": "1"}},
                {"status": 201, "json": {"id": "ch_ä"}},
            ],
        },
        {"request": "GET /logo", "reply": {"headers": {"set-cookie": ["a=1", "b=2"]}, "base64": "/wA="}},
    ],
}


@pytest.fixture
def recorder():
    import vcr

    return vcr


@pytest.mark.slow
def test_vcrpy_plays_a_cassette_that_was_exported(tmp_path, recorder):
    import requests

    (content,) = cassettes.write({"shop": SHOP}).files.values()
    (tmp_path / "shop.yaml").write_bytes(content)

    with recorder.use_cassette(str(tmp_path / "shop.yaml"), record_mode="none") as tape:
        answers = [requests.post("http://api.example/charges?expand=1", timeout=5) for _ in range(2)]
        logo = requests.get("http://api.example/logo", timeout=5)

    assert [(one.status_code, one.headers.get("retry-after")) for one in answers] == [(503, "1"), (201, None)]
    assert answers[1].json() == {"id": "ch_ä"}
    assert logo.content == b"\xff\x00"
    assert logo.cookies.get_dict() == {"a": "1", "b": "2"}
    assert tape.all_played


@pytest.mark.slow
@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_what_vcrpy_recorded_is_answered_again(tmp_path, recorder, serving, serializer):
    import requests

    server = serving("""
routes:
  - request: POST /charges
    reply: [503, {status: 201, headers: {content-encoding: gzip}, json: {id: ch_1}}]
  - {request: GET /old, reply: {status: 302, headers: {location: "{{ request.base_url }}/new"}}}
  - {request: GET /new, reply: {text: here}}
""")
    file = tmp_path / f"shop.{serializer}"
    # As text alone is JSON, what is gzip is recorded without it there.
    with recorder.use_cassette(
        str(file), serializer=serializer, decode_compressed_response=serializer == "json"
    ):
        for _ in range(2):
            requests.post(f"{server.url}/charges", json={"amount": 5}, timeout=5)
        requests.get(f"{server.url}/old", timeout=5)

    imported = cassettes.read(file)
    played = Played(imported)

    assert imported.lost == []
    answers = [played.ask("POST /charges", json={"amount": 5}) for _ in range(2)]
    assert [one.status for one in answers] == [503, 201]
    assert answers[1].body == b'{"id":"ch_1"}'
    assert played.ask("GET /old").header("location") == "http://localhost/new"
    assert played.ask("GET /new").body == b"here"
