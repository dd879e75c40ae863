/** Live calls: the list, its filter, and the call that is open beside it. */

import { CallPane } from "./call.js";
import { button, field, h, show } from "./dom.js";
import { save } from "./export.js";
import { compileFilter, statusTest } from "./filter.js";
import { Grid } from "./grid.js";
import { showLegend } from "./dialogs.js";
import { AUTOMATIC, MATCHED, REPLAYED } from "./rows.js";
import { bytes, clockTime, duration, kindOf, many } from "./words.js";

const COLUMNS = [
  { name: "Time", class: "c-time", key: "time" }, { name: "Call", class: "c-id", key: "id" }, { name: "Namespace", class: "c-namespace", key: "namespace" },
  { name: "Method", class: "c-method", key: "method" }, { name: "Target", class: "c-target", key: "target" }, { name: "Status", class: "c-status", key: "status" },
  { name: "Route", class: "c-route", key: "route" }, { name: "Step", class: "c-step", key: "step" }, { name: "Size", class: "c-size", key: "size" },
  { name: "Duration", class: "c-took", key: "took" }, { name: "Waterfall", class: "c-fall" },
];
const phone = matchMedia("(max-width: 500px)");
const RESORT_MS = 500;
const RESORT_FACTOR = 20;

export class CallsView {
  constructor(app) {
    this._app = app;
    this.title = "Calls";
    this._wanted = { text: "", route: "", status: "", unmatched: false };
    this._test = null;
    this._seen = []; // places of the rows that the filter lets through, from _head on
    this._head = 0;
    this._asked = false;
    this._paused = false;
    this._held = 0;
    this._sort = null; // {key, direction}
    this._order = null;
    this._span = { from: 0, to: 1 };
    this._statuses = 0;
    this._pane = new CallPane(app);
    this._grid = new Grid({ label: "Calls", columns: COLUMNS, fill: (cells, row) => fillRow(cells, row, this._span), prepare: (rows) => this._prepare(rows),
      sort: (key) => this._sortBy(key), open: (row) => app.go("calls", placeOf(row)), moved: () => this._newer() });
    this._count = h("span", { class: "quiet", role: "status" });
    this._missed = h("div", { class: "missed", hidden: true, role: "status" });
    this._end = button("Follow new calls ↓", () => this._grid.follow(), { class: "follow", hidden: true });
    this._empty = h("div", { class: "empty" });
    this.element = h("div", { class: "calls" },
      h("div", { class: "calls-list" }, this._toolbar(), this._missed, h("div", { class: "grid-place" }, this._grid.element, this._empty, this._end)),
      this._pane.element);
  }

  /** Statuses of gRPC are names: once there is one, their column is wide. */
  _prepare(rows) {
    this._span = spanOf(rows);
    if (rows.some((row) => typeof row.status === "string")) this.element.classList.add("named");
  }

