/** How clients retried: the picture, what of it is shown, and its export. */

import { button, field, good, h, show } from "./dom.js";
import { pngBlob, save, svgBlob } from "./export.js";
import { changes, isBug, notes, picture, stepText, verdict } from "./picture.js";
import { many } from "./words.js";

const MOST_LANES = 60;
const NARROWEST_PX = 640;

export class AttemptsView {
  constructor(app) {
    this._app = app;
    this.title = "Attempts";
    this._route = h("select", { onchange: () => this.refresh() }, h("option", { value: "" }, "all"));
    this._by = this._input("headers.x-order-id, or route");
    this._ignore = this._input("json.line, query.rand");
    this._which = h("select", { onchange: () => this._draw() }, h("option", { value: "retried" }, "retried"), h("option", { value: "all" }, "all"), h("option", { value: "wrong" }, "with broken rules"), h("option", { value: "uncertain" }, "uncertain grouping"));
    this._axis = h("select", { onchange: () => this._draw() }, h("option", { value: "aligned" }, "from the first attempt"), h("option", { value: "clock" }, "common time"));
    this._count = h("span", { class: "quiet" });
    this._said = h("span", { class: "quiet", role: "status" });
    this._place = h("div", { class: "picture", tabindex: "0", role: "region", "aria-label": "Attempts chart" });
    this._lists = h("details", { class: "as-text" });
    this._operations = null; // until they were read
    this._invalid = null;
    this.element = h("div", { class: "view" },
      h("div", { class: "toolbar" },
        field("Route", this._route), field("Same operation by", this._by), field("Ignore fields", this._ignore), field("Show", this._which), field("Time axis", this._axis),
        h("div", { class: "row" }, button("Save SVG", () => this._save("svg"), { class: "small" }), button("Save PNG", () => this._save("png"), { class: "small" }),
          button("Copy PNG", () => this._copy(), { class: "small" })), this._count, this._said),
      this._place, this._lists);
    new ResizeObserver(() => this._draw()).observe(this._place);
  }

  _input(placeholder) {
    return h("input", { class: "long", placeholder, autocomplete: "off", spellcheck: "false", onchange: () => this.refresh() });
  }

  shown() {
    return this.refresh();
  }

  /** Calls came; the picture is drawn anew when it is in sight. */
  changed() {
    return this.refresh();
  }

  async refresh() {
    this._offerRoutes();
    const query = new URLSearchParams();
    if (this._route.value) query.set("route", this._route.value);
    const inputs = { by: this._by, ignore: this._ignore };
    for (const [name, input] of Object.entries(inputs)) if (input.value.trim()) query.set(name, input.value.trim());
    try {
      this._operations = await this._everyPage(query);
      if (this._invalid) this._said.textContent = "";
      this._markInvalid(null);
      this._draw();
    } catch (problem) {
      this._markInvalid(inputs[problem.errors?.[0]?.pointer.split("/")[1]] ?? null);
      const [first] = problem.errors ?? [];
      this._said.textContent = first ? `${first.message}. ${first.hint}` : problem.message;
    }
  }

  _markInvalid(input) {
    this._invalid = input;
    for (const each of [this._by, this._ignore]) each.setAttribute("aria-invalid", String(each === input));
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

  _offerRoutes() {
    const known = new Set([...this._route.options].map((one) => one.value));
    for (const route of this._app.routes) if (!known.has(route.id)) this._route.append(h("option", { value: route.id }, route.id));
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
      title: `Attempts${this._route.value ? ` on ${this._route.value}` : ""}`,
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

  async _save(kind) {
    const svg = this._place.querySelector("svg");
    if (!svg) return;
    const name = `attempts-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${kind}`;
    save(kind === "svg" ? svgBlob(svg) : await pngBlob(svg), name);
    this._said.textContent = `Saved ${name}.`;
  }

  async _copy() {
    const svg = this._place.querySelector("svg");
    if (!svg) return;
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": pngBlob(svg) })]);
      this._said.textContent = "Copied as PNG.";
    } catch {
      this._said.textContent = "The page can't access the clipboard. Save the chart instead.";
    }
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
