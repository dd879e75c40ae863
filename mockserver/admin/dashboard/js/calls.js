/** Live calls: the list, its filter, and the call that is open beside it. */

import { CallPane } from "./call.js";
import { button, field, h, show } from "./dom.js";
import { save } from "./export.js";
import { compileFilter, statusTest } from "./filter.js";
import { Grid } from "./grid.js";
import { AUTOMATIC, MATCHED, numberOf, REPLAYED } from "./rows.js";
import { clockTime, duration, kindOf, many } from "./words.js";

const COLUMNS = [
  { name: "Time", class: "c-time" }, { name: "Call", class: "c-id" }, { name: "Method", class: "c-method" },
  { name: "Target", class: "c-target" }, { name: "Status", class: "c-status" }, { name: "Route", class: "c-route" },
  { name: "Step", class: "c-step" }, { name: "Duration", class: "c-took" },
];

export class CallsView {
  constructor(app) {
    this._app = app;
    this.title = "Calls";
    this._wanted = { text: "", route: "", status: "", unmatched: false };
    this._test = null;
    this._seen = []; // places of the rows that the filter lets through, from _head on
    this._head = 0;
    this._asked = false;
    this._statuses = 0;
    this._pane = new CallPane(app);
    this._grid = new Grid({ label: "Calls", columns: COLUMNS, fill: fillRow, open: (row) => app.go("calls", row.id), moved: () => this._newer() });
    this._count = h("span", { class: "quiet", role: "status" });
    this._missed = h("div", { class: "missed", hidden: true, role: "status" });
    this._end = button("Follow new calls ↓", () => this._grid.follow(), { class: "follow", hidden: true });
    this._empty = h("div", { class: "empty" });
    this.element = h("div", { class: "calls" },
      h("div", { class: "calls-list" }, this._toolbar(), this._missed, h("div", { class: "grid-place" }, this._grid.element, this._empty, this._end)),
      this._pane.element);
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
      button("Clear", () => this._app.clearCalls(), { class: "small", title: "Clears this list; the call log of the server stays" }),
      button("Save HAR", () => this._saveHar(), { class: "small", title: "The call log as an HTTP archive, with masked secrets" }), this._count, this._list);
  }

  async _saveHar() {
    const { api } = this._app;
    try {
      save(await (await api.open("/calls.har")).blob(), `calls-${api.namespace}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.har`);
    } catch (problem) {
      this._count.textContent = problem.message;
    }
  }

  focusFilter() {
    this._text.focus();
    this._text.select();
  }

  open(id) {
    if (!id) return this._pane.close();
    const seq = this._app.rows.seqOf(numberOf(id));
    const index = seq === undefined ? -1 : this._indexOf(seq);
    if (index >= 0) this._grid.reveal(index);
    return void this._pane.open(id);
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
    for (const seq of seqs) if (!this._test || this._test(rows.row(seq))) this._seen.push(seq);
    this._drop();
    this._later();
  }

  /** Everything anew: the list was emptied, or the filter is another. */
  reset() {
    const { rows } = this._app;
    this._seen = [];
    this._head = 0;
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
    const length = this._seen.length - this._head;
    this._grid.draw({ length, at: (index) => rows.row(this._seen[this._head + index]) });
    this._count.textContent = this._test ? `${length.toLocaleString("en")} of ${many(rows.size, "call")}` : many(length, "call");
    this._newer();
    this._offerRoutes();
    this._offerStatuses();
    this._empty.hidden = length > 0;
    if (!length) show(this._empty, rows.size ? h("p", {}, "No call matches the filter.") : this._welcome());
  }

  _welcome() {
    const command = h("pre", { class: "body" }, `curl -i ${this._app.mockBase()}/`);
    void this._app.example().then(({ method, path }) => (command.textContent = `curl -i ${method === "GET" ? "" : `-X ${method} `}${this._app.mockBase()}${path}`), () => {});
    return [h("p", {}, "No calls yet. They appear here when they complete. Send one:"), command];
  }

  _newer() {
    this._end.hidden = this._grid.following;
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

function fillRow({ node, cells }, row) {
  const kind = kindOf(row.status, row.outcome);
  const unmatched = !(row.flags & (MATCHED | AUTOMATIC));
  const marks = `${row.effects ? " ◆" : ""}${row.webhooks ? " ⇢" : ""}${row.flags & REPLAYED ? " ↺" : ""}`;
  const texts = [clockTime(row.arrived), row.id, row.method, row.target, `${kind.sign} ${row.status ?? (row.outcome === "client_left" ? "left" : row.outcome)}`,
    unmatched ? "unmatched" : (row.route ?? "automatic"), unmatched ? "≠" : `${row.step ?? ""}${marks}`, duration(row.duration)];
  texts.forEach((text, i) => {
    if (cells[i].textContent !== text) cells[i].textContent = text;
  });
  cells[3].title = row.target;
  node.dataset.call = row.id;
  const name = `grid-row k-${kind.name}${unmatched ? " unmatched" : ""}`;
  if (node.className !== name) node.className = name;
}
