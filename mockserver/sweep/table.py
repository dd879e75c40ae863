"""The table in the terminal: a row for each call, a column for each kind of trouble, a letter for each verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mockserver.model.plural import counted
from mockserver.redaction.redaction import mask_text
from mockserver.sweep.effects import kind_of
from mockserver.sweep.evidence import SweepEvidence
from mockserver.sweep.failing import HARM, RULES
from mockserver.sweep.results import MAX_ERROR_CHARS, Result, Sweep, gaps_ms, verdict_summary
from mockserver.sweep.verdicts import HALF_DONE, CellVerdict

LETTERS = {CellVerdict.SURVIVED: ".", CellVerdict.FAILED_CLEANLY: "c", CellVerdict.HARMED: "H", None: "?"}
LEFT_OUT, NONE = "-", " "
MAX_HARMED = 50
MAX_LISTED = 3
MAX_LINES = 40
_WIDEST = 60


def letter(result: Result | None) -> str:
    """Return the letter of the verdict, with a `!` before it if the client broke a retry rule."""
    if result is None:
        return LEFT_OUT
    return ("!" if result.remarks else "") + LETTERS[result.verdict]


def table(sweep: Sweep) -> Iterator[str]:
    """Yield the lines of the table, its legend, and each harmed cell with its reasons."""
    if sweep.singles:
        yield from _grid(sweep)
    yield from _pairs(sweep)
    for baseline in sweep.baselines:
        if baseline.why is not None:
            yield f"not swept: {baseline.test}: {mask_text(baseline.why)}"
        for note in baseline.notes:
            yield f"note: {baseline.test}: {note}"
    without_effect = dict.fromkeys(
        place.name for baseline in sweep.swept for place in baseline.calls if not place.effects
    )
    if without_effect:
        yield f"without an effect: {', '.join(without_effect)}: their cells can only survive or fail cleanly"
    for result in sweep.unreached:
        yield f"not reached: {result.trial.cell.id}: {result.why}"
    yield from _result_lines(sweep)
    yield from _harmed(sweep)
    yield from _broken(sweep)
    yield from _failing(sweep)
    yield verdict_summary(sweep.counts)


def _grid(sweep: Sweep) -> Iterator[str]:
    """Yield the grid, without rows that have no planned cell and columns that apply nowhere."""
    planned = {(cell.test, cell.call, cell.trouble): cell for cell in sweep.singles}
    possible = {(cell.test, cell.call, cell.trouble) for cell in sweep.possible}
    rows = list(dict.fromkeys((cell.test, cell.call) for cell in sweep.singles))
    width = min(_WIDEST, max((len(call) for _, call in rows), default=0)) + 2
    applying = {cell.trouble for cell in sweep.possible}
    kinds = [kind for kind in sweep.kinds if kind.name in applying]
    yield " " * width + "".join(f"{number:>3}" for number in range(1, len(kinds) + 1))
    test = None
    for row in rows:
        if row[0] != test:
            test = row[0]
            yield test
        marks = [
            letter(sweep.results.get(planned[(*row, kind.name)].id))
            if (*row, kind.name) in planned
            else LEFT_OUT
            if (*row, kind.name) in possible
            else NONE
            for kind in kinds
        ]
        yield f"  {_cut(row[1], width - 2):<{width - 2}}" + "".join(f" {mark:>2}" for mark in marks).rstrip()
    yield ""
    for number, kind in enumerate(kinds, 1):
        yield f"{number:>4}  {kind.name:<20} {kind.description}"
    yield "   .  survived   c  failed cleanly   H  harmed   !  retry rule broken   ?  not reached   -  not run"
    yield ""


def _pairs(sweep: Sweep) -> Iterator[str]:
    """Yield the number of pairs by verdict. Failed pairs are listed with the failed cells."""
    pairs = [cell for cell in sweep.planned if cell.then is not None]
    if not pairs:
        return
    results = [sweep.results[cell.id] for cell in pairs if cell.id in sweep.results]
    counts = Counter(result.verdict for result in results if result.verdict is not None)
    missed = len(pairs) - counts.total()
    words = [verdict_summary(counts)] if counts else []
    words += [f"{missed} not reached"] if missed else []
    yield f"{counted(len(pairs), 'pair')}: {', '.join(words)}"
    yield ""


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-(width - 1) :]


def _result_lines(sweep: Sweep) -> Iterator[str]:
    """Yield the calls of each cell, if there are few cells."""
    if len(sweep.planned) > MAX_LISTED:
        return
    for result in sweep.ordered:
        verdict = result.verdict.value.replace("_", " ") if result.verdict is not None else "not reached"
        yield f"{result.trial.cell.id}: {verdict}"
        yield from lines(result.trial.evidence)
        for remark in result.remarks:
            yield f"    {remark}"
        error = "" if result.trial.passed else result.trial.error[-MAX_ERROR_CHARS:].strip("\n")
        for line in mask_text(error).splitlines():
            yield f"    | {line}".rstrip()
        yield ""


def lines(evidence: SweepEvidence) -> Iterator[str]:
    """Yield a line for each call: `t+0.512  POST /charges  503  gap 510 ms`."""
    gaps = gaps_ms(evidence)
    for call in evidence.calls[:MAX_LINES]:
        gap_ms = gaps.get(call.id)
        notes = [
            "fault" if call.id in evidence.hits else "",
            call.outcome.replace("_", " ") if call.outcome != "done" else "",
            "replayed" if call.replayed else "",
            f"gap {gap_ms:.0f} ms" if gap_ms is not None else "",
            *(f"effect: {kind_of(effect)}" for effect in call.effects),
        ]
        status = call.status if call.first_ms is not None else "---"
        request = mask_text(f"{call.method} {call.path}")
        yield f"    t+{call.arrived_ms / 1000:.3f}  {request}  {status}  {', '.join(filter(None, notes))}".rstrip()
    more = max(0, len(evidence.calls) - MAX_LINES) + sum(evidence.dropped.values())
    if more:
        yield f"    … {more} more"


def _harmed(sweep: Sweep) -> Iterator[str]:
    """Yield the harmed cells. Equal cells of several tests are listed once."""
    alike: dict[tuple[object, ...], list[Result]] = {}
    for result in sweep.harmed:
        alike.setdefault((result.trial.cell.name, *result.reasons), []).append(result)
    for first, *others in list(alike.values())[:MAX_HARMED]:
        yield f"HARMED {first.trial.cell.id}"
        for reason in first.reasons:
            yield f"    {reason}"
        if others:
            yield f"    the same in {_named([result.trial.cell.short for result in others])}"
        yield f"    {sweep.command(first.trial.cell)}"
    if len(alike) > MAX_HARMED:
        yield f"… and {sum(map(len, list(alike.values())[MAX_HARMED:]))} more harmed cells; the report has all of them"
    if any(reason.startswith(HALF_DONE) for result in sweep.harmed for reason in result.reasons):
        yield f"{HALF_DONE}: if a kind of effect may exist alone, declare it in a trouble file: effects: {{alone: [customer]}}"


def _broken(sweep: Sweep) -> Iterator[str]:
    """Yield the cells that only fail by a retry rule. Equal rules of one call are listed once, with the first cell."""
    alike: dict[tuple[str, ...], list[Result]] = {}
    for result in sweep.with_broken_rules:
        if result.fails(sweep.fail_on) == [RULES]:
            alike.setdefault((result.trial.cell.call, *result.broken_rules), []).append(result)
    for first, *others in list(alike.values())[:MAX_HARMED]:
        yield f"RULES {first.trial.cell.id}"
        yield f"    {', '.join(first.broken_rules)}"
        if others:
            yield f"    the same under {_named([', '.join(result.trial.cell.kinds) for result in others])}"
        yield f"    {sweep.command(first.trial.cell)}"


def _failing(sweep: Sweep) -> Iterator[str]:
    """Yield a sentence that says whether broken retry rules fail the sweep."""
    broken = sweep.with_broken_rules
    if not broken:
        return
    rules = dict.fromkeys(rule for result in broken for rule in result.broken_rules)
    cells = f"{counted(len(broken), 'cell')} with a broken retry rule ({', '.join(rules)})"
    if RULES in sweep.fail_on:
        yield f"The sweep fails for {cells}. With {sweep.fail_on_option} {HARM}, only harm fails it"
    else:
        yield f"The sweep does not fail for {cells}: {sweep.fail_on_option} {','.join(sweep.fail_on)}"


def _named(tests: list[str]) -> str:
    """Return `test_a, test_b, test_c and 4 more`."""
    more = len(tests) - MAX_LISTED
    return ", ".join(tests[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def budget(sweep: Sweep, workers: int) -> Iterator[str]:
    """Yield the number of cells and the expected duration."""
    tests, calls = len(sweep.swept), sum(len(baseline.calls) for baseline in sweep.swept)
    durations = {baseline.test: baseline.duration_s for baseline in sweep.swept}
    seconds = sum(durations[cell.test] for cell in sweep.planned) / max(1, workers)
    planned = f"{counted(tests, 'test')} with {counted(calls, 'call')}, {counted(len(sweep.kinds), 'kind')} of trouble"
    yield f"mock server sweep: {planned}: {counted(len(sweep.possible), 'cell')}"
    seed = f" by the seed {sweep.seed!r}" if sweep.seed else ""
    singles, pairs = len(sweep.singles), len(sweep.planned) - len(sweep.singles)
    if singles < len(sweep.possible):
        yield f"mock server sweep: {singles} of them run, sampled evenly{seed}"
    if pairs:
        yield f"mock server sweep: {pairs} of {counted(sweep.plan.possible_pairs, 'pair')} of troubles run, selected{seed or ' by the seed'}"
    kinds = [sweep.kinds.named(name) for cell in sweep.planned for name in cell.kinds]
    max_wait_s = sum(kind.max_wait_s for kind in kinds) / max(1, workers)
    on = f" on {workers} workers" if workers > 1 else ""
    waits = f", plus up to {_duration(max_wait_s)} of waiting in the troubles" if max_wait_s else ""
    yield f"mock server sweep: {_duration(seconds)}{on} at the speed of the clean runs{waits}, plus the back-off of the client"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
