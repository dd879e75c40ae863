"""scripts/image-size tells how large the image is over its base; here with an engine that is played."""

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from support.server import PROJECT

ENGINE = """#!/usr/bin/env bash
case $1 in
  create) cp "$IMAGES/${!#}.tar" "$IMAGES/container.tar" && echo container ;;
  export) cat "$IMAGES/container.tar" ;;
  rm) rm "$IMAGES/container.tar" ;;
esac
"""
SITE = "venv/lib/python3.13/site-packages"
BASE = {"usr/bin/python": 3_000_000, "etc/a file": 5}


@pytest.fixture
def sized(tmp_path):
    """What the script says of an image with these files, by path, over a base."""
    (tmp_path / "docker").write_text(ENGINE)
    (tmp_path / "docker").chmod(0o755)

    def run(files, *args, base="python:3.13-slim"):
        for name, content in ((base, BASE), ("mockserver", {**BASE, **files})):
            with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
                for path, size in content.items():
                    info = tarfile.TarInfo(path)
                    info.size = size
                    with Path("/dev/zero").open("rb") as zeros:
                        archive.addfile(info, zeros)
        env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "IMAGES": str(tmp_path)}
        command = [PROJECT / "scripts/image-size", *args]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_it_tells_the_size_over_the_base_and_the_largest_parts(sized):
    done = sized(
        {
            f"{SITE}/lxml/etree.so": 9_000_000,
            f"{SITE}/lxml/more.py": 1_500_000,
            "venv/bytecode/a.pyc": 200_000,
        }
    )

    assert done.returncode == 0, done.stderr
    first, *parts = done.stdout.splitlines()
    assert first == "mockserver: 10.7 MB over python:3.13-slim, unpacked; at most 120 MB"
    assert [part.split() for part in parts] == [["10.5", "MB", "lxml"], ["0.2", "MB", "venv/bytecode"]]


def test_it_fails_where_that_is_more_than_is_promised(sized):
    done = sized({f"{SITE}/large": 121_000_000})

    assert done.returncode == 1
    assert "121.0 MB over" in done.stdout
    assert "too large" in done.stderr


def test_image_and_base_can_be_named(sized):
    assert "mockserver: 0.0 MB over other:1," in sized({}, "mockserver", "other:1", base="other:1").stdout


def test_an_image_that_is_not_there_fails(sized):
    assert sized({}, "nonesuch").returncode != 0


def test_the_check_of_the_container_asks_it():
    assert re.search(
        r"^scripts/image-size mockserver", (PROJECT / "scripts/docker-check").read_text(), re.MULTILINE
    )
