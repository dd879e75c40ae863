from pathlib import Path

import pytest

from mockserver.errors import Flaw, InvalidInputError
from mockserver.scenarios import environment
from mockserver.scenarios.loader import (
    LoadError,
    edited,
    find,
    folders_without_scenario,
    from_bundle,
    from_text,
    load,
)
from mockserver.scenarios.source import LARGEST_FILE, Source, as_written

SEED = "routes:\n  - request: POST /data\n    reply: [503, 503, {json: {success: true}}]\n"
EMPTY = "routes: []\n"


def refused(*paths: Path, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(LoadError) as failed:
        load(paths, env or {})
    assert len(failed.value.flaws) == len(failed.value.lines)
    assert str(failed.value) == "\n".join(failed.value.lines)
    return failed.value.lines


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path()


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


class TestFind:
    def test_a_folder_gives_its_scenarios_in_the_order_of_their_paths(self, here: Path):
        for name in ("b.yml", "a.yaml", "sub/deep/c.scenario.json", "sub.yaml", "no.json", "no.txt", "yaml"):
            path = here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        assert [found.path.as_posix() for found in find([here])] == [
            "a.yaml",
            "b.yml",
            "sub.yaml",
            "sub/deep/c.scenario.json",
        ]

    def test_names_that_begin_with_a_dot_are_skipped_files_and_folders(self, here: Path):
        (here / ".git").mkdir()
        (here / ".git/a.yaml").touch()
        (here / ".hidden.yaml").touch()
        assert find([here]) == []

    def test_a_named_file_is_a_scenario_whatever_its_name(self, here: Path):
        for name in (".hidden", "x.conf"):
            (here / name).write_text(EMPTY)
        assert [found.path.name for found in find([here / "x.conf", here / ".hidden"])] == [
            ".hidden",
            "x.conf",
        ]
        assert [source.name for source in load([here / "x.conf", here / ".hidden"])] == [".hidden", "x"]

    def test_a_file_named_twice_is_found_once(self, here: Path):
        (here / "a.yaml").touch()
        assert len(find([here, here / "a.yaml", here.absolute()])) == 1

    def test_what_is_missing_is_an_error_for_each(self, here: Path):
        assert refused(Path("gone.yaml"), here, Path("also/gone")) == [
            "gone.yaml: there is no such file or folder. Name a scenario file, or a folder of them.",
            "also/gone: there is no such file or folder. Name a scenario file, or a folder of them.",
        ]

    def test_an_empty_folder_is_no_error_but_worth_a_word(self, here: Path):
        (here / "empty").mkdir()
        written(here, a=EMPTY)
        assert find(["empty"]) == []
        assert folders_without_scenario([here, "empty", "a.yaml"]) == [
            "empty: there is no scenario in this folder. Files of scenarios end in .yaml, .yml, .scenario.json"
        ]

    def test_a_config_map_as_kubernetes_mounts_it(self, here: Path):
        (here / "..2026_01_01/sub").mkdir(parents=True)
        written(here / "..2026_01_01", a="routes: [{request: GET /x, reply: {file: body.txt}}]")
        written(here / "..2026_01_01/sub", b=EMPTY)
        (here / "..2026_01_01/body.txt").write_text("hello")
        (here / "..data").symlink_to("..2026_01_01")
        for name in ("a.yaml", "body.txt", "sub"):
            (here / name).symlink_to(f"..data/{name}")
        a, b = load([here])
        assert (a.label, b.label) == ("a.yaml", "sub/b.yaml")
        assert a.read_file("body.txt", ()) == b"hello"

    def test_a_circle_of_links_ends(self, here: Path):
        (here / "a").mkdir()
        written(here / "a", x=EMPTY)
        (here / "a/again").symlink_to("..")
        assert [found.path.as_posix() for found in find([here])] == ["a/x.yaml"]


class TestLoad:
    def test_a_text_becomes_a_scenario_with_the_given_name(self):
        source = from_text(SEED, "seed")
        assert (source.name, source.label, source.file, source.folder) == ("seed", "seed", None, None)
        assert [step.status for step in source.spec.routes[0].reply] == [503, 503, 200]
        assert source.data["routes"][0]["reply"][0] == 503
        assert source.text == SEED

    @pytest.mark.parametrize("name", ["payments.scenario.json", "payments.yaml", "payments.scenario.yaml"])
    def test_a_file_gives_its_stem_as_name_and_its_path_as_label(self, here: Path, name: str):
        (here / name).write_text('{"routes": []}')
        (source,) = load([here])
        assert (source.name, source.label, source.file) == ("payments", name, Path(name))

    def test_a_written_name_stands_before_the_stem(self, here: Path):
        (source,) = load([written(here, a="scenario: payments\n")])
        assert source.name == "payments"

    def test_a_stem_that_is_no_name_asks_for_one(self, here: Path):
        (here / "50%.yaml").write_text(EMPTY)
        (here / "runtime.yaml").write_text(EMPTY)
        assert refused(here) == [
            (
                "50%.yaml:1:1: its name is the name of its file, and '50%' is not a valid scenario name. "
                "Write scenario: and a name at its top."
            ),
            (
                "runtime.yaml:1:1: its name is the name of its file, and 'runtime' is the scenario of routes made at runtime. "
                "Write scenario: and a name at its top."
            ),
        ]

    def test_a_flaw_is_located_by_label_line_column_and_the_path_its_author_wrote(self):
        source = from_text("routes:\n  - request: POST /data\n    reply: {json: {success: true}}\n", "s")
        flaw = Flaw(("routes", 0, "reply", 0, "json", "success"), "too good")
        assert source.locate(flaw) == "s:3:29: routes[0].reply.json.success: too good."
        assert as_written(source.document, flaw).path == ("routes", 0, "reply", "json", "success")

    def test_the_errors_of_all_files_come_at_once_in_the_order_of_files_and_lines(self, here: Path):
        written(here, b="routes: [{reply: 200, request: GET /x, nmae: x}]\nactive: 1\n", a="a: [\n", c=EMPTY)
        assert refused(here) == [
            "a.yaml:2:1: the file ends where a value is expected. Write the value, or close what was opened.",
            "b.yaml:1:40: routes[0].nmae: unknown key. Did you mean 'name'?",
            "b.yaml:2:9: active: expected true or false, got 1.",
        ]

    def test_names_are_unique_among_the_files_and_both_are_named(self, here: Path):
        (here / "sub").mkdir()
        written(here, a="# comment\nscenario: pay\n", pay=EMPTY)
        written(here / "sub", b="active: true\nscenario: pay\n")
        assert refused(here) == [
            "pay.yaml:1:1: the scenario 'pay' is in a.yaml already. Write another name at scenario:",
            "sub/b.yaml:2:11: scenario: the scenario 'pay' is in a.yaml already. Write another name at scenario:",
        ]

    def test_a_file_that_cannot_be_read_is_an_error_beside_the_others(self, here: Path):
        (here / "gone.yaml").symlink_to("nowhere")
        written(here, wrong="routse: []\n")
        assert refused(here) == [
            "gone.yaml: can't be read: No such file or directory. Check its permissions.",
            "wrong.yaml:1:1: routse: unknown key. Did you mean 'routes'?",
        ]

    def test_reasons_that_follow_from_an_unreadable_value_are_left_out(self, here: Path):
        lines = refused(written(here, a="routes:\n  - request: !x\n      a: 1\n    reply: 200\nactive: 1\n"))
        assert [line.split(": ")[0] for line in lines] == ["a.yaml:2:14", "a.yaml:5:9"]

    def test_a_key_that_stands_twice_hides_no_reason_below_the_first(self, here: Path):
        lines = refused(written(here, a="routes: [{reply: 99, request: GET /x}]\nroutes: []\n"))
        assert [line.split(": ")[0] for line in lines] == ["a.yaml:1:18", "a.yaml:2:1"]

    def test_keys_with_x_are_the_authors_own(self):
        assert from_text("x-mine: &a {status: 503}\nroutes: [{request: GET /x, reply: *a}]", "s").spec.routes

    def test_an_edited_scenario_keeps_its_files_and_the_text_of_its_numbers(self, here: Path):
        (here / "a.yaml").write_text("routes: [{request: GET /x, reply: {headers: {x: 1.10}}}]")
        (here / "b.txt").write_text("b")
        (source,) = load([here])
        changed = edited(source, {**source.data, "active": False})
        assert (changed.name, changed.label, changed.spec.active) == ("a", "a.yaml", False)
        assert changed.read_file("b.txt", ()) == b"b"
        assert changed.data["routes"][0]["reply"]["headers"]["x"].text == "1.10"

    def test_only_a_scenario_of_a_file_sees_the_environment_when_it_is_edited(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("SECRET", "s3cret")
        text = "vars: {key: '${SECRET:-none}'}"
        (here / "a.yaml").write_text(text)
        of_a_file, uploaded = load([here])[0], from_text(text, "b")

        changed = [edited(one, {**one.data, "active": False}) for one in (of_a_file, uploaded)]

        assert [one.spec.vars["key"] for one in changed] == ["s3cret", "none"]


class TestEnvironment:
    def spec(self, text: str, **env: str):
        return from_text(text + "\nroutes: []", "s", env=env).spec

    def test_vars_and_host_are_filled_at_any_depth(self):
        spec = self.spec("vars: {a: 'x${A}${B:-b}', l: [{m: '${A}'}], n: 1}\nhost: api.${A}", A="1")
        assert spec.vars == {"a": "x1b", "l": [{"m": "1"}], "n": 1}
        assert spec.host == "api.1"

    def test_nothing_else_is(self):
        source = from_text(
            "routes: [{request: GET /x, reply: {text: '${A}'}}]\ndescription: ${A}", "s", env={"A": "1"}
        )
        assert source.spec.routes[0].reply[0].text == "${A}"
        assert source.spec.description == "${A}"

    def test_a_star_in_the_table_of_places_stands_for_every_key_and_index(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(environment, "FILLED", (("routes", "*", "url"), ("*", "host"), ("gone", "*")))
        data = {"routes": [{"url": "${A}", "no": "${A}"}, 7], "x": {"host": "${A}"}}
        assert environment.filled(data, {"A": "1"}) == (
            {"routes": [{"url": "1", "no": "${A}"}, 7], "x": {"host": "1"}},
            [],
        )

    def test_a_default_stands_for_what_is_unset_or_empty(self):
        assert self.spec("vars: {a: '${A:-}', b: '${B:-http://x:1/-}', c: '${C}'}", B="", C="").vars == {
            "a": "",
            "b": "http://x:1/-",
            "c": "",
        }

    def test_the_data_stays_as_written(self):
        assert from_text("vars: {a: '${A}'}", "s", env={"A": "1"}).data == {"vars": {"a": "${A}"}}

    def test_the_environment_of_the_process_is_the_default_for_files_only(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("OF_THE_PROCESS", "yes")
        written(here, a="vars: {a: '${OF_THE_PROCESS}'}")
        assert load([here])[0].spec.vars == {"a": "yes"}
        with pytest.raises(LoadError):
            from_text("vars: {a: '${OF_THE_PROCESS}'}", "s")

    def test_what_is_not_set_is_an_error_with_its_place(self, here: Path):
        assert refused(written(here, a="vars:\n  a: ok\n  b: [x, '${GONE}']\nactive: 1\n")) == [
            "a.yaml:3:10: vars.b[1]: the environment variable GONE is not set. Set it, or write ${GONE:-default}.",
            "a.yaml:4:9: active: expected true or false, got 1.",
        ]


class TestFilesBeside:
    @pytest.fixture
    def source(self, here: Path) -> Source:
        (here / "in/deep").mkdir(parents=True)
        (here / "in/deep/body.bin").write_bytes(b"\0\xff")
        (here / "outside").write_text("secret")
        written(here / "in", a=EMPTY)
        return load([here / "in"])[0]

    def reason(self, source: Source, name: str) -> str:
        with pytest.raises(InvalidInputError) as refused:
            source.read_file(name, ("routes", 0, "reply", "file"))
        (flaw,) = refused.value.flaws
        assert flaw.path == ("routes", 0, "reply", "file")
        assert flaw.hint
        return flaw.message

    @pytest.mark.parametrize("name", ["deep/body.bin", "./deep/body.bin", "deep/../deep/body.bin"])
    def test_a_file_beside_or_below_is_read_as_bytes(self, source: Source, name: str):
        assert source.read_file(name, ()) == b"\0\xff"

    @pytest.mark.parametrize("name", ["../outside", "deep/../../outside", "../in2/x", ".."])
    def test_a_path_out_of_the_folder_is_refused(self, source: Source, name: str):
        assert self.reason(source, name) == f"{name!r} is outside of the scenario's folder"

    def test_a_link_out_of_the_folder_is_refused_whatever_it_is_called(self, source: Source):
        assert source.folder
        (source.folder / "innocent").symlink_to("../outside")
        (source.folder / "folder").symlink_to("..")
        assert "is outside of" in self.reason(source, "innocent")
        assert "is outside of" in self.reason(source, "folder/outside")

    def test_a_link_within_the_folder_is_followed(self, source: Source):
        assert source.folder
        (source.folder / "link").symlink_to("deep/body.bin")
        assert source.read_file("link", ()) == b"\0\xff"

    def test_an_absolute_path_is_refused_even_of_a_file_beside(self, source: Source):
        assert source.folder
        inside = str((source.folder / "deep/body.bin").resolve())
        assert self.reason(source, inside).endswith("is an absolute path")

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("gone", "there is no file 'gone' beside this scenario"),
            ("deep", "'deep' is not a file"),
            ("", "'' is not a file"),
            ("a\0b", "can't be read"),
            ("x" * 5000, "can't be read"),
        ],
    )
    def test_what_cannot_be_read_says_why(self, source: Source, name: str, reason: str):
        assert reason in self.reason(source, name)

    def test_a_loop_of_links_is_refused(self, source: Source):
        assert source.folder
        (source.folder / "loop").symlink_to("loop")
        assert self.reason(source, "loop")

    def test_a_file_too_large_to_keep_is_refused(self, source: Source):
        assert source.folder
        with (source.folder / "large").open("wb") as stream:
            stream.truncate(LARGEST_FILE + 1)
        assert self.reason(source, "large") == "'large' is larger than 64 MiB"

    def test_a_bundle_reads_its_own_files_and_no_others(self, here: Path):
        (here / "beside").write_text("x")
        source = from_bundle(EMPTY, {"bodies/a.json": b"{}", "./b": b"b"}, "s")
        assert source.read_file("b", ()) == b"b"
        assert source.read_file("./bodies/a.json", ()) == b"{}"
        assert self.reason(source, "beside") == "there is no file 'beside' with this scenario"
        assert self.reason(source, "../beside") == "there is no file '../beside' with this scenario"
        assert "bundle" in from_error(from_text(EMPTY, "s"))


def from_error(source: Source) -> str:
    with pytest.raises(InvalidInputError) as refused:
        source.read_file("x", ())
    return refused.value.flaws[0].hint
