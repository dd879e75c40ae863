"""A state file that can't be used keeps the server from starting, with the reason and the remedy."""

import json
import os
import re
import sys

import pytest
from click.testing import CliRunner
from support.server import run_cli

from mockserver import cli
from mockserver.persistence.document import composed
from mockserver.persistence.errors import StateFileError, StateFileRefusedError
from statefile.conftest import save

ROUTE = {"request": "GET /x", "reply": 200}


@pytest.fixture
def ended(kept, state_file):
    """What stands in the state file of a server that has ended, after `change`."""

    def end(change):
        server = kept("routes: [{name: a, request: GET /a, reply: 200}]")
        change(server)
        server.stop()
        return server.folder

    return end


def rewritten(state_file, change):
    """The document with other namespaces, its checksum right."""
    namespaces = json.loads(state_file.read_bytes())["namespaces"]
    change(namespaces)
    pieces = [(name, [json.dumps(one).encode()]) for name, one in namespaces.items()]
    state_file.write_bytes(b"".join(composed("2026-01-31T12:00:00.000Z", pieces)))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(lambda raw: b"", "it is empty"), (lambda raw: raw[:-9], "it is incomplete: "), (lambda raw: raw.replace(b"/x", b"/y"), "it is damaged, or was changed by hand"),
     (lambda raw: b"routes: []\n", "it is not a state file of mockserver"), (lambda raw: raw.replace(b'"version":1', b'"version":2'), "a newer mockserver wrote it")],
    ids=["empty", "torn", "damaged", "foreign", "newer"],
)  # fmt: skip
def test_a_file_that_is_not_whole_or_not_ours(ended, kept, state_file, spoil, said):
    folder = ended(lambda server: server.admin.post("/routes", ROUTE))
    spoilt = spoil(state_file.read_bytes())
    state_file.write_bytes(spoilt)

    with pytest.raises(StateFileRefusedError) as why:
        kept(folder)

    assert str(why.value).startswith(f"the state file {state_file} is not used: {said}")
    assert "Delete it to start from scratch, or name another with --state-file" in str(why.value)
    assert state_file.read_bytes() == spoilt


def test_a_route_that_can_not_be_made_any_more_is_named_with_its_place(ended, kept, state_file):
    folder = ended(lambda server: server.admin.post("/routes", {**ROUTE, "name": "x"}))
    rewritten(state_file, lambda found: found["default"]["parts"]["routes"][0]["json"].update(reply=99))

    with pytest.raises(StateFileRefusedError) as why:
        kept(folder)

    first, *_, remedy = str(why.value).splitlines()
    assert first.startswith(f"{state_file}: namespaces.default.routes.x: reply")
    assert "99 is not a valid HTTP status" in first
    assert (
        remedy == f"Fix that, or delete {state_file} to start from scratch, or name another with --state-file"
    )


def test_a_route_that_needs_an_extra_names_it(ended, kept, state_file, monkeypatch):
    by_path = {**ROUTE, "name": "x", "match": {"jsonpath": {"$.a": "present"}}}
    folder = ended(lambda server: server.admin.post("/routes", by_path))
    monkeypatch.setitem(sys.modules, "jsonpath_rfc9535", None)

    with pytest.raises(StateFileRefusedError) as why:
        kept(folder)

    assert re.match(
        rf"{re.escape(str(state_file))}: namespaces\.default\.routes\.x: match\.jsonpath.* needs a library that is not installed.*"
        r"mockserver\[jsonpath\]",
        str(why.value),
    )


def test_every_flaw_of_every_namespace_is_told_at_once(ended, kept, state_file):
    def change(server):
        server.admin.post("/namespaces", {"name": "n"})
        server.admin.call("PUT", "/scenarios/s", {"routes": [{**ROUTE, "name": "r"}]})
        server.admin.call("PUT", "/outage", {"reply": 503})

    def spoil(found):
        found["default"]["parts"]["scenarios"][0]["text"] = '{"routes": [{"reqest": "GET /x"}]}'
        found["default"]["about"]["outage"]["data"] = {"reply": {"choose": [{"status": 200}]}}
        found["n"]["about"]["overlay"] = {"removed": [], "active": {}, "use": None, "serial": 1}
        found["n"]["parts"] = {
            "scenarios": [],
            "routes": [{"name": "q", "serial": 1, "json": {"request": "nonsense"}}],
        }

    folder = ended(change)
    rewritten(state_file, spoil)

    with pytest.raises(StateFileRefusedError) as why:
        kept(folder)

    text = str(why.value)
    for place in (
        r"default\.scenarios\.s: s:1:\d+: routes\[0\]\.reqest: unknown key",
        r"default\.outage: reply",
        r"n\.routes\.q: ",
    ):
        assert re.search(rf"^{re.escape(str(state_file))}: namespaces\.{place}", text, re.MULTILINE), text


def test_a_scenario_whose_file_has_gone_is_named(ended, kept, state_file, write):
    folder = write(
        {
            "shop.yaml": "routes: [{name: a, request: GET /a, reply: {file: a.txt}}, {name: b, request: GET /b, reply: 200}]",
            "a.txt": "text",
        }
    )
    server = kept(folder)
    server.admin.call("PATCH", "/routes/b", {"reply": 202})
    server.stop()
    (folder / "a.txt").unlink()
    write({"shop.yaml": "routes: []"})

    with pytest.raises(StateFileRefusedError, match=r"namespaces\.default\.scenarios\.shop: .*'a\.txt'"):
        kept(folder)


