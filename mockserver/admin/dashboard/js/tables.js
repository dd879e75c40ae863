/** Webhooks, effects and resources: what the service did, and what it holds. */

import { button, field, h, show } from "./dom.js";
import { empty, table, View, withAttributes } from "./view.js";
import { clockTime, dayAndTime, duration } from "./words.js";

const MOST_ROWS = 500;

const STATES = { waiting: "… waiting", sending: "→ sending", delivered: "● delivered", failed: "■ failed", dropped: "✕ dropped" };

export class WebhooksView extends View {
  constructor(app) {
    super(app, "Webhooks");
  }

  async refresh() {
    const { items } = await this._app.api.get("/webhooks");
    this.draw(items, () => items.length ? table("Webhooks", ["Webhook", "State", "Call", "To", "Due", "Attempts", "Body", "Change"], [...items].reverse().slice(0, MOST_ROWS).map((one) => this._row(one)), { class: "stacks" })
      : empty("No webhooks yet. A reply with `webhook:` sends one."));
  }

  _row(one) {
    const tries = one.tries.length ? h("ol", { class: "plain tries" }, one.tries.map((t) => h("li", {}, `${t.status ?? t.error ?? "no answer"} · ${duration(t.duration_ms)} · ${clockTime(Date.parse(t.at))}`))) : h("span", { class: "quiet" }, "none yet");
    const body = h("details", {}, h("summary", {}, `${one.body.length} B`), h("pre", { class: "body", tabindex: "0", "aria-label": `Body of ${one.id}` }, laidOut(one.body.text) ?? one.body.base64));
    return withAttributes([h("span", { class: "id" }, one.id), h("span", { class: `state ${one.state}` }, STATES[one.state] ?? one.state), h("a", { href: this._app.href("calls", one.call) }, one.call), h("code", {}, `${one.method} ${one.url}`),
      dayAndTime(one.due), [tries, one.error && one.error !== one.tries.at(-1)?.error && h("p", { class: "hint" }, one.error)], body,
      button("Redeliver", () => this._redeliver(one.id), { class: "small", "data-key": `redeliver ${one.id}`, "aria-label": `Redeliver ${one.id}` })], { "data-webhook": one.id, "data-state": one.state });
  }

  async _redeliver(id) {
    this._said.textContent = `Sending ${id}…`;
    try {
      const sent = await this._app.api.send("POST", `/webhooks/${id}/redeliver`);
      const last = sent.tries.at(-1);
      this._said.textContent = `${id} was sent again: ${last?.status ?? last?.error ?? sent.state}.`;
    } catch (problem) {
      this._said.textContent = problem.message;
    }
    await this.refresh();
  }
}

export class EffectsView extends View {
  constructor(app) {
    super(app, "Effects");
  }

  async refresh() {
    const { items } = await this._app.api.get("/effects");
    const kinds = new Map();
    for (const one of items) kinds.set(one.kind, (kinds.get(one.kind) ?? 0) + 1);
    this.draw(items, () => items.length ? [h("p", {}, [...kinds].map(([kind, n]) => h("span", { class: "chip" }, `◆ ${kind} × ${n}`))),
      table("Effects", ["Kind", "Fields", "Call", "At"], [...items].reverse().slice(0, MOST_ROWS).map((one) => this._row(one)))]
      : empty("No effects yet. An effect is what a call really did at the service, such as a charge, apart from the answer."));
  }

  _row({ kind, call, at, ...fields }) {
    return withAttributes([`◆ ${kind ?? "effect"}`, h("code", {}, Object.entries(fields).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join("  ")),
      call ? h("a", { href: this._app.href("calls", call) }, call) : "", at ? dayAndTime(at) : ""], { "data-kind": kind });
  }
}

export class ResourcesView extends View {
  constructor(app) {
    super(app, "Resources");
    this._path = h("select", { onchange: () => this.refresh() });
    this.element.prepend(h("div", { class: "toolbar" }, field("Resource", this._path), button("Delete all items", () => this._clear())));
  }

  async refresh() {
    const { api } = this._app;
    const scenarios = await api.get("/scenarios");
    const given = await Promise.all(scenarios.items.filter((one) => one.active).map((one) => api.get(`/scenarios/${encodeURIComponent(one.name)}`).catch(() => ({}))));
    const paths = given.flatMap((one) => (one.resources ?? []).map((each) => `${one.base ?? ""}${each.path}`));
    const chosen = paths.includes(this._path.value) ? this._path.value : paths[0];
    if (JSON.stringify(paths) !== this._known) {
      this._known = JSON.stringify(paths);
      show(this._path, paths.map((one) => h("option", { value: one, selected: one === chosen }, one)));
    }
    const state = await api.get("/state");
    const items = chosen ? (await api.get(`/resources${chosen}`).catch(() => ({ items: [] }))).items : [];
    this.draw([chosen, items, state], () => [
      !chosen ? empty("No active scenario has a resource.") : items.length ? this._items(chosen, items) : empty(`${chosen} is empty.`),
      h("h2", { class: "apart" }, "State"), Object.keys(state).length ? table("State", ["Key", "Value"], Object.entries(state).slice(0, MOST_ROWS).map(([key, value]) => [h("code", {}, key), h("code", {}, JSON.stringify(value))])) : empty("The state has no keys."),
    ]);
  }

  _items(path, items) {
    const columns = [...new Set(items.flatMap((one) => Object.keys(one)))];
    return table(path, columns, items.slice(0, MOST_ROWS).map((item) => columns.map((one) => (one in item ? (typeof item[one] === "string" ? item[one] : JSON.stringify(item[one])) : ""))));
  }

  async _clear() {
    if (!this._path.value) return;
    await this._app.api.send("DELETE", `/resources${this._path.value}`);
    this._said.textContent = `All items of ${this._path.value} were deleted.`;
    await this.refresh();
  }
}

function laidOut(text) {
  if (text === null) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
