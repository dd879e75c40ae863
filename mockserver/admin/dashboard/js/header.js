/** The bar at the top: where one is, whether the page hears the server, and what is out of the ordinary. */

import { ALL } from "./api.js";
import { button, h, show } from "./dom.js";

const STATES = {
  live: { sign: "●", text: "Live" },
  connecting: { sign: "○", text: "Connecting…" },
  "reconnecting": { sign: "○", text: "Reconnecting…" },
  lost: { sign: "✕", text: "Connection lost" },
  off: { sign: "○", text: "Off" },
};

export class Header {
  /** `views`: `[{name, title, isSpecial}]`; a special one is offered on occasion, before all others. */
  constructor(app, views) {
    this._app = app;
    this._links = new Map();
    this._state = h("span", { class: "connection", role: "status" });
    this._retry = button("Reconnect now", () => app.retry(), { class: "small", hidden: true });
    this._outage = h("a", { class: "alarm", hidden: true });
    this._namespace = h("select", { id: "namespace", onchange: () => app.switchTo(this._namespace.value) });
    this._theme = button("◐", () => app.nextTheme(), { class: "quiet-button" });
    const ordered = [...views.filter((one) => one.isSpecial), ...views.filter((one) => !one.isSpecial)];
    const special = views.filter((one) => one.isSpecial).length;
    const nav = h("nav", { "aria-label": "Views" }, ordered.map(({ name, title, isSpecial }, i) => {
      const badge = h("span", { class: "badge", hidden: true });
      const key = i - special + 1;
      const link = h("a", { "aria-keyshortcuts": isSpecial || key > 10 ? null : String(key % 10), hidden: isSpecial, class: isSpecial ? "special" : null }, title, badge);
      this._links.set(name, { link, badge });
      return link;
    }));
    this.element = h("header", { class: "top" },
      h("div", { class: "brand" }, h("img", { src: "icon.svg", alt: "", width: "22", height: "22" }), h("h1", {}, "mockserver")),
      h("div", { class: "top-right" }, this._outage, this._state, this._retry,
        h("label", { for: "namespace", class: "sr" }, "Namespace"), this._namespace, this._theme,
        button("?", () => app.showKeys(), { class: "quiet-button", "aria-label": "Keys", title: "Keys (?)" })),
      nav);
  }

  place(view) {
    for (const [name, { link }] of this._links) {
      link.href = this._app.href(name);
      if (name === view) {
        link.setAttribute("aria-current", "page");
        link.scrollIntoView({ block: "nearest", inline: "center" }); // on a phone they don't all fit
      }
      else link.removeAttribute("aria-current");
    }
    this._outage.href = this._app.href("scenarios");
  }

  /** The names of the views whose links are there, from left to right. */
  offered() {
    return [...this._links].filter(([, { link }]) => !link.hidden).map(([name]) => name);
  }

  /** Whether the link to a view is there. */
  offer(view, there) {
    const { link } = this._links.get(view);
    if (link.hidden === !there) return;
    link.hidden = !there;
    if (link.hasAttribute("aria-current")) link.scrollIntoView({ block: "nearest", inline: "center" });
  }

  badge(view, number) {
    const { badge, link } = this._links.get(view);
    badge.hidden = number === 0;
    badge.textContent = ` ${number > 999 ? "999+" : number}`;
    link.classList.toggle("has-badge", number > 0);
  }

  connection(state, detail) {
    const { sign, text } = STATES[state] ?? STATES.off;
    this._state.dataset.state = state;
    const said = `${sign} ${text}${detail && state === "lost" ? `: ${detail}` : ""}`;
    if (this._state.textContent !== said) this._state.textContent = said;
    this._retry.hidden = state !== "lost";
  }

  outage(outage) {
    this._outage.hidden = !outage;
    if (outage) show(this._outage, "▼ Outage");
  }

  namespaces(items, current) {
    const failed = new Set(items.filter((one) => one.failed_test).map((one) => one.name));
    const names = [...new Set([...items.map((one) => one.name), ...(current === ALL ? [] : [current])])];
    show(this._namespace, h("option", { value: ALL }, "all namespaces"), names.map((one) => h("option", { value: one }, failed.has(one) ? `✕ ${one}` : one)));
    this._namespace.value = current;
  }

  theme(choice) {
    const says = { system: "system", light: "light", dark: "dark" }[choice];
    this._theme.setAttribute("aria-label", `Colours: ${says}`);
    this._theme.title = `Colours: ${says} (t)`;
    this._theme.textContent = { system: "◐", light: "○", dark: "●" }[choice];
  }

  chooseNamespace() {
    this._namespace.focus();
    this._namespace.showPicker?.();
  }
}
