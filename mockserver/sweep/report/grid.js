// The grid: one row a call, one column a trouble

const key = (one) => JSON.stringify([one.test, one.call, one.trouble]);
const found = new Map(report.cells.map((cell) => [key(cell), cell]));
const missed = new Map(report.unreached.filter((cell) => !cell.then).map((cell) => [key(cell), { ...cell, verdict: "unreached" }]));
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
