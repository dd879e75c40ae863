"""The documentation as a site: it is built, a broken link fails, and no page loads anything from another host."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from support.pages import blocks, page
from support.server import CLEAN_ENV, PROJECT
from support.suites import INI
from support.sweeping import run_here

pytest_plugins = "pytester"

LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}


def build(project, site):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(project / "mkdocs.yml"), "-d", str(site)],
        cwd=project, env=CLEAN_ENV | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


class Loads(HTMLParser):
    """What a browser loads with a page; links that a reader follows are not loaded."""

    def __init__(self):
        super().__init__()
        self.urls = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in LOADING and values.get(LOADING[tag]) and values.get("rel") != "canonical":
            self.urls.append(values[LOADING[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(PROJECT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_no_page_loads_anything_from_another_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    for path in pages:
        loads = Loads()
        loads.feed(path.read_text("utf-8"))
        assert loads.urls
        assert [url for url in loads.urls if re.match(r"(https?:)?//", url)] == [], path
    for path in site.rglob("*.css"):
        assert not re.search(r"""(url\(|@import)\s*["']?(https?:)?//""", path.read_text("utf-8")), path


@pytest.mark.slow
def test_a_linked_file_of_the_repository_has_a_page(site):
    text = (site / "project/scenarios/payments.yaml.html").read_text("utf-8")
    assert "create-charge" in text
    assert (site / "project/SECURITY.html").exists()
    assert "project/scenarios/payments.yaml.html" in (site / "services-with-memory.html").read_text("utf-8")


@pytest.mark.slow
def test_every_heading_of_a_page_is_one_on_the_site(site):
    """A fence that the generator reads differently swallows what follows it."""
    for path in (PROJECT / "docs").rglob("*.md"):
        html = (site / path.relative_to(PROJECT / "docs")).with_suffix(".html")
        html = html.with_name("index.html") if path.name == "README.md" else html
        text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        expected = len(re.findall(r"^#{1,4} ", text, re.MULTILINE))
        assert len(re.findall(r"<h[1-4] id=", html.read_text("utf-8"))) == expected, path


@pytest.mark.slow
def test_each_broken_link_is_named_and_fails(tmp_path):
    for name in ("mkdocs.yml", "SECURITY.md"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT / "scripts/docs_hooks.py", tmp_path / "scripts")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/glossary.md").write_text("# Glossary\n")
    config = (tmp_path / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(config.partition("nav:\n  - Home")[0])
    (tmp_path / "docs/index.md").write_text("# A page\n\n[good](glossary.md)\n")
    assert build(tmp_path, tmp_path / "site").returncode == 0
    broken = ["nowhere.md", "glossary.md#nothing", "../scenarios/nowhere.yaml"]
    (tmp_path / "docs/index.md").write_text("# A page\n\n" + "".join(f"[a]({link})\n\n" for link in broken))
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    warnings = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert [link for link in broken if not any(f"'{link}'" in line for line in warnings)] == []


def test_the_scripts_are_there():
    for name in ("docs", "check"):
        assert os.access(PROJECT / "scripts" / name, os.X_OK)


def test_the_example_of_the_home_page_passes(pytester, monkeypatch):
    ((_, example),) = blocks(page("docs/index.md"))
    _, shop = blocks(page("docs/testing-with-pytest.md"))[0]
    shop = shop.replace("/v1/charges", "/charges").replace(
        '    requests.post(f"{base_url}/v1/receipts", json={"order": order})\n', ""
    )
    pytester.makeini(INI)
    pytester.makepyfile(
        shop=shop.replace("def pay(base_url, order, amount)", 'def pay(base_url, amount, order="7")'),
        test_home="from shop import pay\n\n\n" + example,
    )
    done = run_here(pytester, monkeypatch, "-q")
    assert done.code == 0, done.output
