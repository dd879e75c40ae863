/** State machines: found in resources and in routes that look at the state and change it. */

import { s } from "./dom.js";

const MARKS = "▶  (99)"; // what stands around the name of a state that something is in
const NODE = { height: 34, letter: 7.2, pad: 26, gap: 96, line: 62, label: 6.6 };

/** `{name, initial, edges: [{from, to, by}], key}` of a scenario as it was given. `key` tells whose items or values stand in a state. */
export function machinesOf(scenario) {
  return [...ofResources(scenario), ...ofRoutes(scenario)];
}

function ofResources({ resources = [], base = "" }) {
  return resources.filter((one) => one.machine).map((one) => ({
    name: `${base}${one.path} · ${one.machine.field ?? "status"}`,
    initial: one.machine.initial,
    edges: Object.entries(one.machine.transitions ?? {}).flatMap(([by, moves]) => Object.entries(moves).map(([from, to]) => ({ from, to, by }))),
    resource: `${base}${one.path}`,
    field: one.machine.field ?? "status",
  }));
}

function ofRoutes({ routes = [], state = {} }) {
  const byKey = new Map();
  for (const route of routes) {
    for (const [key, condition] of Object.entries(route.when ?? {})) {
      const to = targetOf(route, key);
      if (to === undefined) continue;
      const machine = byKey.get(key) ?? { name: key, initial: key in state ? String(state[key]) : "absent", edges: [], key };
      for (const from of sourcesOf(condition)) machine.edges.push({ from, to, by: route.name ?? route.request });
      byKey.set(key, machine);
    }
  }
  return [...byKey.values()].filter((one) => one.edges.length);
}

function targetOf(route, key) {
  const set = { ...route.set, ...(typeof route.reply === "object" && !Array.isArray(route.reply) ? route.reply?.set : {}) };
  return key in set ? (set[key] === null ? "absent" : String(set[key])) : undefined;
}

/** The states in which a condition holds, where it lists them. */
function sourcesOf(condition) {
  if (condition === null || typeof condition !== "object") return [String(condition)];
  const listed = condition.any_of ?? condition.one_of ?? (condition.equals !== undefined ? [condition.equals] : condition.absent ? ["absent"] : []);
  return listed.flatMap((one) => sourcesOf(one));
}

/** How many stand in each state: `there` maps a state to a number. */
export function machinePicture(machine, there) {
  const levels = levelsOf(machine);
  const nodes = placed(levels, (level) => Math.max(NODE.gap, ...merged(machine.edges).filter(({ from }) => levels.get(from) === level).map(({ by }) => labelOf(by).length * NODE.label + 34)));
  const width = Math.max(...[...nodes.values()].map((one) => one.x + one.width)) + 20;
  const backwards = machine.edges.filter(({ from, to }) => nodes.get(to).level <= nodes.get(from).level).length;
  const bottom = Math.max(...[...nodes.values()].map((one) => one.y + NODE.height));
  const height = bottom + (backwards ? 26 + 18 * backwards : 16);
  let back = 0;
  const text = `State machine ${machine.name}: ${machine.edges.map((one) => `${one.from} to ${one.to} by ${one.by}`).join(", ")}. ${[...nodes.keys()].map((one) => `${one}: ${there.get(one) ?? 0}`).join(", ")}`;
  const arrow = `arrow-${machine.name.replace(/\W/g, "")}`;
  return s("svg", { class: "machine", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": text },
    s("defs", {}, s("marker", { id: arrow, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" }, s("path", { d: "M0 0L8 4L0 8z", class: "machine-arrow" }))),
    merged(machine.edges).map((edge) => edgeOf(edge, nodes, arrow, () => bottom + 16 + 18 * back++)),
    [...nodes].map(([name, node]) => nodeOf(name, node, there.get(name) ?? 0, name === machine.initial, arrow)));
}

/** Edges with the same ends are one, with all their names. */
function merged(edges) {
  const found = new Map();
  for (const { from, to, by } of edges) {
    const one = found.get(`${from}\n${to}`) ?? { from, to, by: [] };
    one.by.push(by);
    found.set(`${from}\n${to}`, one);
  }
  return [...found.values()];
}

/** States by how many moves they are away from the first. */
function levelsOf({ initial, edges }) {
  const levels = new Map([[String(initial), 0]]);
  const rest = [String(initial)];
  while (rest.length) {
    const from = rest.shift();
    for (const edge of edges) if (edge.from === from && !levels.has(edge.to)) rest.push(levels.set(edge.to, levels.get(from) + 1) && edge.to);
  }
  const last = Math.max(...levels.values());
  for (const { from, to } of edges) for (const one of [from, to]) if (!levels.has(one)) levels.set(one, last + 1);
  return levels;
}

/** `gap(level)` is what the labels between a column and the next need. */
function placed(levels, gap) {
  const columns = [];
  for (const [name, level] of levels) (columns[level] ??= []).push(name);
  const nodes = new Map();
  let x = 28;
  columns.filter(Boolean).forEach((names, level) => {
    const width = Math.max(...names.map((one) => (one.length + MARKS.length) * NODE.letter + NODE.pad));
    names.forEach((name, i) => nodes.set(name, { x, y: 22 + i * NODE.line, width, level }));
    x += width + gap(level);
  });
  return nodes;
}

function labelOf(by) {
  const label = by.length > 2 ? `${by[0]} +${by.length - 1}` : by.join(", ");
  return label.length > 26 ? `${label.slice(0, 24)}…` : label;
}

function edgeOf({ from, to, by }, nodes, arrow, below) {
  const [a, b] = [nodes.get(from), nodes.get(to)];
  const short = labelOf(by);
  if (b.level > a.level) {
    const [x1, y1, x2, y2] = [a.x + a.width, a.y + NODE.height / 2, b.x, b.y + NODE.height / 2];
    const bend = (x2 - x1) / 2;
    return edge(`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, (x1 + x2) / 2, (y1 + y2) / 2 - 6, short, by, arrow);
  }
  const y = below();
  const [x1, x2] = [a.x + a.width / 2 + 8, b.x + b.width / 2 - 8];
  return edge(`M${x1} ${a.y + NODE.height}C${x1} ${y + 8} ${x2} ${y + 8} ${x2} ${b.y + NODE.height}`, (x1 + x2) / 2, y + 4, short, by, arrow);
}

function edge(d, x, y, label, by, arrow) {
  return s("g", { class: "machine-edge" }, s("title", {}, by.join(", ")), s("path", { d, "marker-end": `url(#${arrow})` }), s("text", { x, y, "text-anchor": "middle" }, label));
}

function nodeOf(name, node, count, initial, arrow) {
  return s("g", { class: `machine-state${count ? " here" : ""}`, "data-state": name, "data-count": count },
    s("rect", { x: node.x, y: node.y, width: node.width, height: NODE.height, rx: NODE.height / 2 }),
    initial ? s("g", { class: "machine-start" }, s("circle", { class: "machine-arrow", cx: node.x - 20, cy: node.y + NODE.height / 2, r: 4 }), s("path", { d: `M${node.x - 20} ${node.y + NODE.height / 2}H${node.x}`, "marker-end": `url(#${arrow})` })) : null,
    s("text", { x: node.x + node.width / 2, y: node.y + NODE.height / 2 + 4, "text-anchor": "middle" }, count ? `▶ ${name} (${count})` : name));
}
