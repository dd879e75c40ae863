"""The door of scripts/gallery."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter

from gallery import environments, manifest, page, sweeping


def main() -> int:
    """0; 1 where a client could not be swept, as when it fails without any trouble; 2 for a wrong name."""
    asked = argparse.ArgumentParser(
        prog="scripts/gallery", description="Sweeps real clients, and writes docs/gallery.md."
    )
    asked.add_argument("names", nargs="*", metavar="NAME", help="of clients/clients.yaml; default: all")
    asked.add_argument("--jobs", type=int, default=4, help="so many cells at once; default 4")
    asked.add_argument(
        "--page", action="store_true", help="writes the pages from what is saved, and sweeps nothing"
    )
    given = asked.parse_args()
    clients = manifest.load()
    try:
        wanted = [] if given.page else manifest.chosen(clients, given.names)
        environments.prepare(wanted)
    except LookupError as why:
        print(f"scripts/gallery: {why.args[0]}", file=sys.stderr)
        return 2
    except (FileNotFoundError, subprocess.CalledProcessError) as why:
        print(f"scripts/gallery: {why}", file=sys.stderr)
        return 1
    failed = [one.name for one in wanted if not _swept(one, given.jobs)]
    page.write(clients)
    if failed:
        print(f"scripts/gallery: not swept: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _swept(client: manifest.Client, jobs: int) -> bool:
    started_s = time.monotonic()
    try:
        found = sweeping.sweep(
            client, environments.command(client), environments.CACHE / "runs" / client.name, jobs=jobs
        )
    except RuntimeError as why:
        print(why, file=sys.stderr, flush=True)
        return False
    sweeping.save(found)
    counts = Counter(cell["verdict"].replace("_", " ") for cell in found["cells"])
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    print(f"{client.name}: {told} ({time.monotonic() - started_s:.0f} s)", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
