/** Calls that no route took: each beside its nearest route, what differs marked in both, and a route that would take it. */

import { RouteEditor } from "./editor.js";
import { button, good, h, show } from "./dom.js";
import { clockTime } from "./words.js";

const SHOWN = 100;
const KEPT = 1000;

export class UnmatchedView {
  constructor(app) {
    this._app = app;
    this.title = "Unmatched";
    this._list = h("div", { class: "cards" });
    this._items = [];
    this._known = 0;
    this.element = h("div", { class: "view" }, this._list);
  }

  shown() {
    return this.refresh();
  }

  changed() {
    return this.refresh();
  }

  /** Asks only for what came since: what was said of a miss does not change. */
  async _load() {
    const { api } = this._app;
    const { unmatched, total } = await api.get("/counts");
    this._total = total;
    if (unmatched < this._known || api.namespace !== this._namespace) this._items = [];
    [this._known, this._namespace] = [unmatched, api.namespace];
    const last = this._items.at(-1)?.id;
    for await (const page of api.pages(last ? `/unmatched?cursor=${last}` : "/unmatched")) this._items.push(...page);
    this._items = this._items.slice(-KEPT);
    this._app.badge("unmatched", unmatched);
  }

  async refresh() {
    await (this._loading ??= this._load().finally(() => (this._loading = null)));
    const items = [...this._items];
    if (!items.length) {
      this._drawn = null;
      show(this._list, this._total ? good(`All ${this._total === 1 ? "of 1 call" : `${this._total.toLocaleString("en")} calls`} matched a route.`) : h("div", { class: "empty" }, h("p", {}, "No calls yet.")));
      return;
    }
    const grouped = new Map();
    for (const one of items.reverse()) {
      const like = `${one.request.method} ${one.request.target} ${JSON.stringify(one.nearest)}`;
      const group = grouped.get(like) ?? { latest: one, calls: 0 };
      group.calls += 1;
      grouped.set(like, group);
    }
    const groups = [...grouped.values()];
    const ids = groups.map((one) => `${one.latest.id}×${one.calls}`).join();
    if (ids === this._drawn && this._list.firstChild) return;
    this._drawn = ids;
    show(this._list, groups.slice(0, SHOWN).map(({ latest, calls }) => this._card(latest, calls)),
      groups.length > SHOWN && h("p", { class: "quiet" }, `${groups.length - SHOWN} more are in GET /__admin/unmatched.`));
  }

  _card(call, calls) {
    return h("article", { class: "card", "data-call": call.id },
      h("header", { class: "card-head" },
        h("h2", {}, h("a", { href: this._app.href("calls", call.id) }, call.id), ` ${call.request.method} `, h("code", {}, call.request.target)),
        h("span", { class: "quiet" }, `${clockTime(Date.parse(call.times.arrived))}${calls > 1 ? `, ${calls} times` : ""}`)),
      explanation(this._app, call));
  }
}

/** Request and nearest route beside each other, and the button that adds the suggestion. */
export function explanation(app, call) {
  const said = h("p", { role: "status", class: "said" });
  const add = button("Add this route", async () => {
    try {
      const route = await app.addSuggested(call);
      add.disabled = true;
      show(said, "Added ", h("a", { href: app.href("scenarios", route.id) }, route.id), ". Send the request again, and it will be matched.");
    } catch (problem) {
      show(said, [problem.message, ...problem.errors.map((one) => `${one.pointer}: ${one.message}. ${one.hint}`)].join(" "));
    }
  }, { class: "primary" });
  const edit = button("Edit first…", () => new RouteEditor(app, { text: asMapping(call.suggestion), title: "Add a route" }).open());
  return h("div", { class: "miss" },
    call.nearest.length ? call.nearest.slice(0, 3).map((near, i) => compared(app, call, near, i)) : h("p", { class: "quiet" }, "There is no similar route."),
    h("div", { class: "suggestion" }, h("h3", {}, "A matching route"), h("pre", { class: "body", tabindex: "0", "aria-label": "Suggested route" }, call.suggestion), h("div", { class: "row" }, add, edit), said));
}

function compared(app, call, near, i) {
  const rows = near.differences.map((one) => h("tr", {},
    h("th", { scope: "row" }, one.where + (one.pointer ? ` ${one.pointer}` : "")),
    h("td", { "data-label": "came" }, "actual" in one ? h("del", {}, marked(one.actual, one.expected)) : h("em", {}, "missing")),
    h("td", { "data-label": "asked" }, h("ins", {}, "actual" in one ? marked(one.expected, one.actual) : written(one.expected)), one.hint && h("p", { class: "hint" }, one.hint))));
  return h("section", { class: "compared" },
    h("h3", {}, i === 0 ? "Nearest: " : "Next: ", h("a", { href: app.href("scenarios", near.route) }, near.route), h("span", { class: "quiet" }, ` ${near.request}`)),
    near.differences.length === 0 ? h("p", {}, "It matches, but its sequence is used up, or its conditions on the state are false.")
      : h("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": `Differences to ${near.route}` }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Where"), h("th", { scope: "col" }, "The request has"), h("th", { scope: "col" }, "The route requires"))),
        h("tbody", {}, rows))));
}

/** A value with what of it is not in the other marked; unmarked where they have little in common. */
function marked(value, other) {
  const [a, b] = [written(value), written(other)];
  const most = Math.min(a.length, b.length);
  let from = 0;
  while (from < most && a[from] === b[from]) from += 1;
  let end = 0;
  while (end < most - from && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const middle = a.slice(from, a.length - end);
  if (!middle || from + end < most / 2) return a;
  return [a.slice(0, from), h("mark", {}, middle), a.slice(a.length - end)];
}

function written(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A list of one route as that route alone: its dash and its indent taken away. */
export function asMapping(yaml) {
  return yaml.split("\n").map((line) => line.replace(/^(?:- | {2})/, "")).join("\n");
}
