/** A failed test whose namespace was kept: its message first, then what did not hold, what no route took, and how the client retried. */

import { good, h, show } from "./dom.js";
import { isBug, picture, verdict } from "./picture.js";
import { explanation } from "./unmatched.js";
import { many } from "./words.js";

const MOST_UNMATCHED = 10;
const MOST_OPERATIONS = 30;
const NARROWEST_PX = 640;

export class FailureView {
  constructor(app) {
    this._app = app;
    this.title = "Failed test";
    this.isSpecial = true;
    this.element = h("div", { class: "view failure" });
  }

  shown() {
    return this.refresh();
  }

  changed() {
    return this.refresh();
  }

  async refresh() {
    const { api } = this._app;
    let test;
    try {
      test = await api.get(`/namespaces/${encodeURIComponent(api.namespace)}/failed-test`, { namespace: null });
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      this._sign = null;
      show(this.element, h("div", { class: "empty" }, h("p", {}, "This namespace was not kept for a failed test.")));
      return;
    }
    const since = test.after ? `since=${test.after}&` : "";
    const [calls, unmatched, operations, unmet, { items: webhooks }] = await Promise.all([
      everyOf(api, `/calls?${since}brief=true`), everyOf(api, `/unmatched${test.after ? `?cursor=${test.after}` : ""}`), everyOf(api, "/attempts"), this._unmet(), api.get("/webhooks")]);
    const ids = new Set(calls.map((one) => one.id));
    const seen = { test, calls, unmet, unmatched: unmatched.filter((one) => ids.has(one.id)),
      operations: operations.map((one, i) => ({ ...one, number: i + 1 })).filter((one) => one.tries.some((attempt) => ids.has(attempt.call))),
      webhooks: webhooks.filter((one) => ids.has(one.call) && (one.state === "failed" || one.state === "dropped")) };
    const sign = JSON.stringify([seen, this._app.theme(), this.element.clientWidth]);
    if (sign === this._sign) return;
    this._sign = sign;
    this._draw(seen);
  }

  /** The checks that fail, but for the calls that no route took: these are shown themselves. */
  async _unmet() {
    try {
      await this._app.api.get("/verify");
      return [];
    } catch (problem) {
      if (!problem.checks?.length) throw problem;
      return problem.checks.filter((one) => !one.ok && one.expected !== "no unmatched call").map((one) => one.text);
    }
  }

  _draw({ test, calls, unmet, unmatched, operations, webhooks }) {
    const [wrong, retried] = [operations.filter(isBug), operations.filter((one) => one.tries.length > 1 && !isBug(one))];
    const drawn = [...wrong, ...retried, ...operations.filter((one) => one.tries.length === 1 && !isBug(one))].slice(0, MOST_OPERATIONS).sort((a, b) => a.number - b.number);
    show(this.element,
      h("header", { class: "failure-head" }, h("h2", {}, h("span", { class: "state failed" }, "✕ Failed: "), test.test),
        h("p", { class: "quiet" }, h("a", { href: this._app.href("calls") }, many(calls.length, "call")), `, ${many(operations.length, "operation")}, ${unmatched.length} unmatched`)),
      test.error && h("pre", { class: "body error", tabindex: "0", "aria-label": "Message of the test" }, test.error),
      !calls.length && h("p", { class: "notice" }, "The test made no call to this namespace. Is the application configured with its URL?"),
      unmet.length > 0 && part("Checks that fail", unmet.map((one) => h("pre", { class: "body" }, one))),
      calls.length > 0 && part("Unmatched requests", unmatched.length ? unmatched.slice(0, MOST_UNMATCHED).map((one) => this._unmatched(one)) : good(`${calls.length === 1 ? "The call" : `All ${calls.length} calls`} matched a route.`),
        unmatched.length > MOST_UNMATCHED && h("p", {}, h("a", { href: this._app.href("unmatched") }, `${unmatched.length - MOST_UNMATCHED} more`))),
      operations.length > 0 && part("Operations", h("ul", { class: "verdicts" }, drawn.map((one) => h("li", {}, h("code", {}, one.route), ` ${verdict(one)}`))),
        h("div", { class: "picture", tabindex: "0", role: "region", "aria-label": "Attempts of this test" }, picture(drawn, {
          width: Math.max(NARROWEST_PX, this.element.clientWidth - 30), aligned: false, theme: this._app.theme(), title: "Attempts",
          note: operations.length > drawn.length ? `${drawn.length} of ${many(operations.length, "operation")}` : many(operations.length, "operation"), href: (call) => this._app.href("calls", call) }))),
      webhooks.length > 0 && part("Webhooks that were not delivered", h("ul", {}, webhooks.map((one) => h("li", {}, h("a", { href: this._app.href("webhooks") }, one.id), ` ${one.method} ${one.url}: ${one.error ?? one.tries.at(-1)?.status ?? one.state}`)))));
  }

  _unmatched(call) {
    return h("article", { class: "card", "data-call": call.id },
      h("header", { class: "card-head" }, h("h3", {}, h("a", { href: this._app.href("calls", call.id) }, call.id), ` ${call.request.method} `, h("code", {}, call.request.target))),
      explanation(this._app, call));
  }
}

function part(title, ...content) {
  return h("section", { class: "block" }, h("h2", {}, title), content);
}

async function everyOf(api, path) {
  const items = [];
  for await (const page of api.pages(path)) items.push(...page);
  return items;
}