  _toolbar() {
    const change = () => this._refilter();
    this._text = h("input", { type: "search", placeholder: "POST /charges 503 …", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/", oninput: change });
    this._route = h("select", { onchange: change }, h("option", { value: "" }, "all"));
    this._status = h("input", { class: "narrow", placeholder: "5xx", autocomplete: "off", maxlength: "20", list: "statuses", oninput: change });
    this._list = h("datalist", { id: "statuses" });
    this._unmatched = h("input", { type: "checkbox", id: "only-unmatched", onchange: change });
    return h("div", { class: "toolbar", role: "search" },
      field("Text", this._text, { class: "field grow" }), field("Route", this._route), field("Status", this._status),
      h("div", { class: "field check" }, this._unmatched, h("label", { for: "only-unmatched" }, "Unmatched only")),
      (this._pause = h("button", { type: "button", class: "small", "aria-pressed": "false", "aria-keyshortcuts": "p", title: "Stops the list; calls go on (p)", onclick: () => this.pause() }, "Pause")),
      button("Clear", () => this._app.clearCalls(), { class: "small", title: "Clears this list; the call log of the server stays" }),
      (this._har = button("Save HAR", () => this._saveHar(), { class: "small", title: "The call log as an HTTP archive, with masked secrets" })),
      button("Legend", showLegend, { class: "small", "aria-keyshortcuts": "l", title: "What the symbols mean (l)" }), this._count, this._list);
  }

  async _saveHar() {
    const { api } = this._app;
    try {
      save(await (await api.open("/calls.har")).blob(), `calls-${api.namespace}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.har`);
    } catch (problem) {
      this._count.textContent = problem.message;
    }
  }

  /** Stops the list, or goes on with what came meanwhile. */
  pause() {
    this._paused = !this._paused;
    this._held = 0;
    this._pause.textContent = this._paused ? "Resume" : "Pause";
    this._pause.setAttribute("aria-pressed", String(this._paused));
    if (this._paused) this._later();
    else this.reset();
  }

  /** Down, up, and the order in which calls came again. */
  _sortBy(key) {
    const first = ["size", "took", "status", "time"].includes(key) ? "descending" : "ascending";
    const second = first === "descending" ? "ascending" : "descending";
    const direction = this._sort?.key !== key ? first : this._sort.direction === first ? second : null;
    this._sort = direction && { key, direction };
    this._order = null;
    this._grid.sorted(key, direction);
    this._grid.active = -1;
    if (direction) this._grid.top();
    else this._grid.following = true;
    this._later();
  }

  /** The rows in the order that was chosen. While calls come it is made anew now and then, and less often the longer it takes. */
  _sortedRows() {
    const { rows } = this._app;
    const now = performance.now();
    if (this._order && (rows.next === this._sortedTo || now < this._nextSort)) {
      if (rows.next !== this._sortedTo) setTimeout(() => this._later(), this._nextSort - now);
      return this._order;
    }
    this._sortedTo = rows.next;
    const compare = rows.comparison(this._sort.key);
    const sign = this._sort.direction === "descending" ? -1 : 1;
    this._order = this._seen.slice(this._head).sort((a, b) => sign * compare(a, b) || a - b);
    this._nextSort = performance.now() + Math.max(RESORT_MS, RESORT_FACTOR * (performance.now() - now));
    return this._order;
  }

  focusFilter() {
    this._text.focus();
    this._text.select();
  }

  open(id) {
    if (!id) {
      this._pending = null;
      return this._pane.close();
    }
    this._reveal(id);
    return void this._pane.open(id);
  }

  /** Marks the row of the open call; once it is there, where the list is still being read. */
  _reveal(id) {
    const seq = this._app.rows.seqOf(id);
    const index = seq === undefined ? -1 : this._order ? this._order.indexOf(seq) : this._indexOf(seq);
    this._pending = index < 0 ? id : null;
    if (index >= 0) this._grid.reveal(index);
  }

  /** Where the list has that row; -1 where the filter keeps it out. */
  _indexOf(seq) {
    let [low, high] = [this._head, this._seen.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this._seen[middle] < seq) low = middle + 1;
      else high = middle;
    }
    return this._seen[low] === seq ? low - this._head : -1;
  }

  shown() {
    this._grid.draw();
    this._grid.element.focus({ preventScroll: true });
  }

  /** New rows, by their places; asked again for each batch, drawn once a frame. */
  added(seqs) {
    const { rows } = this._app;
    if (this._paused) this._held += seqs.length;
    else for (const seq of seqs) if (!this._test || this._test(rows.row(seq))) this._seen.push(seq);
    this._drop();
    this._later();
  }

  /** Everything anew: the list was emptied, or the filter is another. */
  reset() {
    const { rows } = this._app;
    this._seen = [];
    this._head = 0;
    this._held = 0;
    this._order = null;
    for (let seq = rows.first; seq < rows.next; seq += 1) if (!this._test || this._test(rows.row(seq))) this._seen.push(seq);
    this._grid.active = -1;
    this._later();
  }

  _drop() {
    const { first } = this._app.rows;
    const before = this._head;
    while (this._head < this._seen.length && this._seen[this._head] < first) this._head += 1;
    if (this._head > before) this._grid.shifted(this._head - before);
    if (this._head > 20_000) {
      this._seen = this._seen.slice(this._head);
      this._head = 0;
    }
  }

  _later() {
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      this._draw();
    });
  }

  _draw() {
    const { rows } = this._app;
    const order = this._sort && this._sortedRows();
    const length = order ? order.length : this._seen.length - this._head;
    this.element.classList.toggle("all", this._app.isAll);
    this._har.disabled = this._app.isAll; // an archive is of one namespace
    this._grid.draw({ length, at: (index) => rows.row(order ? order[index] : this._seen[this._head + index]) });
    if (this._pending) this._reveal(this._pending);
    const counted = this._test ? `${length.toLocaleString("en")} of ${many(rows.size, "call")}` : many(length, "call");
    this._count.textContent = this._paused ? `‖ Paused at ${counted}, ${this._held.toLocaleString("en")} more` : counted;
    this._newer();
    this._offerRoutes();
    this._offerStatuses();
    this._empty.hidden = length > 0;
    if (!length) show(this._empty, rows.size && !this._paused ? h("p", {}, "No call matches the filter.") : this._welcome());
  }

  _welcome() {
    if (this._paused) return h("p", {}, "The list is paused.");
    if (this._app.isAll) return h("p", {}, "No calls yet. Those of all namespaces appear here when they complete.");
    const command = h("pre", { class: "body" }, `curl -i ${this._app.mockBase()}/`);
    void this._app.example().then(({ method, path }) => (command.textContent = `curl -i ${method === "GET" ? "" : `-X ${method} `}${this._app.mockBase()}${path}`), () => {});
    return [h("p", {}, "No calls yet. They appear here when they complete. Send one:"), command];
  }

  _newer() {
    this._end.hidden = this._grid.following || this._sort !== null;
  }

  _offerRoutes() {
    const texts = this._app.rows.routes.texts;
    while (this._route.options.length < texts.length) {
      const text = texts[this._route.options.length];
      this._route.append(h("option", { value: text }, text));
    }
  }

  _offerStatuses() {
    if (this._statuses === this._app.rows.statuses.size) return;
    this._statuses = this._app.rows.statuses.size;
    const some = [...this._app.rows.statuses].sort().map((one) => (one ? String(one) : "none"));
    show(this._list, ["2xx", "4xx", "5xx", ...some].map((one) => h("option", { value: one })));
  }

  _refilter() {
    const status = this._status.value.trim();
    this._status.setAttribute("aria-invalid", String(statusTest(status) === null));
    this._test = compileFilter({ text: this._text.value, route: this._route.value, status: statusTest(status) ? status : "", unmatched: this._unmatched.checked });
    this.reset();
  }

  /** Calls that are not in the list. `flood`: how many come a second, and how many of these are told. */
  missed(number, flood) {
    this._missed.hidden = number === 0;
    if (!number) return;
    const some = (n) => Math.round(n).toLocaleString("en");
    const said = !flood
      ? `${many(number, "call")} arrived too fast for this page and are no longer in the call log; the counts include them.`
      : `▲ ${flood.came ? `${some(flood.came)} calls a second are too many to show; about ${some(flood.told)} of them are shown. ` : "Calls arrive too fast to show all. "}${some(number)} not shown so far.`;
    show(this._missed, said);
  }
}

