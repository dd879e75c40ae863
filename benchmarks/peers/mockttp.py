"""mockttp, which is a library: a script of ours makes the rules by its API. A sequence that cycles is a function there."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import HERE, Job, Peer


def command(place: Path, job: Job) -> list[str]:
    script = HERE / "mockttp.cjs"
    return ["node", str(script), str(place / "node_modules/mockttp"), str(job.plain()), str(job.port)]


PEER = Peer("mockttp", "mockttp", "npm", ("mockttp@4.6.5",), command)
