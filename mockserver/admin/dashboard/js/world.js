/** The service as a whole: an outage, the clock, and the namespaces. */

import { button, field, h, show } from "./dom.js";
import { many } from "./words.js";

export class WorldPanel {
  constructor(app) {
    this._app = app;
    this._said = h("p", { role: "status", class: "said" });
    this._outage = h("div", { class: "tile" });
    this._clock = h("div", { class: "tile" });
    this._namespaces = h("div", { class: "tile" });
    this._server = h("div", { class: "tile" });
    this._status = h("input", { class: "narrow", value: "503", inputmode: "numeric", autocomplete: "off" });
    this._times = h("input", { class: "narrow", placeholder: "∞", inputmode: "numeric", autocomplete: "off" });
    this._for = h("input", { class: "narrow", placeholder: "30s", autocomplete: "off" });
    this._ahead = h("input", { class: "narrow", value: "1h", autocomplete: "off" });
    this._name = h("input", { placeholder: "checkout-42", autocomplete: "off", spellcheck: "false" });
    this.element = h("section", { "aria-label": "Outage, clock, namespaces, server" }, h("div", { class: "tiles" }, this._outage, this._clock, this._namespaces, this._server), this._said);
  }

  async refresh() {
    const { api } = this._app;
    const [outage, { items: troubles }, clock, namespaces, health, counts] = await Promise.all([
      api.get("/outage"), api.get("/troubles"), api.get("/clock"),
      this._app.loadNamespaces(), api.get("/health", { namespace: null }), api.get("/counts")]);
    this._app.outageIs(outage);
    this._drawServer(health, counts);
    const sign = JSON.stringify([outage, troubles, clock.frozen, Math.round(clock.offset_s), namespaces, api.namespace]);
    if (sign === this._sign) return this._tick(clock);
    this._sign = sign;
    this._drawOutage(outage, troubles);
    this._drawClock(clock);
    this._drawNamespaces(namespaces);
  }

  _drawOutage(outage, troubles) {
    show(this._outage, h("h2", {}, "Outage"), outage
      ? [h("p", {}, h("strong", {}, "▼ Down: "), `${summary(outage)}; ${outage.answered} calls affected.`), button("End the outage", () => this._deed(() => this._app.api.send("DELETE", "/outage"), "The service is up again."), { class: "primary" })]
      : [h("p", { class: "state delivered" }, "● The service is up."), h("div", { class: "row" }, field("Answer", this._status), field("Times", this._times), field("For", this._for),
        button("Start an outage", () => this._start(), { class: "danger" }))],
    troubles.length > 0 && h("p", {}, h("a", { href: this._app.href("troubles") }, many(troubles.length, "injected failure")), ` affected ${many(new Set(troubles.flatMap((one) => one.hits)).size, "call")}.`));
  }

  /** What a look at the metrics would say first. */
  _drawServer(health, counts) {
    const routes = Object.values(counts.routes);
    const open = routes.reduce((sum, one) => sum + one.in_flight, 0);
    const refused = Object.entries(health.refused).filter(([, n]) => n > 0);
    const facts = [
      ["Version", health.version], ["Uptime", upFor(health.uptime_s)],
      ["Calls here", [counts.total.toLocaleString("en"), open && `${open} open`, counts.unmatched && `${counts.unmatched.toLocaleString("en")} unmatched`, counts.incomplete && `${counts.incomplete} incomplete`].filter(Boolean).join(", ")],
      ["Scenarios", `${health.scenarios} with ${health.routes} routes`],
      health.tls_url && ["TLS", health.tls_url],
      refused.length > 0 && ["Limits reached", refused.map(([limit, n]) => `${limit} × ${n}`).join(", ")],
    ].filter(Boolean);
    const sign = JSON.stringify(facts);
    if (sign === this._facts) return;
    this._facts = sign;
    show(this._server, h("h2", {}, "Server"), h("dl", { class: "pairs" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
  }

  _start() {
    const text = this._status.value.trim();
    const reply = /^\d+$/.test(text) ? Number(text) : { fault: text };
    const outage = { reply };
    if (this._times.value.trim()) outage.times = Number(this._times.value);
    if (this._for.value.trim()) outage.for = this._for.value.trim();
    return this._deed(() => this._app.api.send("PUT", "/outage", { json: outage }), "The service is down.");
  }

  _drawClock(clock) {
    this._now = h("output", { class: "now" });
    const move = (json, said) => this._deed(() => this._app.api.send("POST", "/clock", { json }), said);
    show(this._clock, h("h2", {}, "Clock"), h("p", {}, this._now, h("span", { class: "quiet" }, clock.frozen ? " frozen" : clock.offset_s ? " moved" : " real time")),
      h("div", { class: "row" }, field("Ahead by", this._ahead), button("Advance", () => move({ advance: this._ahead.value.trim() }, `The clock was moved by ${this._ahead.value.trim()}; due webhooks were sent.`), { class: "primary" }),
        clock.frozen ? button("Resume", () => move({ resume: true }, "The clock is running.")) : button("Freeze", () => move({ freeze: true }, "The clock is stopped.")),
        button("Real time", () => move({ reset: true }, "The clock shows real time."))));
    this._tick(clock);
  }

  _tick(clock) {
    if (this._now) this._now.textContent = `${clock.now.slice(0, 19).replace("T", " ")} UTC`;
  }

  _drawNamespaces(namespaces) {
    const { api } = this._app;
    show(this._namespaces, h("h2", {}, "Namespaces"),
      h("ul", { class: "namespaces" }, namespaces.map((one) => h("li", {},
        h("button", { type: "button", class: "small", "aria-pressed": String(one.name === api.namespace), onclick: () => this._app.switchTo(one.name) }, one.name),
        one.failed_test ? h("a", { class: "failed-test", href: this._app.href("failure", null, one.name), title: one.failed_test }, `✕ ${one.failed_test}`) : h("code", { class: "quiet" }, one.url),
        one.name !== "default" && button("Delete", () => this._deed(async () => {
          await api.send("DELETE", `/namespaces/${encodeURIComponent(one.name)}`, { namespace: null });
          if (one.name === api.namespace) this._app.switchTo("default");
        }, `${one.name} was deleted.`), { class: "small quiet-button", "aria-label": `Delete ${one.name}` })))),
      h("div", { class: "row" }, field("New", this._name), button("Create", () => this._create())));
  }

  async _create() {
    const name = this._name.value.trim();
    await this._deed(async () => {
      const made = await this._app.api.send("POST", "/namespaces", { json: name ? { name } : {}, namespace: null });
      this._name.value = "";
      this._app.switchTo(made.name);
    }, "An isolated namespace.");
  }

  async _deed(deed, said) {
    try {
      await deed();
      this._said.textContent = said;
      await this._app.changedWorld();
    } catch (problem) {
      this._said.textContent = problem.explained ?? problem.message;
    }
  }
}

/** `503`, `fault reset`, `status 503, headers {…}`. */
export function plainly(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return typeof value === "string" ? value : JSON.stringify(value);
  return Object.entries(value).map(([key, item]) => `${key} ${typeof item === "string" ? item : JSON.stringify(item)}`).join(", ");
}

function upFor(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  const [unit, size] = units.find(([, one]) => seconds >= one) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

function summary({ reply, times, for: duration, routes, probability, ramp }) {
  const share = probability ? `${+(probability * 100).toFixed(2)} % of the calls get` : "every call gets";
  return [`${share} ${plainly(reply)}`, ramp && `after a ramp of ${ramp}`, routes && `on ${routes.join(", ")}`, times && `${times} times`, duration && `for ${duration}`].filter(Boolean).join(", ");
}