/** The id of a call in the URL: with its namespace where those of all are shown. */
function placeOf({ namespace, id }) {
  return namespace ? `${namespace}:${id}` : id;
}

/** The target as the service knows it: the namespace has a column of its own where those of all are shown. */
function targetOf({ namespace, target }) {
  const prefix = `/@${namespace}`;
  return namespace && target.startsWith(`${prefix}/`) ? target.slice(prefix.length) : target;
}

/** The time that these rows span, in milliseconds. */
function spanOf(rows) {
  const from = Math.min(...rows.map((one) => one.arrived));
  const to = Math.max(...rows.map((one) => one.arrived + (one.duration ?? 0)));
  return { from, to: Math.max(to, from + 1) };
}

function fillRow({ node, cells }, row, span) {
  const kind = kindOf(row.status, row.outcome);
  const unmatched = !(row.flags & (MATCHED | AUTOMATIC));
  const marks = `${row.effects ? " ◆" : ""}${row.webhooks ? " ⇢" : ""}${row.flags & REPLAYED ? " ↺" : ""}`;
  const time = clockTime(row.arrived);
  const texts = [phone.matches ? time.slice(0, 8) : time, row.id, row.namespace ?? "", row.method, targetOf(row), `${kind.sign} ${row.status ?? (row.outcome === "client_left" ? "left" : row.outcome)}`,
    unmatched ? "unmatched" : row.others ? `${row.route}\n${row.others}`.replaceAll("\n", ", ") : (row.route ?? "automatic"), unmatched ? "≠" : `${row.step ?? ""}${marks}`, row.size === null ? "–" : bytes(row.size), duration(row.duration)];
  texts.forEach((text, i) => {
    if (cells[i].textContent !== text) cells[i].textContent = text;
  });
  cells[2].title = row.namespace ?? "";
  cells[4].title = row.target;
  cells[5].title = texts[5];
  fillBar(cells[texts.length], row, span);
  node.dataset.call = row.id;
  const name = `grid-row k-${kind.name}${unmatched ? " unmatched" : ""}`;
  if (node.className !== name) node.className = name;
}

/** When the call was in progress, as a bar within the time of the rows in sight. */
function fillBar(cell, { arrived, duration: took }, { from, to }) {
  const bar = cell.firstChild ?? cell.appendChild(h("div", { class: "fall-bar" }));
  bar.style.left = `min(${(100 * (arrived - from)) / (to - from)}%, 100% - 3px)`;
  bar.style.width = `${(100 * (took ?? 0)) / (to - from)}%`;
}
