/**
 * The attempts picture: one lane for each operation, its attempts as bars, the
 * gaps between them, and a line at the end of the wait that an answer asked for.
 */

import { s } from "./dom.js";
import { FONT, halo, hatch, PALETTES, text } from "./drawing.js";
import { layout, ticks } from "./lanes.js";
import { duration, kindOf, many, outcomeText } from "./words.js";

const HEAD_PX = 58;
const FOOT_PX = 30;

const WORDS = {
  bar: ({ status, outcome }) => {
    const kind = kindOf(status, outcome);
    return `${kind.sign} ${kind.name === "left" ? "client left" : kind.name === "broken" ? outcome : (status ?? "open")}`;
  },
  gap: (ms) => (ms === null ? "open" : ms < 0 ? `overlaps by ${duration(-ms)}` : duration(ms)),
  wall: (one) => `${one.retry_after === "kept" ? "✓" : "✕"} Retry-After ${duration(one.asked_ms)}${one.retry_after === "broken" && one.gap_ms !== null ? `: ${duration(one.asked_ms - one.gap_ms)} too early` : one.retry_after === "kept" ? ": kept" : ": not kept"}`,
  changed: (part, one) => `⚑ ${changes(part, one)}`,
  step: (step) => `↳ ${stepText(step)}`,
};
const MOST_FIELDS = 2;
const LONGEST_VALUE = 24;
const BODY_FIELD = /^(json|form|files|body)\b/;

/** What an attempt changed in a part of the request, with both values of the fields that are known. */
export function changes(part, { fields }) {
  const within = { query: (name) => name.startsWith("query."), body: (name) => BODY_FIELD.test(name) }[part] ?? ((name) => name === part);
  const names = Object.keys(fields).filter(within);
  if (!names.length) return /key|token/i.test(part) ? `new key (${part})` : `${part} changed`;
  const listed = names.slice(0, MOST_FIELDS).map((name) => `${name} ${valueText(fields[name][0])} → ${valueText(fields[name][1])}`);
  const more = names.length > MOST_FIELDS ? [`${names.length - MOST_FIELDS} more`] : [];
  return `${part} changed: ${[...listed, ...more].join(", ")}`;
}

/** A value as JSON, or that there is none. */
function valueText(value) {
  if (value === null) return "absent";
  return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value;
}

/** How the call after a 401 or a redirect belongs to it. */
export function stepText(step) {
  return step === "redirect" ? "redirect followed: same attempt" : "new authorization: same attempt";
}

/** What the grouping rests on, or leaves in doubt, a line for each. */
export function notes(operation) {
  const lines = [];
  if (!operation.certain) lines.push(`? The grouping is uncertain: ${operation.why}${operation.by ? `. “Same operation by ${operation.by}” settles it` : ""}`);
  else if (operation.why) lines.push(`One operation: ${operation.why}`);
  if (operation.repeats !== null) lines.push(`Repeats operation ${operation.repeats}, which failed with an equal request`);
  if (operation.left_out.length) lines.push(`Not compared, different in each attempt: ${operation.left_out.join(", ")}`);
  return lines;
}

/** What a lane comes to, in a line. */
export function verdict(operation) {
  const { tries, final } = operation;
  const attempts = tries.filter((one) => !one.step).length;
  const parts = [`${many(attempts, "attempt")}${attempts < tries.length ? ` in ${tries.length} calls` : ""}`, final];
  if (operation.retry_after !== "none") parts.push(`Retry-After ${operation.retry_after}`);
  if (operation.overlap) parts.push("attempts overlap");
  const changed = [...new Set(tries.flatMap((one) => one.changed))];
  if (changed.length) parts.push(`changed: ${changed.join(", ")}`);
  const effects = effectsOf(operation);
  if (effects.size) parts.push(`effects: ${[...effects].map(([kind, n]) => (n > 1 ? `${kind} ${n} times` : kind)).join(", ")}`);
  return `${isBug(operation) ? "✕ " : ""}${parts.join(" · ")}`;
}

