/** What answers: each scenario with its routes, their counts, their sequences as dots, and their state machines. */

import { button, field, h, show } from "./dom.js";
import { RouteEditor } from "./editor.js";
import { save } from "./export.js";
import { machinePicture, machinesOf } from "./machines.js";
import { WorldPanel } from "./world.js";
import { many } from "./words.js";
import { toYaml } from "./yaml.js";

const KNOWN = ["id", "scenario", "calls", "step", "steps", "exhausted"];
const MOST_DOTS = 24;

export class ScenariosView {
  constructor(app) {
    this._app = app;
    this.title = "Scenarios";
    this._world = new WorldPanel(app);
    this._said = h("p", { role: "status", class: "said" });
    this._list = h("div", { class: "cards" });
    this._machines = new Map();
    this._search = h("input", { type: "search", placeholder: "POST /charges 503 …", autocomplete: "off", spellcheck: "false", oninput: () => this._filter() });
    this._found = h("span", { class: "quiet", role: "status" });
    this.element = h("div", { class: "view" }, this._world.element,
      h("div", { class: "toolbar" }, button("Add a route…", () => this._add(), { class: "primary" }), button("Reload files", () => this._deed(() => app.api.send("POST", "/reload", { namespace: null }), "The files were reloaded.")),
        button("Reset…", () => this._reset()), field("Search routes", this._search, { class: "field grow" }), this._found, this._said), this._list);
  }

  open(id) {
    this._wanted = id;
    return this._list.firstChild && this._mark();
  }

  shown() {
    this._given = null;
    return this.refresh();
  }

  changed() {
    return this.refresh();
  }

  async refresh() {
    const { api } = this._app;
    const [scenarios, counts] = await Promise.all([api.get("/scenarios"), api.get("/counts"), this._app.loadRoutes(), this._world.refresh()]);
    await Promise.all(scenarios.items.map((one) => this._machinesOf(one)));
    const names = [...new Set([...scenarios.items.map((one) => one.name), ...this._app.routes.map((one) => one.scenario)])];
    const sign = JSON.stringify([scenarios.items, counts, this._app.routes, [...this._machines].map(([name, one]) => [name, one.map((each) => [...each.there])])]);
    if (sign === this._sign) return;
    this._sign = sign;
    const focused = document.activeElement?.dataset?.key;
    const byName = new Map(scenarios.items.map((one) => [one.name, one]));
    show(this._list, names.sort((a, b) => (b === "runtime") - (a === "runtime")).map((name) => this._card(name, byName.get(name), counts)));
    if (!names.length) show(this._list, h("div", { class: "empty" }, h("p", {}, "No scenario is loaded. Add a route, or start the server with a folder of scenarios.")));
    if (focused) this._list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this._filter();
    this._mark();
  }

  _mark() {
    this._list.querySelectorAll("[aria-current]").forEach((one) => one.removeAttribute("aria-current"));
    if (!this._wanted) return;
    const row = this._list.querySelector(`[data-route="${CSS.escape(this._wanted)}"]`);
    row?.setAttribute("aria-current", "true");
    if (row) row.scrollIntoView({ block: "center" });
    this._wanted = null;
  }

