/** All namespaces: those that a failed test kept first, each with what leads into it. */

import { ALL } from "./api.js";
import { button, h, show } from "./dom.js";

const COLUMNS = ["Namespace", "Failed test", "URL", "Removed if idle", ""];

export class NamespacesView {
  constructor(app) {
    this._app = app;
    this.title = "Namespaces";
    this._hint = h("p", { hidden: true, class: "hint" });
    this._said = h("p", { role: "status", class: "said" });
    this._place = h("div", {});
    this.element = h("div", { class: "view" }, this._hint, this._said, this._place);
  }

  shown() {
    return this.refresh();
  }

  changed() {
    return this.refresh();
  }

  /** A view that can show one namespace only was asked for: which one is to be chosen first. */
  wanted(view) {
    this._wanted = view;
    this._hint.hidden = view === null;
    this._hint.textContent = "This view shows one namespace. Choose it:";
    this._sign = null;
  }

  async refresh() {
    const items = await this._app.loadNamespaces();
    const sign = JSON.stringify([items, this._wanted, this._app.api.namespace]);
    if (sign === this._sign) return;
    this._sign = sign;
    const focused = document.activeElement?.dataset?.key;
    const ordered = [...items.filter((one) => one.failed_test).reverse(), ...items.filter((one) => !one.failed_test)];
    show(this._place,
      h("p", { class: "row" }, h("a", { href: this._app.href("calls", null, ALL) }, "Calls of all namespaces")),
      h("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": "Namespaces" }, h("table", { class: "stacks" },
        h("thead", {}, h("tr", {}, COLUMNS.map((one) => (one ? h("th", { scope: "col" }, one) : h("td", {}))))),
        h("tbody", {}, ordered.map((one) => h("tr", { "data-namespace": one.name, "aria-current": one.name === this._app.api.namespace ? "true" : null },
          this._cells(one).map((cell, i) => h("td", { "data-label": COLUMNS[i] }, cell))))))));
    if (focused) this._place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  _cells({ name, url, ttl, failed_test: failed }) {
    return [
      h("a", { href: this._app.href(this._wanted ?? "calls", null, name) }, name),
      failed ? h("a", { class: "failed-test", href: this._app.href("failure", null, name) }, `✕ ${failed}`) : h("span", { class: "quiet" }, "–"),
      h("code", {}, url),
      ttl ? `for ${ttl}` : "never",
      name === "default" ? "" : button("Delete", () => this._delete(name), { class: "small", "data-key": `delete ${name}`, "aria-label": `Delete ${name}` }),
    ];
  }

  async _delete(name) {
    try {
      await this._app.api.send("DELETE", `/namespaces/${encodeURIComponent(name)}`, { namespace: null });
      this._said.textContent = `${name} was deleted.`;
      if (name === this._app.api.namespace) this._app.go("namespaces", null);
    } catch (problem) {
      this._said.textContent = problem.message;
    }
    await this.refresh();
  }
}
