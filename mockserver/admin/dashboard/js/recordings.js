/** Recordings of real services: what was recorded, and what becomes of it. */

import { button, field, h } from "./dom.js";
import { save } from "./export.js";
import { empty, table, View, withAttributes } from "./view.js";
import { dayAndTime, many } from "./words.js";

const COLUMNS = ["Recording", "Service", "State", "Calls", "Started", ""];

export class RecordingsView extends View {
  constructor(app) {
    super(app, "Recordings");
    this._to = h("input", { type: "url", placeholder: "https://HOST", autocomplete: "off", spellcheck: "false" });
    this._name = h("input", { class: "short", placeholder: "recorded", autocomplete: "off", spellcheck: "false" });
    this.element.prepend(h("form", { class: "toolbar", novalidate: true, onsubmit: (event) => { event.preventDefault(); void this._start(); } },
      field("Real service", this._to, { class: "field grow" }), field("Name", this._name), h("button", { type: "submit", class: "primary" }, "Start recording")));
  }

  async refresh() {
    const { items } = await this._app.api.get("/recordings");
    this.draw(items, () => items.length ? table("Recordings", COLUMNS, items.map((one) => this._row(one)), { class: "stacks" })
      : empty("No recordings. While one runs, unmatched requests go to the real service, and its answers become a scenario."));
  }

  _row(one) {
    const act = (label, deed) => button(label, deed, { class: "small", "data-key": `${label} ${one.id}`, "aria-label": `${label} ${one.id}` });
    const left = Object.entries(one.left_out).map(([why, n]) => `${n} left out: ${why}`);
    return withAttributes([
      [h("code", {}, one.id), ` ${one.name}`],
      one.to ? h("code", {}, one.to) : h("span", { class: "quiet" }, "services of `proxy` and --forward-to"),
      h("span", { class: `state ${one.running ? "failed" : "delivered"}` }, one.running ? "◉ recording" : "✓ stopped"),
      [many(one.calls, "call"), left.length > 0 && h("p", { class: "hint" }, left.join(", "))],
      dayAndTime(one.started),
      h("div", { class: "row" }, one.running && act("Stop", () => this.deed(() => this._app.api.send("POST", `/recordings/${one.id}/stop`), `${one.id} was stopped.`)),
        act("Use", () => this._use(one)), act("Save", () => this._save(one)),
        act("Delete", () => this.deed(() => this._app.api.send("DELETE", `/recordings/${one.id}`), `${one.id} was deleted.`))),
    ], { "data-recording": one.id });
  }

  _start() {
    const [to, name] = [this._to.value.trim(), this._name.value.trim()];
    return this.deed(() => this._app.api.send("POST", "/recordings", { json: { ...(to ? { to } : {}), ...(name ? { name } : {}) } }),
      to ? `Unmatched requests go to ${to}.` : "Forwarded requests are recorded.");
  }

  /** The scenario of a recording answers in this namespace. */
  _use({ id, name }) {
    return this.deed(async () => {
      const { yaml, files } = await this._app.api.get(`/recordings/${id}`);
      await this._app.api.send("PUT", `/scenarios/${encodeURIComponent(name)}`, { json: { yaml, files } });
      await this._app.loadRoutes();
    }, `The scenario ${name} answers in this namespace.`);
  }

  _save({ id, name }) {
    return this.deed(async () => {
      const { yaml, files } = await this._app.api.get(`/recordings/${id}`);
      save(new Blob([yaml], { type: "application/yaml" }), `${name}.yaml`);
      for (const [path, data] of Object.entries(files)) save(new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))]), path.split("/").at(-1));
      this._files = Object.keys(files);
    }, () => `Saved ${name}.yaml${this._files.length ? `, and the files that it names: ${this._files.join(", ")}` : ""}.`);
  }
}
