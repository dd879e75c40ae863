/** Injected failures: what each does to which calls of a route, and the calls that it affected. */

import { button, field, good, h, show } from "./dom.js";
import { table, View, withAttributes } from "./view.js";
import { many } from "./words.js";
import { plainly } from "./world.js";

const COLUMNS = ["Route", "Failure", "Affected calls", ""];
const MOST_HITS = 20;
const OWN = ["seen", "hits", "route", "name", "call", "lasting", "later", "optional"];

export class TroublesView extends View {
  constructor(app) {
    super(app, "Failures");
    this._route = h("select", {});
    this._where = h("select", {}, h("option", { value: "before" }, "before processing"), h("option", { value: "after" }, "after processing"));
    this._answer = h("input", { class: "short", value: "503", autocomplete: "off", spellcheck: "false", list: "answers" });
    this._from = h("input", { class: "narrow", value: "1", inputmode: "numeric", autocomplete: "off" });
    this._times = h("input", { class: "narrow", value: "1", autocomplete: "off" });
    this.element.prepend(h("form", { class: "toolbar", onsubmit: (event) => { event.preventDefault(); void this._add(); } },
      field("Route", this._route), field("Failure", this._where), field("Answer", this._answer), field("First call", this._from), field("Calls", this._times),
      h("button", { type: "submit", class: "danger" }, "Inject"), button("Remove all", () => this.deed(() => this._app.api.send("DELETE", "/troubles"), "The injected failures were removed.")),
      h("datalist", { id: "answers" }, ["503", "429", "reset", "close", "truncate"].map((one) => h("option", { value: one })))));
  }

  async refresh() {
    const [{ items }, routes] = await Promise.all([this._app.api.get("/troubles"), this._app.loadRoutes()]);
    const ids = JSON.stringify(routes.map((one) => one.id));
    if (ids !== this._ids) {
      this._ids = ids;
      const chosen = this._route.value;
      show(this._route, routes.map((one) => h("option", { value: one.id, selected: one.id === chosen }, one.id)));
    }
    this._items = items;
    this.draw(items, () => items.length ? table("Injected failures", COLUMNS, items.map((one, i) => this._row(one, i)), { class: "stacks" }) : good("No failures are injected."));
  }

  _row(one, i) {
    return withAttributes([
      [h("code", {}, one.route), one.name && h("p", { class: "hint" }, one.name)], failureText(one), this._hits(one),
      button("Remove", () => this._remove(i), { class: "small", "aria-label": `Remove the failure of ${one.route}` }),
    ], { "data-trouble": one.route });
  }

  _hits({ hits, seen }) {
    return h("div", {}, `${hits.length} of ${many(seen, "call")}`, hits.length > 0 && ": ", hits.slice(0, MOST_HITS).map((id, i) => [i > 0 && ", ", h("a", { href: this._app.href("calls", id) }, id)]),
      hits.length > MOST_HITS && h("span", { class: "quiet" }, ` and ${hits.length - MOST_HITS} more`));
  }

  _add() {
    const answer = this._answer.value.trim();
    const times = this._times.value.trim();
    const trouble = {
      route: this._route.value, [this._where.value]: /^\d+$/.test(answer) ? Number(answer) : { fault: answer },
      call: numeral(this._from.value), times: numeral(times),
    };
    return this.deed(() => this._put([...this._items.map(written), trouble]), `The failure of ${trouble.route} was injected; all are counted from now.`);
  }

  _remove(at) {
    return this.deed(() => this._put(this._items.filter((_, i) => i !== at).map(written)), "The failure was removed; the others are counted from now.");
  }

  _put(troubles) {
    return this._app.api.send("PUT", "/troubles", { json: troubles });
  }
}

/** A number where one was written; the server says what is wrong with anything else. */
function numeral(text) {
  const written = text.trim();
  return /^\d+$/.test(written) ? Number(written) : written;
}

/** As it was sent: without what the server counts. */
function written({ seen: _, hits: __, ...trouble }) {
  return trouble;
}

/** `before 503, times 2 from call 3`. */
function failureText(trouble) {
  const what = Object.entries(trouble).filter(([key]) => !OWN.includes(key)).map(([key, value]) => `${key} ${plainly(value)}`).join(", ");
  const from = (trouble.call ?? 1) > 1 ? `, from call ${trouble.call} on` : "";
  const kept = [trouble.lasting && "remains after a reset", trouble.later && "for a later route"].filter(Boolean);
  return [what + from, kept.length > 0 && h("p", { class: "hint" }, kept.join(", "))];
}