  /** Leaves the routes in which every word of the search stands, and the scenarios of these. */
  _filter() {
    const words = this._search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const card of this._list.querySelectorAll("[data-scenario]")) {
      const rows = [...card.querySelectorAll("tr[data-route]")];
      for (const row of rows) {
        const text = `${row.dataset.route} ${row.textContent} ${row.dataset.tags}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const there = rows.filter((row) => !row.hidden).length;
      found += there;
      card.hidden = words.length > 0 && !there;
    }
    this._found.textContent = words.length ? `${found} of ${many(this._app.routes.length, "route")}` : "";
  }

  async _machinesOf({ name }) {
    try {
      const given = this._given?.get(name) ?? (await this._app.api.get(`/scenarios/${encodeURIComponent(name)}`));
      (this._given ??= new Map()).set(name, given);
      const machines = machinesOf(given);
      for (const one of machines) one.there = await this._standing(one);
      this._machines.set(name, machines);
    } catch {
      this._machines.set(name, []);
    }
  }

  /** How many items or keys stand in each state. */
  async _standing(machine) {
    const there = new Map();
    const count = (state) => there.set(String(state), (there.get(String(state)) ?? 0) + 1);
    try {
      if (machine.resource) (await this._app.api.get(`/resources${machine.resource}`)).items.forEach((one) => count(one[machine.field]));
      else {
        const state = await this._app.api.get("/state");
        const pattern = new RegExp(`^${machine.key.split(/\{\{.*?\}\}/).map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+")}$`);
        const found = Object.entries(state).filter(([key]) => pattern.test(key));
        found.forEach(([, value]) => count(value));
        if (!found.length && !machine.key.includes("{{")) count("absent");
      }
    } catch {
      // An inactive scenario's resource is none; the graph is drawn without counts.
    }
    return there;
  }

  _card(name, scenario, counts) {
    const routes = this._app.routes.filter((one) => one.scenario === name);
    const machines = this._machines.get(name) ?? [];
    return h("article", { class: `card${scenario && !scenario.active ? " off" : ""}`, "data-scenario": name },
      h("header", { class: "card-head" }, h("h2", {}, name),
        h("span", { class: "quiet" }, scenario ? [scenario.file ?? "added at runtime", scenario.host && ` · ${scenario.host}`, scenario.description && ` · ${scenario.description}`] : "runtime routes"),
        scenario && h("button", { type: "button", role: "switch", class: "switch", "data-key": `switch ${name}`, "aria-checked": String(scenario.active), "aria-label": `${name} answers`,
          onclick: () => this._deed(() => this._app.api.send("PATCH", `/scenarios/${encodeURIComponent(name)}`, { json: { active: !scenario.active } }), `${name} is ${scenario.active ? "off" : "on"}.`) }, scenario.active ? "On" : "Off"),
        scenario && button("Only this", () => this._deed(() => this._app.api.send("POST", "/scenarios/use", { json: { names: [name] } }), `Only ${name} is active.`), { class: "small", "data-key": `only ${name}` }),
        name === "runtime" && button("Save as file", () => this._save(), { class: "small", "data-key": "save runtime", title: "These routes as a scenario file" })),
      routes.length > 0 && h("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": `Routes of ${name}` }, h("table", { class: "routes" },
        h("thead", {}, h("tr", {}, ["Route", "Calls", "Sequence", "Change"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, routes.map((one) => this._route(one, counts.routes[one.id], scenario?.base ?? ""))))),
      machines.length > 0 && h("div", { class: "machines" }, machines.map((one) => h("figure", {}, h("figcaption", {}, one.name), h("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": one.name }, machinePicture(one, one.there))))));
  }

  _route(route, count, base) {
    const statuses = count ? Object.entries(count.statuses).map(([status, n]) => `${status} × ${n}`).join(", ") : "";
    const inFlight = count?.in_flight ? `, ${count.in_flight} open` : "";
    const short = route.name && route.name !== route.request ? route.name : "";
    return h("tr", { "data-route": route.id, "data-tags": (route.tags ?? []).join(" ") },
      h("th", { scope: "row" }, h("span", { class: "request" }, requestLine(route.request, base)), short && h("span", { class: "quiet" }, ` ${short}`)),
      h("td", {}, h("b", {}, String(route.calls)), h("span", { class: "quiet" }, statuses && ` ${statuses}${inFlight}`)),
      h("td", {}, dots(route)),
      h("td", {}, route.reply !== undefined && h("div", { class: "row" }, button("Edit", () => this._edit(route), { class: "small", "data-key": `edit ${route.id}`, "aria-label": `Edit ${route.id}` }),
        button("Remove", () => this._deed(() => this._app.api.send("DELETE", `/routes/${encodeURIComponent(route.id)}`), `${route.id} was removed.`), { class: "small", "data-key": `remove ${route.id}`, "aria-label": `Remove ${route.id}` }))));
  }

