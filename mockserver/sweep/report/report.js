
"use strict";
// Everything from the report is written as text, never as markup: it came over the wire.
const report = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const VERDICTS = {
  survived: ["✓", "survived"],
  failed_cleanly: ["–", "failed cleanly"],
  harmed: ["✗", "harmed"],
  unreached: ["?", "not reached"],
  left_out: ["·", "left out by --max-cells"],
};

function make(name, { text, label, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  if (text !== undefined) element.textContent = text;
  if (label !== undefined) element.setAttribute("aria-label", label);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
const some = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const time = (ms) =>
  ms === 0 ? "0" : ms >= 10000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

// The head

const { budget } = report;
const cut = budget.planned < budget.possible ? `, ${budget.planned} of them run, sampled evenly` : "";
byId("budget").textContent =
  `${some(budget.tests, "test")}, ${some(budget.calls, "call")}, ${some(budget.troubles, "kind")} of trouble: ` +
  `${some(budget.possible, "cell")}${cut}. ${report.seed ? `Seed “${report.seed}”` : "The tests' own seeds"}, mockserver ${report.mockserver}.`;
const counts = { ...report.verdicts, unreached: report.unreached.length };
for (const [verdict, [sign, words]] of Object.entries(VERDICTS)) {
  if (counts[verdict] || verdict in report.verdicts) {
    byId("verdicts").append(make("li", { className: verdict, text: `${sign} ${counts[verdict]} ${words}` }));
  }
  if (verdict !== "left_out" || cut) {
    byId("legend").append(
      make("div", {}, make("dt", { className: verdict, text: sign }), make("dd", { text: words })),
    );
  }
}
byId("legend").append(make("div", {}, make("dt", { text: "!" }), make("dd", { text: "tried again wrongly" })));

// The grid: one row a call, one column a trouble

const key = (one) => JSON.stringify([one.test, one.call, one.trouble]);
const found = new Map(report.cells.map((cell) => [key(cell), cell]));
const missed = new Map(report.unreached.map((cell) => [key(cell), { ...cell, verdict: "unreached" }]));
const left = new Set(report.left_out.map(key));
const grid = byId("grid");
const rows = []; // of cells, without the rows that name a test
let current = null; // the cell that the Tab key reaches

function head() {
  const row = make("tr", {}, make("th", { text: "call", scope: "col" }));
  for (const trouble of report.troubles) {
    row.append(make("th", { scope: "col", title: trouble.says }, make("span", { text: trouble.name })));
  }
  return make("thead", {}, row);
}

function square(test, call, trouble) {
  const name = { test: test.test, call: call.call, trouble: trouble.name };
  const cell = found.get(key(name)) ?? missed.get(key(name));
  const element = make("td", { tabIndex: -1 });
  element.setAttribute("role", "gridcell");
  const where = `${call.call}, ${trouble.name}`;
  if (cell === undefined) {
    const isLeft = left.has(key(name));
    element.className = isLeft ? "left_out" : "blank";
    element.textContent = isLeft ? VERDICTS.left_out[0] : "";
    element.setAttribute("aria-label", `${where}: ${isLeft ? VERDICTS.left_out[1] : "does not apply"}`);
    return { element, cell: null };
  }
  const remarks = cell.remarks ?? [];
  const [sign, words] = VERDICTS[cell.verdict];
  element.className = cell.verdict;
  element.dataset.cell = cell.id ?? "";
  element.textContent = sign;
  if (remarks.length) element.append(make("span", { className: "remark", text: "!" }));
  element.setAttribute("aria-label", [`${where}: ${words}`, ...remarks].join(", "));
  element.title = [where, words, ...(cell.reasons ?? []), ...remarks].join("\n");
  return { element, cell };
}

function body() {
  const part = make("tbody");
  for (const test of report.tests) {
    const title = make("th", { colSpan: report.troubles.length + 1, scope: "rowgroup" }, make("span", { text: test.test }));
    const heading = make("tr", { className: "test" }, title);
    const own = [];
    for (const call of test.calls) {
      const squares = report.troubles.map((trouble) => square(test, call, trouble));
      if (!squares.some((one) => one.cell || one.element.className === "left_out")) continue;
      const note = call.effects ? "" : " (it writes no effect)";
      const th = make("th", { text: call.call, scope: "row", title: `${call.request}${note}` });
      own.push({ element: make("tr", {}, th, ...squares.map((one) => one.element)), squares, test, call });
    }
    if (!own.length) continue;
    part.append(heading, ...own.map((row) => row.element));
    for (const row of own) rows.push({ ...row, heading });
  }
  return part;
}

function settle(element) {
  current?.setAttribute("tabindex", "-1");
  current = element;
  current?.setAttribute("tabindex", "0");
}

grid.append(head(), body());
rows.forEach((row, y) => row.squares.forEach((one, x) => Object.assign(one, { x, y })));
const at = new Map(rows.flatMap((row) => row.squares.map((one) => [one.element, one])));
const visible = () => rows.filter((row) => !row.element.hidden);
const first = () => rows.flatMap((row) => row.squares).find((one) => one.cell?.verdict === "harmed") ?? rows[0]?.squares[0];
settle(first()?.element ?? null);

function go(to) {
  settle(to);
  to.focus({ preventScroll: true });
  const frame = byId("frame");
  const box = to.getBoundingClientRect();
  const view = frame.getBoundingClientRect();
  const headHeight = grid.tHead.getBoundingClientRect().height;
  const nameWidth = grid.tHead.rows[0].cells[0].getBoundingClientRect().width;
  if (box.top < view.top + headHeight) frame.scrollTop -= view.top + headHeight - box.top + 8;
  if (box.bottom > view.bottom) frame.scrollTop += box.bottom - view.bottom + 8;
  if (box.left < view.left + nameWidth) frame.scrollLeft -= view.left + nameWidth - box.left + 8;
  if (box.right > view.right) frame.scrollLeft += box.right - view.right + 8;
  to.scrollIntoView({ block: "nearest", inline: "nearest" });
}

grid.addEventListener("keydown", (event) => {
  const one = at.get(event.target);
  if (!one || event.altKey || event.metaKey) return;
  const shown = visible();
  const y = shown.findIndex((row) => row.squares[one.x] === one);
  const width = report.troubles.length;
  const to = (dy, x) => shown[Math.min(Math.max(dy, 0), shown.length - 1)].squares[Math.min(Math.max(x, 0), width - 1)];
  const moves = {
    ArrowRight: () => to(y, one.x + 1),
    ArrowLeft: () => to(y, one.x - 1),
    ArrowDown: () => to(y + 1, one.x),
    ArrowUp: () => to(y - 1, one.x),
    Home: () => to(event.ctrlKey ? 0 : y, 0),
    End: () => to(event.ctrlKey ? shown.length : y, width),
    PageDown: () => to(y + 10, one.x),
    PageUp: () => to(y - 10, one.x),
  };
  if (event.key in moves) {
    event.preventDefault();
    go(moves[event.key]().element);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    open(one);
  }
});
grid.addEventListener("click", (event) => {
  const one = at.get(event.target.closest("td"));
  if (!one) return;
  settle(one.element);
  open(one);
});

// Which rows are shown

function sift() {
  const kind = byId("rows").value;
  const words = byId("named").value.toLowerCase();
  const fits = {
    all: () => true,
    harmed: (cell) => cell.verdict === "harmed",
    failed: (cell) => cell.verdict === "harmed" || cell.verdict === "failed_cleanly",
    remark: (cell) => (cell.remarks ?? []).length > 0,
  }[kind];
  for (const row of rows) {
    const named = `${row.test.test} ${row.call.call} ${row.call.request}`.toLowerCase().includes(words);
    row.element.hidden = !named || !(kind === "all" || row.squares.some((one) => one.cell && fits(one.cell)));
  }
  for (const row of rows) row.heading.hidden = !rows.some((other) => other.heading === row.heading && !other.element.hidden);
  const shown = visible();
  byId("shown").textContent = `${shown.length} of ${some(rows.length, "row")}`;
  if (!shown.some((row) => row.squares.some((one) => one.element === current))) {
    settle(shown[0]?.squares[0].element ?? null);
  }
}
byId("filter").addEventListener("input", sift);
byId("filter").addEventListener("submit", (event) => event.preventDefault());
sift();

// A cell, opened

const dialog = byId("cell");
let opened = null;

function open(one) {
  if (!one?.cell) return;
  opened = one;
  byId("told").replaceChildren(...told(one.cell));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("title").focus({ preventScroll: true });
  history.replaceState(null, "", `#${encodeURIComponent(one.cell.id ?? "")}`);
}

function beside(step) {
  const all = visible().flatMap((row) => row.squares).filter((one) => one.cell);
  const next = all[all.indexOf(opened) + step];
  if (next) open(next);
}

byId("close").addEventListener("click", () => dialog.close());
byId("previous").addEventListener("click", () => beside(-1));
byId("next").addEventListener("click", () => beside(1));
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("keydown", (event) => {
  if (event.target.closest("pre")) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    event.preventDefault();
    beside(event.key === "ArrowLeft" ? -1 : 1);
  }
});
dialog.addEventListener("close", () => {
  history.replaceState(null, "", location.pathname + location.search);
  if (opened && !opened.element.closest("tr").hidden) go(opened.element);
});

function told(cell) {
  const says = report.troubles.find((one) => one.name === cell.trouble)?.says;
  const parts = [
    make("h2", { id: "title", tabIndex: -1, text: `${cell.call} / ${cell.trouble}` }),
    make("p", { className: "faint mono", text: cell.test }),
    make("p", {}, make("span", { className: `badge ${cell.verdict}`, text: VERDICTS[cell.verdict].join(" ") }), ` ${says ?? ""}`),
  ];
  if (cell.verdict === "unreached") return [...parts, make("p", { text: cell.why })];
  parts.push(
    cell.reasons.length ? make("ul", { className: "reasons" }, ...cell.reasons.map((text) => make("li", { text }))) : null,
    make("h3", { text: "What happened" }),
    ...timeline(cell.timeline),
    make("h3", { text: "How it tried again" }),
    facts(cell),
    make("h3", { text: "Run this cell again" }),
    command(cell.command),
  );
  if (cell.error) parts.push(make("h3", { text: "What the test said" }), make("pre", { text: cell.error, tabIndex: 0 }));
  return parts.filter((part) => part !== null);
}

function command(text) {
  const button = make("button", { type: "button", text: "Copy" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block);
    }
  });
  const block = make("pre", { className: "command", text });
  return make("div", {}, block, button);
}

