/** How clients retried: the picture, what of it is shown, and its export. */

import { button, field, good, h, show } from "./dom.js";
import { exportButtons } from "./export.js";
import { changes, isBug, notes, picture, stepText, verdict } from "./picture.js";
import { Selection } from "./selection.js";
import { many } from "./words.js";

const MOST_LANES = 60;
const NARROWEST_PX = 640;

export class AttemptsView {
  constructor(app) {
    this._app = app;
    this.title = "Attempts";
    this._selection = new Selection(app, { by: ["Same operation by", "headers.x-order-id, or route", "long"], ignore: ["Ignore fields", "json.line, query.rand", "long"] }, () => this.refresh());
    this._which = h("select", { onchange: () => this._draw() }, h("option", { value: "retried" }, "retried"), h("option", { value: "all" }, "all"), h("option", { value: "wrong" }, "with broken rules"), h("option", { value: "uncertain" }, "uncertain grouping"));
    this._axis = h("select", { onchange: () => this._draw() }, h("option", { value: "aligned" }, "from the first attempt"), h("option", { value: "clock" }, "common time"));
    this._count = h("span", { class: "quiet" });
    this._place = h("div", { class: "picture", tabindex: "0", role: "region", "aria-label": "Attempts chart" });
    this._lists = h("details", { class: "as-text" });
    this._operations = null; // until they were read
    this.element = h("div", { class: "view" },
      h("div", { class: "toolbar" },
        this._selection.fields, field("Show", this._which), field("Time axis", this._axis),
        exportButtons(this._place, "attempts", this._selection.said), this._count, this._selection.said),
      this._place, this._lists);
    new ResizeObserver(() => this._draw()).observe(this._place);
  }

  shown() {
    return this.refresh();
  }

  /** Calls came; the picture is drawn anew when it is in sight. */
  changed() {
    return this.refresh();
  }

  async refresh() {
    try {
      this._operations = await this._everyPage(this._selection.query());
      this._selection.accepted();
      this._draw();
    } catch (problem) {
      this._selection.refused(problem);
    }
  }

  async _everyPage(query) {
    const items = [];
    for (let next = ""; next !== null; ) {
      query.set("limit", "10000");
      if (next) query.set("cursor", next);
      const page = await this._app.api.get(`/attempts?${query}`);
      items.push(...page.items);
      next = page.next;
    }
    return items.map((operation, i) => ({ ...operation, number: i + 1 }));
  }

  _wanted() {
    const tests = { all: () => true, retried: (one) => one.tries.length > 1, wrong: isWrong, uncertain: (one) => !one.certain };
    return this._operations.filter(tests[this._which.value]);
  }

  _draw() {
    if (!this._place.clientWidth || !this._operations) return;
    const wanted = this._wanted();
    const drawn = wanted.slice(-MOST_LANES);
    const more = wanted.length > drawn.length ? `, the latest ${drawn.length} shown` : "";
    this._count.textContent = `${many(wanted.length, "operation")}${more}`;
    if (!drawn.length) {
      show(this._place, this._operations.length ? this._none() : h("div", { class: "empty" }, h("p", {}, "No matched calls yet. Each operation gets a row: its attempts, the gaps between them, and the wait that Retry-After requested.")));
      this._lists.hidden = true;
      return;
    }
    const focused = document.activeElement?.closest?.("[data-call]")?.dataset.call;
    show(this._place, picture(drawn, {
      width: Math.max(NARROWEST_PX, this._place.clientWidth - 2), aligned: this._axis.value === "aligned", theme: this._app.theme(),
      title: `Attempts${this._selection.route ? ` on ${this._selection.route}` : ""}`,
      note: `${many(drawn.length, "operation")}, namespace ${this._app.api.namespace}, ${drawn[0].tries[0].arrived.slice(0, 19).replace("T", " ")} UTC, mockserver ${this._app.version}`,
      href: (call) => this._app.href("calls", call),
    }));
    if (focused) this._place.querySelector(`[data-call="${CSS.escape(focused)}"]`)?.focus();
    this._lists.hidden = false;
    show(this._lists, h("summary", {}, "As text"), h("ol", {}, drawn.map((one) => h("li", { value: one.number }, `${one.route}: ${verdict(one)}`, notes(one).map((note) => h("p", { class: "quiet" }, note)), h("ul", {}, one.tries.map((t) => h("li", {}, tryText(t))))))));
  }

  _none() {
    const number = many(this._operations.length, "operation");
    const said = { retried: `${number}, each with a single attempt.`, wrong: `${number} without a broken rule.`, uncertain: `${number}, all grouped with certainty.` }[this._which.value];
    return good(said, button("Show all", () => {
      this._which.value = "all";
      this._draw();
    }));
  }
}

function isWrong(operation) {
  return isBug(operation) || operation.final !== "succeeded" || operation.tries.some((one) => one.outcome !== "done");
}

function tryText(one) {
  const parts = [one.call, one.status ?? "no status", one.outcome];
  if (one.gap_ms !== null) parts.push(`${one.gap_ms} ms after the previous call`);
  if (one.asked_ms !== null) parts.push(`the previous answer requested a wait of ${one.asked_ms} ms: ${one.retry_after}`);
  parts.push(...one.changed.map((part) => changes(part, one)));
  if (one.step) parts.push(stepText(one.step));
  if (one.effects.length) parts.push(`effects ${one.effects.join(", ")}`);
  return parts.join(", ");
}