/** How often each kind of effect happened. */
function effectsOf({ tries }) {
  const found = new Map();
  for (const kind of tries.flatMap((one) => one.effects)) found.set(kind, (found.get(kind) ?? 0) + 1);
  return found;
}

/** Whether the client did something that a retry should not do, or something was done twice. */
export function isBug(operation) {
  return operation.overlap || operation.retry_after === "broken" || operation.tries.some((one) => one.changed.length) || [...effectsOf(operation).values()].some((n) => n > 1);
}

/** The picture as one SVG. `title` and `note` stand at its top; `href(call)` leads from a bar to its call. */
export function picture(operations, { width, aligned, theme, title, note, href }) {
  const c = PALETTES[theme];
  const plan = layout(operations, { width, aligned, words: WORDS, notes });
  const height = HEAD_PX + plan.height + FOOT_PX;
  return s("svg", { class: "attempts-picture", role: "group", "aria-label": `Attempts: ${operations.length} operations`, viewBox: `0 0 ${width} ${height}`, width, height, "font-family": FONT, "font-size": 12 },
    s("defs", {}, hatch("not-yet", c)),
    s("rect", { width, height, fill: c.ground }),
    text(c.text, plan.margin, 20, title, { "font-size": 14, "font-weight": 600 }),
    text(c.quiet, plan.margin, 37, note),
    plan.lanes.map((lane, i) => (i % 2 ? null : s("rect", { x: 0, y: HEAD_PX + lane.top, width, height: lane.height, fill: c.lane }))),
    axis(plan, c, height),
    plan.lanes.map((lane) => laneOf(lane, plan, c, href)));
}

function axis(plan, c, height) {
  const marks = ticks(plan.span_ms, Math.max(2, Math.floor(plan.plot / 90)));
  return s("g", { "data-part": "axis" }, marks.filter((at) => at <= plan.span_ms).map((at) => [
    s("line", { x1: plan.x(at), x2: plan.x(at), y1: HEAD_PX - 6, y2: height - FOOT_PX + 4, stroke: c.line }),
    text(c.quiet, plan.x(at), height - 10, at === 0 ? "0" : duration(at), { "text-anchor": at === 0 ? "start" : "middle", "font-size": 11 }),
  ]));
}

function laneOf(lane, plan, c, href) {
  const { operation } = lane;
  const y = HEAD_PX + lane.top;
  const band = y + lane.bandTop;
  const bottom = y + lane.bandBottom;
  const key = operation.key ? `  key ${operation.key.length > 40 ? `${operation.key.slice(0, 38)}…` : operation.key}` : "";
  const middle = (row) => band + row * lane.row + lane.bar / 2;
  return s("g", { "data-part": "lane", "data-route": operation.route, "data-final": operation.final, "data-certain": String(operation.certain), "data-repeats": operation.repeats, "data-retry-after": operation.retry_after, role: "group", "aria-label": `${operation.route}: ${verdict(operation)}` },
    s("text", { x: plan.margin, y: y + 17, fill: c.text }, s("tspan", { fill: c.quiet }, `${operation.number}  `), s("tspan", { "font-weight": 600 }, operation.route ?? "unmatched"), s("tspan", { fill: c.quiet }, key)),
    text(isBug(operation) ? c.wall : c.quiet, plan.margin, y + 33, verdict(operation), { "data-part": "verdict", "font-size": 11.5 }),
    lane.notes.map((note, i) => text(operation.certain ? c.quiet : c.text, plan.margin, y + 49 + i * lane.noteHeight, note, { "data-part": "note", "font-size": 11 })),
    lane.walls.map((wall) => s("rect", { "data-part": "not-yet", x: wall.from, y: band - 2, width: Math.max(0, wall.x - wall.from), height: bottom - band, fill: "url(#not-yet)" })),
    s("line", { x1: plan.margin, x2: plan.width - plan.margin, y1: middle(lane.rows - 1), y2: middle(lane.rows - 1), stroke: c.line }),
    lane.gaps.map((gap) => gapOf(gap, bottom + 12 + gap.level * lane.shelf, c)),
    lane.walls.map((wall) => s("line", { x1: wall.x, x2: wall.x, y1: band - 6 - wall.level * lane.shelf, y2: bottom, stroke: c.wall, "stroke-width": 2, "stroke-dasharray": wall.broken ? "none" : "5 3" })),
    lane.flags.map((flag) => s("line", { x1: flag.x, x2: flag.x, y1: band - 6 - flag.level * lane.shelf, y2: band, stroke: c.flag, "stroke-width": 1.5 })),
    lane.steps.map((step) => text(c.other, step.text_x, band - 8 - step.level * lane.shelf, step.label, { "data-part": "step", "data-step": step.step, "font-weight": 600, ...halo(c) })),
    lane.walls.map((wall) => wallOf(wall, band, lane, c)),
    lane.flags.map((flag) => flagOf(flag, band, lane, c)),
    lane.marks.map((mark) => text(c.effect, mark.text_x, bottom + 12 + mark.level * lane.shelf, mark.label, { "data-part": "effect", "data-kind": mark.kind, "font-weight": 600 })),
    lane.bars.map((bar) => barOf(bar, band + bar.row * lane.row, bottom, lane, c, href)));
}

