/** Which calls a chart shows: a route, and other parameters of the query, which the server may refuse. */

import { field, h } from "./dom.js";

export class Selection {
  /** `inputs` has `[label, placeholder, class]` by the parameter; `changed()` is called when another one is chosen. */
  constructor(app, inputs, changed) {
    this._app = app;
    this._route = h("select", { onchange: changed }, h("option", { value: "" }, "all"));
    this._inputs = new Map(Object.entries(inputs).map(([name, [, placeholder, size]]) => [name,
      h("input", { class: size, placeholder, autocomplete: "off", spellcheck: "false", "aria-invalid": "false", onchange: changed })]));
    this._isRefused = false;
    this.said = h("span", { class: "quiet", role: "status" });
    this.fields = [field("Route", this._route), ...Object.entries(inputs).map(([name, [label]]) => field(label, this._inputs.get(name)))];
  }

  get route() {
    return this._route.value;
  }

  /** The parameters that are set; the routes that there are now can be chosen. */
  query() {
    const known = new Set([...this._route.options].map((one) => one.value));
    for (const route of this._app.routes) if (!known.has(route.id)) this._route.append(h("option", { value: route.id }, route.id));
    const query = new URLSearchParams(this.route ? { route: this.route } : {});
    for (const [name, input] of this._inputs) if (input.value.trim()) query.set(name, input.value.trim());
    return query;
  }

  accepted() {
    if (this._isRefused) this.said.textContent = "";
    this._isRefused = false;
    this._mark(null);
  }

  refused(problem) {
    const [first] = problem.errors ?? [];
    this._isRefused = true;
    this._mark(this._inputs.get(first?.pointer.split("/")[1]) ?? null);
    this.said.textContent = first ? `${first.message}. ${first.hint}` : problem.message;
  }

  _mark(input) {
    for (const each of this._inputs.values()) each.setAttribute("aria-invalid", String(each === input));
  }
}
