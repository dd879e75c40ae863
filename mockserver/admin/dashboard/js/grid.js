/**
 * A list of any length of which only the rows in sight exist.
 *
 * A grid (ARIA) with one active row; arrows, Page Up and Down, Home and End
 * move it, Enter opens it. At its end it follows what comes.
 */

import { freshId, h } from "./dom.js";

const ROW_PX = 28;
const SPARE = 6;

export class Grid {
  /**
   * `columns`: `{name, class, key}`, a `key` where it can be sorted by; `fill(cells, item)` writes a row, after `prepare(items)` of
   * those in sight; `open(item)`; `moved()` after each scroll; `sort(key)` where a heading is chosen.
   */
  constructor({ label, columns, fill, open, sort, prepare = () => {}, moved = () => {} }) {
    this._columns = columns;
    this._fill = fill;
    this._open = open;
    this._moved = moved;
    this._prepare = prepare;
    this._heads = new Map();
    this._pool = [];
    this._items = { length: 0, at: () => null };
    this.active = -1;
    this.following = true;
    this._id = freshId("row");
    this.body = h("div", { class: "grid-rows", role: "rowgroup" });
    this._scroller = h("div", { class: "grid-scroll", role: "presentation" }, this.body);
    this.element = h(
      "div",
      { class: "grid", role: "grid", "aria-label": label, tabindex: "0", onkeydown: (event) => this._key(event) },
      h("div", { class: "grid-head", role: "rowgroup" }, h("div", { class: "grid-row", role: "row", "aria-rowindex": "1" },
        columns.map((one) => this._head(one, sort)))),
      this._scroller,
    );
    this._scroller.addEventListener("scroll", () => this._scrolled(), { passive: true });
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("[data-index]");
      if (row) this._choose(Number(row.dataset.index));
    });
    new ResizeObserver(() => this.draw()).observe(this._scroller);
  }

  _head(column, sort) {
    const head = h("div", { class: `cell ${column.class}`, role: "columnheader" }, column.key
      ? h("button", { type: "button", class: "sort", title: `Sort by ${column.name.toLowerCase()}`, onclick: () => sort(column.key) }, column.name) : column.name);
    if (column.key) this._heads.set(column.key, head);
    return head;
  }

  /** Marks the column that the rows are sorted by: `ascending` or `descending`; null for the order in which they came. */
  sorted(key, direction) {
    for (const [one, head] of this._heads) {
      if (one === key && direction) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    }
  }

  /** Shows the rows from the first one on, and does not follow. */
  top() {
    this.following = false;
    this._scroller.scrollTop = 0;
  }

  /** `items`: `{length, at(index)}`. */
  draw(items = this._items) {
    this._items = items;
    const n = items.length;
    this.element.setAttribute("aria-rowcount", String(n + 1));
    this.body.style.height = `${n * ROW_PX}px`;
    const height = this._scroller.clientHeight;
    if (this.following) this._scroller.scrollTop = n * ROW_PX - height;
    const from = Math.max(0, Math.floor(this._scroller.scrollTop / ROW_PX) - SPARE);
    const to = Math.min(n, Math.ceil((this._scroller.scrollTop + height) / ROW_PX) + SPARE);
    while (this._pool.length < to - from) this._pool.push(this._makeRow());
    const shown = Array.from({ length: Math.max(0, to - from) }, (_, i) => items.at(from + i));
    this._prepare(shown);
    this._pool.forEach((row, i) => {
      const index = from + i;
      if (index >= to) {
        row.node.hidden = true;
        return;
      }
      row.node.hidden = false;
      row.node.style.transform = `translateY(${index * ROW_PX}px)`;
      row.node.dataset.index = index;
      row.node.setAttribute("aria-rowindex", String(index + 2));
      row.node.setAttribute("aria-selected", String(index === this.active));
      row.node.id = `${this._id}-${index}`;
      this._fill(row, shown[i]);
    });
    if (this.active >= from && this.active < to) this.element.setAttribute("aria-activedescendant", `${this._id}-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  /** Rows went away at the top: what is in sight stays where it is. */
  shifted(by) {
    if (this.active >= 0) this.active = Math.max(-1, this.active - by);
    if (!this.following) this._scroller.scrollTop -= by * ROW_PX;
  }

  follow() {
    this.following = true;
    this.draw();
    this._moved();
  }

  reveal(index) {
    this.active = index;
    const top = index * ROW_PX;
    const height = this._scroller.clientHeight;
    if (top < this._scroller.scrollTop || top + ROW_PX > this._scroller.scrollTop + height) {
      this.following = false;
      this._scroller.scrollTop = Math.max(0, top - height / 2);
    }
    this.draw();
  }

  _makeRow() {
    const cells = this._columns.map((one) => h("div", { class: `cell ${one.class}`, role: "gridcell" }));
    const node = h("div", { class: "grid-row", role: "row" }, cells);
    this.body.append(node);
    return { node, cells };
  }

  _scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this._scroller;
    this.following = scrollTop + clientHeight >= scrollHeight - ROW_PX / 2;
    this.draw();
    this._moved();
  }

  _choose(index) {
    if (index < 0 || index >= this._items.length) return;
    this.reveal(index);
    this._open(this._items.at(index));
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    const page = Math.max(1, Math.floor(this._scroller.clientHeight / ROW_PX) - 1);
    const last = this._items.length - 1;
    const from = this.active < 0 ? (event.key === "ArrowUp" || event.key === "k" ? last + 1 : -1) : this.active;
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      event.preventDefault();
      const to = Math.min(last, Math.max(0, from + steps[event.key]));
      if (event.key === "End") this.following = true;
      this._choose(to);
    } else if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault();
      this._choose(this.active);
    }
  }
}