function gapOf(gap, y, c) {
  const fill = gap.overlap ? c.wall : c.text;
  return s("g", { "data-part": "gap", "data-label": gap.label },
    gap.fits ? [
      s("path", { d: `M${gap.from + 1} ${y - 8}v8M${gap.to - 1} ${y - 8}v8M${gap.from + 1} ${y - 4}H${gap.x - gap.wide / 2}M${gap.x + gap.wide / 2} ${y - 4}H${gap.to - 1}`, stroke: c.quiet, fill: "none" }),
    ] : s("path", { d: `M${(gap.from + gap.to) / 2} ${y - 16}V${y - 11}`, stroke: c.quiet }),
    text(fill, gap.x, y, gap.label, { "text-anchor": "middle" }));
}

function wallOf(wall, band, lane, c) {
  return text(wall.broken ? c.wall : c.quiet, wall.text_x, band - 8 - wall.level * lane.shelf, wall.label,
    { "data-part": "retry-after", "data-kept": String(!wall.broken), "font-weight": wall.broken ? 600 : 400, ...halo(c) });
}

function flagOf(flag, band, lane, c) {
  return text(c.flag, flag.text_x, band - 8 - flag.level * lane.shelf, flag.label, { "data-part": "changed", "data-what": flag.part, "font-weight": 600, ...halo(c) });
}

function barOf(bar, y, bottom, lane, c, href) {
  const one = bar.try;
  const kind = kindOf(one.status, one.outcome);
  const left = one.outcome === "client_left";
  const broken = kind.name === "broken";
  const said = `${one.call}: ${one.status ?? "no status"}, ${outcomeText(one.outcome)}, took ${duration(one.duration_ms)}`;
  const fill = c[kind.name];
  const { inside } = bar;
  const [x, label_y] = inside ? [bar.x + 6, y + lane.bar / 2 + 4] : bar.level === undefined ? [bar.x + bar.width + 5, y + lane.bar / 2 + 4] : [bar.x, bottom + 12 + bar.level * lane.shelf];
  return s("a", { href: href(one.call), "data-part": "try", "data-call": one.call, "data-status": one.status ?? "", "data-outcome": one.outcome, "aria-label": said },
    s("title", {}, said),
    s("rect", { x: bar.x, y, width: bar.width, height: lane.bar, rx: 3, fill, "fill-opacity": left ? 0.35 : 1, stroke: fill, "stroke-dasharray": left || one.duration_ms === null ? "4 3" : "none" }),
    left || broken ? s("path", { d: `M${bar.x + bar.width + 1} ${y - 3}l-5 ${lane.bar / 4 + 1.5}l5 ${lane.bar / 4 + 1.5}l-5 ${lane.bar / 4 + 1.5}l5 ${lane.bar / 4 + 1.5}`, stroke: c.ground, "stroke-width": 2, fill: "none" }) : null,
    text(inside ? (left ? c.text : c.ground) : fill, x, label_y, bar.label, { "font-weight": 700, ...(inside ? {} : halo(c)) }));
}
