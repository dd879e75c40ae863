"""A state file is read whole or not at all, and what is wrong with it is said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.persistence.document import VERSION, UnreadableDocumentError, composed, read

SPACES = {
    "default": {"about": {"last_number": 3}, "parts": {"state": [["käse", "\ud800\n", None]]}},
    "a.b": {},
}


def written(namespaces=SPACES):
    pieces = [(name, [json.dumps(one).encode()]) for name, one in namespaces.items()]
    return b"".join(composed("2026-01-31T12:00:00.000Z", pieces))


WHOLE = written()


def test_what_was_written_is_read():
    assert read(WHOLE) == SPACES
    assert read(written({})) == {}


def test_the_whole_is_one_json_document_that_says_what_it_is():
    document = json.loads(WHOLE)

    assert list(document) == ["mockserver", "version", "saved_at", "bytes", "sha256", "namespaces"]
    assert (document["mockserver"], document["version"]) == ("state", VERSION)
    assert document["namespaces"] == SPACES


def test_a_torn_one_is_refused_wherever_it_ends():
    for length in range(len(WHOLE)):
        with pytest.raises(UnreadableDocumentError, match=r"incomplete|empty|not a state file"):
            read(WHOLE[:length])


@pytest.mark.parametrize("length", [30, 100, 200, len(WHOLE) - 3, len(WHOLE) - 1])
def test_a_torn_one_is_called_torn(length):
    with pytest.raises(UnreadableDocumentError, match="incomplete"):
        read(WHOLE[:length])


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_one_changed_byte_is_refused_or_changes_nothing(at, change):
    damaged = bytearray(WHOLE)
    damaged[at] ^= change
    try:
        found = read(bytes(damaged))
    except UnreadableDocumentError:
        return
    assert found == SPACES  # it was a byte of `saved_at`


@pytest.mark.parametrize("more", [b"\n", b"x", WHOLE])
def test_more_than_was_written_is_refused(more):
    with pytest.raises(UnreadableDocumentError, match="incomplete"):
        read(WHOLE + more)


@pytest.mark.parametrize(
    "foreign",
    [b"{}", b"{}\n", b"[]\n", b"\0" * 100, b"routes: []\n", b'{"mockserver":"scenario","namespaces":\n{}\n}\n',
     b'["namespaces":\n', b'7,"namespaces":\n', b'{"mockserver":"state"' + b" " * 2000 + b',"namespaces":\n{}\n}\n',
     json.dumps(json.loads(WHOLE), indent=1).encode()],
)  # fmt: skip
def test_a_foreign_one_is_refused(foreign):
    with pytest.raises(UnreadableDocumentError, match=r"not a state file of mockserver|incomplete"):
        read(foreign)


@pytest.mark.parametrize(
    ("version", "said"),
    [(2, "a newer mockserver wrote it"), ('"1"', "of another kind"), (0, "of another kind")],
)
def test_another_version_is_refused(version, said):
    with pytest.raises(UnreadableDocumentError, match=f"{said}.*version 1"):
        read(WHOLE.replace(b'"version":1', b'"version":%s' % str(version).encode()))
