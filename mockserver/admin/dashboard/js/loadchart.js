/**
 * The chart of the calls over time: a bar for each interval, split by answers.
 * Outages are hatched areas behind the bars, the windows of broken rules frames
 * around them.
 */

import { s } from "./dom.js";
import { FONT, halo, hatch, PALETTES, text } from "./drawing.js";
import { Shelves, textWidth, ticks, wrapped } from "./lanes.js";
import { duration, kindOfAnswer, many, outcomeText } from "./words.js";

const LEFT_PX = 44;
const RIGHT_PX = 16;
const PLOT_PX = 230;
const LINE_PX = 17;
const SIGN_PX = 14;
const NARROWEST_PX = 5;
const MOST_LABELS = 12;
const KINDS = ["good", "other", "refused", "failed", "broken", "left", "open"];
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500], ...[1, 2, 5, 10, 20, 30].map((n) => n * 1000), ...[1, 2, 5, 10, 20, 30].map((n) => n * 60_000),
  ...[1, 2, 6, 12, 24, 48].map((n) => n * 3_600_000),
];
const SMALL = "400 11px system-ui, sans-serif";

/** The outages, and the rules that don't hold, each with its `mark` and its times. */
export function marksOf({ outages, rules }) {
  return [
    ...outages.map((one, i) => ({ mark: `O${i + 1}`, kind: "outage", text: one.what, began_ms: one.began_ms, ended_ms: one.ended_ms })),
    ...rules.filter((one) => !one.ok).map((one, i) => ({ mark: `R${i + 1}`, kind: "rule", text: one.text, began_ms: one.began_ms, ended_ms: one.ended_ms })),
  ];
}

/** Those that have a part in common with a time. */
export function marksWithin(marks, from_ms, to_ms) {
  return marks.filter((one) => one.began_ms !== null && one.began_ms < to_ms && (one.ended_ms === null || one.ended_ms >= from_ms));
}

/** `503 × 4, 201 × 2`, or with other words between. */
export function answersText(answers) {
  return Object.entries(answers).map(([answer, n]) => `${answerText(answer)} × ${n}`).join(", ");
}

function answerText(answer) {
  return kindOfAnswer(answer).name === "left" ? outcomeText(answer) : answer;
}

/** All answers of the calls with their numbers, in the order in which a bar has them. */
function answersOf(intervals) {
  const found = new Map();
  for (const { answers } of intervals) for (const [answer, n] of Object.entries(answers)) found.set(answer, (found.get(answer) ?? 0) + n);
  const place = ([answer]) => KINDS.indexOf(kindOfAnswer(answer).name);
  return [...found].sort((a, b) => place(a) - place(b) || (a[0] < b[0] ? -1 : 1));
}

/** The chart as one SVG, with `title` and `note` at its top. `view` is that of `GET /load`, with a call. */
export function loadPicture(view, { width, theme, title, note }) {
  const c = PALETTES[theme];
  const { intervals, interval_ms: length_ms } = view;
  const span_ms = intervals.at(-1).at_ms + length_ms;
  const x = (ms) => LEFT_PX + (Math.min(span_ms, Math.max(0, ms)) / span_ms) * (width - LEFT_PX - RIGHT_PX);
  const answers = answersOf(intervals);
  const marks = marksWithin(marksOf(view), 0, span_ms).map((one) => ({ ...one, from: x(one.began_ms), to: x(one.ended_ms ?? span_ms) }));
  const notes = wrapped(note, width - 2 * RIGHT_PX);
  const shelves = new Shelves();
  const labels = marks.slice(0, MOST_LABELS).map((one) => labelOf(one, width, shelves));
  const head = 26 + notes.length * 15;
  const top = head + shelves.count * LINE_PX + 8;
  const bottom = top + PLOT_PX;
  const most = Math.max(...intervals.map((one) => one.calls));
  const y = (n) => bottom - (n / most) * (PLOT_PX - 8);
  const legend = legendOf(view, answers, marks, width);
  const height = bottom + 34 + legend.height;
  const shelf = (level) => top - 9 - level * LINE_PX;
  return s("svg", { class: "load-picture", role: "img", "aria-label": summary(view, marks), viewBox: `0 0 ${width} ${height}`, width, height, "font-family": FONT, "font-size": 12 },
    s("defs", {}, hatch("outage", c)),
    s("rect", { width, height, fill: c.ground }),
    text(c.text, RIGHT_PX, 20, title, { "font-size": 14, "font-weight": 600 }),
    notes.map((line, i) => text(c.quiet, RIGHT_PX, 37 + i * 15, line, { "font-size": 11 })),
    marks.filter((one) => one.kind === "outage").map((one) => s("rect", { "data-part": "outage", x: one.from, y: top, width: Math.max(2, one.to - one.from), height: PLOT_PX, fill: "url(#outage)" })),
    axes(most, span_ms, { x, y, top, bottom, width }, c),
    intervals.map((one) => barOf(one, answers, length_ms, { x, y }, c)),
    marks.map((one) => edgesOf(one, top, bottom, c)),
    labels.map((one) => [
      s("line", { x1: one.from, x2: one.from, y1: shelf(one.level) + 3, y2: top, stroke: c.wall, "stroke-opacity": 0.6 }),
      text(one.kind === "rule" ? c.wall : c.text, one.x, shelf(one.level), one.label, { "data-part": "mark", "data-mark": one.mark, "font-weight": 600, ...halo(c) }),
    ]),
    legend.items.map((one) => legendItem(one, bottom + 44, c)));
}

