"""`mockserver import`: what is written where, what is said, and how it ends."""

import json
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from mockserver import cli, formats
from mockserver.cli import importing
from mockserver.recording.conversion import Imported, Lost
from mockserver.scenarios.loader import load


@pytest.fixture
def archive(tmp_path):
    """Writes an archive with these answers of GET /data, GET /data1, …"""

    def written(*entries, name="shop.har"):
        file = tmp_path / name
        file.write_text(json.dumps({"log": {"entries": [*entries]}}))
        return str(file)

    return written


def entry(url="https://api.example/data", status=200, text="hello", **content):
    content = {"mimeType": "text/plain", "size": 5, "text": text, **content}
    return {
        "request": {"method": "GET", "url": url, "headers": []},
        "response": {"status": status, "headers": [{"name": "Date", "value": "x"}], "content": content},
    }


def run(*args):
    return CliRunner().invoke(cli.main, ["import", *map(str, args)])


@pytest.fixture
def importer(monkeypatch):
    """A format of which `read` gives this."""

    def made(imported):
        monkeypatch.setattr(importing, "format_named", lambda _: SimpleNamespace(read=lambda _: imported))

    return made


def test_one_scenario_goes_to_stdout_with_its_schema_and_remarks_above(archive):
    done = run("har", archive(entry()))

    assert done.exit_code == 0
    assert done.stdout == (
        "# yaml-language-server: $schema=scenario.schema.json\n"
        "# Header lines that were left out of replies: date.\n"
        "x-origin: https://api.example\n"
        "routes:\n  - request: GET /data\n    reply: {text: hello}\n"
    )
    assert done.stderr == ""


def test_a_file_gets_the_one_scenario_and_the_scenario_its_name(archive, tmp_path):
    target = tmp_path / "scenarios" / "payments.yaml"
    done = run("har", archive(entry()), "-o", target)

    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"Written: {target}\n"
    assert load([target])[0].name == "shop"
    assert "scenario: shop" in target.read_text()


def test_the_name_is_left_out_where_it_is_the_files(archive, tmp_path):
    target = tmp_path / "payments.yaml"
    assert run("har", archive(entry()), "-o", target, "--name", "payments").exit_code == 0

    assert "scenario:" not in target.read_text()
    assert load([target])[0].name == "payments"


def test_a_folder_gets_a_file_for_each_scenario_and_bodies_beside(archive, tmp_path):
    source = archive(entry(text="x" * 9000), entry("https://other.example/data"))
    done = run("har", source, "-o", tmp_path / "out")

    assert done.exit_code == 0
    assert [one.name for one in load([tmp_path / "out"])] == ["api.example", "other.example"]
    assert (tmp_path / "out" / "api.example" / "get-data.txt").read_text() == "x" * 9000
    assert done.stderr.endswith(", and 1 file beside\n")


