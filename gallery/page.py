"""docs/gallery.md between its marks, and docs/gallery/NAME.md, from what is saved of the sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from gallery.manifest import ROOT, Client
from gallery.sweeping import saved

PAGE = ROOT / "docs" / "gallery.md"
TIMELINES = ROOT / "docs" / "gallery"
BEGIN, END = "<!-- gallery: begin, written by scripts/gallery -->", "<!-- gallery: end -->"
SIGNS = {"survived": "✓", "failed_cleanly": "–", "harmed": "‼"}
_WIDTH = 32
"""Characters of a timeline's bar."""

Cell = Mapping[str, Any]


def write(clients: Sequence[Client]) -> None:
    """All that was ever swept; what is no longer in the manifest goes."""
    found = [(one, kept) for one in clients if (kept := saved(one)) is not None]
    text = PAGE.read_text("utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(before + "\n\n".join([BEGIN, *_table(found), END]) + after, "utf-8")
    TIMELINES.mkdir(exist_ok=True)
    for old in TIMELINES.glob("*.md"):
        old.unlink()
    for client, kept in found:
        (TIMELINES / f"{client.name}.md").write_text(timelines(client, kept), "utf-8")


# The table


def _table(found: Sequence[tuple[Client, Cell]]) -> list[str]:
    """Troubles that only some services can make have a table of their own: it would be blank for all others."""
    troubles = list(dict.fromkeys(name for _, kept in found for name in kept["troubles"]))
    had = {name: [one for one in found if name in _troubles(one[1])] for name in troubles}
    common = [name for name in troubles if len(had[name]) * 2 > len(found)]
    rare = [name for name in troubles if had[name] and name not in common]
    what = [f"- `{client.name}`: {client.does} ({_versions(kept)})" for client, kept in found]
    dates = sorted({kept["date"] for _, kept in found})
    when = f"{dates[0]} to {dates[-1]}" if len(dates) > 1 else "".join(dates)
    machines = " and ".join(dict.fromkeys(kept["machine"] for _, kept in found))
    tables = [_rows(found, common)]
    if rare:
        some = [one for one in found if _troubles(one[1]) & set(rare)]
        tables += ["Troubles for the services of these clients only:", _rows(some, rare)]
    return [f"Measured {when} with {machines}.", *tables, "\n".join(what)]


def _troubles(kept: Cell) -> set[str]:
    return {cell["trouble"] for cell in kept["cells"]}


def _rows(found: Sequence[tuple[Client, Cell]], shown: Sequence[str]) -> str:
    rows = ["| client | " + " | ".join(f"`{one}`" for one in shown) + " |", "| --- |" + " --- |" * len(shown)]
    for client, kept in found:
        calls = list(dict.fromkeys(cell["call"] for cell in kept["cells"]))
        for call in calls:
            cells = {cell["trouble"]: cell for cell in kept["cells"] if cell["call"] == call}
            name = f"[{client.name}](gallery/{client.name}.md)" + (f" at `{call}`" if len(calls) > 1 else "")
            rows.append(f"| {name} | " + " | ".join(_short(cells.get(one)) for one in shown) + " |")
    return "\n".join(rows)


def _short(cell: Cell | None) -> str:
    """`✓ 3× 0.5 1.0 •`: verdict, attempts, gaps in seconds, effects."""
    if cell is None:
        return ""
    words = [SIGNS[cell["verdict"]], f"{len(cell['calls'])}×", *_gaps(cell), "•" * _effects(cell)]
    return " ".join(word for word in words if word)


def _effects(cell: Cell) -> int:
    return sum(len(call["effects"]) for call in cell["calls"])


def _gaps(cell: Cell) -> list[str]:
    calls = cell["calls"]
    gaps = [max(0.0, after["from"] - before["to"]) for before, after in pairwise(calls)]
    return [f"{gap:.1f}" if gap >= 0.05 else "0" for gap in gaps]


def _versions(kept: Cell) -> str:
    return ", ".join(f"{name} {version}" for name, version in kept["versions"].items()) or kept["machine"]


# The timelines


def timelines(client: Client, kept: Cell) -> str:
    """One page: each cell with its calls over time."""
    program = f"../../clients/{client.program}/main.{'mjs' if client.is_node else 'py'}"
    scenario = f"../../scenarios/providers/{client.scenario}.yaml"
    head = (
        f"# {client.name}\n\n{client.does[0].upper()}{client.does[1:]}: [program]({program}), "
        f"[scenario]({scenario}). Measured {kept['date']} with {', '.join(dict.fromkeys([_versions(kept), kept['machine']]))}. "
        "See [the gallery](../gallery.md) for the notation.\n"
    )
    return head + "".join(_timeline(cell) for cell in kept["cells"])


def _timeline(cell: Cell) -> str:
    verdict = cell["verdict"].replace("_", " ")
    lines = [f"\n## `{cell['call']}`, `{cell['trouble']}`: {verdict}\n", "```text"]
    end_s = max([call["to"] for call in cell["calls"]] or [0.0])
    start_s = min([call["from"] for call in cell["calls"]] or [0.0])
    lines += [_bar(call, start_s, max(end_s - start_s, 0.01)) for call in cell["calls"]]
    lines += [f"why: {why}" for why in cell["why"]]
    lines += [f"remark: {remark}" for remark in cell["remarks"]]
    lines += [f"said: {cell['said']}"] if cell["said"] else []
    return "\n".join([*lines, "```"]) + "\n"


def _bar(call: Cell, start_s: float, length_s: float) -> str:
    first = round((call["from"] - start_s) / length_s * (_WIDTH - 1))
    last = max(first, round((call["to"] - start_s) / length_s * (_WIDTH - 1)))
    bar = (" " * first + "█" * (last - first + 1)).ljust(_WIDTH)
    effects = "".join(f" • {kind}" for kind in call["effects"])
    return f"{call['from'] - start_s:6.2f} s  {bar}  {call['what']}{effects}".rstrip()
