/** The calls over time, by their answers, with outages and the windows of broken rules: a chart, and the same as a table. */

import { h, show } from "./dom.js";
import { exportButtons } from "./export.js";
import { answersText, loadPicture, marksOf, marksWithin } from "./loadchart.js";
import { Selection } from "./selection.js";
import { empty, table, View } from "./view.js";
import { dayAndTime, duration, many } from "./words.js";

const NARROWEST_PX = 300;
const COLUMNS = ["Time", "Calls", "Retries", "At once", "Answers", "Marks"];

export class LoadView extends View {
  constructor(app) {
    super(app, "Load");
    this._selection = new Selection(app, {
      interval: ["Interval", "100ms", "short"], by: ["Same operation by", "headers.x-order-id", "long"], rules: ["Rules", "in_flight: {max: 10}", "long"],
    }, () => this.refresh());
    this._count = h("span", { class: "quiet" });
    this._place = h("div", { class: "picture", tabindex: "0", role: "region", "aria-label": "Chart of the calls over time" });
    this._marks = h("ul", { class: "plain marks" });
    this._table = h("details", { class: "as-text" });
    show(this.element,
      h("div", { class: "toolbar" }, this._selection.fields, exportButtons(this._place, "load", this._selection.said), this._count, this._selection.said),
      this._place, this._marks, this._table);
    new ResizeObserver(() => this._draw()).observe(this._place);
  }

  async refresh() {
    try {
      this._load = await this._app.api.get(`/load?${this._selection.query()}`);
      this._selection.accepted();
      this._draw();
    } catch (problem) {
      this._selection.refused(problem);
    }
  }

  _draw() {
    const width = this._place.clientWidth - 2;
    if (width < 0 || !this._load) return;
    this.draw([this._load, this._app.theme(), width], () => {
      const load = this._load;
      const marks = marksOf(load);
      this._count.textContent = load.calls ? `${many(load.calls, "call")} for ${many(load.operations, "operation")}, ${Number(load.amplification.toFixed(2))} for each; at most ${load.most_in_flight} at the same time` : "";
      show(this._marks, marks.map(markItem), load.rules.filter((one) => one.ok).map((one) => h("li", {}, h("span", { class: "state delivered" }, "✓ "), one.text)));
      this._table.hidden = !load.calls;
      show(this._table, h("summary", {}, "As a table"), table("Calls over time", COLUMNS, load.intervals.map((one) => rowOf(one, load.interval_ms, marks))));
      return load.calls ? this._picture(load, width)
        : empty("No matched calls yet. Each interval gets a bar: its calls by their answers, with outages, injected failures and the windows of broken rules.");
    });
  }

  _picture(load, width) {
    return loadPicture(load, {
      width: Math.max(NARROWEST_PX, width), theme: this._app.theme(), title: `Calls over time${this._selection.route ? ` on ${this._selection.route}` : ""}`,
      note: `each bar is ${duration(load.interval_ms)}, from ${dayAndTime(load.since)}, namespace ${this._app.api.namespace}, mockserver ${this._app.version}`,
    });
  }
}

function markItem({ mark, kind, text, began_ms: began, ended_ms: ended }) {
  const times = began === null ? "" : ended === null ? `, since ${timeText(began)}` : `, from ${timeText(began)} to ${timeText(ended)}`;
  return h("li", { "data-mark": mark }, h("span", { class: kind === "rule" ? "state failed" : "state" }, `${kind === "rule" ? "✕" : "▨"} ${mark} `), text, h("span", { class: "quiet" }, times));
}

function timeText(ms) {
  return `${ms < 0 ? "−" : "+"}${duration(Math.abs(ms))}`;
}

function rowOf({ at_ms: at, calls, retries, in_flight: atOnce, answers }, length_ms, marks) {
  return [h("span", { class: "id" }, timeText(at)), String(calls), String(retries), String(atOnce), answersText(answers), marksWithin(marks, at, at + length_ms).map((one) => one.mark).join(" ")];
}
