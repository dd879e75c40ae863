import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import InvalidInputError
from mockserver.model.written import WrittenFloat, WrittenInt, as_text
from mockserver.scenarios.places import decode
from mockserver.scenarios.yaml import yaml12
from mockserver.scenarios.yaml.nodes import PureComposer, compose_yaml
from mockserver.scenarios.yaml.yaml12 import Document, parse, read


@pytest.fixture(params=["libyaml", "python"])
def composer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "python":
        monkeypatch.setattr(yaml12, "compose_yaml", lambda text: compose_yaml(text, composer=PureComposer))
    return request.param


def flaw_of(text: str | bytes, kind: str = "yaml") -> tuple[str, int, int]:
    with pytest.raises(InvalidInputError) as refused:
        parse(text if isinstance(text, str) else decode(text), kind)
    (flaw,) = refused.value.flaws
    return flaw.said, flaw.line, flaw.column


@pytest.mark.usefixtures("composer")
class TestCoreSchema:
    @pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
    def test_null(self, text: str):
        assert parse(f"a: {text}") == {"a": None}

    @pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True)])
    def test_booleans(self, text: str, value: bool):
        assert parse(f"a: {text}")["a"] is value

    @pytest.mark.parametrize(
        "text",
        [
            "on",
            "off",
            "yes",
            "no",
            "y",
            "tRUE",
            "12:30",
            "1:2:3",
            "2001-12-14",
            "1_000",
            "0b1",
            "0O7",
            "nULL",
            "=",
            "1.2.3",
            "e5",
            "+",
            "-",
            ".",
            "0x",
            "1e",
            "+.",
            "0o8",
            "١٢",
            "-0x1F",
        ],
    )
    def test_what_only_other_schemas_know_is_a_text(self, text: str):
        assert parse(f"a: [{text}]") == {"a": [text]} if text != "-" else parse("a: -x") == {"a": "-x"}

    @pytest.mark.parametrize(
        ("text", "value"),
        [("0", 0), ("-12", -12), ("+3", 3), ("007", 7), ("0o17", 15), ("0x1F", 31), ("-0", 0)],
    )
    def test_integers(self, text: str, value: int):
        found = parse(f"a: {text}")["a"]
        assert (found, isinstance(found, int), as_text(found)) == (value, True, text)

    @pytest.mark.parametrize(
        ("text", "value"), [("1.10", 1.1), ("1e5", 1e5), (".5", 0.5), ("-1.", -1.0), ("1.5E-3", 0.0015)]
    )
    def test_floats(self, text: str, value: float):
        found = parse(f"a: {text}")["a"]
        assert (found, isinstance(found, float), as_text(found)) == (value, True, text)

    def test_a_number_remembers_its_text_only_where_str_would_not_give_it(self):
        found = parse("[1, 1.5, 01, 1.50]")
        assert [type(one) for one in found] == [int, float, WrittenInt, WrittenFloat]

    @pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999", "9" * 1001])
    def test_what_json_cannot_hold_is_an_error_that_offers_quotes(self, text: str):
        said, line, column = flaw_of(f"a:\n  b: {text}")
        assert "Put quotes round it" in said
        assert (line, column) == (2, 6)

    @pytest.mark.parametrize("text", ["'1'", '"true"', "'null'", '""', "'~'"])
    def test_what_is_quoted_is_a_text(self, text: str):
        assert parse(f"a: {text}") == {"a": text[1:-1]}

    def test_keys_are_texts_as_written(self):
        assert parse("200: a\ntrue: b\n1.10: c\n~: d\n") == {"200": "a", "true": "b", "1.10": "c", "~": "d"}


@pytest.mark.usefixtures("composer")
class TestAliases:
    def test_an_alias_is_a_copy_of_what_it_stands_for(self):
        data = parse("a: &x {b: [1]}\nc: *x\n")
        assert data == {"a": {"b": [1]}, "c": {"b": [1]}}
        assert data["a"] is not data["c"]

    def test_merged_keys_give_way_to_own_ones_and_earlier_mappings_win(self):
        assert parse("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 3}") == {
            "x": {"a": 1, "b": 1},
            "y": {"b": 2, "c": 2},
            "z": {"a": 3, "b": 1, "c": 2},
        }

    def test_merged_keys_stand_before_own_ones(self):
        """Values of a `let` see those before them."""
        data = parse("x: &x {a: 1, b: 1}\ny: &y {c: 2}\nz: {d: 4, <<: [*x, *y], b: 3}")
        assert list(data["z"].items()) == [("a", 1), ("b", 3), ("c", 2), ("d", 4)]

    def test_a_quoted_merge_sign_is_a_key(self):
        assert parse('"<<": 1') == {"<<": 1}

    def test_a_second_merge_key_is_refused(self):
        assert flaw_of("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n")[1:] == (4, 3)

    def test_ten_thousand_routes_may_share_their_headers(self):
        text = "x-a: &a {b: 1, c: 2, d: 3}\nroutes:\n" + "  - headers: *a\n" * 10_000
        assert len(parse(text)["routes"]) == 10_000

    @pytest.mark.parametrize(
        "text",
        [
            "a: &a [*a]",
            "a: &a {b: *a}",
            "a: &a {<<: *a}",
            "a0: &a0 [x, x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)),
            "a: &a '" + "y" * 1_000_000 + "'\nb: [" + ", ".join(["*a"] * 1000) + "]",
        ],
        ids=["list in itself", "mapping in itself", "merged into itself", "doubling", "long text, often"],
    )
    def test_what_stands_for_too_much_is_refused(self, text: str):
        said, *_ = flaw_of(text)
        assert "alias" in said

    def test_a_flaw_behind_an_anchor_is_told_once(self):
        assert flaw_of("a: &a [.inf]\nb: *a\nc: *a\n")[1:] == (1, 8)