  _add() {
    new RouteEditor(this._app, { title: "Add a route", text: "request: GET /hello\nreply:\n  json: {hello: world}\n" }).open();
  }

  _edit(route) {
    const written = Object.fromEntries(Object.entries(route).filter(([key]) => !KNOWN.includes(key)));
    if (written.name === written.request || /^[A-Z,]+ \//.test(written.name)) delete written.name;
    const { name, request, match, ...rest } = written;
    const ordered = { ...(name ? { name } : {}), request, ...(match ? { match } : {}), ...rest };
    new RouteEditor(this._app, { title: `Edit ${route.id}`, id: route.id, text: toYaml(ordered) }).open();
  }

  async _reset() {
    await this._deed(() => this._app.api.send("POST", "/reset"), "Calls, memory, sequence state, runtime routes and clock were reset.");
    this._app.reloadCalls();
  }

  /** The runtime routes, for the folder of scenarios. */
  async _save() {
    const { api } = this._app;
    const name = `routes-${api.namespace}.yaml`;
    await this._deed(async () => save(await (await api.open("/routes.yaml")).blob(), name), `Saved ${name}.`);
  }

  async _deed(deed, said) {
    try {
      await deed();
      this._said.textContent = said;
      this._given = null;
      await this.refresh();
    } catch (problem) {
      this._said.textContent = problem.explained ?? problem.message;
    }
  }
}

/** The request with the path that is really asked for: what its scenario puts before it is quieter. */
function requestLine(request, base) {
  const at = request.indexOf("/");
  return base && at >= 0 ? [request.slice(0, at), h("span", { class: "quiet" }, base), request.slice(at)] : request;
}

/** A sequence: a dot a step, its status in it, the one that answers next marked. */
export function dots(route) {
  if (route.reply === undefined) return h("span", { class: "quiet" }, route.request ? "resource" : "");
  const steps = Array.isArray(route.reply) && route.reply.length === route.steps ? route.reply : null;
  const shown = Math.min(route.steps, MOST_DOTS);
  const apart = route.per !== undefined; // who is next depends on who asks
  const text = apart ? `${route.steps} steps, one sequence per ${route.per}` : route.exhausted ? `used up after ${route.steps} steps` : `step ${route.step} of ${route.steps} is next`;
  const list = h("ol", { class: "dots", "aria-label": text, title: text },
    Array.from({ length: shown }, (_, i) => {
      const next = !apart && route.steps > 1 && !route.exhausted && i + 1 === route.step;
      const label = stepLabel(steps ? steps[i] : route.reply, route.request.startsWith("GRPC ") ? "OK" : "200");
      return h("li", { class: next ? "next" : !apart && (i + 1 < route.step || route.exhausted) ? "past" : "", "aria-current": next ? "step" : null }, next ? `▸${label}` : label);
    }),
    route.steps > shown && h("li", {}, `… ${route.steps}`), !apart && route.exhausted && h("li", { class: "past" }, "used up"));
  return apart ? [list, h("p", { class: "hint" }, `one sequence per ${route.per}`)] : list;
}

function stepLabel(step, usual) {
  if (typeof step === "number" || typeof step === "string") return String(step);
  if (step === null || typeof step !== "object") return usual;
  const label = step.fault ? `✕ ${typeof step.fault === "string" ? step.fault : step.fault.kind}` : step.cases ? "cases" : step.choose ? "choose" : String(step.status ?? (step.websocket ? 101 : usual));
  const short = label.includes("{{") ? "{{…}}" : label;
  return step.times > 1 ? `${short}×${step.times}` : short;
}