function facts(cell) {
  const tried = cell.attempts;
  const lines = [["test", cell.passed ? "green" : "red"], ["took", time(cell.duration_s * 1000)]];
  if (tried) {
    const gaps = tried.gaps_ms.map((gap) => (gap === null ? "overlapping" : time(gap)));
    lines.push(
      ["tries", String(tried.tries)],
      ["gaps", gaps.join(", ") || "none"],
      ["idempotency key", tried.key],
      ["Retry-After", tried.retry_after === "none" ? "not asked" : tried.retry_after],
      ["amplification", `${tried.amplification} calls for each operation`],
    );
  }
  if (cell.remarks.length) lines.push(["wrong", cell.remarks.join(", ")]);
  return make("dl", { className: "facts" }, ...lines.flatMap(([name, text]) => [make("dt", { text: name }), make("dd", { text })]));
}

// The timeline: calls as bars over time, gaps, effects and webhooks as marks

function timeline({ calls, webhooks, more }) {
  const ends = [...calls.map((call) => call.end_ms ?? call.arrived_ms), ...webhooks.map((one) => one.at_ms)];
  const total = Math.max(1, ...ends);
  const place = (ms) => `${Math.min(100, (Math.max(0, ms) / total) * 100)}%`;
  if (!calls.length) return [make("p", { text: "No call was made." })];
  const list = make("ol", { className: "timeline" }, ...calls.map((call) => row(call, total, place)));
  if (more) list.append(make("li", { text: `… ${some(more, "more call")}` }));
  for (const sent of webhooks) list.append(hook(sent, place));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const tick = make("span", { className: "tick", text: time(part * total) });
    tick.style.left = `${part * 100}%`;
    return tick;
  });
  const axis = make("li", {}, make("span"), make("div", { className: "axis" }, ...ticks));
  axis.setAttribute("aria-hidden", "true");
  list.append(axis);
  return [list];
}

