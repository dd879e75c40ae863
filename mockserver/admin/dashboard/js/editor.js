/** A route as YAML: keys completed by the language's schema, and what the server finds wrong marked at its line. */

import { completions } from "./completion.js";
import { button, freshId, h, show } from "./dom.js";
import { cursorAt, entries, lineOf } from "./places.js";

export class RouteEditor {
  /** `id`: the route that is replaced; without one a route is added. */
  constructor(app, { text, title, id = null }) {
    this._app = app;
    this._id = id;
    this._options = [];
    this._chosen = 0;
    const list = freshId("completions");
    this._text = h("textarea", { class: "code", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", rows: "18", value: text,
      "aria-label": "Route as YAML", "aria-controls": list, "aria-autocomplete": "list", "aria-describedby": `${list}-errors`,
      onkeydown: (event) => this._key(event), oninput: () => this._typed(), onclick: () => this._hide(), onblur: () => setTimeout(() => this._hide(), 150), onscroll: () => this._scrolled() });
    this._gutter = h("div", { class: "gutter", "aria-hidden": "true" });
    this._list = h("ul", { class: "completions", id: list, role: "listbox", "aria-label": "Completions", hidden: true });
    this._errors = h("div", { class: "errors", role: "alert", id: `${list}-errors` });
    this.element = h("dialog", { class: "editor", "aria-label": title, onclose: () => this.element.remove() },
      h("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); void this._save(); } },
        h("header", { class: "card-head" }, h("h2", {}, title), h("span", { class: "quiet" }, "Ctrl+Space completes, Ctrl+Enter saves")),
        h("div", { class: "code-place" }, this._gutter, this._text, this._list),
        this._errors,
        h("div", { class: "row end" }, button("Cancel", () => this.element.close()), h("button", { type: "submit", class: "primary" }, id ? "Save" : "Add"))));
    this._marked = new Map();
    this._number();
  }

  open() {
    document.body.append(this.element);
    this.element.showModal();
    this._text.focus();
    this._text.setSelectionRange(0, 0);
    void this._app.schema().then((schema) => (this._schema = schema));
  }

  async _save() {
    const { api } = this._app;
    try {
      const route = this._id
        ? await api.send("PUT", `/routes/${encodeURIComponent(this._id)}`, { yaml: this._text.value })
        : await api.send("POST", "/routes", { yaml: this._text.value });
      this.element.close();
      this._app.changedRoutes(route.id);
    } catch (problem) {
      this._blame(problem);
    }
  }

  /** Marks the lines, and lists the errors; each leads to its line. */
  _blame(problem) {
    this._marked.clear();
    const flaws = problem.errors.length ? problem.errors : [{ pointer: "", message: problem.message, hint: problem.detail }];
    const listed = flaws.map((flaw) => {
      const said = /line (\d+)/.exec(`${flaw.message} ${flaw.hint}`);
      const line = said ? Number(said[1]) - 1 : lineOf(this._text.value, flaw.pointer);
      this._marked.set(line, flaw.message);
      const item = h("li", {}, button(`Line ${line + 1}`, () => this._goTo(line), { class: "small" }), ` ${flaw.pointer ? `${flaw.pointer.slice(1).replaceAll("/", ".")}: ` : ""}${flaw.message}. ${flaw.hint ?? ""}`);
      return { line, item };
    });
    show(this._errors, h("ul", {}, listed.sort((a, b) => a.line - b.line).map((one) => one.item)));
    this._text.setAttribute("aria-invalid", "true");
    this._number();
  }

  _goTo(line) {
    const start = this._text.value.split("\n").slice(0, line).join("\n").length + (line ? 1 : 0);
    const end = this._text.value.indexOf("\n", start);
    this._text.focus();
    this._text.setSelectionRange(start, end < 0 ? this._text.value.length : end);
  }

  _number() {
    const lines = this._text.value.split("\n");
    show(this._gutter, lines.map((_, i) => h("div", { class: this._marked.has(i) ? "wrong" : "", title: this._marked.get(i) ?? null }, this._marked.has(i) ? `✕ ${i + 1}` : String(i + 1))));
    this._scrolled();
  }

  _scrolled() {
    this._gutter.style.transform = `translateY(${-this._text.scrollTop}px)`;
  }

  _typed() {
    if (this._marked.size) {
      this._marked.clear();
      show(this._errors);
      this._text.removeAttribute("aria-invalid");
    }
    this._number();
    const place = cursorAt(this._text.value, this._text.selectionStart);
    if (place.word) this._offer(place);
    else this._hide();
  }

  _offer(place = cursorAt(this._text.value, this._text.selectionStart)) {
    if (!this._schema) return;
    this._place = place;
    this._options = completions(this._schema, place, place.value ? [] : this._siblings(place)).slice(0, 40);
    this._chosen = 0;
    if (!this._options.length) return void this._hide();
    this._list.hidden = false;
    const before = this._text.value.slice(0, this._text.selectionStart).split("\n");
    const style = getComputedStyle(this._text);
    this._list.style.top = `${Math.min(before.length * parseFloat(style.lineHeight) - this._text.scrollTop + 8, this._text.clientHeight - 20)}px`;
    this._drawOptions();
  }

  _siblings({ path }) {
    const parent = path.join("\n");
    return entries(this._text.value).filter((one) => one.path.slice(0, -1).join("\n") === parent).map((one) => String(one.path.at(-1)));
  }

  _drawOptions() {
    show(this._list, this._options.map((one, i) => h("li", { role: "option", id: `${this._list.id}-${i}`, "aria-selected": String(i === this._chosen),
      onmousedown: (event) => { event.preventDefault(); this._take(i); } }, h("b", {}, one.label), h("span", { class: "quiet" }, one.note))));
    this._text.setAttribute("aria-activedescendant", `${this._list.id}-${this._chosen}`);
    this._list.children[this._chosen]?.scrollIntoView({ block: "nearest" });
  }

  _hide() {
    this._list.hidden = true;
    this._text.removeAttribute("aria-activedescendant");
  }

  _take(i) {
    const at = this._text.selectionStart;
    this._text.setRangeText(this._options[i].insert, at - this._place.word.length, at, "end");
    this._hide();
    this._number();
  }

  _key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return void this._save();
    }
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return void this._offer();
    }
    if (this._list.hidden) return void this._indent(event);
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      this._chosen = (this._chosen + moves[event.key] + this._options.length) % this._options.length;
      this._drawOptions();
    } else if (event.key === "Enter" || event.key === "Tab") this._take(this._chosen);
    else if (event.key === "Escape") this._hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A new line begins where the one before does. */
  _indent(event) {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    const before = this._text.value.slice(0, this._text.selectionStart).split("\n").at(-1);
    const deeper = /:\s*$/.test(before) ? "  " : "";
    this._text.setRangeText(`\n${/^\s*/.exec(before)[0]}${deeper}`, this._text.selectionStart, this._text.selectionEnd, "end");
    this._typed();
  }
}
