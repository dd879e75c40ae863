"""The raw path of a request, decoded."""

from hypothesis import given
from hypothesis import strategies as st

from mockserver.matching import paths

PIECES = st.sampled_from(["%2f", "%2F", "/", "a", "=", "%3D", "%3d", "%", "%%", "%4", "%41", "%c3%a9", "%C3", "%ff", "%zz", "%25", "%252f", "=0A", "_", "%_", "é", "\udcc3", "\n"])  # fmt: skip


@given(st.lists(PIECES))
def test_a_long_path_is_decoded_as_a_short_one(pieces):
    path = "/" + "".join(pieces)

    assert paths._long(path) == paths._by_segment(path)
