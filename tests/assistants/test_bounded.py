"""The size of answers is limited, whatever they hold."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.mcp.bounded import bounded, bounded_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=100),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=60), inner, max_size=30),
    max_leaves=25,
)


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=10), st.integers(min_value=20, max_value=2_000))
def test_data_fits_and_is_whole_if_it_fits(data, most):
    kept, is_cut = bounded(data, most)

    assert len(json.dumps(kept, ensure_ascii=False)) <= most
    assert is_cut == (len(json.dumps(data, ensure_ascii=False)) > most)
    if not is_cut:
        assert kept == data


def test_what_was_left_out_is_said():
    kept, is_cut = bounded({"text": "x" * 10_000, "items": list(range(9_000))})

    assert is_cut
    assert kept["text"].endswith("… (6,000 more characters)")
    assert kept["items"][-1] == "… (8,800 more)"
    assert bounded_text("abc", 2) == ("ab… (1 more characters)", True)
