"""A state file, its lock and its new document are regular files: no link is followed, and nothing else is read or written."""

import os

import pytest

from mockserver.persistence.errors import StateFileError
from mockserver.persistence.file import Disk

DOCUMENT = [b'{"a": ', b"1}"]


@pytest.fixture
def disk(tmp_path):
    disk = Disk(str(tmp_path / "state.json"))
    yield disk
    disk.unlock()


def test_the_lock_follows_no_link(disk, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    (tmp_path / "state.json.lock").symlink_to(precious)

    with pytest.raises(StateFileError, match=r"state\.json\.lock is a symbolic link. Remove it"):
        disk.lock()

    assert precious.read_text() == "keep me"


def test_the_lock_makes_no_file_behind_a_link(disk, tmp_path):
    (tmp_path / "state.json.lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StateFileError):
        disk.lock()

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("suffix", ["", ".lock"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is a FIFO, and not a regular file"),
        (os.mkdir, "is a folder, and not a regular file|Is a directory"),
    ],
    ids=["fifo", "folder"],
)
def test_what_is_not_a_regular_file_is_refused_at_once(disk, tmp_path, suffix, make, said):
    make(tmp_path / f"state.json{suffix}")

    with pytest.raises(
        StateFileError,
        match=f"({said})\\. Name a regular file, or one that is not there yet, with --state-file$",
    ):
        disk.lock()


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused(tmp_path, device):
    link = tmp_path / "state.json"
    link.symlink_to(device)

    with pytest.raises(StateFileError, match="is a device, and not a regular file"):
        Disk(str(link)).lock()


@pytest.mark.parametrize(
    "put",
    [
        os.mkfifo,
        lambda path: path.symlink_to(path.with_name("precious")),
        lambda path: path.write_text("torn"),
    ],
    ids=["fifo", "link", "torn"],
)
def test_what_stands_where_the_new_document_is_written_is_replaced(disk, tmp_path, put):
    (tmp_path / "precious").write_text("keep me")
    put(tmp_path / "state.json.new")
    disk.lock()

    disk.write(DOCUMENT)

    assert disk.read() == b"".join(DOCUMENT)
    assert (tmp_path / "precious").read_text() == "keep me"
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
