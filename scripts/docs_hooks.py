"""
Hooks of MkDocs, see mkdocs.yml.

A page may link to a file outside docs/, such as a scenario or CONTRIBUTING.md. The site gets a page for each such file, so
that the links of the repository work on the site too.
"""

import os
import re
from pathlib import Path

from mkdocs.structure.files import File

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")
TITLED_FENCE = re.compile(r"^```(\w+) ([^\s=]+)$", re.MULTILINE)
LANGUAGES = {".mjs": "js", ".py": "python", ".yaml": "yaml", ".json": "json"}


def site_path(path):
    """Where the site has a file of the repository; None where it is not in the repository."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    if path.is_relative_to(PROJECT) and path.exists():
        name = path.relative_to(PROJECT).as_posix()
        return f"project/{name}" if name.endswith(".md") else f"project/{name}.md"
    return None


def linked_files(path, text):
    return {(path.parent / target).resolve() for target in LINK.findall(text)}


def content(path):
    if path.suffix == ".md":
        return path.read_text("utf-8")
    name = path.relative_to(PROJECT).as_posix()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        names = [file.relative_to(path).as_posix() for file in files]
        return f"# {name}\n\n" + "\n".join(f"- [{each}]({path.name}/{each})" for each in names) + "\n"
    return f"# {name}\n\n````{LANGUAGES.get(path.suffix, 'text')}\n{path.read_text('utf-8')}````\n"


def location(path):
    """The path that relative links of a generated page start from."""
    return path.parent / f"{path.name}.md" if path.suffix != ".md" else path


def on_files(files, config):
    sources = {Path(file.abs_src_path): file.content_string for file in files.documentation_pages()}
    waiting, generated = list(sources.items()), {}
    while waiting:
        for path in linked_files(*waiting.pop()):
            uri = site_path(path)
            if uri and uri.startswith("project/") and path not in generated:
                generated[path] = content(path)
                waiting.append((location(path), generated[path]))
                files.append(File.generated(config, uri, content=generated[path]))
    config["extra"]["locations"] = {site_path(path): location(path) for path in generated}
    return files


def on_page_markdown(markdown, page, config, files):
    uri = page.file.src_uri
    source = config["extra"]["locations"].get(uri, DOCS / uri)

    def on_site(link):
        target = site_path((source.parent / link[1]).resolve())
        return link[1] if target is None else os.path.relpath(target, Path(uri).parent)

    return TITLED_FENCE.sub(r'```\1 title="\2"', LINK.sub(on_site, markdown))
