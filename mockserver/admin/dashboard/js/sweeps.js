/** The report of a sweep, read from a file on this computer: what each failure did to each test. Nothing is sent. */

import { field, good, h, show } from "./dom.js";
import { table, withAttributes } from "./view.js";
import { many } from "./words.js";

const SIGNS = { survived: ["good", "● survived"], failed_cleanly: ["refused", "▲ failed cleanly"], harmed: ["failed", "■ harmed"] };
const COLUMNS = ["Test and call", "Failure", "Result", "Reasons"];

export class SweepsView {
  constructor() {
    this.title = "Sweeps";
    this._file = h("input", { type: "file", accept: ".json,application/json", onchange: () => void this._read() });
    this._which = h("select", { onchange: () => this._draw() }, h("option", { value: "wrong" }, "with remarks"), h("option", { value: "all" }, "all"),
      Object.entries(SIGNS).map(([name, [, text]]) => h("option", { value: name }, text.slice(2))));
    this._said = h("p", { role: "status", class: "said" });
    this._place = h("div", {}, h("div", { class: "empty" },
      h("p", {}, "A sweep makes the calls of each test fail, one at a time, and checks what the application does. Open its report here:"),
      h("pre", { class: "body" }, "pytest --mock-server-sweep        # or: mockserver sweep -- COMMAND\nmock-server-sweep/report.json")));
    this.element = h("div", { class: "view" }, h("div", { class: "toolbar" }, field("Report (report.json)", this._file), field("Show", this._which)), this._said, this._place);
  }

  shown() {}

  async _read() {
    const [file] = this._file.files;
    if (!file) return;
    try {
      const report = JSON.parse(await file.text());
      if (!Array.isArray(report.cells) || !report.verdicts || !Array.isArray(report.unreached)) throw new Error("it has no cells");
      this._report = report;
      this._said.textContent = "";
      this._draw();
    } catch (problem) {
      this._said.textContent = `${file.name} is not the report of a sweep: ${problem.message}. Open mock-server-sweep/report.json.`;
    }
  }

  _draw() {
    if (!this._report) return;
    const { cells, verdicts, unreached, not_swept: skipped = [], broken_rules: broken, seed, mockserver } = this._report;
    const tests = { all: () => true, wrong: (one) => one.verdict === "harmed" || one.reasons.length > 0 || one.remarks.length > 0 || one.fails.length > 0 };
    const shown = cells.filter(tests[this._which.value] ?? ((one) => one.verdict === this._which.value));
    const order = Object.keys(SIGNS).reverse();
    shown.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
    show(this._place,
      h("p", {}, Object.entries(verdicts).map(([name, n]) => h("span", { class: `chip status ${SIGNS[name]?.[0] ?? ""}` }, `${SIGNS[name]?.[1] ?? name}: ${n}`)),
        broken > 0 && h("span", { class: "chip status refused" }, `▲ rules of retries broken: ${broken}`), h("span", { class: "quiet" }, `${seed ? `seed ${seed}, ` : ""}mockserver ${mockserver}`)),
      shown.length ? table("Results of the sweep", COLUMNS, shown.map((one) => withAttributes(rowOf(one), { "data-cell": one.id })), { class: "stacks sweep" })
        : good(`${many(cells.length, "result")} without a remark.`),
      unreached.length > 0 && [h("h2", { class: "apart" }, "Not reached"), h("ul", {}, unreached.map((one) => h("li", {}, h("code", {}, one.id), ` ${one.why}`)))],
      skipped.length > 0 && [h("h2", { class: "apart" }, "Not swept"), h("ul", {}, skipped.map((one) => h("li", {}, h("code", {}, one.test), ` ${one.why}`)))]);
  }
}

function rowOf(cell) {
  const [kind, text] = SIGNS[cell.verdict] ?? ["", cell.verdict];
  const details = [cell.error && h("pre", { class: "body", tabindex: "0", "aria-label": "Message of the test" }, cell.error), h("p", {}, "Again: ", h("code", {}, cell.command))];
  return [
    [h("span", {}, cell.test), h("p", { class: "hint" }, cell.call)], h("code", {}, cell.trouble), h("span", { class: `state status ${kind}` }, text),
    [[...cell.reasons, ...cell.remarks].map((one) => h("p", {}, one)), h("details", {}, h("summary", {}, "More"), details)],
  ];
}
