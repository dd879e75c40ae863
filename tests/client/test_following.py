"""Calls gathered from the stream, whatever the record forgets."""

import threading

import pytest

from mockserver.client.errors import Refused
from mockserver.client.following import Following, events


@pytest.fixture
def follow(mock):
    opened = []

    def following(link=mock._link):
        opened.append(Following(link))
        return opened[-1]

    yield following
    for one in opened:
        one.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "mockserver-following"]


def test_what_a_reset_forgets_is_known(mock, call, follow):
    following = follow()
    call("GET /hello?token=abcdef1234567890")
    mock.reset("calls")
    call("GET /hello")

    found = following.calls(lambda calls: len(calls) >= 2, 5)

    assert [found[number]["id"] for number in (1, 2)] == ["c-000001", "c-000002"]
    assert found[1]["request"]["target"] == "/hello?token=abcdef1234567890", (
        "secrets are shown where they may be"
    )
    assert len(mock.calls) == 1


def test_what_came_before_it_followed_is_not_told(call, follow):
    call("GET /hello")
    assert follow().calls(bool, 0.01) == {}


def test_where_secrets_may_not_be_shown_they_are_masked(mock, call, follow, monkeypatch):
    asked = []

    def refuses(target):
        asked.append(target)
        if "reveal" in target:
            raise Refused({"type": "urn:mockserver:problem:no-reveal", "title": "no", "status": 403})
        return opened(target)

    opened = mock._link.http.open
    monkeypatch.setattr(mock._link.http, "open", refuses)
    following = follow()
    call("GET /hello?token=abcdef1234567890")
    (found,) = following.calls(bool, 5).values()
    assert "abcdef" not in str(found)
    assert [target.partition("?")[2] for target in asked] == ["reveal=true", ""]


def test_a_stream_that_can_not_be_had_says_why(mock):
    with pytest.raises(Refused, match="no namespace 'nobody'"):
        Following(mock._link.to("nobody"))


def testevents_are_found_however_they_are_cut():
    text = b': hello\n\nid: c-1\nevent: call\ndata: {"number": 1}\n\nevent: dropped\ndata: {"dropped": 3}\n\n'
    for size in (1, 7, len(text)):
        pieces = (text[at : at + size] for at in range(0, len(text), size))
        assert list(events(pieces)) == [("call", {"number": 1}), ("dropped", {"dropped": 3})]