@pytest.mark.usefixtures("composer")
class TestRefused:
    @pytest.mark.parametrize(
        "text", ["[" * 5000, "[" * 5000 + "]" * 5000, "- " * 5000, "{a: " * 101 + "}" * 101]
    )
    def test_deep_nesting(self, text: str):
        assert flaw_of(text)[0] == "nested more than 100 levels deep."

    @pytest.mark.parametrize("kind", ["yaml", "json"])
    def test_a_hundred_levels_are_fine_and_one_more_is_not(self, kind: str):
        assert parse("[" * 100 + "]" * 100, kind)
        assert flaw_of("[" * 101 + "]" * 101, kind)[0] == "nested more than 100 levels deep."

    @pytest.mark.parametrize("tag", ["!!str", "!!int", "!foo", "!!python/name:os.system", "!<tag:x,1:y>"])
    def test_tags(self, tag: str):
        said, line, column = flaw_of(f"a: {tag} 5")
        assert said.startswith("the tag !")
        assert (line, column) == (1, 4)

    @pytest.mark.parametrize("tag", ["!!map {}", "!!seq []", "!x {a: 1}"])
    def test_tags_of_collections(self, tag: str):
        assert flaw_of(f"a: {tag}")[0].startswith("the tag !")

    def test_the_tag_of_a_key(self):
        assert flaw_of("!!int 1: a")[0].startswith("the tag !!int")

    def test_an_anchor_given_twice(self):
        assert flaw_of("a: &x 1\nb: &x 2\n")[1:] == (2, 4)

    @pytest.mark.parametrize(("text", "kind"), [("a: \ud800", "yaml"), ('["\ud800"]', "json")])
    def test_half_a_character_in_a_text_from_python(self, text: str, kind: str):
        said, *_ = flaw_of(text, kind)
        assert "U+D800" in said
        assert said.encode()


class TestEncoding:
    def test_a_byte_order_mark_is_no_part_of_the_text(self):
        document = read(b"\xef\xbb\xbfa: 1\n")
        assert document.data == {"a": 1}
        assert document.position(("a",), at_key=True) == (1, 1)

    def test_a_bad_byte_is_named_with_its_position(self):
        said, line, column = flaw_of("# ünder\na: é".encode() + b"\xff")
        assert said == "byte 14 (0xff) is not valid UTF-8. Save the file as UTF-8."[:-1]
        assert (line, column) == (2, 5)

    def test_a_byte_order_mark_takes_no_column(self):
        said, line, column = flaw_of(b"\xef\xbb\xbfa: \xff")
        assert said.startswith("byte 6 (0xff)")
        assert (line, column) == (1, 4)

    def test_columns_count_characters(self):
        document = Document("{é😀: 1, b: x}")
        assert document.position(("b",)) == (1, 12)

    def test_windows_line_ends(self):
        document = Document("a: 1\r\nb:\r\n  c: 2\r\n")
        assert document.position(("b", "c")) == (3, 6)


class TestPositions:
    TEXT = "x: &x\n  deep: [1,\n    2]\ny:\n  <<: *x\n  own: {a: b}\n"

    @pytest.mark.parametrize(
        ("path", "at_key", "place"),
        [
            ((), False, (1, 1)),
            (("x",), True, (1, 1)),
            (("x", "deep"), True, (2, 3)),
            (("x", "deep"), False, (2, 9)),
            (("x", "deep", 1), False, (3, 5)),
            (("y", "own", "a"), False, (6, 12)),
            (("y", "deep", 0), False, (2, 10)),
            (("y", "deep"), True, (2, 3)),
        ],
    )
    def test_values_and_keys(self, path: tuple[str | int, ...], at_key: bool, place: tuple[int, int]):
        assert Document(self.TEXT).position(path, at_key) == place

    @pytest.mark.parametrize("path", [("x", 0, "deep", 1), ("x", "union tag", "deep", 1, "more", 3)])
    def test_parts_that_nobody_wrote_are_skipped(self, path: tuple[str | int, ...]):
        assert Document(self.TEXT).position(path) == (3, 5)

    def test_an_empty_document_has_one_place(self):
        assert Document("").position(("a", 1), at_key=True) == (1, 1)

    @given(st.data())
    def test_every_key_of_a_json_text_is_found_where_it_stands(self, data: st.DataObject):
        keys = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=3)
        tree = st.recursive(
            st.integers(), lambda c: st.lists(c, max_size=3) | st.dictionaries(keys, c, max_size=3)
        )
        value = data.draw(tree)
        text = json.dumps(value, indent=data.draw(st.sampled_from([None, 1, "\t"])))
        document = Document(text, "json")
        lines = text.split("\n")
        for path in paths_of(value):
            line, column = document.position(path, at_key=isinstance(path[-1], str))
            rest = lines[line - 1][column - 1 :]
            assert rest.startswith(
                json.dumps(path[-1]) + ":" if isinstance(path[-1], str) else tuple("[{-0123456789")
            )


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in pairs for found in [(*path, key), *paths_of(item, (*path, key))]]


