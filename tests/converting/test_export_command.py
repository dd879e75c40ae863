"""`mockserver export`: scenarios, or the calls of a server, as files of another tool."""

import json

import pytest
from click.testing import CliRunner

from mockserver import cli

SHOP = "routes:\n  - request: POST /data\n    reply: [503, {json: {ok: true}}]\n"


def run(*args, **env):
    return CliRunner().invoke(cli.main, ["export", *map(str, args)], env=env)


def entries(text):
    return json.loads(text)["log"]["entries"]


def test_one_file_goes_to_stdout(write):
    done = run("har", write(SHOP))

    assert (done.exit_code, done.stderr) == (0, "")
    assert [one["response"]["status"] for one in entries(done.stdout)] == [503, 200]


def test_scenarios_come_from_the_environment_where_none_is_named(write):
    assert len(entries(run("har", MOCKSERVER_PATHS=str(write(SHOP))).stdout)) == 2


def test_a_file_or_a_folder_gets_them(write, tmp_path):
    folder = write(SHOP)

    assert run("har", folder, "-o", tmp_path / "my.har").exit_code == 0
    assert len(entries((tmp_path / "my.har").read_text())) == 2
    done = run("har", folder, "-o", tmp_path / "out")
    assert done.stderr == f"Written: {tmp_path / 'out' / 'calls.har'}\n"


def test_what_is_there_is_written_over_only_by_force(write, tmp_path):
    folder = write(SHOP)
    (tmp_path / "my.har").write_text("mine")

    assert run("har", folder, "-o", tmp_path / "my.har").exit_code == 2
    assert (tmp_path / "my.har").read_text() == "mine"
    assert run("har", folder, "-o", tmp_path / "my.har", "--force").exit_code == 0


def test_losses_are_told_and_strict_writes_nothing(write, tmp_path):
    folder = write("routes: [{request: 'GET /u/{id}', reply: {delay: 1s}}]")

    done = run("har", folder, "-o", tmp_path / "my.har")
    assert done.exit_code == 0
    assert done.stderr.splitlines()[:3] == [
        "shop: routes[0].reply.delay: this format has no counterpart.",
        "shop: routes[0].request: an example stands for the parameters id.",
        "2 things could not be converted.",
    ]
    assert run("har", folder, "-o", tmp_path / "other.har", "--strict").exit_code == 1
    assert not (tmp_path / "other.har").exists()


def test_files_beside_scenarios_of_several_folders_are_found(write, tmp_path):
    folder = write({
        "a/a.yaml": "routes: [{request: GET /a, reply: {file: body.txt}}]", "a/body.txt": "of a",
        "b/b.yaml": "routes: [{request: GET /b, reply: {file: body.txt}}]", "b/body.txt": "of b",
    })  # fmt: skip
    done = run("har", folder, "-o", tmp_path / "out")

    assert done.exit_code == 0
    for name in ("a", "b"):
        (entry,) = entries((tmp_path / "out" / name / "calls.har").read_text())
        assert entry["response"]["content"]["text"] == f"of {name}"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["har", "none"], "there is no such file or folder"),
        (["har", "."], "there is no scenario to export"),
        (["hra"], "there is no format 'hra'"),
        (["har", "x", "--from", "http://localhost"], "leave SCENARIOS or --from out"),
        (["har", "--reveal"], "--reveal is for the calls of a server"),
        (["har", "--from", "ftp://x"], "'ftp://x' is not a server"),
        (["har", "--from", "http://127.0.0.1:1"], "no mockserver answers there"),
    ],
)
def test_what_can_not_be_done_ends_with_2_and_says_why(tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    done = run(*args)

    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


# Calls of a server


def test_the_calls_of_a_server_come_from_its_archive(serving):
    server = serving(SHOP)
    for _ in range(2):
        server.ask("POST", "/data", "{}", headers={"Authorization": "Bearer abcdef1234567890"})

    masked, revealed = run("har", "--from", server.url), run("har", "--from", server.url, "--reveal")

    assert [one["response"]["status"] for one in entries(masked.stdout)] == [503, 200]
    assert "Bearer ****7890" in masked.stdout
    assert "Bearer abcdef1234567890" in revealed.stdout


def test_a_namespace_has_calls_of_its_own(serving):
    server = serving(SHOP)
    server.admin.post("/namespaces", {"name": "mine"})
    server.ask("POST", "/@mine/data")

    assert len(entries(run("har", "--from", f"{server.url}/@mine").stdout)) == 1
    assert entries(run("har", "--from", server.url).stdout) == []
    done = run("har", "--from", f"{server.url}/@other")
    assert done.exit_code == 2
    assert "answered 404" in done.stderr


def test_a_token_is_given_or_asked_for(serving):
    server = serving(SHOP, admin_token="s3cret")

    assert "answered 401" in run("har", "--from", server.url).stderr
    assert run("har", "--from", server.url, "--admin-token", "s3cret").exit_code == 0
    assert run("har", "--from", server.url, MOCKSERVER_ADMIN_TOKEN="s3cret").exit_code == 0