@pytest.mark.parametrize(
    "spoil",
    [lambda found: found["default"].pop("about"), lambda found: found["default"]["parts"].pop("keys"), lambda found: found["default"].update(parts=7),
     lambda found: found["default"]["parts"]["positions"].append(["x"]), lambda found: found.update(n=None)],
)  # fmt: skip
def test_a_whole_file_that_holds_something_else_is_refused(ended, kept, state_file, spoil):
    folder = ended(lambda server: [server.ask("GET", "/a"), server.admin.call("PUT", "/state/a", 1)])
    rewritten(state_file, spoil)

    with pytest.raises(
        StateFileRefusedError, match="is not used: it is complete, but this mockserver can't read it"
    ):
        kept(folder)


def test_after_a_refusal_the_file_is_free_again(ended, kept, state_file):
    folder = ended(lambda server: server.ask("GET", "/a"))
    whole = state_file.read_bytes()
    state_file.write_bytes(b"")
    with pytest.raises(StateFileRefusedError):
        kept(folder)
    state_file.write_bytes(whole)

    assert kept(folder).admin.get("/counts")["total"] == 1


def test_a_file_that_another_server_has_is_refused(kept, serving, state_file):
    server = kept("routes: []")

    with pytest.raises(StateFileError) as why:
        serving(server.folder, state_file=str(state_file))

    assert f"{state_file} is in use by another mockserver, process {os.getpid()}" in str(why.value)
    server.ask("GET", "/still")
    save(server)
    assert b"/still" in state_file.read_bytes()


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("missing/mock.json", "It needs a folder that this user may write to; name another"),
        ("file/mock.json", "It needs a folder that this user may write to; name another"),
        (".", "Name a regular file, or one that is not there yet,"),
    ],
)
def test_a_place_that_can_not_be_written_to_is_refused(serving, write, tmp_path, where, hint):
    (tmp_path / "file").write_text("")

    with pytest.raises(
        StateFileError,
        match=f"{hint} with --state-file",
    ):
        serving(write("routes: []"), state_file=str(tmp_path / where))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_refused(serving, write, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)

    with pytest.raises(StateFileError, match="Permission denied"):
        serving(write("routes: []"), state_file=str(tmp_path / "closed/mock.json"))


def test_only_its_owner_may_read_it(kept, state_file):
    """Tokens and keys may be in it."""
    kept("routes: []")

    assert state_file.stat().st_mode & 0o777 == 0o600


def test_a_link_leads_to_the_file(kept, state_file, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    state_file.symlink_to(tmp_path / "elsewhere" / "real.json")

    kept("routes: []")

    assert state_file.is_symlink()
    assert json.loads((tmp_path / "elsewhere" / "real.json").read_bytes())["mockserver"] == "state"


def test_what_a_crash_left_of_a_new_document_is_not_minded(ended, kept, state_file):
    folder = ended(lambda server: server.ask("GET", "/a"))
    state_file.with_name("mock.json.new").write_bytes(b"half of")

    server = kept(folder)

    assert server.admin.get("/counts")["total"] == 1
    assert not state_file.with_name("mock.json.new").exists()


def test_a_disk_that_fails_is_told_once_and_what_was_missed_is_written_later(kept, state_file, caplog):
    server = kept("routes: []")
    disk = server.app._keeper._disk
    working, disk._new = disk._new, state_file.parent / "gone" / "x"
    server.ask("GET", "/missed")
    for _ in range(2):
        server.loop.run(server.app._keeper._save_or_say())

    assert "No such file or directory" in server.admin.get("/health")["state_file"]["error"]
    assert [one.levelname for one in caplog.records if "kept in memory only" in one.message] == ["ERROR"]

    disk._new = working
    server.loop.run(server.app._keeper._save_or_say())

    assert server.admin.get("/health")["state_file"]["error"] is None
    assert b"/missed" in state_file.read_bytes()


def test_health_says_nothing_of_a_state_file_where_there_is_none(serving):
    assert serving().admin.get("/health")["state_file"] is None


# As users meet it


@pytest.mark.slow
def test_a_refused_file_ends_it_with_2_and_one_without_rights_with_1(write, tmp_path):
    folder = str(write("routes: []"))
    (tmp_path / "foreign.json").write_text("{}")

    foreign = run_cli("serve", folder, "--port", "0", "--state-file", "foreign.json", cwd=tmp_path)
    nowhere = run_cli(
        "serve", folder, "--port", "0", env={"MOCKSERVER_STATE_FILE": "no/where.json"}, cwd=tmp_path
    )

    assert (foreign.returncode, foreign.stdout) == (2, "")
    assert foreign.stderr == (
        "the state file foreign.json is not used: it is not a state file of mockserver. "
        "Delete it to start from scratch, or name another with --state-file\n"
    )
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr.startswith("can't use the state file no/where.json: No such file or directory. ")


def test_its_flag_is_told():
    assert "--state-file FILE" in CliRunner().invoke(cli.main, ["serve", "-h"]).stdout