/** Where its label is, above the place at which it begins: the mark alone where the whole text is too long. */
function labelOf(mark, width, shelves) {
  const sign = mark.kind === "rule" ? "✕ " : "";
  const whole = `${sign}${mark.mark} ${mark.text}`;
  const room = width - LEFT_PX - RIGHT_PX;
  const label = mark.kind === "outage" && textWidth(whole) < room / 2 ? whole : sign + mark.mark;
  const wide = textWidth(label);
  const at = Math.max(LEFT_PX, Math.min(mark.from, width - RIGHT_PX - wide));
  return { ...mark, label, x: at, level: shelves.place(at, wide) };
}

function axes(most, span_ms, { x, y, top, bottom, width }, c) {
  const counts = ticks(most, 4).filter((n) => Number.isInteger(n) && n <= most);
  const times = timesOf(span_ms, Math.max(2, Math.floor((width - LEFT_PX) / 80)));
  return s("g", { "data-part": "axes" },
    counts.map((n) => [
      s("line", { x1: LEFT_PX, x2: width - RIGHT_PX, y1: y(n), y2: y(n), stroke: n ? c.line : c.quiet }),
      text(c.quiet, LEFT_PX - 6, y(n) + 4, n.toLocaleString("en"), { "text-anchor": "end", "font-size": 11 }),
    ]),
    text(c.quiet, LEFT_PX - 6, top - 5, "calls", { "text-anchor": "end", "font-size": 11 }),
    times.map((at) => [
      s("line", { x1: x(at), x2: x(at), y1: bottom, y2: bottom + 5, stroke: c.quiet }),
      text(c.quiet, x(at), bottom + 18, at === 0 ? "0" : duration(at), { "text-anchor": x(at) > width - 40 ? "end" : "middle", "font-size": 11 }),
    ]));
}

/** At most so many times of the axis, in steps of a clock. */
function timesOf(span_ms, most) {
  const step = STEPS_MS.find((one) => one >= span_ms / most) ?? span_ms;
  return Array.from({ length: Math.floor(span_ms / step) + 1 }, (_, i) => i * step);
}

/** The calls of an interval, by answers from the bottom up; a line is as high as the number of retries. */
function barOf(interval, answers, length_ms, { x, y }, c) {
  if (!interval.calls) return null;
  const [from, to] = [x(interval.at_ms), x(interval.at_ms + length_ms)];
  const gap = to - from > 6 ? 2 : to - from > 3 ? 1 : 0;
  const wide = Math.max(1, to - from - gap);
  let below = 0;
  const parts = answers.filter(([answer]) => interval.answers[answer]).map(([answer]) => {
    const n = interval.answers[answer];
    const kind = kindOfAnswer(answer);
    const [low, high] = [y(below), y(below + n)];
    below += n;
    return [
      s("rect", { "data-part": "answer", "data-answer": answer, x: from + gap / 2, y: high, width: wide, height: low - high, fill: c[kind.name], stroke: c.ground, "stroke-width": wide > NARROWEST_PX ? 0.75 : 0 }),
      wide >= SIGN_PX && low - high >= SIGN_PX ? text(c.ground, from + gap / 2 + wide / 2, (low + high) / 2 + 4, kind.sign, { "text-anchor": "middle", "font-size": 11, "aria-hidden": "true" }) : null,
    ];
  });
  const retries = interval.retries ? [
    s("line", { x1: from, x2: to, y1: y(interval.retries), y2: y(interval.retries), stroke: c.ground, "stroke-width": 5 }),
    s("line", { "data-part": "retries", x1: from, x2: to, y1: y(interval.retries), y2: y(interval.retries), stroke: c.text, "stroke-width": 2.5 }),
  ] : null;
  return s("g", { "data-part": "interval", "data-calls": interval.calls }, s("title", {}, intervalText(interval)), parts, retries);
}

