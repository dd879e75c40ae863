"""docs/other-languages.md: what can be run here is run, and every call in it is one that the server has."""

import os
import re
import shutil
import subprocess

import pytest
from support.pages import blocks, page
from support.server import CLEAN_ENV

from mockserver.admin.tables import all_endpoints

PAGE = page("docs/other-languages.md")
BLOCKS = blocks(PAGE)


def block(language):
    return next(text for kind, text in BLOCKS if kind == language)


def run(command, folder, server):
    env = {**CLEAN_ENV, "MOCKSERVER_URL": server.url, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["name"] for one in server.admin.get("/namespaces")["items"]] == ["default"]
    assert server.admin.get("/counts")["total"] == 0
    return done.stdout


@pytest.mark.slow
def test_the_shell_example(tmp_path, serving):
    printed = run(["bash", "-c", "set -euo pipefail\n" + block("bash")], tmp_path, serving({}))
    assert printed == '{"success":true}'


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_node_example(tmp_path, serving):
    (tmp_path / "retry.test.mjs").write_text(block("js"))
    assert "# pass 1" in run(
        ["node", "--test", "--test-reporter=tap", "retry.test.mjs"], tmp_path, serving({})
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_node_example_fails_with_words_for_people(tmp_path, serving):
    server = serving({})
    (tmp_path / "retry.test.mjs").write_text(block("js").replace("times: 3", "times: 4"))
    env = {**CLEAN_ENV, "MOCKSERVER_URL": server.url, "PATH": os.environ["PATH"]}
    command = ["node", "--test", "retry.test.mjs"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "data: expected 4 calls, saw 3" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="needs java")
def test_the_java_example(tmp_path, serving):
    if (
        "jdk.compiler"
        not in subprocess.run(["java", "--list-modules"], capture_output=True, text=True, check=False).stdout
    ):
        pytest.skip("needs a JDK, not only a runtime")
    (tmp_path / "RetryTest.java").write_text(block("java"))
    assert run(["java", "RetryTest.java"], tmp_path, serving({})).strip() == '{"success":true}'


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="needs go")
def test_the_go_example(tmp_path, serving):
    post_data = """
func postData(url string) error {
	for attempt := 1; ; attempt++ {
		answer, err := http.Post(url+"/data", "application/json", bytes.NewReader([]byte("{}")))
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode < 500 || attempt == 3 {
			return nil
		}
	}
}
"""
    (tmp_path / "go.mod").write_text("module retry\n\ngo 1.20\n")
    (tmp_path / "retry_test.go").write_text(block("go") + post_data)
    run(["go", "test", "./..."], tmp_path, serving({}))


def test_every_admin_call_on_the_page_is_one_that_the_server_has():
    known = {one.path for one in all_endpoints()}
    named = set(re.findall(r"(?:__admin(?:/@\$name)?|[aA]dmin(?: ?\+ ?\"|\(\"\w+\", \"))(/[a-z]+)", PAGE))
    assert {"/namespaces", "/routes", "/verify"} <= named
    assert named <= known | {"/openapi"}