@pytest.mark.parametrize(
    ("entries", "args", "said"),
    [
        ([entry(), entry("https://b.example/")], [], "these are 2 scenarios (api.example, b.example): give a folder with -o"),
        ([entry(text="x" * 9000)], [], "1 file would be written next to the scenario: give a file or a folder with -o"),
        ([entry(), entry("https://b.example/")], ["--name", "x", "-o", "out"], "--name is for one scenario, and these are 2"),
        ([entry()], ["--name", "a/b"], "'a/b' is not a valid scenario name"),
        ([entry(status=0)], [], "there is no scenario in it"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused_with_2(archive, tmp_path, monkeypatch, entries, args, said):
    monkeypatch.chdir(tmp_path)
    done = run("har", archive(*entries), *args)

    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["shop.har"]


def test_what_is_there_is_written_over_only_by_force(archive, tmp_path):
    source = archive(entry(text="x" * 9000))
    beside = tmp_path / "out" / "shop" / "get-data.txt"
    beside.parent.mkdir(parents=True)
    beside.write_text("mine")

    refused = run("har", source, "-o", tmp_path / "out")
    assert refused.exit_code == 2
    assert f"{beside}: already exists. Use --force to overwrite it" in refused.stderr
    assert beside.read_text() == "mine"
    assert not (tmp_path / "out" / "shop.yaml").exists()

    assert run("har", source, "-o", tmp_path / "out", "--force").exit_code == 0
    assert beside.read_text() == "x" * 9000


def test_a_folder_that_can_not_be_written_leaves_nothing_behind(archive, tmp_path):
    (tmp_path / "out").write_text("a file")
    done = run("har", archive(entry()), "-o", tmp_path / "out" / "deep")

    assert done.exit_code == 2
    assert "can't be written" in done.stderr


def test_losses_are_told_with_their_place_and_counted(archive):
    done = run("har", archive(entry(), entry(status=0), entry(status=101)))

    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "log.entries[1]: there is no answer. Write a fault, such as {fault: reset}, if that is what happened",
        "log.entries[2]: 101 is not a final status. Routes answer with 200 to 599",
        "2 things could not be converted.",
    ]


def test_strict_writes_nothing_where_something_is_lost(archive, tmp_path):
    source = archive(entry(), entry(status=0))
    done = run("har", source, "-o", tmp_path / "out.yaml", "--strict")

    assert done.exit_code == 1
    assert "1 thing could not be converted.\nNothing was written" in done.stderr
    assert not (tmp_path / "out.yaml").exists()
    assert run("har", archive(entry()), "--strict").exit_code == 0


def test_a_scenario_that_does_not_load_is_called_a_bug_and_not_written(importer, tmp_path):
    importer(Imported({"shop": {"routes": [{"request": "GET /x", "reply": {"stauts": 1}}]}}))
    done = run("har", tmp_path, "-o", tmp_path / "out.yaml")

    assert done.exit_code == 3
    assert "routes[0].reply.stauts: unknown key" in done.stderr
    assert "This is a bug of mockserver" in done.stderr
    assert not (tmp_path / "out.yaml").exists()


def test_a_library_that_is_missing_here_is_no_bug(importer, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonpath_rfc9535", None)
    importer(
        Imported({"shop": {"routes": [{"request": "GET /x", "match": {"jsonpath": {"$.a": "present"}}, "reply": 200}]}})
    )  # fmt: skip
    done = run("har", tmp_path)

    assert done.exit_code == 0
    assert "the extra mockserver[jsonpath]" in done.stderr


EMPTY = {
    "har": '{"log": {"entries": []}}',
    "mockserver": "[]",
    "openapi": '{"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {}}',
    "pact": '{"consumer": {"name": "c"}, "provider": {"name": "p"}, "interactions": []}',
    "postman": '{"info": {"name": "x"}, "item": []}',
    "smocker": "[]",
}


@pytest.mark.parametrize("format_", EMPTY)
def test_a_source_with_nothing_in_it_is_refused_whatever_the_format(format_, tmp_path):
    source = tmp_path / "a.json"
    source.write_text(EMPTY[format_])
    done = run(format_, source, "-o", tmp_path / "out.yaml")

    assert done.exit_code == 2
    assert "there is no scenario in it" in done.stderr
    assert not (tmp_path / "out.yaml").exists()


def test_a_name_that_leads_out_of_the_folder_is_refused(importer, tmp_path):
    importer(Imported({"shop": {"routes": [{"request": "GET /a", "reply": 200}]}}, files={"../evil": b""}))
    done = run("har", tmp_path, "-o", tmp_path / "out")

    assert done.exit_code == 2
    assert "is outside of" in done.stderr


def test_a_source_that_a_reader_fails_at_is_refused_without_a_traceback(tmp_path, monkeypatch):
    source = tmp_path / "a.json"
    source.write_text("[]")
    monkeypatch.setattr(importing, "format_named", lambda _: SimpleNamespace(read=lambda _: [].items()))
    done = run("postman", source, "-o", tmp_path / "out.yaml")

    assert done.exit_code == 2
    assert f"{source}: it is not as postman has it" in done.stderr
    assert not (tmp_path / "out.yaml").exists()


def test_the_same_loss_is_told_once(importer, tmp_path):
    route = {"request": "GET /a", "reply": 200}
    importer(Imported({"shop": {"routes": [route]}}, lost=[Lost("a", "b"), Lost("a", "b")]))

    assert run("har", tmp_path).stderr == "a: b.\n1 thing could not be converted.\n"


def test_a_format_that_is_not_there_is_refused_with_the_near_name(tmp_path):
    done = run("hra", tmp_path)

    assert done.exit_code == 2
    assert "there is no format 'hra'. Did you mean 'har'?" in done.stderr


def test_only_formats_whose_module_is_there_are_offered(monkeypatch):
    monkeypatch.setitem(formats.FORMATS, "betamax", "Tapes")
    formats.offered.cache_clear()

    assert "betamax" not in formats.offered()
    assert set(formats.offered()) <= set(formats.FORMATS)
    for name in formats.offered():
        assert callable(formats.format_named(name).read)


def test_the_help_lists_formats_and_exit_codes():
    done = run("--help")

    assert "har " in done.stdout
    assert "Exit codes" in done.stdout


def test_examples_that_are_left_out_are_counted_on_stderr_and_are_no_loss(tmp_path):
    source = tmp_path / "spec.yaml"
    source.write_text(
        "openapi: 3.1.0\ninfo: {title: api, version: '1'}\npaths:\n  /a:\n    get:\n      responses:\n        '200':\n"
        "          description: x\n          content:\n            application/json:\n"
        "              schema: {type: object, properties: {a: {type: integer, example: x}, b: {type: string, example: good}}}\n"
    )
    result = CliRunner().invoke(cli.main, ["import", "openapi", str(source), "--strict"])
    assert result.exit_code == 0, result.stderr
    assert "1 example is left out, for breaking the schema" in result.stderr
    assert "# 1 example is left out" in result.stdout
    assert "b: good" in result.stdout


LOST_WHOLE = {
    "har": ("a.har", {"log": {"entries": [{"request": {"method": "GET", "url": "wss://x.example/a"}, "response": {"status": 101}}]}}, "is not a URL of HTTP"),
    "postman": ("a.json", {"info": {"name": "x"}, "item": [{"name": "a"}]}, "neither a request nor items"),
    "openapi": ("a.json", {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/a{b}{c}": {"get": {"responses": {"200": {"description": "x"}}}}}}, "can't be told apart"),
    "mountebank": ("a.json", {"imposters": [{"port": 1, "protocol": "tcp", "stubs": []}]}, "tcp"),
    "vcr": ("a.yaml", {"version": 1, "interactions": [{"request": {"method": "CONNECT", "uri": "http://x.example/a", "headers": {}, "body": None}, "response": {"status": {"code": 200}, "headers": {}, "body": {"string": ""}}}]}, "is a request to a proxy"),
}  # fmt: skip


@pytest.mark.parametrize("format_", LOST_WHOLE)
def test_where_a_whole_source_is_lost_its_reasons_are_told_and_nothing_is_written(format_, tmp_path):
    name, document, reason = LOST_WHOLE[format_]
    source = tmp_path / name
    source.write_text(json.dumps(document))
    result = CliRunner().invoke(cli.main, ["import", format_, str(source), "-o", str(tmp_path / "out.yaml")])
    assert result.exit_code == 2, result.stderr
    assert reason in result.stderr
    assert "Nothing was written" in result.stderr
    assert not (tmp_path / "out.yaml").exists()