function intervalText({ at_ms, calls, retries, in_flight, answers }) {
  return `+${duration(at_ms)}: ${many(calls, "call")}, ${retries === 1 ? "1 retry" : `${retries} retries`}, at most ${in_flight} at the same time; ${answersText(answers)}`;
}

function edgesOf(mark, top, bottom, c) {
  if (mark.kind === "rule") {
    return s("rect", { "data-part": "window", "data-mark": mark.mark, x: mark.from - 2, y: top - 3, width: Math.max(6, mark.to - mark.from + 4), height: bottom - top + 6, fill: "none", stroke: c.wall, "stroke-width": 2, "stroke-dasharray": "6 3", rx: 3 });
  }
  return [mark.began_ms >= 0 && mark.from, mark.ended_ms !== null && mark.to].filter((at) => at !== false)
    .map((at) => s("line", { x1: at, x2: at, y1: top, y2: bottom, stroke: c.wall, "stroke-width": 1 }));
}

/** What the colours, lines and areas mean, in as many lines as it needs. */
function legendOf({ retries }, answers, marks, width) {
  const items = answers.map(([answer, n]) => ({ kind: "answer", ...kindOfAnswer(answer), label: `${kindOfAnswer(answer).sign} ${answerText(answer)} × ${n.toLocaleString("en")}` }));
  if (retries) items.push({ kind: "retries", label: `retries × ${retries.toLocaleString("en")}` });
  if (marks.some((one) => one.kind === "outage")) items.push({ kind: "outage", label: "outage or injected failure" });
  if (marks.some((one) => one.kind === "rule")) items.push({ kind: "rule", label: "window of a broken rule" });
  let [at, line] = [LEFT_PX, 0];
  for (const one of items) {
    const wide = textWidth(one.label, SMALL) + 30;
    if (at > LEFT_PX && at + wide > width - RIGHT_PX) [at, line] = [LEFT_PX, line + 1];
    Object.assign(one, { x: at, line });
    at += wide;
  }
  return { items, height: (line + 1) * LINE_PX + 8 };
}

function legendItem(item, y, c) {
  const at = y + item.line * LINE_PX;
  const sample = {
    answer: () => s("rect", { x: item.x, y: at - 9, width: 12, height: 11, rx: 2, fill: c[item.name] }),
    retries: () => s("line", { x1: item.x, x2: item.x + 12, y1: at - 4, y2: at - 4, stroke: c.text, "stroke-width": 2.5 }),
    outage: () => s("rect", { x: item.x, y: at - 9, width: 12, height: 11, fill: "url(#outage)", stroke: c.wall, "stroke-width": 0.75 }),
    rule: () => s("rect", { x: item.x, y: at - 9, width: 12, height: 11, fill: "none", stroke: c.wall, "stroke-width": 1.5, "stroke-dasharray": "4 2", rx: 2 }),
  }[item.kind]();
  return [sample, text(c.text, item.x + 18, at, item.label, { "data-part": "legend", "font-size": 11 })];
}

function summary({ calls, operations, retries, interval_ms }, marks) {
  const count = (kind, noun) => many(marks.filter((one) => one.kind === kind).length, noun);
  return `Calls over time: ${many(calls, "call")} for ${many(operations, "operation")}, ${retries} of them retries, in intervals of ${duration(interval_ms)}; ${count("outage", "outage")}, ${count("rule", "window")} of broken rules. The table below has the numbers.`;
}
