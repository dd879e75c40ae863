"""Media types and their parameters, as clients write them."""

import pytest

from mockserver.model.coding import UnreadableBodyError, decode_charset, decode_content, parse_media_type
from mockserver.model.http import Request

MEDIA_TYPES = [
    ("", ("", {})),
    ("Application/JSON", ("application/json", {})),
    ("text/plain;charset=UTF-8", ("text/plain", {"charset": "UTF-8"})),
    ('text/plain ; Charset = "utf-8" ; x=1', ("text/plain", {"charset": "utf-8", "x": "1"})),
    ('multipart/form-data; boundary="a;b=c"', ("multipart/form-data", {"boundary": "a;b=c"})),
    (r'form-data; name="a\"b\\c"; filename="C:\dir\x.png"', ("form-data", {"name": 'a"b\\c', "filename": r"C:\dir\x.png"})),
    ("form-data; name=a; name=b", ("form-data", {"name": "a"})),
    ("form-data; filename=x; filename*=UTF-8''na%C3%AFve", ("form-data", {"filename": "naïve"})),
    ("form-data; filename*=iso-8859-1'en'na%EFve", ("form-data", {"filename": "naïve"})),
    ("form-data; filename*=no-such''x%41", ("form-data", {"filename": "no-such''x%41"})),
    ("form-data; filename*=na%C3%AFve", ("form-data", {"filename": "naïve"})),
    ("text/plain; charset", ("text/plain", {})),
    ('text/plain; charset="utf-8', ("text/plain", {"charset": '"utf-8'})),
]  # fmt: skip


@pytest.mark.parametrize(("value", "parsed"), MEDIA_TYPES)
def test_a_media_type_and_its_parameters(value, parsed):
    assert parse_media_type(value) == parsed


def test_an_empty_body_has_no_coding_to_lose():
    assert decode_content(b"", ["gzip"]) == b""


def test_codings_stack_up_to_three():
    assert decode_content(b"x", ["identity"] * 3) == b"x"
    with pytest.raises(UnreadableBodyError, match="more than 3 content-codings"):
        decode_content(b"x", ["identity"] * 4)


def test_bytes_that_are_no_text_say_where():
    with pytest.raises(
        UnreadableBodyError, match="it is not valid ascii text: ordinal not in range\\(128\\) at byte 2"
    ):
        decode_charset(b"ab\xff", "ascii")


def test_values_come_grouped_by_name_in_their_order():
    request = Request("GET", "/?a=1&b=2&a=3", [("Cookie", "x=1; x=2")])

    assert request.query == {"a": ["1", "3"], "b": ["2"]}
    assert request.cookies == {"x": ["1", "2"]}


def test_what_another_room_makes_of_a_request_is_made_once():
    request, made = Request("GET", "/"), []
    for _ in range(2):
        assert request.once("thing", lambda: made.append(1) or 5) == 5

    assert made == [1]
