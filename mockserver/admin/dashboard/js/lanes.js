/**
 * Where everything of the attempts picture stands: operations in, numbers out.
 *
 * Times are milliseconds from the left edge. A lane has rows for attempts that
 * overlap, and shelves above and below them on which labels don't touch.
 */

const BAR_PX = 20;
const ROW_PX = 26;
const SHELF_PX = 16;
const TITLE_PX = 40;
const SHORTEST_PX = 5;
const NOTE_PX = 15;
const NOTE_FONT = "11px system-ui, sans-serif";

/** Puts texts beside each other, and on the next shelf where they would touch. */
export class Shelves {
  constructor() {
    this._ends = [];
  }

  get count() {
    return this._ends.length;
  }

  place(x, width, from = 0) {
    let level = from;
    while ((this._ends[level] ?? -Infinity) > x) level += 1;
    for (let i = this._ends.length; i < level; i += 1) this._ends[i] = -Infinity;
    this._ends[level] = x + width;
    return level;
  }
}

const ruler = document.createElement("canvas").getContext("2d");

/** How wide a label is, and a little air; as bold as labels get. */
export function textWidth(text, font = "600 12px system-ui, sans-serif") {
  ruler.font = font;
  return ruler.measureText(text).width + 8;
}

/** Steps of an axis of that length: 1, 2 or 5 times a power of ten, at most `most` of them. */
export function ticks(span_ms, most) {
  const rough = span_ms / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let at = 0; at <= span_ms + step / 1000; at += step) found.push(at);
  return found;
}

/** A text in lines of at most that width. */
export function wrapped(text, width) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && textWidth(longer, NOTE_FONT) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** `{width, span_ms, lanes, height, x(ms)}` of operations; `aligned`: each begins at the left edge. */
export function layout(operations, { width, aligned, words, notes }) {
  const margin = 14;
  const starts = operations.map((one) => Date.parse(one.tries[0].arrived));
  const first = Math.min(...starts);
  const timed = operations.map((one, i) => timesOf(one, aligned ? starts[i] : first, starts[i]));
  const span_ms = Math.max(1, ...timed.flatMap((tries) => tries.flatMap((one) => [one.end, one.wall ?? 0]))) * 1.02;
  const plot = width - 2 * margin - 70; // what stands right of the last bar
  const x = (ms) => margin + (ms / span_ms) * plot;
  let top = 0;
  const lanes = timed.map((tries, i) => {
    const texts = notes(operations[i]).flatMap((note) => wrapped(note, width - 2 * margin));
    const lane = laneOf(operations[i], tries, x, words, width - margin, texts);
    lane.top = top;
    top += lane.height;
    return lane;
  });
  return { width, span_ms, lanes, height: top, x, plot, margin };
}

/**
 * The attempts with `start` and `end`, and `wall`, before which the next one was
 * asked not to come. Gaps are exact (they come from one steady clock), so
 * starts are reckoned from them and not from the stamps.
 */
function timesOf(operation, zero, start) {
  let before = null;
  const tries = operation.tries.map((one) => {
    const begin = before === null || one.gap_ms === null ? Date.parse(one.arrived) - zero : before.end + one.gap_ms;
    const timed = { ...one, start: before === null ? start - zero : Math.max(0, begin), wall: null };
    timed.end = timed.start + (one.duration_ms ?? 0);
    if (before !== null && one.asked_ms !== null) before.wall = before.end + one.asked_ms;
    before = timed;
    return timed;
  });
  return tries;
}

function laneOf(operation, tries, x, words, right, notes) {
  const above = new Shelves();
  const below = new Shelves();
  const rows = [];
  const bars = tries.map((one) => {
    let row = 0;
    while ((rows[row] ?? -Infinity) > one.start + 0.0001) row += 1;
    rows[row] = one.duration_ms === null ? Infinity : one.end;
    const left = x(one.start);
    return { try: one, row, x: left, width: Math.max(SHORTEST_PX, x(one.end) - left) };
  });
  const flags = [];
  const steps = [];
  const gaps = [];
  const walls = [];
  const marks = [];
  bars.forEach((bar, i) => {
    const one = bar.try;
    if (i > 0) {
      const before = bars[i - 1];
      const [from, to] = [x(before.try.end), bar.x];
      const label = words.gap(one.gap_ms);
      const wide = textWidth(label);
      const at = Math.min(Math.max(0, (from + to) / 2 - wide / 2), right - wide);
      gaps.push({ from, to, label, x: at + wide / 2, fits: to - from > wide, overlap: one.gap_ms !== null && one.gap_ms < 0, level: to - from > wide ? below.place(from, to - from) : below.place(at, wide), wide });
      if (before.try.wall !== null) {
        const at_x = x(before.try.wall);
        const text = words.wall(one);
        const at_text = Math.min(at_x + 4, right - textWidth(text));
        walls.push({ from: x(before.try.end), x: at_x, label: text, text_x: at_text, broken: one.retry_after === "broken", level: above.place(at_text - 4, textWidth(text) + 4) });
      }
    }
    const { step } = bars[i - 1]?.try ?? {};
    if (step) {
      const label = words.step(step);
      const at = Math.max(0, Math.min(bar.x, right - textWidth(label)));
      steps.push({ text_x: at, label, step, level: above.place(at, textWidth(label)) });
    }
    for (const part of one.changed) {
      const label = words.changed(part, one);
      const at = Math.max(0, Math.min(bar.x, right - textWidth(label)));
      flags.push({ x: bar.x, text_x: at, label, part, level: above.place(at, textWidth(label)) });
    }
    for (const kind of one.effects) {
      const label = `◆ ${kind}`;
      const at = Math.min(bar.x, right - textWidth(label));
      marks.push({ x: bar.x, text_x: at, label, kind, level: below.place(at, textWidth(label)) });
    }
  });
  // A status that has no room before the next bar goes below.
  bars.forEach((bar, i) => {
    bar.label = words.bar(bar.try);
    const wide = textWidth(bar.label);
    bar.inside = bar.width > wide + 6;
    const next = bars.slice(i + 1).find((one) => one.row === bar.row);
    if (!bar.inside && next && next.x - bar.x - bar.width < wide) bar.level = below.place(bar.x, wide);
  });
  const bandTop = TITLE_PX + notes.length * NOTE_PX + above.count * SHELF_PX + 4;
  const bandBottom = bandTop + rows.length * ROW_PX;
  return { operation, notes, noteHeight: NOTE_PX, bars, gaps, walls, flags, steps, marks, rows: rows.length, bandTop, bandBottom, height: bandBottom + below.count * SHELF_PX + 16, shelf: SHELF_PX, bar: BAR_PX, row: ROW_PX };
}
