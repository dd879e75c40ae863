/** One call beside the list: what was asked and answered, when, and what the service made of it. */

import { bodyView } from "./body.js";
import { asCurl, asGrpcurl, asPython, asYaml } from "./copying.js";
import { button, h, show } from "./dom.js";
import { explanation } from "./unmatched.js";
import { partsOf } from "./rows.js";
import { timingsView } from "./timings.js";
import { duration, kindOf, outcomeText } from "./words.js";

export class CallPane {
  constructor(app) {
    this._whole = this._app = app;
    this._reveal = false;
    this.element = h("section", { class: "pane", "aria-label": "Call", hidden: true, tabindex: "-1" });
    this.id = null;
  }

  async open(id) {
    this.id = id;
    const { namespace, call: number } = partsOf(id);
    this._app = namespace ? this._whole.of(namespace) : this._whole;
    this._abort?.abort();
    const { signal } = (this._abort = new AbortController());
    this.element.hidden = false;
    if (!this.element.firstChild) show(this.element, h("p", { class: "quiet pad" }, "Loading…"));
    try {
      const call = await this._app.api.get(`/calls/${encodeURIComponent(number)}${this._reveal ? "?reveal=true" : ""}`, { signal });
      if (this.id === id) this._draw(call);
    } catch (problem) {
      if (this.id === id && problem.name !== "AbortError") show(this.element, this._head(id, null), h("p", { class: "notice pad" }, problem.status === 404
        ? "The server no longer has this call: the call log was reset, or dropped it for newer calls." : problem.message));
    }
  }

  close() {
    this.id = null;
    this.element.hidden = true;
    show(this.element);
  }

  _head(id, call) {
    return h("header", { class: "pane-head" },
      h("h2", {}, id, call && h("span", { class: "quiet" }, ` ${call.request.method} ${call.request.path}`)),
      button("✕", () => this._app.closeCall(), { class: "quiet-button", "aria-label": "Close call", title: "Close (Esc)" }));
  }

  _draw(call) {
    const status = call.times.first_byte_ms === null ? null : (call.reply?.status ?? null);
    const kind = kindOf(status && (call.grpc?.status ?? status), call.outcome);
    show(this.element, this._head(call.id, call),
      h("div", { class: "pad" },
        h("p", { class: "summary" },
          h("span", { class: `status ${kind.name}` }, `${kind.sign} ${call.grpc?.status ?? status ?? "no answer"}`),
          ` ${outcomeText(call.outcome)}`, call.fault && ` (fault: ${call.fault})`, call.replayed && ", the saved answer of its idempotency key"),
        this._actions(call),
        this._facts(call),
        call.error && section(call.error.template ? "Template error" : "Error", h("p", { class: "notice" }, call.error.detail ?? call.error.title), call.error.template && h("pre", { class: "body", tabindex: "0", "aria-label": "Template" }, call.error.template)),
        !call.matched && !call.automatic && this._nearest(call),
        section("Timings", timingsView(call)),
        call.grpc && section("gRPC", grpcView(call.grpc)),
        section("Request", headers(call.request.headers, "Request"), bodyView(call.request.body, call.request.headers, "Request")),
        section("Reply", call.reply === null ? h("p", { class: "quiet" }, "No answer.") : [headers(call.reply.headers, "Reply"), call.reply.trailers.length > 0 && headers(call.reply.trailers, "Reply trailers"), bodyView(call.reply.body, call.reply.headers, "Reply")]),
        call.websocket && section("WebSocket", connection(call.websocket)),
        Object.keys(call.let).length > 0 && section("Template values", h("dl", { class: "pairs" }, Object.entries(call.let).map(([name, value]) => fact(`let.${name}`, typeof value === "string" ? value : JSON.stringify(value))))),
        call.effects.length > 0 && section("Effects", h("pre", { class: "body", tabindex: "0", "aria-label": "Effects" }, call.effects.map((one) => JSON.stringify(one, null, 2)).join("\n"))),
        call.webhooks.length > 0 && section("Webhooks", this._webhooks(call))));
  }

