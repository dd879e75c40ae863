"""aiohttp's client is imported once it is needed, whole for whoever asks while it is imported."""

import subprocess
import sys

import pytest

ASKED_TOGETHER = """
import asyncio, sys
from mockserver.outbound.client_library import client_library

async def ask():
    asked = asyncio.ensure_future(client_library())
    while "mockserver.outbound.session" not in sys.modules:
        await asyncio.sleep(0)
    (await client_library()).session_to
    (await asked).session_to

asyncio.run(ask())
"""


@pytest.mark.slow
def test_who_asks_during_the_import_gets_the_whole_module():
    done = subprocess.run([sys.executable, "-c", ASKED_TOGETHER], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
