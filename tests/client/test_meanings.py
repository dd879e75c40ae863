"""Values that a Python author writes for what they are: exceptions, bytes, and the fields of an effect."""

import pytest

from mockserver.client.writing import check_document, steps_of


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (ConnectionError, "reset"),
        (ConnectionResetError("gone"), "reset"),
        (BrokenPipeError, "reset"),
        (ConnectionAbortedError, "close"),
        (EOFError(), "close"),
        (TimeoutError, "hang"),
    ],
)
def test_an_exception_is_the_fault_that_a_client_sees_so(value, fault):
    assert steps_of((value, 200), {}) == ([{"fault": fault}, 200], {})


@pytest.mark.parametrize("value", [ValueError, RuntimeError("x"), KeyboardInterrupt])
def test_another_exception_is_refused_with_the_faults(value):
    with pytest.raises(TypeError, match=r'can\'t be raised in the client.*\{"fault": "reset"\}'):
        steps_of((value,), {})


@pytest.mark.parametrize("word", ["text", "html", "xml"])
def test_bytes_are_a_text_as_it_is(word):
    assert steps_of((), {word: "{{ é".encode()}) == ([{word: "{{ é", "raw": True}], {})


def test_chunks_of_bytes_are_sent_as_they_are():
    assert steps_of((), {"chunks": [b"{{ a", b"b"]}) == ([{"chunks": ["{{ a", "b"], "raw": True}], {})


def test_texts_among_chunks_stay_templates():
    assert steps_of((), {"chunks": ["{{ now }}", "b"]}) == ([{"chunks": ["{{ now }}", "b"]}], {})


@pytest.mark.parametrize("words", [{"text": b"a\xff"}, {"chunks": [b"a\xff"]}])
def test_bytes_that_are_not_utf_8_are_refused_with_the_way_to_write_them(words):
    with pytest.raises(TypeError, match=r"not UTF-8 at byte 1\. Write base64="):
        steps_of((), words)


@pytest.mark.parametrize("value", ["text", b"raw"])
def test_a_bare_text_is_refused_with_its_keyword(value):
    with pytest.raises(TypeError, match=r"is not a reply\. Write text="):
        steps_of((value,), {})


def test_fields_beside_kind_are_conditions_on_the_effect():
    check = check_document(None, {"effects": {"kind": "charge", "order": "42", "where": {"amount": 5}}})

    assert check == {"effects": {"kind": "charge", "where": {"amount": 5, "order": "42"}}}


def test_an_effect_with_where_alone_stays_as_it_is():
    assert check_document(None, {"effects": {"where": {"a": 1}}}) == {"effects": {"where": {"a": 1}}}