function row(call, total, place) {
  const end = call.end_ms ?? total;
  const isBad = call.outcome !== "done" || call.status === null || call.status >= 400;
  const bar = make("div", { className: `bar-of-call${isBad ? " bad" : ""}${call.end_ms === null ? " open" : ""}` });
  bar.style.left = place(call.arrived_ms);
  bar.style.width = `calc(${place(end)} - ${place(call.arrived_ms)})`;
  const lane = make("div", { className: "lane" });
  if (call.gap_ms > 0) {
    const gap = make("div", { className: "gap" });
    gap.style.left = place(call.arrived_ms - call.gap_ms);
    gap.style.width = `calc(${place(call.arrived_ms)} - ${place(call.arrived_ms - call.gap_ms)})`;
    lane.append(gap);
  }
  lane.append(bar);
  call.effects.forEach((effect, i) => {
    const mark = make("span", { className: "mark", text: "◆", title: JSON.stringify(effect) });
    mark.style.left = `min(calc(${place(call.claimed_ms ?? call.arrived_ms)} + ${6 + i * 10}px), calc(100% - 6px))`;
    lane.append(mark);
  });
  const words = said(call);
  const caption = make("div", { className: "caption" }, words.join(" · "));
  for (const effect of call.effects) {
    caption.append(" ", make("span", { className: "effect", text: `◆ ${effect.kind ?? "effect"}` }));
  }
  const track = under(lane, caption, call.arrived_ms / total);
  const effects = call.effects.map((effect) => `effect ${JSON.stringify(effect)}`);
  const spoken = [`${call.request} at ${time(call.arrived_ms)}`, ...words, ...effects].join(", ");
  const what = make("span", { className: "what mono", text: call.route ?? call.request, title: call.request });
  what.setAttribute("aria-hidden", "true");
  return make("li", {}, make("span", { className: "spoken", text: spoken }), what, track);
}