def json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
        max_leaves=20,
    )


class TestJson:
    @given(json_values(st.text()), st.sampled_from([None, 2, "\t"]), st.booleans())
    def test_whatever_python_writes_is_read(self, value: object, indent: str | int | None, ascii_only: bool):
        assert parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "json") == value

    @given(json_values(st.text(st.characters(max_codepoint=0x7E), max_size=20)))
    def test_yaml_reads_json_of_ascii_and_short_keys_alike(self, value: object):
        assert parse(json.dumps(value)) == value

    def test_a_pair_of_surrogates_is_one_character(self):
        assert parse('{"\\ud83d\\ude00": "\\ud83d\\ude00"}', "json") == {"😀": "😀"}

    def test_numbers_keep_their_text(self):
        assert [as_text(one) for one in parse("[1.10, 1E5, -0]", "json")] == ["1.10", "1E5", "-0"]

    @pytest.mark.parametrize(
        ("text", "said", "place"),
        [
            ('{"a": 1,}', "there is a comma before the closing bracket. Remove it", (1, 8)),
            ("[1,\n 2,\n]", "there is a comma before the closing bracket. Remove it", (2, 3)),
            ('{"a": NaN}', "JSON has no NaN", (1, 7)),
            ('{"a" 1}', "a colon is missing before this.", (1, 6)),
            ('{"a": 1 "b": 2}', "a comma or a closing bracket is missing before this.", (1, 9)),
            ('{"a": "b', "a quote is opened here and never closed. Close it", (1, 7)),
            ('{"a": "b\nc"}', "a text contains a line break or a control character. Write it as \\n", (1, 9)),
            ('{"a": "\\d"}', "a backslash and what follows are not a valid JSON escape.", (1, 8)),
            ('{"a": 1} x', "there is more text after the end.", (1, 10)),
            ("{a: 1}", "a key in double quotes is expected here.", (1, 2)),
            ("// x\n{}", "JSON has no comments. Name the file .yaml to have them", (1, 1)),
            ("", "a value is expected here.", (1, 1)),
            ('{"a": 1e999}', "'1e999' is larger than a JSON number can be.", (1, 7)),
            ("[" * 200 + "]" * 200, "nested more than 100 levels deep.", (1, 1)),
            ("[" * 100_000, "nested more than 100 levels deep.", (1, 1)),
            ('{"a": "\\udc00"}', '"\\udc00" contains half a character (U+DC00). Write', (1, 7)),
        ],
    )
    def test_what_is_no_json_is_said_plainly(self, text: str, said: str, place: tuple[int, int]):
        found, line, column = flaw_of(text, "json")
        assert found.startswith(said)
        assert (line, column) == place


def test_both_composers_make_the_same_of_every_broken_file_that_composes(monkeypatch: pytest.MonkeyPatch):
    for path in sorted((Path(__file__).parent / "broken").glob("*.yaml")):
        raw = path.read_bytes()
        try:
            data = read(raw).data
        except InvalidInputError:
            continue
        with monkeypatch.context() as patch:
            patch.setattr(yaml12, "compose_yaml", lambda text: compose_yaml(text, composer=PureComposer))
            assert read(raw).data == data


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("same: [headers.x?, body]", "headers.x?"),
        ("same: [body, headers.x?]", "headers.x?"),
        ("{same: headers.x?}", "headers.x?"),
        ("same: [body,\n  headers.x? ]", "headers.x?"),
        ("ask: [what is this?]", "what is this?"),
        ("url: [http://x/?a=1, b]", "http://x/?a=1"),
    ],
)
def test_a_question_mark_without_quotes_says_which_text_needs_them(text, word, monkeypatch):
    """Only libyaml takes it as it stands."""
    assert word in str(parse(text))
    monkeypatch.setattr(yaml12, "compose_yaml", lambda text: compose_yaml(text, composer=PureComposer))

    said, line, column = flaw_of(text)

    assert said == (
        f"a text between brackets or braces can't contain '?' without quotes. Put quotes round it: \"{word}\""
    )
    assert text.splitlines()[line - 1][column - 1] == "?"