  _actions(call) {
    const said = h("span", { role: "status", class: "quiet" });
    const copy = (name, make) => button(`Copy as ${name}`, async () => {
      const text = make();
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = `Copied as ${name}.`;
        show(shown);
      } catch {
        said.textContent = "The page can't access the clipboard. Copy the text here:";
        show(shown, h("textarea", { class: "code", rows: "8", readonly: true, "aria-label": `As ${name}`, value: text }));
        shown.firstChild.select();
      }
    }, { class: "small" });
    const shown = h("div", {});
    const secrets = h("button", { type: "button", class: "small", "aria-pressed": String(this._reveal), onclick: () => {
      this._reveal = !this._reveal;
      void this.open(this.id);
    } }, "Show secrets");
    return h("div", {}, h("div", { class: "row actions" },
      call.grpc ? copy("grpcurl", () => asGrpcurl(call, this._app.mockBase())) : copy("curl", () => asCurl(call, this._app.mockBase())),
      copy("YAML", () => asYaml(call)), !call.grpc && call.request.method !== "WS" && copy("Python", () => asPython(call)), secrets, said), shown);
  }

  _facts(call) {
    const route = call.route && this._app.routeOf(call.route);
    const step = call.step === null ? null : route ? `${call.step} of ${route.steps}` : call.step;
    return h("dl", { class: "pairs" },
      this._app !== this._whole && fact("Namespace", h("a", { href: this._app.href("calls", call.id) }, this._app.api.namespace)),
      fact(call.routes.length > 1 ? "Routes" : "Route", call.route ? call.routes.map((one, i) => [i ? ", " : "", h("a", { href: this._app.href("scenarios", one) }, one)]) : call.automatic ? "automatic" : "none: unmatched"),
      fact("Step", step),
      fact("Arrived", call.times.arrived),
      fact("Duration", duration(call.times.left_ms ?? call.times.last_byte_ms)),
      fact("Client", call.request.client),
      fact("Protocol", call.request.protocol),
      call.request.query.length > 0 && fact("Query", call.request.query.map(([name, value]) => `${name} = ${value}`).join("\n")));
  }

  _nearest(call) {
    const place = h("div", {}, h("p", { class: "quiet" }, "Searching the nearest route…"));
    void this._app.unmatchedOf(call.id).then((found) => show(place, found ? explanation(this._app, found) : h("p", { class: "quiet" }, "No further details.")));
    return section("Nearest route", place);
  }

  _webhooks(call) {
    return h("ul", {}, call.webhooks.map((one) => h("li", {}, h("a", { href: this._app.href("webhooks") }, typeof one === "string" ? one : (one.id ?? JSON.stringify(one))))));
  }
}

function section(title, ...children) {
  return h("section", { class: "block" }, h("h3", {}, title), children);
}

function fact(name, value) {
  return value === null || value === undefined ? null : [h("dt", {}, name), h("dd", {}, value)];
}

/** The frames of a WebSocket connection, and how it ended. */
function connection(websocket) {
  const { closed, frames, received, sent, dropped } = websocket;
  const ended = closed ? `closed by the ${closed.by} with ${closed.code}${closed.reason && ` (${closed.reason})`}` : "open";
  return [
    h("p", { class: "quiet" }, `${received} received, ${sent} sent, ${ended}${dropped ? `; ${dropped} more frames were counted only` : ""}`),
    frames.length > 0 && h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "WebSocket frames" },
      h("table", { class: "headers" }, h("tbody", {}, frames.map((frame) => h("tr", {},
        h("th", { scope: "row" }, `${frame.direction === "received" ? "↑" : "↓"} ${frame.direction} ${frame.type}`),
        h("td", {}, duration(frame.at_ms)),
        h("td", {}, `${frame.body.text ?? frame.body.base64 ?? ""}${frame.body.truncated ? "…" : ""}`)))))),
  ];
}

/** The messages of both sides, the deadline, and how the call ended. */
function grpcView(grpc) {
  const messages = (name, list) => list.length > 0 && [
    h("h4", {}, name), h("pre", { class: "body", tabindex: "0", "aria-label": `gRPC ${name.toLowerCase()}` }, list.map((one) => JSON.stringify(one, null, 2)).join("\n"))];
  return [
    h("dl", { class: "pairs" }, fact("method", `${grpc.service}/${grpc.method}`), grpc.timeout_ms !== null && fact("deadline", `after ${duration(grpc.timeout_ms)}`),
      grpc.text && fact("text", grpc.text), grpc.unreadable && fact("unreadable", grpc.unreadable)),
    messages("Messages", grpc.messages), messages("Replies", grpc.replies), messages("Details", grpc.details),
  ];
}

function headers(pairs, name) {
  if (!pairs.length) return h("p", { class: "quiet" }, "No headers.");
  return h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": `${name} headers` },
    h("table", { class: "headers" }, h("tbody", {}, pairs.map(([key, value]) => h("tr", {}, h("th", { scope: "row" }, key), h("td", {}, value))))));
}