function said(call) {
  const words = [];
  if (call.struck) words.push("⚡ struck");
  words.push(call.status === null ? "no status" : String(call.status));
  if (call.outcome !== "done") words.push(call.outcome.replaceAll("_", " "));
  if (call.replayed) words.push("replayed");
  if (call.end_ms !== null) words.push(`took ${time(call.end_ms - call.arrived_ms)}`);
  if (call.gap_ms !== null) words.push(call.gap_ms < 0 ? "overlaps the try before" : `gap ${time(call.gap_ms)}`);
  return words;
}

function hook(sent, place) {
  const mark = make("span", { className: "mark", text: "▼" });
  mark.style.left = place(sent.at_ms);
  const text = `webhook · ${sent.status === null ? "nobody answered" : sent.status}`;
  const caption = make("div", { className: "caption", text });
  const track = under(make("div", { className: "lane" }, mark), caption, parseFloat(mark.style.left) / 100);
  const spoken = make("span", { className: "spoken", text: `${text}, at ${time(sent.at_ms)}` });
  const what = make("span", { className: "what mono", text: "webhook" });
  what.setAttribute("aria-hidden", "true");
  return make("li", {}, spoken, what, track);
}

/** A lane with its caption, which begins at its bar, or ends at the right edge where the bar is far to the right. */
function under(lane, caption, part) {
  if (part > 0.45) caption.classList.add("far");
  else caption.style.paddingLeft = `${part * 100}%`;
  const track = make("div", {}, lane, caption);
  track.setAttribute("aria-hidden", "true");
  return track;
}

// What stands beside the grid

function listed(title, lines) {
  if (!lines.length) return;
  const list = make("ul", {}, ...lines.map((text) => make("li", { className: "mono", text })));
  byId("beside").append(make("details", { open: lines.length <= 10 }, make("summary", { text: `${title} (${lines.length})` }), list));
}
listed("Not swept", report.not_swept.map((one) => `${one.test}: ${one.why}`));
listed("Not reached", report.unreached.map((one) => `${one.test}/${one.call}/${one.trouble}: ${one.why}`));
listed(
  "Calls without an effect: only survived or failed cleanly can be said of what the service does there",
  report.tests.flatMap((test) => test.calls.filter((call) => !call.effects).map((call) => `${test.test}/${call.call}`)),
);
listed("Notes", report.tests.flatMap((test) => test.notes.map((note) => `${test.test}: ${note}`)));

// A link to one cell opens it
const linked = decodeURIComponent(location.hash.slice(1));
if (linked) {
  const one = [...at.values()].find((other) => other.cell?.id === linked);
  if (one) {
    settle(one.element);
    open(one);
  }
}
