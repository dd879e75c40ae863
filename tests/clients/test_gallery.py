"""
A part of the gallery, by the same way as scripts/gallery: real clients, the shipped scenarios, `mockserver sweep` from outside.

Stripe, OpenAI and urllib3 are those of this environment, whatever their versions; axios is installed by npm, as pinned.
"""

import subprocess
import sys

import pytest

from gallery import environments, manifest, sweeping

pytestmark = pytest.mark.slow

SURVIVED, FAILED, HARMED = "survived", "failed_cleanly", "harmed"
CLIENTS = {one.name: one for one in manifest.load()}


def swept(client, words, folder, troubles):
    """Verdict, tries and effects of each cell, by trouble."""
    found = sweeping.sweep(client, words, folder, jobs=2, only=[f"*/{name}" for name in troubles])
    return {
        cell["trouble"]: (cell["verdict"], len(cell["calls"]), sum(len(call["effects"]) for call in cell["calls"]))
        for cell in found["cells"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "stripe",
            {
                "503-twice": (SURVIVED, 3, 1),
                "429-retry-after": (FAILED, 1, 0),
                "409-once": (SURVIVED, 2, 1),
                "reset-after-effect": (SURVIVED, 2, 1),  # under the same key
                "truncated-body": (FAILED, 1, 1),  # charged, and the client doesn't know
                "503-should-not-retry": (FAILED, 1, 0),  # since the service says so
                "400-should-retry": (SURVIVED, 2, 1),
            },
        ),
        (
            "openai",
            {
                "503-for-good": (FAILED, 3, 0),
                "reset-before-effect": (SURVIVED, 2, 1),
                "reset-after-effect": (HARMED, 2, 2),  # paid twice, since there is no key
            },
        ),
        (
            "urllib3",
            {
                "503-for-good": (FAILED, 5, 0),
                "409-once": (FAILED, 1, 0),
                "reset-after-effect": (SURVIVED, 2, 1),
                "time-out": (SURVIVED, 2, 1),
            },
        ),
    ],
)
def test_a_python_client_does_what_the_gallery_says(name, expected, tmp_path):
    client = CLIENTS[name]
    words = [sys.executable, str(client.folder / "main.py"), *client.arguments]

    assert swept(client, words, tmp_path, expected) == expected


def test_axios_does_what_the_gallery_says(tmp_path):
    client = CLIENTS["axios"]
    try:
        environments.prepare([client])
    except FileNotFoundError as why:
        pytest.skip(str(why))
    except subprocess.CalledProcessError:
        pytest.skip("npm is here, but can't install axios: is there a network?")
    expected = {
        "503-twice": (FAILED, 1, 0),
        "reset-after-effect": (FAILED, 1, 1),
        "slow-body": (SURVIVED, 1, 1),  # its time-out is for silence
    }

    assert swept(client, environments.command(client), tmp_path, expected) == expected
