"""`mockserver check`: are these files right, and is there anything in them that can't be meant?"""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.engine.world import build_world
from mockserver.files.loader import empty_folders, load
from mockserver.files.source import LoadFailed
from mockserver.files.warnings import warnings_of


def check_paths(paths: Iterable[str]) -> tuple[list[str], list[str], str]:
    """Errors, warnings, and a line that sums up; each names its place."""
    paths = list(paths)
    try:
        sources = load(paths)
        world = build_world(sources)
    except LoadFailed as why:
        return why.lines, [], ""
    found = [f"{folder}: there is no scenario in this folder" for folder in empty_folders(paths)]
    for source in sources:
        found += [source.locate(flaw) for flaw in warnings_of(source)]
    scenarios, routes = len(world.scenarios), len(world.routes)
    return (
        [],
        found,
        f"{scenarios} scenario{'' if scenarios == 1 else 's'} with {routes} route{'' if routes == 1 else 's'}: right",
    )
