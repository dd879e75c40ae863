/** What the views have in common: they are drawn again where something has changed, have tables, and say what an action came to. */

import { h, show } from "./dom.js";

export class View {
  constructor(app, title) {
    this._app = app;
    this.title = title;
    this._said = h("p", { role: "status", class: "said" });
    this._place = h("div", {});
    this.element = h("div", { class: "view" }, this._said, this._place);
  }

  shown() {
    return this.refresh();
  }

  changed() {
    return this.refresh();
  }

  /** Draws where something is another than it was, so that focus and selection stay. */
  draw(data, make) {
    const sign = JSON.stringify([data, this._app.api.namespace]);
    if (sign === this._sign) return;
    this._sign = sign;
    const focused = document.activeElement?.dataset?.key;
    show(this._place, make());
    if (focused) this._place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  /** Does something, says what it came to, and refreshes. `said` is a text, or gives one afterwards. */
  async deed(deed, said) {
    try {
      await deed();
      this._said.textContent = typeof said === "string" ? said : said();
      await this.refresh();
    } catch (problem) {
      this._said.textContent = problem.explained ?? problem.message;
    }
  }
}

/** A table in a region that scrolls. `columns` are names; `rows` lists of cells, which may have `attributes` of their row. */
export function table(label, columns, rows, attributes = {}) {
  return h("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": label }, h("table", attributes,
    h("thead", {}, h("tr", {}, columns.map((one) => (one ? h("th", { scope: "col" }, one) : h("td", {}))))),
    h("tbody", {}, rows.map((cells) => h("tr", cells.attributes ?? {}, cells.map((one, i) => h("td", { "data-label": columns[i] }, h("div", {}, one))))))));
}

export function withAttributes(cells, attributes) {
  cells.attributes = attributes;
  return cells;
}

export function empty(text) {
  return h("div", { class: "empty" }, h("p", {}, text));
}
