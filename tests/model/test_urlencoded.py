"""Queries and forms are read as the standard library reads them."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from mockserver.model.http import split_urlencoded

pieces = st.sampled_from(
    [
        "a",
        "b",
        "=",
        "&",
        "+",
        "%",
        ";",
        "[",
        "]",
        " ",
        "é",
        "\0",
        "#",
        "%41",
        "%C3%A9",
        "%ff",
        "%4",
        "%zz",
        "%26",
        "%3D",
    ]
)


@given(st.one_of(st.text(), st.lists(pieces, max_size=20).map("".join)))
def test_fields_are_those_of_the_standard_library(text):
    assert split_urlencoded(text) == tuple(parse_qsl(text, keep_blank_values=True, errors="replace"))
