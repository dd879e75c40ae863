/** All namespaces: those that a failed test kept first, each with what leads into it. */

import { ALL } from "./api.js";
import { button, h } from "./dom.js";
import { table, View, withAttributes } from "./view.js";

const COLUMNS = ["Namespace", "Failed test", "URL", "Removed if idle", ""];

export class NamespacesView extends View {
  constructor(app) {
    super(app, "Namespaces");
    this._hint = h("p", { hidden: true, class: "hint" });
    this.element.prepend(this._hint);
  }

  /** A view that can show one namespace only was asked for: which one is to be chosen first. */
  wanted(view) {
    this._wanted = view;
    this._hint.hidden = view === null;
    this._hint.textContent = "This view shows one namespace. Choose it:";
  }

  async refresh() {
    const items = await this._app.loadNamespaces();
    const ordered = [...items.filter((one) => one.failed_test).reverse(), ...items.filter((one) => !one.failed_test)];
    this.draw([items, this._wanted], () => [
      h("p", { class: "row" }, h("a", { href: this._app.href("calls", null, ALL) }, "Calls of all namespaces")),
      table("Namespaces", COLUMNS, ordered.map((one) => this._row(one)), { class: "stacks" }),
    ]);
  }

  _row({ name, url, ttl, failed_test: failed }) {
    return withAttributes([
      h("a", { href: this._app.href(this._wanted ?? "calls", null, name) }, name),
      failed ? h("a", { class: "failed-test", href: this._app.href("failure", null, name) }, `✕ ${failed}`) : h("span", { class: "quiet" }, "–"),
      h("code", {}, url),
      ttl ? `for ${ttl}` : "never",
      name === "default" ? "" : button("Delete", () => this._delete(name), { class: "small", "data-key": `delete ${name}`, "aria-label": `Delete ${name}` }),
    ], { "data-namespace": name, "aria-current": name === this._app.api.namespace ? "true" : null });
  }

  async _delete(name) {
    try {
      await this._app.api.send("DELETE", `/namespaces/${encodeURIComponent(name)}`, { namespace: null });
      this._said.textContent = `${name} was deleted.`;
      if (name === this._app.api.namespace) this._app.go("namespaces", null);
    } catch (problem) {
      this._said.textContent = problem.explained;
    }
    await this.refresh();
  }
}
