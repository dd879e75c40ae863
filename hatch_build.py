"""
What the metadata of a package can't know before the release: where its repository is.

MOCKSERVER_REPOSITORY_URL names it, for the URLs of the project and for the links of the README, which package indexes
show outside of the repository. Without it, the package has no URLs. See docs/releasing.md.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE = "MOCKSERVER_REPOSITORY_URL"
_RELATIVE_LINK = re.compile(r"(?P<image>!?)(?P<text>\[[^\[\]]*\])\((?!https?:|#)(?P<path>[^()\s]+)\)")


def project_urls(repository: str, version: str) -> dict[str, str]:
    """The URLs of a repository on GitHub, or on a server with the same paths."""
    tree = f"{repository}/blob/v{version}"
    return {
        "Repository": repository,
        "Documentation": f"{tree}/docs/index.md",
        "Changelog": f"{tree}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def with_absolute_links(text: str, repository: str, version: str) -> str:
    """The text of a Markdown page in the root of the repository, with links that work anywhere."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link["image"] else "blob"
        return f"{link['image']}{link['text']}({repository}/{kind}/v{version}/{link['path']})"

    return _RELATIVE_LINK.sub(absolute, text)


class ProjectLinks(MetadataHookInterface):
    """Sets `readme` and `urls`. Not called for the files of an sdist, whose PKG-INFO has both."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text("utf-8")
        repository = os.environ.get(VARIABLE, "").rstrip("/")
        if repository and not repository.startswith("https://"):
            raise ValueError(f"{VARIABLE} is {repository!r}, and must begin with https://")
        metadata["urls"] = project_urls(repository, metadata["version"]) if repository else {}
        if repository:
            text = with_absolute_links(text, repository, metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
